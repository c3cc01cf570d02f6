"""Values of a tensor as records have them: of small storages, at any moment that is kept."""

from __future__ import annotations

from itertools import product
from math import prod
from operator import mul

from tutor.facts import Snapshot, StorageFacts, TensorFacts, Values
from tutor.view.places import first_byte, steps_of

#: Slices, rows and columns at most, as the kernel answers when it is asked.
LIMITS = (4, 12, 8)
#: Why there are none.
NOT_KEPT = "not kept for this moment"


def values_at(name: str, snapshot: Snapshot) -> Values:
    """A window of the values under `name` at this moment, or why they are not known."""
    facts = snapshot.tensors.get(name)
    block = snapshot.storages.get(facts.block) if facts is not None and facts.block is not None else None
    if facts is None or facts.shape is None:
        return Values(0, name, reason=NOT_KEPT)
    if 0 in facts.shape:
        return Values(0, name, window=facts.shape)
    texts = _texts(facts, block) if block is not None else None
    if texts is None:
        return Values(0, name, reason=NOT_KEPT)
    return Values(0, name, window=_window(facts.shape), texts=texts)


def _window(shape: tuple[int, ...]) -> tuple[int, ...]:
    limits = [LIMITS[0]] * max(0, len(shape) - 2) + [LIMITS[1], LIMITS[2]]
    if len(shape) == 1:
        limits = [prod(LIMITS[1:])]
    return tuple(min(size, limit) for size, limit in zip(shape, limits[-len(shape) :], strict=True))


def _texts(facts: TensorFacts, block: StorageFacts) -> tuple[str, ...] | None:
    """Short texts in order, where the block's are those of this tensor's elements."""
    first, steps = first_byte(facts, block), steps_of(facts)
    if block.values is None or first is None or steps is None or facts.shape is None:
        return None
    if facts.dtype != block.dtype or facts.itemsize != block.itemsize:
        return None
    found: list[str] = []
    for index in product(*map(range, _window(facts.shape))):
        at, rest = divmod(first + sum(map(mul, index, steps)), block.itemsize)
        if rest or not 0 <= at < len(block.values):
            return None
        found.append(block.values[at])
    return tuple(found)
