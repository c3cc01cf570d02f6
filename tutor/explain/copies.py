"""Copies that nobody asked for by name: reshape, flatten and contiguous where no view was possible."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from tutor.explain.engine import outcome
from tutor.explain.operands import PLAIN, Operand, Scope
from tutor.explain.past import Past
from tutor.explain.reading import COPY_IF_NEEDED, path, statement_of
from tutor.explain.strides import places, view_seam
from tutor.explain.wording import elements_text, fill, layout_text, seam_text, stride_text
from tutor.facts import Explanation, Shape, Snapshot, Step, TensorFacts

#: Up to this many elements, their places in memory are listed.
_FEW = 12

_TITLE = "`{new}` is a copy, with memory of its own"
_TEXT = """
`{old}` has {layout}{order}. {reason} So `{method}` laid the {elements} out anew, with stride {stride}.
A write into `{new}` does not reach {origin}, nor the other way round.
"""
_ORDER = ": read in order, its elements lie at places {places} of the memory, counted from the first"
_JUMPS = "Contiguous means without jumps: for this shape, stride {wanted}."


@dataclass(frozen=True)
class _Copying:
    """`NAME = SOURCE.METHOD(...)` with a method that copies only when it must."""

    name: str
    operand: Operand
    method: str


@outcome
def copied(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when reshape, flatten, ravel or contiguous had to copy a named tensor or a view of one."""
    found = _copying(step, before)
    if found is None:
        return None
    operand, new = found.operand, step.snapshot.tensors.get(found.name)
    if new is None or new.shape is None or new.stride is None:
        return None
    if not _is_copy(new, before.tensors[operand.name]) or new.numel != operand.numel:
        return None
    reason = _reason(found, new.shape)
    if reason is None:
        return None
    text = fill(
        _TEXT,
        old=operand.text,
        new=found.name,
        layout=layout_text(operand.shape, operand.stride),
        order=_order(operand),
        reason=reason,
        method=found.method,
        elements=elements_text(new),
        stride=stride_text(new.stride),
        origin=_origin(found),
    )
    names = tuple(dict.fromkeys((found.name, operand.name)))
    return Explanation("copied", "note", fill(_TITLE, new=found.name), text, None, names)


def _copying(step: Step, before: Snapshot) -> _Copying | None:
    statement = statement_of(step)
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
        return None
    target, call = path(statement.targets[0]), statement.value
    if len(statement.targets) != 1 or target is None or not isinstance(call.func, ast.Attribute):
        return None
    if call.func.attr not in COPY_IF_NEEDED or any(word.arg == "memory_format" for word in call.keywords):
        return None
    receiver: ast.expr = call.func.value
    if path(receiver) == "torch" and call.args:
        receiver = call.args[0]
    operand = Scope(before.tensors, step.source).operand(receiver)
    return _Copying(target, operand, call.func.attr) if operand is not None else None


def _is_copy(new: TensorFacts, old: TensorFacts) -> bool:
    plain = new.kind in PLAIN and old.kind in PLAIN and new.dtype == old.dtype and bool(new.numel)
    known = new.block is not None and old.storage is not None
    return plain and known and new.storage != old.storage and bool(new.is_contiguous)


def _reason(found: _Copying, new: Shape) -> str | None:
    """Why a copy was needed; None where the facts do not show that it was."""
    operand = found.operand
    if found.method == "contiguous":
        wanted = _in_order(operand.shape)
        same = zip(operand.shape, operand.stride, wanted, strict=True)
        if new != operand.shape or all(size == 1 or have == want for size, have, want in same):
            return None
        return fill(_JUMPS, wanted=stride_text(wanted))
    seam = view_seam(operand.shape, operand.stride, new)
    return seam_text(seam, new) if seam is not None else None


def _in_order(shape: Shape) -> Shape:
    """The stride of a contiguous tensor."""
    stride, step = [], 1
    for size in reversed(shape):
        stride.append(step)
        step *= size
    return tuple(reversed(stride))


def _origin(found: _Copying) -> str:
    """The older memory, whose name may mean the copy now."""
    name = found.operand.name
    return f"`{name}`" if name != found.name else f"the memory that `{name}` had before"


def _order(operand: Operand) -> str:
    if operand.numel > _FEW:
        return ""
    return fill(_ORDER, places=", ".join(map(str, places(operand.shape, operand.stride))))
