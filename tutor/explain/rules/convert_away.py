"""Tensors that numpy cannot have as they are, and tensors without dimensions where some are needed."""

from __future__ import annotations

import ast

from tutor.explain import calls, dtypes, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing, insert_before_attribute, words
from tutor.explain.wording import fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

# ── to numpy ─────────────────────────────────────────────────────────────────

_NUMPY_TITLE = "{name} {reason}, and numpy cannot have it so"
_NUMPY = "{name} is {what}. {why} {cure}"
_GRAD = """
It requires grad: autograd records what is computed from it, and it could not record what numpy does with
the memory that an array would share.
"""
_GRAD_CURE = """
Say that the history is not needed from here on: `{code}`. The array shares the tensor's memory; put
`.clone()` between if it will be changed. For a single number, `.item()` does it too.
"""
_SPARSE = "It is sparse: it stores only the elements that are not zero, and an array needs all of them."
_SPARSE_CURE = "Fill it in first: `{code}`."
_NARROW = "numpy has no dtype {dtype}."
_NARROW_CURE = "Convert it first: `{code}`."
_DEVICE = "It is in the memory of {device}, and numpy works only in the memory of the CPU."
_DEVICE_CURE = "Copy it over first: `{code}`."
_META = "A tensor on the meta device has a shape and no numbers: there is nothing to convert."

# ── functions of numpy ───────────────────────────────────────────────────────

_NP_TITLE = "`{code}` hands a tensor to numpy"
_NP = """
{name} is a tensor, {what}, and `{function}` hands its work on to the tensor's own method, with words that
torch does not know. {cure}
"""
_NP_CURE = "torch has it too: `{code}`."

# ── no dimensions ────────────────────────────────────────────────────────────

_NO_TITLE = "{name} is a single number, and {wants}"
_NO = """
{name} has shape []: it holds one number and has no dimension, so {wants}. {cure}
"""
_LEN = "it has no length"
_ITER = "there is nothing to go through"
_ONE = """
As a tensor with one element in one dimension write `{closed}.reshape(1)`; its number is
`{closed}.item()`.
"""


