"""Copies that nobody asked for by name: reshape, flatten and contiguous where no view was possible."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.explain.bindings import assigned
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
    """A name bound to `SOURCE.METHOD(...)` with a method that copies only when it must."""

    name: str
    operand: Operand
    method: str
    #: Whether the name is bound to a view of what the method gave: `x.T.contiguous().view(-1)`.
    viewed: bool


@outcome
def copied(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when reshape, flatten, ravel or contiguous had to copy a named tensor or a view of one."""
    told = (_told(found, step, before) for found in _copyings(step, before))
    return next((explanation for explanation in told if explanation is not None), None)


def _told(found: _Copying, step: Step, before: Snapshot) -> Explanation | None:
    operand, new = found.operand, step.snapshot.tensors.get(found.name)
    old = before.tensors.get(operand.name)
    if new is None or new.shape is None or new.stride is None or old is None:
        return None
    if not _is_copy(new, old) or new.numel != operand.numel:
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
        stride=stride_text(_in_order(operand.shape) if found.viewed else new.stride),
        origin=_origin(found),
    )
    names = tuple(dict.fromkeys((found.name, operand.name)))
    return Explanation("copied", "note", fill(_TITLE, new=found.name), text, None, names)


def _copyings(step: Step, before: Snapshot) -> Iterator[_Copying]:
    statement = statement_of(step)
    for name, value, adds in assigned(statement) if statement is not None else ():
        call, viewed = _unwrapped(value)
        if adds or call is None:
            continue
        receiver: ast.expr = call.func.value  # type: ignore[attr-defined]
        if path(receiver) in ("torch", "torch.Tensor") and call.args:
            receiver = call.args[0]
        operand = Scope(before.tensors, step.source).operand(receiver)
        if operand is not None:
            yield _Copying(name, operand, call.func.attr, viewed)  # type: ignore[attr-defined]


def _unwrapped(value: ast.expr) -> tuple[ast.Call | None, bool]:
    """The call that may have copied, below views of its result; and whether there are such views."""
    viewed = False
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr in COPY_IF_NEEDED:
            plain = not any(word.arg == "memory_format" for word in value.keywords)
            inner, _ = _unwrapped(value.func.value)
            # Of two in a row, `x.T.contiguous().reshape(-1)`, the inner one had to copy first.
            return (inner, True) if inner is not None else (value if plain else None, viewed)
        if value.func.attr not in _VIEWS:
            break
        value, viewed = value.func.value, True
    return None, False


_VIEWS = frozenset({"view", "view_as", "squeeze", "unsqueeze", "t", "transpose", "permute", "detach"})


def _is_copy(new: TensorFacts, old: TensorFacts) -> bool:
    plain = new.kind in PLAIN and old.kind in PLAIN and new.dtype == old.dtype and bool(new.numel)
    known = new.block is not None and old.storage is not None
    return plain and known and new.storage != old.storage


def _reason(found: _Copying, new: Shape) -> str | None:
    """Why a copy was needed; None where the facts do not show that it was."""
    operand = found.operand
    if found.method == "contiguous":
        wanted = _in_order(operand.shape)
        same = zip(operand.shape, operand.stride, wanted, strict=True)
        moved = new != operand.shape and not found.viewed
        if moved or all(size == 1 or have == want for size, have, want in same):
            return None
        return fill(_JUMPS, wanted=stride_text(wanted))
    if found.viewed:
        return None
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
