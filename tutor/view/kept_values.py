"""Values of a tensor as records have them: of small storages, at any moment that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from operator import mul

from tutor.facts import Shape, Snapshot, StorageFacts, TensorFacts, Values
from tutor.view.places import first_byte, steps_of

#: Slices, rows and columns at most, as the kernel answers when it is asked.
LIMITS = (4, 12, 8)
#: Why there are none.
NOT_KEPT = "not kept for this moment"


def values_at(name: str, snapshot: Snapshot, around: Shape = ()) -> Values:
    """A window near `around` of the values under `name` at this moment, or why they are not known."""
    facts = snapshot.tensors.get(name)
    block = snapshot.storages.get(facts.block) if facts is not None and facts.block is not None else None
    if facts is None or facts.shape is None:
        return Values(0, name, reason=NOT_KEPT)
    if 0 in facts.shape:
        return Values(0, name, window=facts.shape)
    window = _window(facts.shape, around)
    texts = _texts(facts, block, window) if block is not None else None
    if texts is None:
        return Values(0, name, reason=NOT_KEPT)
    return Values(
        0,
        name,
        window=tuple(map(len, window)),
        texts=texts,
        start=tuple(each.start for each in window),
        numbers=_numbers(texts),
        exact=texts,
    )


def _window(shape: Shape, around: Shape) -> list[range]:
    """The indices of each dimension."""
    limits = [LIMITS[0]] * max(0, len(shape) - 2) + [*LIMITS[1:]]
    if len(shape) == 1:
        limits = [prod(LIMITS[1:])]
    middle = around if len(around) == len(shape) else (0,) * len(shape)
    limits = limits[len(limits) - len(shape) :]
    firsts = (
        max(0, min(at - limit // 2, size - limit))
        for size, at, limit in zip(shape, middle, limits, strict=True)
    )
    return [
        range(first, min(size, first + limit))
        for size, first, limit in zip(shape, firsts, limits, strict=True)
    ]


def _numbers(texts: Sequence[str]) -> tuple[float, ...]:
    """How large each is, to be coloured by; nothing where they are no plain numbers."""
    try:
        return tuple(float({"True": 1, "False": 0}.get(text, text)) for text in texts)
    except ValueError:
        return ()


def _texts(facts: TensorFacts, block: StorageFacts, window: Sequence[range]) -> tuple[str, ...] | None:
    """Short texts in order, where the block's are those of this tensor's elements."""
    first, steps = first_byte(facts, block), steps_of(facts)
    if block.values is None or first is None or steps is None or facts.dtype is None:
        return None
    if facts.dtype != block.dtype or facts.itemsize != block.itemsize or _may_be_lazy(facts):
        return None
    found: list[str] = []
    for index in product(*window):
        at, rest = divmod(first + sum(map(mul, index, steps)), block.itemsize)
        if rest or not 0 <= at < len(block.values):
            return None
        found.append(block.values[at])
    return tuple(found)


def _may_be_lazy(facts: TensorFacts) -> bool:
    """Whether memory may hold the conjugate, or, of a conjugate's imaginary part, the other sign."""
    if facts.dtype is not None and facts.dtype.startswith("complex"):
        return True
    steps = [step for size, step in zip(facts.shape or (), facts.stride or (), strict=False) if size > 1]
    return bool((facts.offset or 0) % 2) and bool(steps) and all(step % 2 == 0 for step in steps)
