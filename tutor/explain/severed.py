"""Where autograd lost a tensor's history, from the operations that were recorded."""

from __future__ import annotations

from dataclasses import dataclass

from tutor.explain.lineage import Deed, Lineage
from tutor.explain.wording import phrase
from tutor.facts import Operand, OpFacts

#: Operations that are followed back.
_MOST = 2_000
_TO_PYTHON = frozenset(
    {"item", "tolist", "numpy", "float", "int", "bool", "__array__", "__float__", "__int__"}
)
_WHY = {
    "detach": "gives the same numbers without their history",
    "detach_": "drops the tensor's history",
    "data": "reads the numbers without their history",
}
_WHY_OFF = "ran where autograd does not record"
_WHY_NUMBERS = "gives plain numbers, which have no history"
_WHY_WHOLE = "gives {dtype}, and only floating point and complex tensors can have gradients"
_WHY_OTHER = "gives a result without a history"
_WHY_NEW = "makes a new tensor of the numbers alone, with no history"


@dataclass(frozen=True)
class Severed:
    """The operation behind which the history ends, although `given` had one."""

    deed: Deed
    given: Operand
    why: str


def severed(lineage: Lineage, tensor: int) -> Severed | None:
    """The nearest operation behind object `tensor` that had an argument with a history and gave none."""
    pending, seen = [tensor], {tensor}
    while pending and len(seen) < _MOST:
        deed = lineage.maker(pending.pop(0))
        if deed is None:
            continue
        given = next((one for one in deed.op.ins if one.requires_grad), None)
        if given is not None:
            return Severed(deed, given, _why(deed.op))
        if not deed.op.ins and (found := _through_python(lineage, deed)) is not None:
            return found
        for one in deed.op.ins:
            if one.object not in seen:
                seen.add(one.object)
                pending.append(one.object)
    return None


def _through_python(lineage: Lineage, made: Deed) -> Severed | None:
    """A number that was taken out of a tensor with a history in the statement that made a new one."""
    for deed in reversed(lineage.deeds):
        op = deed.op
        if op.seq < made.op.seq and deed.code is made.code and op.name in _TO_PYTHON:
            given = next((one for one in op.ins if one.requires_grad), None)
            if given is not None:
                return Severed(deed, given, _WHY_NUMBERS)
    return None


def _why(op: OpFacts) -> str:
    if op.name in _WHY:
        return _WHY[op.name]
    if not op.grad_enabled:
        return _WHY_OFF
    out = op.outs[0] if op.outs else None
    whole = not ((out.dtype if out is not None else None) or "float").startswith(
        ("float", "bfloat", "complex")
    )
    if out is not None and whole:
        return phrase(_WHY_WHOLE, dtype=out.dtype)
    return _WHY_NEW if op.name in ("tensor", "as_tensor", "new_tensor") else _WHY_OTHER
