"""Operations that do not take a dtype: means of whole numbers, `&` of floats, positions that are floats."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls, dtypes, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing, words
from tutor.explain.wording import fill, or_text, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

# ── positions ────────────────────────────────────────────────────────────────

_INDEX_TITLE = "{name} is {dtype}, and positions must be whole numbers"
_INDEX = """
{name} is {what}, and `{code}` takes it as positions: those must be whole numbers, {wanted}. {cure}
"""
_INDEX_CURE = "Convert it: `{code}`, which cuts off what is behind the point."
_INDEX_BOOL = "To select by a condition, compare instead: a mask must be bool, for example `{name} > 0`."
_TEXT_INDEX = """
A tensor has no keys: {name} is text, and `{code}` can only take positions, whole numbers, slices or masks.
"""

_TEXT_TITLE = "{name} is text, and positions must be whole numbers"
_A_FLOAT = "a float"

# ── floating point wanted, or whole numbers ──────────────────────────────────

_FLOAT_TITLE = "{name} is {dtype}, and `{operation}` needs floating point numbers"
_FLOAT = """
{name} is {what}: {holds}. `{operation}` gives results with digits behind the point, and works only on
floating point numbers. Convert it first: `{code}`.
"""
_BITS_TITLE = "`{operator}` needs whole numbers or truth values, and {name} is {dtype}"
_BITS = """
{name} is {what}. `{operator}` works on single bits, or on truth values, and floating point numbers are
neither. {cure}
"""
_BITS_COMPARE = """
To join two conditions, compare each one first and put it in brackets: `&` binds tighter than `>` and
`==`. {code}
"""
_BITS_CODE = "Here: `{code}`."
_BITS_NUMBERS = (
    "To join conditions, make them first: `(a > 0) & (b > 0)`. For whole numbers, convert: `{code}`."
)
_NOT = "For the opposite of a condition, make the condition first: `~({name} > 0)`."
_BOOL_TITLE = "`{code}` subtracts truth values, which torch does not do"
_BOOL = """
{name} is {what}, and `-` does not work on truth values. For the opposite of a mask write `{invert}`; to count
with it, convert it: `{code}`.
"""
_REFUSED_TITLE = "`{operation}` does not work on {dtype}, and {name} is {dtype}"
_REFUSED = """
{name} is {what}, and there is no `{operation}` for {dtype} here: it needs another dtype. {cure}
"""

_CONVERT_FIRST = "Convert it first: `{code}`."
_MASK_TITLE = "{name} is {dtype}, and a mask must be bool"
_MASK = """
{name} is {what}. `{operation}` asks for each element whether it is meant, so the mask must be a tensor of
truth values (bool), such as a comparison gives. Of numbers make one with `{code}`, where everything but 0
counts as True.
"""

_POSITIONS = frozenset({"index", "indices"})
_BY_POSITION = frozenset({
    "getitem", "setitem", "gather", "scatter", "scatter_add", "scatter_reduce", "index_select", "index_add",
    "index_copy", "index_fill", "index_put", "take", "take_along_dim", "embedding", "embedding_bag",
    "one_hot", "put", "index_reduce",
})  # fmt: skip
_BITWISE = {"and": "&", "or": "|", "xor": "^", "not": "~", "left_shift": "<<", "right_shift": ">>"}
_WANTS_FLOAT = re.compile(
    r"floating[- ]point|could not infer output dtype|expects? .*float|only supports? float|should be float"
    r"|must be (?:a )?float",
    re.IGNORECASE,
)
_NOT_THERE = re.compile(r'"(\w+)" not implemented for \'(\w+)\'')
_NO_SUPPORT = re.compile(
    r"(?:not|n't) (?:support(?:ed)?|implemented)\b.*?"
    r"\b(complex|[Bb]ool|[Hh]alf|BFloat16|Long|Float|Double|Int)\b"
)
_NO_BITS = re.compile(r"not implemented for '\w+'|only implemented on integer and Boolean|integral|boolean")
_WANTS_INDEX = re.compile(
    r"used as indices|Expected dtype int\d*\S* (?:or int64 )?for index|LongTensor|scalar types: Long"
    r"|int32/int64|Expected a long tensor for index"
    r"|only integers, slices|expected (?:scalar )?type (?:torch\.)?(?:int64|Long)|index.*(?:long|integ)"
    r"|invalid data type"
)


@failure
def index_dtype(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when positions were given as floating point numbers or as text."""
    error, call = step.error, calls.find(step, _BY_POSITION)
    one = _position(call) if call is not None else None
    if error is None or call is None or one is None:
        return None
    if call.name.startswith("torch.nn.") and call.name.endswith("item__"):  # of a container of layers
        return None
    if one.kind != "text" and _WANTS_INDEX.search(error.message) is None:
        return None
    code = call.expression
    name, fields = (
        calls.label(one),
        {
            "what": calls.what(one) if one.operand is not None or one.text != one.value else phrase(_A_FLOAT),
            "code": code,
        },
    )
    if one.kind == "text":
        title = fill(_TEXT_TITLE, name=name)
        return Explanation("index-dtype", "error", title, fill(_TEXT_INDEX, name=name, **fields))
    dtype = one.operand.dtype if one.operand is not None else one.type
    if dtype is None or (dtypes.is_whole(dtype) and calls.operation(call) != "one_hot"):
        return None
    only = calls.operation(call) == "one_hot"
    if one.operand is not None:
        cured, fix = repairs.given(step, call, one, "{closed}.long()")
    else:
        whole = re.fullmatch(r"-?\d+\.0", one.value or "") is not None
        literal = one.text == one.value
        template = (one.value or "").removesuffix(".0") if whole and literal else "int({})"
        cured, fix = repairs.given(step, call, one, template)
        fix = fix if whole else None
        at = repairs.place(step, call, one)
        if at is not None and isinstance(at[1], ast.BinOp) and isinstance(at[1].op, ast.Div):
            left, right = (repairs.code_of(side, at[0].source) for side in (at[1].left, at[1].right))
            cured, fix = f"{left} // {right}", repairs.exchange(at[0], at[1], f"{left} // {right}")
    masks = calls.operation(call) in ("getitem", "setitem") and one.operand is not None
    cure = fill(_INDEX_CURE, code=cured) + (" " + fill(_INDEX_BOOL, name=name.strip("`")) if masks else "")
    wanted = "int64" if only else or_text(("int64", "int32"))
    text = fill(_INDEX, name=name, wanted=wanted, cure=cure, **fields)
    title = fill(_INDEX_TITLE, name=name, dtype=dtype)
    fix = None if masks and _looks_like_mask(one) else fix
    return Explanation("index-dtype", "error", _first(title), _first(text), fix, _names(step, call))


