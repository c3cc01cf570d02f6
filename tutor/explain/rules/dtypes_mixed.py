"""Operations whose tensors must have one dtype, and were given two: products, layers, losses, writes."""

from __future__ import annotations

import re
from dataclasses import replace

from tutor.explain import calls, dtypes, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

# ── two dtypes ───────────────────────────────────────────────────────────────

_TITLE = "`{code}` was given {first_dtype} and {second_dtype}, and both must have one dtype"
_TEXT = """
{first} is {first_what}, and {second} is {second_what}. {operation} works only on tensors of the same dtype
and converts neither by itself. {cure}
"""
_LAYER = "The parameters of {layer} are {dtype}: convert the input, `{code}`. {origin}"
_WHOLE = "Convert the whole numbers: `{code}`."
_WIDTH = """
Choose one: `{narrow}` needs half of the memory and is what layers use, `{wide}` keeps all digits.
"""
_NUMPY = "Numbers that come from numpy are float64 unless you say otherwise."
_BYTES = "Pictures are often brought from 0…255 to 0…1 in the same step: `{code} / 255`."
_WRITE = "The tensor that is written into keeps its dtype: convert what is written, `{code}`."

_EXAMPLE = "For example `{code}`."
_IT, _A_LAYER, _THE_LAYER = "It", "A layer", "the {type} layer"
_WEIGHT_OF = "the weight of {name}"

_TOLD = re.compile(
    "same dtype|same type|same scalar type|dtypes match|should be the same|does not match weight dtype"
    r"|expected scalar type|object of scalar type|dtype to be equal|type to be|Expected .* but got \w+ and"
    r"|tensors? but got \w+ and|mixed dtype|to have the same|not compatible|must match|did not match"
)
_INDEXES = frozenset({"index", "indices", "mask", "condition", "target", "lengths", "offsets"})
_WRITES = frozenset(
    {"setitem", "scatter", "scatter_add", "index_add", "index_copy", "index_put", "put", "masked_scatter"}
)

# ── targets of losses ────────────────────────────────────────────────────────

_CLASSES_TITLE = "{name} holds {dtype}, and class numbers must be int64"
_CLASSES = """
{name} is {what}. `{loss}` takes as its target the number of the right class of each row, and those must be
int64. {cure}
"""
_CLASSES_CURE = "Convert it: `{code}`."
_CLASSES_SHAPE = """
Only a target of the same shape as the input, {shape}, may be floating point: it then holds a probability for
each class.
"""
_SWAPPED_TITLE = "The prediction and the target of `{loss}` stand the wrong way round"
_SWAPPED = """
{given} comes first and is {given_is}, and {target} comes second and is {target_is}. `{loss}` takes the
scores first, floating point numbers, and the numbers of the right classes second: exchange the two.
"""
_VALUES_TITLE = "{name} holds {dtype}, and this target must be {wanted}"
_VALUES = """
{name} is {what}, and {input} is {wanted}. `{loss}` subtracts or multiplies the two and works on one dtype of
floating point: the target must be {wanted} too, also where it is only 0 and 1. Convert it: `{code}`.
"""
_CLASS_LOSSES = frozenset({"cross_entropy", "nll_loss", "multi_margin_loss", "nll_loss2d"})
_VALUE_LOSSES = frozenset({
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss", "smooth_l1_loss",
    "huber_loss", "soft_margin_loss", "poisson_nll_loss", "kl_div", "multilabel_soft_margin_loss",
})  # fmt: skip
_ABOUT_DTYPE = re.compile(r"dtype|type|scalar|floating|not implemented for|Long\b|Int\b")


