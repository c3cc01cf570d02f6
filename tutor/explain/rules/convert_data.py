"""What cannot become a tensor: ragged lists, text, None, arrays of objects, arrays that run backwards."""

from __future__ import annotations

import ast

from tutor.explain import calls, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing
from tutor.explain.wording import and_text, fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_IN_IT = "{is_}: there is {what} in it"
_IS = "{name} is {what}"
_A_TEXT = "text (str)"
_A_DICTIONARY = "a dictionary"
_A_OTHER = "a {type}"
_RAGGED_TITLE = "The rows of {name} are not all of one length"
_RAGGED = """
{name} is a list of {count} rows{lengths}. A tensor is a block: every row must have the same length. Fill
the short ones up to the longest, cut the long ones, or keep a list of tensors;
`torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in {text}], batch_first=True)` fills up with
zeros.
"""
_LENGTHS = ", and they have {lengths} elements"
_SEVERAL, _IT, _SOMETHING = "several", "it", "something else"
_AN_ARRAY = "an array of dtype {dtype}"
_A_TYPE = "a{n} {type}"
_ALREADY = "It is a tensor already."
_MEMBER_TITLE = "{name} has {what} in it, and a tensor holds only numbers"
_WHOLE_TITLE = "{name} is {what}, and a tensor holds only numbers"
_MEMBER = """
{is_}. A tensor holds numbers, all of one dtype, and nothing else: {cure}
"""
_TEXT_CURE = """
give each text a number first, for example `{{text: i for i, text in enumerate(sorted(set({text})))}}`.
For text that is written numbers, `[float(s) for s in {text}]`.
"""
_TEXT_ALONE = (
    "turn the text into numbers first, one for each word or letter, or `float(...)` for a written number."
)
_NONE_CURE = """
None is a missing value. Decide what stands for it, for example `float("nan")` or 0, or leave such
entries away.
"""
_DICT_CURE = "take the values that you mean, for example `torch.tensor(list({text}.values()))`."
_ARRAY_CURE = """
make numbers of it first, for example `{text}.astype(np.float64)` of numbers that are written as text.
"""
_OTHER_CURE = "take the numbers out of it first."
_OBJECT_CURE = """
an array with dtype object holds Python objects, mostly because its rows had different lengths or
something in them is no number. Look at it with `print({text})`, and make it one of numbers:
`{text}.astype(np.float32)`.
"""
_LIST_TITLE = "{name} is a list of tensors, and `{function}` takes numbers"
_LIST = """
{is_}. `{function}` makes a tensor of plain numbers, and goes into tensors only where each has one
element. {cure}
"""
_STACK = "To put tensors of the same shape together along a new dimension: `{code}`."
_UNEQUAL = (
    "Their shapes differ, so they cannot be stacked: `torch.cat` joins them along a dimension that differs."
)
_BACK_TITLE = "{name} runs backwards through its memory, which no tensor can"
_BACK = """
{name} is {what}, a view that numpy made with a negative step, as `[::-1]` or `np.flip` do. A tensor
shares the array's memory and its steps cannot be negative. A copy in the right order can be converted:
`{code}`.
"""
_NOT_ARRAY_TITLE = "`torch.from_numpy` takes an array, and {name} is {what}"
_NOT_ARRAY = """
{is_}, and `torch.from_numpy` takes only a numpy array. {cure}
"""
_NOT_ARRAY_LIST = "For plain numbers of Python write `{code}`."

_MAKERS = frozenset({
    "tensor", "as_tensor", "asarray", "Tensor", "FloatTensor", "LongTensor", "from_numpy", "numpy.array",
    "numpy.asarray", "numpy.stack", "new_tensor", "Parameter",
})  # fmt: skip


def _data(call: FailedCall) -> Argument | None:
    own = 1 if call.name.startswith("torch.Tensor.") else 0
    return calls.argument(call, "data", "ndarray", "object", "obj") or calls.at_place(call, own)


def _maker(step: Step) -> tuple[FailedCall, Argument] | None:
    call = calls.find(step, _MAKERS)
    data = _data(call) if call is not None else None
    return (call, data) if call is not None and data is not None else None