def _looks_like_mask(one: Argument) -> bool:
    return {one.low, one.high} <= {0, 1}


def _position(call: FailedCall) -> Argument | None:
    """The argument that holds the positions."""
    operation = calls.operation(call)
    if operation in ("one_hot", "embedding", "embedding_bag"):
        return calls.argument(call, "self", "tensor") or calls.at_place(call, 0)
    if operation in ("getitem", "setitem"):
        rest = call.arguments[1:2]
        return next((one for one in rest if one.operand is not None or one.type in ("float", "str")), None)
    return next((one for one in call.arguments if one.parameter in _POSITIONS), None)


@failure
def mask_dtype(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a mask has another dtype than bool."""
    error, call = step.error, calls.find(step, _MASKED)
    told = (
        "boolean mask",
        "bool mask",
        "mask tensor",
        "BoolTensor",
        "condition to be a bool",
        "mask with dtype",
    )
    one = calls.argument(call, "mask", "condition") if call is not None else None
    if error is None or call is None or not any(word in error.message for word in told):
        return None
    if one is None or one.operand is None or one.operand.dtype == "bool":
        return None
    code, fix = repairs.given(step, call, one, "{closed}.bool()")
    name = calls.label(one)
    text = fill(_MASK, name=name, what=calls.what(one), code=code, operation=calls.operation(call))
    title = fill(_MASK_TITLE, name=name, dtype=one.operand.dtype)
    return Explanation("mask-dtype", "error", _first(title), _first(text), fix, _names(step, call))


_MASKED = frozenset({"masked_fill", "masked_scatter", "masked_select", "where"})


@failure
def needs_whole(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an operation on bits was given floating point numbers."""
    told = _NO_BITS.search(step.error.message) if step.error is not None else None
    call = calls.failed(step)
    operation = calls.operation(call).removeprefix("bitwise_") if call is not None else ""
    operation = {"invert": "not", "lshift": "left_shift", "rshift": "right_shift"}.get(operation, operation)
    if told is None or call is None or operation not in _BITWISE:
        return None
    one = next((a for a in call.arguments if a.operand is not None and dtypes.is_real(a.operand.dtype)), None)
    if one is None or one.operand is None:
        return None
    operator = _BITWISE[operation]
    between, fix = _between(step)
    name = calls.label(one)
    if between:
        cure = fill(_BITS_COMPARE, code=fill(_BITS_CODE, code=between))
    elif operation == "not":
        cure = fill(_NOT, name=name.strip("`"))
    else:
        cure = fill(_BITS_NUMBERS, code=repairs.given(step, call, one, "{closed}.long()")[0])
    title = fill(_BITS_TITLE, operator=operator, name=name, dtype=one.operand.dtype)
    text = fill(_BITS, name=name, what=calls.what(one), operator=operator, cure=cure)
    return Explanation("needs-whole", "error", title, _first(text), fix, _names(step, call))


def _between(step: Step) -> tuple[str, str | None]:
    """`a > 0 & b < 1`, which Python reads as `a > (0 & b) < 1`, with the brackets that are meant."""
    found = failing(step)
    if found is None or not isinstance(found.expression, ast.BinOp):
        return "", None
    inner = found.expression
    for node in ast.walk(found.statement):
        if not isinstance(node, ast.Compare) or inner not in node.comparators[:-1] or len(node.ops) != 2:
            continue
        left, right, last = (
            words(one, found.source) for one in (inner.left, inner.right, node.comparators[-1])
        )
        sign = {ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^"}.get(type(inner.op))
        if sign is None:
            return "", None
        start, ops = words(node.left, found.source), [_sign(op) for op in node.ops]
        code = f"({start} {ops[0]} {left}) {sign} ({right} {ops[1]} {last})"
        return code, repairs.exchange(found, node, code)
    return "", None


def _sign(op: ast.cmpop) -> str:
    """`<`, `not in`."""
    return ast.unparse(ast.Compare(ast.Name("a"), [op], [ast.Name("b")])).strip("ab ")


@failure
def bool_minus(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when truth values were subtracted or negated."""
    error, call = step.error, calls.find(step, {"sub", "neg", "rsub", "negative", "subtract"})
    if error is None or call is None or error.type != "RuntimeError" or "bool tensor" not in error.message:
        return None
    one = next((a for a in call.arguments if a.operand is not None and a.operand.dtype == "bool"), None)
    if one is None:
        return None
    code, _ = repairs.given(step, call, one, "{closed}.int()")
    invert, _ = repairs.given(step, call, one, "~{closed}")
    text = fill(_BOOL, name=calls.label(one), what=calls.what(one), code=code, invert=invert)
    title = fill(_BOOL_TITLE, code=call.expression)
    return Explanation("bool-minus", "error", title, _first(text), None, _names(step, call))


@failure
def needs_float(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an operation that computes with digits behind the point was given whole numbers."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or "require" in error.message:
        return None
    message = error.message.split("\n")[0]
    not_there = _NOT_THERE.search(message)
    dropout = calls.operation(call).endswith("dropout") and "can't be cast" in message
    if not_there is None and _WANTS_FLOAT.search(message) is None and not dropout:
        return None
    one = next(
        (a for a in call.arguments if a.operand is not None and dtypes.is_whole(a.operand.dtype)), None
    )
    if one is None or one.operand is None:
        return None
    if not_there is not None and dtypes.plain(not_there[2]) != one.operand.dtype:
        return None
    if call.form == "module" and not one.text:
        one = repairs.outer(step, call, one)
    code, fix = repairs.given(step, call, one, "{closed}.float()")
    name = calls.label(one)
    fields = {"name": name, "operation": _operation(call)}
    title = fill(_FLOAT_TITLE, dtype=one.operand.dtype if one.operand else "", **fields)
    held = dtypes.holds(one.operand.dtype) if one.operand else ""
    text = fill(_FLOAT, what=calls.what(one), holds=held, code=code, **fields)
    in_place = call.name.endswith("_") or _written(call)
    fix = None if in_place else fix
    return Explanation("needs-float", "error", _first(title), _first(text), fix, _names(step, call))


def _written(call: FailedCall) -> bool:
    return any(one.place == "out" for one in call.arguments)


@failure
def dtype_refused(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when torch says that it has no such operation for the dtype that it was given."""
    message = step.error.message.split("\n")[0] if step.error is not None else ""
    told, call = _NOT_THERE.search(message) or _NO_SUPPORT.search(message), calls.failed(step)
    if told is None or call is None:
        return None
    refused = dtypes.plain(told[told.re.groups])
    one = next((a for a in call.arguments if a.operand is not None and _is(a.operand.dtype, refused)), None)
    if one is None or one.operand is None or one.operand.dtype is None:
        return None
    dtype = one.operand.dtype
    code, _ = repairs.given(step, call, one, "{closed}.float()")
    fields = {"name": calls.label(one), "operation": _operation(call), "dtype": dtype}
    cure = fill(_CONVERT_FIRST, code=code) if dtype.startswith(("float", "bfloat")) else ""
    text = fill(_REFUSED, what=calls.what(one), cure=cure, **fields)
    title = fill(_REFUSED_TITLE, **fields)
    return Explanation("dtype-refused", "error", title, _first(text), None, _names(step, call))


def _is(dtype: str | None, refused: str) -> bool:
    """`complex` stands for all complex dtypes."""
    return dtype is not None and (dtype == refused or (refused == "complex" and dtype.startswith("complex")))


def _operation(call: FailedCall) -> str:
    return (call.module.path or call.module.type) if call.module is not None else call.name


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _names(step: Step, call: FailedCall) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t.name for t in calls.tensors(call) if t.name in step.snapshot.tensors))[:4]