@failure
def loss_target_dtype(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the target of a loss has a dtype that the loss does not take."""
    error = step.error
    call = calls.find(step, _CLASS_LOSSES | _VALUE_LOSSES)
    if error is None or call is None or _ABOUT_DTYPE.search(error.message) is None:
        return None
    target, given = calls.argument(call, "target"), calls.argument(call, "input")
    if target is None or target.operand is None or given is None or given.operand is None:
        return None
    if calls.operation(call) in _CLASS_LOSSES:
        return _classes(step, call, given, target)
    wanted = given.operand.dtype or "float32"
    if target.operand.dtype == wanted or not dtypes.is_real(wanted):
        return None
    code, fix = repairs.given(step, call, target, "{closed}" + dtypes.convert(wanted))
    fields = {"name": calls.label(target), "wanted": wanted}
    title = fill(_VALUES_TITLE, dtype=target.operand.dtype, **fields)
    text = fill(
        _VALUES,
        what=calls.what(target),
        input=calls.label(given),
        loss=calls.operation(call),
        code=code,
        **fields,
    )
    return Explanation("loss-target-dtype", "error", _first(title), _first(text), fix, _names(step, call))


def _classes(step: Step, call: FailedCall, given: Argument, target: Argument) -> Explanation | None:
    assert target.operand is not None
    assert given.operand is not None
    dtype = target.operand.dtype
    if dtypes.is_whole(given.operand.dtype) and dtypes.is_real(dtype):
        return _swapped(step, call, given, target)
    if dtype in ("int64", "uint8") or dtype is None or target.operand.shape == given.operand.shape:
        return None
    code, fix = repairs.given(step, call, target, "{closed}.long()")
    fractions = dtypes.is_real(dtype) and any(
        one is not None and one % 1 for one in (target.low, target.high)
    )
    cure = fill(_CLASSES_CURE, code=code) if not fractions else ""
    if dtypes.is_real(dtype):
        cure += " " + fill(_CLASSES_SHAPE, shape=calls.what(given).split("]")[0] + "]")
    name = calls.label(target)
    text = fill(_CLASSES, name=name, what=calls.what(target), loss=calls.operation(call), cure=cure)
    title = fill(_CLASSES_TITLE, name=name, dtype=dtype)
    fix = None if fractions else fix
    return Explanation("loss-target-dtype", "error", _first(title), _first(text), fix, _names(step, call))


def _swapped(step: Step, call: FailedCall, given: Argument, target: Argument) -> Explanation:
    """The scores stand where the classes belong, and the other way round."""
    one, other = repairs.place(step, call, given), repairs.place(step, call, target)
    fix = None
    if one is not None and other is not None and one[1].lineno == other[1].end_lineno:
        found, first, second = one[0], one[1], other[1]
        codes = [repairs.code_of(node, found.source) for node in (first, second)]
        later = repairs.exchange(found, second, codes[0]) if first.col_offset < second.col_offset else None
        if later is not None and found.own:
            fix = repairs.exchange(replace(found, source=later), first, codes[1])
    fields = {"loss": calls.operation(call), "given": calls.label(given), "target": calls.label(target)}
    text = fill(_SWAPPED, given_is=calls.what(given), target_is=calls.what(target), **fields)
    title = fill(_SWAPPED_TITLE, **fields)
    return Explanation("loss-target-dtype", "error", title, _first(text), fix, _names(step, call))


@failure
def dtype_mismatch(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a product, a layer or a write was given tensors of two dtypes where one is needed."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or error.type not in ("RuntimeError", "ValueError", "TypeError"):
        return None
    if _TOLD.search(error.message) is None:
        return None
    layer = _of_layer(step, call)
    if layer is not None:
        return layer
    pair = _pair(call)
    if pair is None:
        return None
    first, second = pair
    assert first.operand is not None
    assert second.operand is not None
    cure, fix = _cure(step, call, first, second)
    fields = {"first_dtype": first.operand.dtype, "second_dtype": second.operand.dtype}
    operation = f"`{call.name}`" if call.name not in call.expression else phrase(_IT)
    text = fill(
        _TEXT,
        first=calls.label(first),
        first_what=calls.what(first),
        second=calls.label(second),
        second_what=calls.what(second),
        operation=operation,
        cure=cure,
    )
    title = fill(_TITLE, code=call.expression, **fields)
    return Explanation("dtype-mismatch", "error", title, _first(text), fix, _names(step, call))


def _of_layer(step: Step, call: FailedCall) -> Explanation | None:
    """A layer whose parameters have another dtype than its input."""
    layer = call.module
    weight = next((t for t in layer.tensors.values() if dtypes.is_real(t.dtype)), None) if layer else None
    given = next((one for one in call.arguments if one.operand is not None), None)
    if call.form != "module" or layer is None or weight is None or given is None or given.operand is None:
        return None
    dtype, wanted = given.operand.dtype or "", weight.dtype or ""
    if dtype == wanted:
        return None
    given = given if given.text else repairs.outer(step, call, given)
    code, fix = repairs.given(step, call, given, "{closed}" + dtypes.convert(wanted))
    name = f"`{layer.path}`" if layer.path else phrase(_THE_LAYER, type=layer.type)
    origin = _NUMPY if dtype == "float64" else fill(_BYTES, code=code) if dtype == "uint8" else ""
    cure = fill(_LAYER, layer=name, dtype=wanted, code=code, origin=fill(origin))
    text = fill(
        _TEXT,
        first=calls.label(given),
        first_what=calls.what(given),
        second=phrase(_WEIGHT_OF, name=name),
        second_what=calls.tensor_text(weight),
        operation=_A_LAYER,
        cure=cure,
    )
    title = fill(_TITLE, code=call.expression, first_dtype=dtype, second_dtype=wanted)
    fix = None if dtypes.is_whole(dtype) and dtype == "uint8" else fix
    return Explanation("dtype-mismatch", "error", title, _first(text), fix, _names(step, call))


def _pair(call: FailedCall) -> tuple[Argument, Argument] | None:
    """The first two tensors that differ in dtype, those that hold positions left out."""
    found = [one for one in call.arguments if one.operand is not None and one.parameter not in _INDEXES]
    if calls.operation(call) == "setitem" and len(call.arguments) > 2:
        found = [one for one in (call.arguments[0], call.arguments[-1]) if one.operand is not None]
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            if (
                one.operand is not None
                and other.operand is not None
                and one.operand.dtype != other.operand.dtype
            ):
                return one, other
    return None


def _cure(step: Step, call: FailedCall, first: Argument, second: Argument) -> tuple[str, str | None]:
    assert first.operand is not None
    assert second.operand is not None
    one, other = first.operand.dtype or "", second.operand.dtype or ""
    if calls.operation(call) in _WRITES:
        code, fix = repairs.given(step, call, second, "{closed}" + dtypes.convert(one))
        return fill(_WRITE, code=code), fix
    whole = next((arg for arg, dtype in ((first, one), (second, other)) if dtypes.is_whole(dtype)), None)
    real = next((dtype for dtype in (one, other) if dtypes.is_real(dtype)), None)
    if whole is not None and real is not None:
        code, fix = repairs.given(step, call, whole, "{closed}" + dtypes.convert(real))
        return fill(_WHOLE, code=code), fix
    if {one, other} == {"float32", "float64"}:
        small, big = (first, second) if one == "float32" else (second, first)
        narrow, _ = repairs.given(step, call, big, "{closed}.float()")
        wide, _ = repairs.given(step, call, small, "{closed}.double()")
        return f"{fill(_WIDTH, narrow=narrow, wide=wide)} {fill(_NUMPY)}", None
    code, _ = repairs.given(step, call, second, "{closed}" + dtypes.convert(one))
    return fill(_EXAMPLE, code=code), None


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _names(step: Step, call: FailedCall) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t.name for t in calls.tensors(call) if t.name in step.snapshot.tensors))[:4]