@failure
def not_for_numpy(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor was to become an array that requires grad, is sparse or is elsewhere."""
    error = step.error
    chain = list(calls.chain(calls.failed(step)))
    if error is None or not chain or chain[-1].name.rpartition(".")[2] not in _TO_NUMPY:
        return None
    call = chain[-1]
    one = next((arg for arg in call.arguments if arg.operand is not None), None)
    if one is None or one.operand is None:
        return None
    outer = next((arg for arg in chain[0].arguments if arg.operand is not None and arg.text), one)
    told = _reason(one, error.message)
    if told is None:
        return None
    reason, why, cure, method = told
    listed = next((arg for arg in chain[0].arguments if arg.items and arg.text), None)
    if listed is not None and not outer.text:
        code, fix = repairs.given(step, chain[0], listed, f"[one.{method} for one in {{}}]")
        name = phrase(_TENSOR_IN, code=listed.text)
    else:
        code, fix = _converted(step, chain[0], call, outer, method)
        name = calls.label(outer)
    text = fill(
        _NUMPY,
        name=name,
        what=calls.tensor_text(one.operand),
        why=fill(why, dtype=one.operand.dtype, device=one.operand.device),
        cure=fill(cure, code=code),
    )
    title = fill(_NUMPY_TITLE, name=name, reason=reason)
    names = (outer.operand.name,) if outer.operand and outer.operand.name in step.snapshot.tensors else ()
    return Explanation("not-for-numpy", "error", _first(title), _first(text), fix if method else None, names)


_TENSOR_IN = "a tensor in `{code}`"
_IS_ON, _IS_DTYPE, _IS_SPARSE, _REQUIRES = "is on {device}", "is {dtype}", "is sparse", "requires grad"
_TO_NUMPY = frozenset({"numpy", "__array__", "__array_wrap__", "tolist"})


def _reason(one: Argument, message: str) -> tuple[str, str, str, str] | None:
    """Why, in words, and the method that helps."""
    operand = one.operand
    assert operand is not None
    if operand.device is not None and operand.device != "cpu":
        on = phrase(_IS_ON, device=operand.device)
        return (on, _META, "", "") if operand.device == "meta" else (on, _DEVICE, _DEVICE_CURE, "cpu()")
    if operand.kind not in ("tensor", "parameter", "buffer", "gradient") or "layout" in message:
        return _IS_SPARSE, _SPARSE, _SPARSE_CURE, "to_dense()"
    if operand.dtype is not None and (
        operand.dtype.startswith(("bfloat", "float8")) or "ScalarType" in message
    ):
        return phrase(_IS_DTYPE, dtype=operand.dtype), _NARROW, _NARROW_CURE, "float()"
    if operand.requires_grad or "requires grad" in message:
        return _REQUIRES, _GRAD, _GRAD_CURE, "detach()"
    return None


def _converted(
    step: Step, first: FailedCall, last: FailedCall, argument: Argument, method: str
) -> tuple[str, str | None]:
    """The code with the method put between: `x.detach().numpy()`."""
    found = failing(step)
    node = found.expression if found is not None else None
    function = node.func if isinstance(node, ast.Call) else None
    if found is not None and isinstance(function, ast.Attribute) and first is last:
        code = f"{repairs.closed(function.value, found.source)}.{method}.{function.attr}()"
        if function.attr in _TO_NUMPY:
            return code, found.changed(insert_before_attribute(found.source, function, f".{method}"))
    return repairs.given(step, first, argument, "{closed}." + method)


@failure
def numpy_on_tensor(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a function of numpy was given a tensor, and handed it words that torch does not know."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or not call.name.startswith("numpy.") or error.type != "TypeError":
        return None
    one = next((arg for arg in call.arguments if arg.kind == "tensor" and arg.operand is not None), None)
    if one is None or one.operand is None:
        return None
    last = call.name.rpartition(".")[2]
    name = {"max": "amax", "min": "amin"}.get(last, last)
    found = failing(step)
    node = found.expression if found is not None else None
    cure, fix = "", None
    if found is not None and isinstance(node, ast.Call) and last in _SHARED and node.args:
        first = repairs.code_of(node.args[0], found.source)
        if last in _WITH_FLOATS and not dtypes.is_real(one.operand.dtype):
            first = f"{repairs.closed(node.args[0], found.source)}.float()"
        rest = [repairs.code_of(each, found.source) for each in node.args[1:]]
        rest += [
            f"{_AXES.get(w.arg or '', w.arg)}={repairs.code_of(w.value, found.source)}" for w in node.keywords
        ]
        rest += ["correction=0"] if last in ("std", "var") else []
        code = f"torch.{name}({', '.join([first, *rest])})"
        cure, fix = fill(_NP_CURE, code=code), repairs.exchange(found, node, code)
    text = fill(
        _NP, name=calls.label(one), what=calls.tensor_text(one.operand), function=call.name, cure=cure
    )
    return Explanation("numpy-on-tensor", "error", fill(_NP_TITLE, code=call.expression), text, fix)


_AXES = {"axis": "dim", "keepdims": "keepdim", "ddof": "correction"}
#: Functions that mean the same in both. (`std` of numpy divides by the count, of torch by one less.)
_SHARED = frozenset(
    {"mean", "sum", "std", "var", "max", "min", "argmax", "argmin", "prod", "all", "any", "squeeze"}
)
_WITH_FLOATS = frozenset({"mean", "std", "var"})


@failure
def no_dimensions(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor without dimensions was asked for its length or its elements."""
    call, error = calls.failed(step), step.error
    last = call.name.rpartition(".")[2] if call is not None else ""
    if (
        call is None
        or error is None
        or last not in _WANTS
        or not any(w in error.message for w in ("0-d", "0-dim"))
    ):
        return None
    one = next((arg for arg in call.arguments if arg.operand is not None), None)
    if one is None or one.operand is None or one.operand.shape != ():
        return None
    found = failing(step)
    node = found.expression if found is not None else None
    inner = node.args[0] if isinstance(node, ast.Call) and node.args else node
    if isinstance(node, ast.Tuple) and found is not None and isinstance(found.statement, ast.Assign):
        inner = found.statement.value
    if not isinstance(inner, ast.expr) and found is not None and isinstance(found.statement, ast.For):
        inner = found.statement.iter
    code = (
        words(inner, found.source) if isinstance(inner, ast.expr) and found is not None else one.text or "x"
    )
    closed = (
        repairs.closed(inner, found.source) if isinstance(inner, ast.expr) and found is not None else code
    )
    cure = fill(_ONE, closed=closed)
    fields = {"name": f"`{code}`", "wants": _WANTS[last]}
    text = fill(_NO, cure=cure, **fields)
    names = (code,) if code in step.snapshot.tensors else ()
    return Explanation("no-dimensions", "error", fill(_NO_TITLE, **fields), text, None, names)


_WANTS = {"__len__": _LEN, "__iter__": _ITER}


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
