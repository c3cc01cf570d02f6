"""Copies that nobody asked for by name: reshape, flatten and contiguous where no view was possible."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tutor.explain.bindings import assigned
from tutor.explain.engine import outcome
from tutor.explain.inlined import inlined
from tutor.explain.operands import PLAIN, Operand, Scope
from tutor.explain.past import Past
from tutor.explain.reading import COPY_IF_NEEDED, path, statement_of, words
from tutor.explain.strides import contiguous_stride, places, view_seam
from tutor.explain.wording import elements_text, fill, layout_text, phrase, seam_text, stride_text
from tutor.facts import Explanation, Shape, Snapshot, Step, TensorFacts

#: Up to this many elements, their places in memory are listed.
_FEW = 12

_TITLE = "`{new}` is a copy, with memory of its own"
_HAD_BEFORE = "the memory that `{name}` had before"
_TEXT = """
{inside} `{old}` has {layout}{order}. {reason} So `{method}` laid the {elements} out anew, with
stride {stride}. A write into `{new}` does not reach {origin}, nor the other way round.
"""
_INSIDE = "`{written}` comes to `{code}`."
_ALWAYS = "`flatten` of numpy always copies; `ravel` copies only when it must."
_ORDER = ": read in order, its elements lie at places {places} of the memory, counted from the first"
_JUMPS = "Contiguous means without jumps: for this shape, stride {wanted}."


_KINDS = PLAIN | {"ndarray"}
_ARRAY_IN_ORDER = "ascontiguousarray"


@dataclass(frozen=True)
class _Copying:
    """A name bound to `SOURCE.METHOD(...)` with a method that copies only when it must."""

    name: str
    operand: Operand
    method: str
    #: Whether the name is bound to a view of what the method gave: `x.T.contiguous().view(-1)`.
    viewed: bool
    #: What the code comes to, where functions of the learner's did it.
    inside: str = ""


@outcome
def copied(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when reshape, flatten, ravel or contiguous had to copy a named tensor or a view of one."""
    told = (_told(found, step, before) for found in _copyings(step, before, past))
    return next((explanation for explanation in told if explanation is not None), None)


def _told(found: _Copying, step: Step, before: Snapshot) -> Explanation | None:
    operand, new = found.operand, step.snapshot.tensors.get(found.name)
    old = before.tensors.get(operand.name)
    if new is None or new.shape is None or new.stride is None or old is None:
        return None
    if not _is_copy(new, old) or new.numel != operand.numel:
        return None
    array = new.kind == "ndarray"
    reason = fill(_ALWAYS) if array and found.method == "flatten" else _reason(found, new.shape)
    if reason is None:
        return None
    text = fill(
        _TEXT,
        inside=found.inside,
        old=operand.text,
        new=found.name,
        layout=layout_text(operand.shape, operand.stride),
        order=_order(operand),
        reason=reason,
        method=found.method,
        elements=elements_text(new),
        stride=stride_text(contiguous_stride(operand.shape) if found.viewed else new.stride),
        origin=_origin(found),
    )
    names = tuple(dict.fromkeys((found.name, operand.name)))
    return Explanation("copied", "note", fill(_TITLE, new=found.name), text, None, names)


def _copyings(step: Step, before: Snapshot, past: Past) -> Iterator[_Copying]:
    statement = statement_of(step)
    for name, value, adds in assigned(statement) if statement is not None else ():
        if adds or name not in step.snapshot.tensors:
            continue
        found = _copying(name, value, step.source, before)
        if found is None and (inner := inlined(value, [*past.codes, past.now(step)])) is not None:
            found = _copying(name, inner.value, inner.source, before)
            written, code = words(value, step.source), words(inner.value, inner.source)
            found = replace(found, inside=fill(_INSIDE, written=written, code=code)) if found else None
        if found is not None:
            yield found


def _copying(name: str, value: ast.expr, source: str, before: Snapshot) -> _Copying | None:
    call, viewed = _unwrapped(value)
    if call is None or not isinstance(call.func, ast.Attribute):
        return None
    receiver = call.func.value
    if path(receiver) in ("torch", "torch.Tensor", "np", "numpy") and call.args:
        receiver = call.args[0]
    operand = Scope(before.tensors, source, kinds=_KINDS).operand(receiver)
    return _Copying(name, operand, call.func.attr, viewed) if operand is not None else None


def _unwrapped(value: ast.expr) -> tuple[ast.Call | None, bool]:
    """The call that may have copied, below views of its result; and whether there are such views."""
    viewed = False
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr in COPY_IF_NEEDED or value.func.attr == _ARRAY_IN_ORDER:
            plain = not any(word.arg in ("memory_format", "order") for word in value.keywords)
            inner, _ = _unwrapped(value.func.value)
            # Of two in a row, `x.T.contiguous().reshape(-1)`, the inner one had to copy first.
            return (inner, True) if inner is not None else (value if plain else None, viewed)
        if value.func.attr not in _VIEWS:
            break
        value, viewed = value.func.value, True
    return None, False


_VIEWS = frozenset({"view", "view_as", "squeeze", "unsqueeze", "t", "transpose", "permute", "detach"})


def _is_copy(new: TensorFacts, old: TensorFacts) -> bool:
    alike = (new.kind in PLAIN) == (old.kind in PLAIN) and {new.kind, old.kind} <= _KINDS
    plain = alike and new.dtype == old.dtype and bool(new.numel)
    if new.kind == "ndarray":  # an array has no storage of torch's
        return plain and None not in (new.block, old.block) and new.block != old.block
    known = new.block is not None and old.storage is not None
    return plain and known and new.storage != old.storage


def _reason(found: _Copying, new: Shape) -> str | None:
    """Why a copy was needed; None where the facts do not show that it was."""
    operand = found.operand
    if found.method in ("contiguous", _ARRAY_IN_ORDER):
        wanted = contiguous_stride(operand.shape)
        same = zip(operand.shape, operand.stride, wanted, strict=True)
        moved = new != operand.shape and not found.viewed
        if moved or all(size == 1 or have == want for size, have, want in same):
            return None
        return fill(_JUMPS, wanted=stride_text(wanted))
    if found.viewed:
        return None
    seam = view_seam(operand.shape, operand.stride, new)
    return seam_text(seam, new) if seam is not None else None


def _origin(found: _Copying) -> str:
    """The older memory, whose name may mean the copy now."""
    name = found.operand.name
    return f"`{name}`" if name != found.name else phrase(_HAD_BEFORE, name=name)


def _order(operand: Operand) -> str:
    if operand.numel > _FEW:
        return ""
    return fill(_ORDER, places=", ".join(map(str, places(operand.shape, operand.stride))))
