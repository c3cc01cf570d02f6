"""Tensors where Python's own tools want something else: calls, text formats, JSON, `range`."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls, cures, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, path, words
from tutor.explain.wording import fill, phrase, shape_text
from tutor.facts import Explanation, Snapshot, Step, TensorFacts

_TENSOR, _A_TENSOR, _A_TYPE = "a tensor", "a tensor {shape} {dtype}", "a {type}"
_THE_TENSOR = "the tensor"
_CALLED_TITLE = "`{code}` is {what}, and cannot be called"
_CALLED = """
The brackets in `{whole}` call `{code}`, which is {what}: it is a value, and only functions are called.
{cure}
"""
_CALLED_PLAIN = "Leave the brackets away: `{fix}`."
_CALLED_PLACE = "To take what stands at a place, write square brackets: `{fix}`."
_FORMAT_TITLE = "{name} has many elements, and a format such as `{format}` is for one number"
_FORMAT = """
{name} is {what}, and `{format}` says how to write a single number. For one number say which, with
`.item()` or `.mean().item()`; to print all with few digits use `torch.set_printoptions(precision=3)`.
"""
_ROUND_TITLE = "Python's `round` does not know tensors"
_ROUND = """
`{code}`: {name} is a tensor, and `round` is for plain numbers of Python. torch has its own: `{fix}`.
"""
_JSON_TITLE = "JSON has no tensors"
_JSON = """
`{code}` was given something with a tensor in it, and JSON must be made of text, plain numbers, lists and
dictionaries. Take the numbers out first: `.item()` of a single number, `.tolist()` of more.
"""
_RANGE_TITLE = "`range` needs whole numbers, and {name} is a float"
_RANGE = """
`{code}` counts in whole numbers, and {name} is a float, even where there is only 0 behind the point. {cure}
"""
_RANGE_DIVIDE = "`/` always gives a float; `//` divides without a remainder and gives an int: `{code}`."
_RANGE_INT = "Where it comes from a division with `/`, write `//` there; or convert it here: `{code}`."
_SLICE_TITLE = "A slice needs whole numbers, and {name} is a float"
_SLICE = """
The ends of a slice are places, so in `{code}` they must be whole numbers, and {name} is a float. {cure}
"""
_ELEMENT_TITLE = "{value} cannot be written into {name}"
_ELEMENT = """
{name} is {what}, and what is written into it must be a number or a tensor; {value} is {kind}. {cure}
"""
_ELEMENT_NONE = 'A missing value has no place in a tensor: write `float("nan")`, or leave it away.'
_ELEMENT_LIST = "Make a tensor of it: `{code}`."
_ELEMENT_TEXT = "A tensor holds only numbers."
_PAIR_TITLE = "{name} is a pair of values and indices"
_PAIR = """
{name} came from `{made}`, which gives two tensors when it is told along which `dim` to look: the values,
and at which positions they stand. Arithmetic needs one of them: `{code}.values`, or `{code}.indices`.
"""

_PROPERTIES = frozenset({
    "T", "mT", "H", "mH", "shape", "grad", "data", "dtype", "device", "ndim", "requires_grad", "real", "imag",
    "grad_fn", "is_leaf", "layout",
})  # fmt: skip
_PAIRS = frozenset({"max", "min", "sort", "topk", "median", "mode", "kthvalue", "cummax", "cummin"})


def _call(step: Step) -> tuple[Failing, ast.Call] | None:
    found = failing(step)
    node = found.expression if found is not None else None
    return (found, node) if found is not None and isinstance(node, ast.Call) else None


def _says(step: Step, pattern: str) -> re.Match[str] | None:
    return re.search(pattern, step.error.message) if step.error is not None else None


def _facts(found: Failing, node: ast.AST) -> TensorFacts | None:
    return found.tensors.get(path(node) or "")


@failure
def not_callable(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor, or an attribute of one such as `shape`, was called like a function."""
    told, at = _says(step, r"^'([\w.]+)' object is not callable"), _call(step)
    if told is None or at is None:
        return None
    found, node = at
    function = node.func
    attribute = isinstance(function, ast.Attribute) and function.attr in _PROPERTIES
    if not attribute and (told[1] not in ("Tensor", "Parameter") or _facts(found, function) is None):
        return None
    if attribute and told[1] not in (
        "Tensor",
        "Parameter",
        "torch.Size",
        "torch.dtype",
        "torch.device",
        "int",
        "bool",
        "NoneType",
    ):
        return None
    code = repairs.code_of(function, found.source)
    facts = _facts(found, function)
    what = _TENSOR if told[1] in ("Tensor", "Parameter") else phrase(_A_TYPE, type=told[1])
    if facts is not None and facts.shape is not None:
        what = phrase(_A_TENSOR, shape=shape_text(facts.shape), dtype=facts.dtype)
    inside = ", ".join(repairs.code_of(one, found.source) for one in node.args)
    fix, cure = None, ""
    if not node.args and not node.keywords:
        fix = repairs.exchange(found, node, code) if attribute else None
        cure = fill(_CALLED_PLAIN, fix=code)
    elif not node.keywords:
        new = f"{code}[{inside}]"
        fix = repairs.exchange(found, node, new) if attribute and told[1] == "torch.Size" else None
        cure = fill(_CALLED_PLACE, fix=new)
    text = fill(_CALLED, whole=words(node, found.source), code=code, what=what, cure=cure)
    return Explanation("not-callable", "error", fill(_CALLED_TITLE, code=code, what=what), text, fix)