@failure
def ragged(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when rows of different lengths were to become one tensor or array."""
    made, message = _maker(step), step.error.message if step.error is not None else ""
    if made is None or not any(one in message for one in ("expected sequence of length", "inhomogeneous")):
        return None
    data = made[1]
    lengths = [str(one) for one in data.lengths[:8]]
    told = fill(_LENGTHS, lengths=and_text(lengths)) if lengths else ""
    fields = {"name": calls.label(data), "text": data.text or "rows"}
    text = fill(_RAGGED, count=data.length or phrase(_SEVERAL), lengths=told, **fields)
    return Explanation("ragged-rows", "error", fill(_RAGGED_TITLE, **fields), _first(text))


@failure
def not_numbers(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when text, None, a dictionary or an array of objects was to become a tensor."""
    made, error = _maker(step), step.error
    call = calls.failed(step)
    if made is None or error is None or made[0].name.startswith("numpy."):
        return None
    if call is not None and call.form == "iteration":  # of a batch `collate-types` speaks
        return None
    told = (
        "Could not infer dtype",
        "too many dimensions 'str'",
        "must be real number",
        "can't convert np.ndarray",
    )
    if not any(one in error.message for one in (*told, "invalid data type", "new(): data must")):
        return None
    data = made[1]
    text, name = data.text or phrase(_IT), calls.label(data)
    if data.operand is not None and data.operand.kind == "ndarray":
        what = phrase(_AN_ARRAY, dtype=data.operand.dtype)
        cure = fill(_OBJECT_CURE if data.operand.dtype == "object" else _ARRAY_CURE, text=text)
        is_ = phrase(_IS, name=name, what=calls.what(data))
        return _numbers(_WHOLE_TITLE, name, what, is_, cure)
    inside = data.kind in ("list", "tuple")
    kinds = set(data.types) if inside else {data.type}
    what, cure = _member(kinds, error.message, text, inside)
    is_ = name if calls.said(data) == name else calls.said(data)
    if inside:
        is_ = phrase(_IN_IT, is_=is_, what=what)
    elif is_ == name:
        is_ = phrase(_IS, name=name, what=what)
    return _numbers(_MEMBER_TITLE if inside else _WHOLE_TITLE, name, what, is_, cure)


def _member(kinds: set[str], message: str, text: str, inside: bool) -> tuple[str, str]:
    if "NoneType" in kinds or "NoneType" in message:
        return "None", fill(_NONE_CURE)
    if "str" in kinds or "'str'" in message or "str" in message.split()[-1:]:
        cure = fill(_TEXT_CURE, text=text) if kinds == {"str"} and inside else fill(_TEXT_ALONE)
        return phrase(_A_TEXT), cure
    if "dict" in kinds:
        return phrase(_A_DICTIONARY), fill(_DICT_CURE, text=text)
    other = message.rpartition(" ")[2] if "infer dtype of" in message else phrase(_SOMETHING)
    return phrase(_A_OTHER, type=other), fill(_OTHER_CURE)


def _numbers(title: str, name: str, what: str, is_: str, cure: str) -> Explanation:
    text = fill(_MEMBER, is_=is_, cure=cure)
    return Explanation("not-numbers", "error", _first(fill(title, name=name, what=what)), _first(text))


@failure
def tensors_in_list(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a list of tensors was given to a function that makes a tensor of numbers."""
    made, error = _maker(step), step.error
    if made is None or error is None or not made[1].items or made[0].name.startswith("numpy."):
        return None
    if "only one element tensors" not in error.message and "must be real number" not in error.message:
        return None
    call, data = made
    shapes = {one.shape for one in data.items}
    all_there = len(data.items) == (data.length or len(data.items))
    code, fix = f"torch.stack({data.text})", None
    found = failing(step)
    node = found.expression if found is not None else None
    if found is not None and isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        fix = repairs.exchange(found, node, f"torch.stack({repairs.code_of(node.args[0], found.source)})")
    same = len(shapes) == 1 and all_there
    cure = fill(_STACK, code=code) if same else fill(_UNEQUAL)
    fields = {"name": calls.label(data), "function": call.name}
    text = fill(_LIST, is_=calls.said(data), cure=cure, **fields)
    fix = fix if same else None
    return Explanation("tensors-in-list", "error", _first(fill(_LIST_TITLE, **fields)), _first(text), fix)


@failure
def negative_strides(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an array with a negative stride was to become a tensor."""
    made, error = _maker(step), step.error
    if made is None or error is None or "negative" not in error.message or "stride" not in error.message:
        return None
    call, data = made
    code, fix = repairs.given(step, call, data, "{closed}.copy()")
    name = calls.label(data)
    text = fill(_BACK, name=name, what=calls.what(data), code=code)
    return Explanation("negative-strides", "error", _first(fill(_BACK_TITLE, name=name)), _first(text), fix)


@failure
def not_an_array(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `torch.from_numpy` was given something else than an array."""
    made, error = _maker(step), step.error
    if made is None or error is None or made[0].name != "torch.from_numpy" or error.type != "TypeError":
        return None
    data = made[1]
    if data.kind == "array" or not data.type:
        return None
    found = failing(step)
    node = found.expression if found is not None else None
    cure, fix = "", None
    if data.kind in ("list", "tuple", "number"):
        code = f"torch.tensor({data.text})"
        cure = fill(_NOT_ARRAY_LIST, code=code)
        if found is not None and isinstance(node, ast.Call) and len(node.args) == 1:
            fix = repairs.exchange(
                found, node, f"torch.tensor({repairs.code_of(node.args[0], found.source)})"
            )
    elif data.kind == "tensor":
        cure = _ALREADY
    what = phrase(_A_TYPE, n="n" if data.type[:1] in "aeiou" else "", type=data.type)
    fields = {"name": calls.label(data), "what": what}
    is_ = calls.said(data)
    if is_ == calls.label(data):
        is_ = phrase(_IS, name=calls.label(data), what=what)
    text = fill(_NOT_ARRAY, is_=is_, cure=cure)
    return Explanation("not-an-array", "error", fill(_NOT_ARRAY_TITLE, **fields), _first(text), fix)


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
