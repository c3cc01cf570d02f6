"""Plain facts about results: the dtype that came out and why, no history, a copy by an index, infinities."""

from __future__ import annotations

from collections.abc import Iterator

from tutor.explain.engine import outcome
from tutor.explain.flow import Flow
from tutor.explain.past import Past
from tutor.explain.wording import fill
from tutor.facts import Explanation, OpFacts, Snapshot, Step, TensorFacts

_ARITHMETIC = frozenset({"add", "sub", "mul", "div", "pow", "floor_divide", "remainder", "where", "maximum"})
_WHOLE = ("int", "uint", "bool")
_MOST = 50

# ── result-dtype ─────────────────────────────────────────────────────────────

_DTYPE_TITLE = "`{name}` is {dtype}"
_PROMOTED = """
`{first}` is {first_dtype} and `{second}` is {second_dtype}: torch converts both to {dtype}, which can
hold the numbers of either, before it computes. {double}
"""
_DOUBLE = """
float64 takes twice the memory, and layers hold float32: convert with `.float()` what came from numpy or
Python.
"""
_DIVIDED = (
    "`/` always gives floating point numbers, of whole numbers too; `//` gives whole ones, rounded down."
)
_FLOORED = """
`//` of whole numbers gives whole numbers, rounded down and not towards 0: `-1 // 2` is -1. Use `/` for
the exact quotient.
"""


@outcome
def result_dtype(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a name was bound to what arithmetic gave in another dtype than one of its operands has."""
    for name, facts, op in _bound(step):
        if op.name not in _ARITHMETIC or facts.dtype is None or op.within:
            continue
        given = [one for one in op.ins if one.shape and one.dtype is not None]
        if len(given) == 2 and given[0].dtype != given[1].dtype and all(one.name for one in given):
            text = fill(
                _PROMOTED,
                first=given[0].name,
                first_dtype=given[0].dtype,
                second=given[1].name,
                second_dtype=given[1].dtype,
                dtype=facts.dtype,
                double=fill(_DOUBLE) if facts.dtype == "float64" else "",
            )
        elif op.name == "floor_divide" and facts.dtype.startswith(_WHOLE):
            text = fill(_FLOORED)
        elif op.name == "div" and all((one.dtype or "").startswith(_WHOLE) for one in op.ins) and op.ins:
            if facts.dtype.startswith(_WHOLE):
                continue
            text = fill(_DIVIDED)
        else:
            continue
        return Explanation(
            "result-dtype", "note", fill(_DTYPE_TITLE, name=name, dtype=facts.dtype), text, None, (name,)
        )
    return None


def _bound(step: Step) -> Iterator[tuple[str, TensorFacts, OpFacts]]:
    """Names that the step bound, with the operation of the step that made each."""
    made = {out.object: op for op in reversed(step.operations) for out in op.outs}
    names = [change.name for change in step.changes if change.kind in ("new", "rebound")]
    for name in names[:_MOST]:
        facts = step.snapshot.tensors.get(name)
        if facts is not None and name.isidentifier() and facts.object in made:
            yield name, facts, made[facts.object]


# ── not-recorded ─────────────────────────────────────────────────────────────

_GIVEN = "what it was given"
_RECORDED_TITLE = "`{name}` has no history"
_RECORDED = """
`{code}` ({at}) ran where autograd does not record, so `{name}` does not require grad although {given} does:
backward cannot come through it. That is right for evaluating and for updates; what is to be trained must be
computed outside of `torch.no_grad()`.
"""


@outcome
def not_recorded(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a name was bound to what an operation made of something that requires grad while autograd
    did not record."""
    for name, facts, op in _bound(step):
        asks = next((one for one in op.ins if one.requires_grad), None)
        floats = (facts.dtype or "").startswith(("float", "bfloat", "complex"))
        if op.grad_enabled or asks is None or facts.requires_grad or not floats or op.wrote:
            continue
        if op.name in ("detach", "data", "numpy"):
            continue
        given = f"`{asks.name}`" if asks.name else _GIVEN
        at = past.now(step).at_deed(op)
        text = fill(_RECORDED, code=op.expression or op.name, at=at, name=name, given=given)
        return Explanation("not-recorded", "note", fill(_RECORDED_TITLE, name=name), text, None, (name,))
    return None


# ── gathered ─────────────────────────────────────────────────────────────────

_MASK, _TENSOR_OF_POSITIONS, _LIST_OF_POSITIONS = "a mask", "a tensor of positions", "a list of positions"
_GATHERED_TITLE = "`{name}` is a copy: {index} gathers elements"
_GATHERED = """
`{code}` picks elements by {index}, which can lie anywhere in memory, so they were copied out of `{old}`.
A write into `{name}` does not reach `{old}`. Only numbers and slices as index, like `{old}[1:3]`, give a
view of the same memory; an assignment `{code} = …` writes into `{old}` itself.
"""


@outcome
def gathered(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a name was bound to elements of a named tensor that a list, a tensor or a mask picked."""
    for name, _, op in _bound(step):
        if op.name != "getitem" or op.verdict != "copy" or op.within or not op.ins or not op.ins[0].name:
            continue
        chosen = next((one for one in op.ins[1:]), None)
        masked = chosen is not None and chosen.dtype == "bool"
        index = _MASK if masked else _TENSOR_OF_POSITIONS if chosen is not None else _LIST_OF_POSITIONS
        old = op.ins[0].name
        if old == name or not op.expression.startswith(old):
            continue
        text = fill(_GATHERED, code=op.expression, index=index, old=old, name=name)
        title = fill(_GATHERED_TITLE, name=name, index=index)
        names = (name, old) if old in step.snapshot.tensors else (name,)
        return Explanation("gathered", "note", title, text, None, names)
    return None


# ── inf-born ─────────────────────────────────────────────────────────────────

_INF_TITLE = "`{code}` gave infinite numbers"
_INF = """
At {at}, `{code}` gave infinity from finite numbers. {why} It is a number that can be compared and added,
but infinity less infinity, and 0 times infinity, are NaN.
"""
_INF_WHY = {
    "log": "The logarithm of 0 is minus infinity: some element is 0.",
    "div": "A number that is not 0, divided by 0, is infinite.",
    "reciprocal": "1 divided by 0 is infinite.",
    "rsqrt": "1 divided by the root of 0 is infinite.",
    "exp": "The result is larger than the dtype can hold: of float32, all beyond e to the power of 88.",
    "pow": "The result is larger than the dtype can hold, or 0 was taken to a negative power.",
    "binary_cross_entropy": "A prediction is certain and wrong.",
}
_INF_WHY["log2"] = _INF_WHY["log10"] = _INF_WHY["log"]
_INF_WHY["mul"] = _INF_WHY["square"] = "The result is larger than the dtype can hold."


@outcome
def inf_born(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an operation gave an infinite number although it was given none, outside of training."""
    if step.backwards:
        return None  # what a training that runs away is told with
    flow = Flow(step, past)
    for op in step.operations:
        why = _INF_WHY.get(op.name)
        if why is None or not op.ins or op.error is not None or any(one.broken for one in op.ins):
            continue
        if any(one.broken == "inf" for one in op.outs):
            text = fill(_INF, at=flow.at(op), code=op.expression or op.name, why=why)
            names = tuple(one.name for one in op.ins if one.name in step.snapshot.tensors)
            return Explanation(
                "inf-born", "note", fill(_INF_TITLE, code=op.expression or op.name), text, None, names
            )
    return None