@failure
def format_of_many(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor of many elements was to be written with a format for one number."""
    call, found = calls.find(step, {"format"}), failing(step)
    if call is None or found is None or _says(step, r"format string passed to Tensor") is None:
        return None
    operand = next((one.operand for one in call.arguments if one.operand is not None), None)
    if operand is None:
        return None
    whole = found.expression if found.expression is not None else found.statement
    fields = [one for one in ast.walk(whole) if isinstance(one, ast.FormattedValue) and one.format_spec]
    name, spec = phrase(_THE_TENSOR), ".3f"
    if len(fields) == 1:
        name = f"`{words(fields[0].value, found.source)}`"
        parts = fields[0].format_spec.values if isinstance(fields[0].format_spec, ast.JoinedStr) else []
        spec = "".join(str(one.value) for one in parts if isinstance(one, ast.Constant)) or spec
    told = {"name": name, "format": spec}
    text = fill(_FORMAT, what=calls.tensor_text(operand), **told)
    return Explanation("format-of-many", "error", _first(fill(_FORMAT_TITLE, **told)), _first(text))


@failure
def rounded(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when Python's `round` was given a tensor."""
    at = _call(step)
    if at is None or _says(step, r"^type (?:Tensor|Parameter) doesn't define __round__") is None:
        return None
    found, node = at
    if not node.args:
        return None
    inside = [repairs.code_of(one, found.source) for one in node.args]
    code = f"torch.round({inside[0]}{f', decimals={inside[1]}' if len(inside) > 1 else ''})"
    text = fill(_ROUND, code=words(node, found.source), name=f"`{inside[0]}`", fix=code)
    return Explanation("round-of-tensor", "error", _ROUND_TITLE, text, repairs.exchange(found, node, code))


@failure
def json_of_tensor(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when something with a tensor in it was to be written as JSON."""
    at = _call(step)
    if at is None or _says(step, r"^Object of type (?:Tensor|Parameter) is not JSON") is None:
        return None
    found, node = at
    return Explanation("json-of-tensor", "error", _JSON_TITLE, fill(_JSON, code=words(node, found.source)))


@failure
def range_of_float(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `range` was given a float."""
    at = _call(step)
    if at is None or _says(step, r"^'float' object cannot be interpreted as an integer") is None:
        return None
    found, node = at
    if not isinstance(node.func, ast.Name) or node.func.id != "range" or len(node.args) != 1:
        return None
    inner = node.args[0]
    text = repairs.code_of(inner, found.source)
    if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div):
        left, right = (repairs.code_of(one, found.source) for one in (inner.left, inner.right))
        code, cure = f"{left} // {right}", _RANGE_DIVIDE
    else:
        code, cure = f"int({text})", _RANGE_INT
    body = fill(_RANGE, code=words(node, found.source), name=f"`{text}`", cure=fill(cure, code=code))
    fix = repairs.exchange(found, inner, code) if isinstance(inner, ast.BinOp) else None
    return Explanation("range-of-float", "error", fill(_RANGE_TITLE, name=f"`{text}`"), body, fix)


@failure
def slice_of_float(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a slice begins or ends at a float, as in `x[:len(x) / 2]`."""
    found = failing(step)
    node = found.expression if found is not None else None
    if (
        found is None
        or not isinstance(node, ast.Subscript)
        or _says(step, "^slice indices must be integers") is None
    ):
        return None
    parts = [one for one in ast.walk(node.slice) if isinstance(one, ast.Slice)]
    ends = [end for one in parts for end in (one.lower, one.upper, one.step) if end is not None]
    divided = [end for end in ends if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Div)]
    floats = [end for end in ends if isinstance(end, ast.Constant) and isinstance(end.value, float)]
    unknown = [end for end in ends if not isinstance(end, ast.Constant)]
    end = next(iter((*divided, *floats, *unknown)), None)
    if end is None:
        return None
    name = repairs.code_of(end, found.source)
    if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Div):
        left, right = (repairs.code_of(one, found.source) for one in (end.left, end.right))
        code, cure = f"{left} // {right}", _RANGE_DIVIDE
    else:
        code, cure = f"int({name})", _RANGE_INT
    fix = repairs.exchange(found, end, code) if divided else None
    text = fill(_SLICE, code=words(node, found.source), name=f"`{name}`", cure=fill(cure, code=code))
    return Explanation("slice-of-float", "error", fill(_SLICE_TITLE, name=f"`{name}`"), text, fix)


@failure
def element_value(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when text, None or a list was to be written into a place of a tensor."""
    call = calls.find(step, {"setitem"})
    told = _says(step, r"can't assign an? ([\w.]+) to a torch\.\w+")
    if call is None or told is None or len(call.arguments) < 2:
        return None
    target, value = call.arguments[0], call.arguments[-1]
    cure, fix = _ELEMENT_TEXT, None
    if value.kind == "none":
        cure = fill(_ELEMENT_NONE)
    elif value.kind in ("list", "tuple") and not set(value.types) & {"str", "NoneType"}:
        code, fix = repairs.given(step, call, value, "torch.tensor({})")
        cure = fill(_ELEMENT_LIST, code=code)
    fields = {"name": calls.label(target), "value": calls.label(value)}
    text = fill(_ELEMENT, what=calls.what(target), kind=cures.kind(value, told[1]), cure=cure, **fields)
    operand = target.operand
    names = (operand.name,) if operand is not None and operand.name in step.snapshot.tensors else ()
    title = _first(fill(_ELEMENT_TITLE, **fields))
    return Explanation("element-value", "error", title, _first(text), fix, names)


@failure
def pair_of_results(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the pair that `max(dim=...)` and its like give was used in arithmetic."""
    found = failing(step)
    node = found.expression if found is not None else None
    if found is None or not isinstance(node, ast.BinOp) or _says(step, "can only concatenate tuple") is None:
        return None
    for side in (node.left, node.right):
        made = side if isinstance(side, ast.Call) else _assigned(past, step, side)
        function = made.func if isinstance(made, ast.Call) else None
        if isinstance(made, ast.Call) and isinstance(function, ast.Attribute) and function.attr in _PAIRS:
            code = repairs.code_of(side, found.source)
            fields = {"name": f"`{code}`", "code": code, "made": ast.unparse(made)}
            return Explanation("pair-of-results", "error", fill(_PAIR_TITLE, **fields), fill(_PAIR, **fields))
    return None


def _assigned(past: Past, step: Step, side: ast.expr) -> ast.expr | None:
    """What a name was last set to, by a statement of its own."""
    if not isinstance(side, ast.Name):
        return None
    for code in (past.now(step), *reversed(past.codes)):
        for statement in reversed(code.tree):
            if isinstance(statement, ast.Assign) and path(statement.targets[0]) == side.id:
                return statement.value
    return None


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
