"""What one snapshot knows of a block of memory, and what is kept of it until the next."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from tutor.facts import StorageFacts, TensorFacts
from tutor.kernel import elements
from tutor.kernel.storage import Place
from tutor.kernel.tensors import Named

#: Blocks up to this size are kept as bytes and compared, which also finds writes that bump no version:
#: small ones after every statement, larger ones, as far as there is room, when code mentions them.
MAX_COMPARED = 16 * 1024
MAX_LARGE = 4 * 1024 * 1024
NO_CHANGE = np.zeros(0, bool)


class Resident(Struct):
    """One name with its facts and place, and what is known about this step. Lives for one snapshot."""

    named: Named
    facts: TensorFacts
    place: Place | None
    #: Position in the snapshot.
    index: int
    #: The facts were read in this step (and nobody else holds them yet).
    read: bool = False
    #: The step's code mentions the variable.
    mentioned: bool = False
    #: The version counter moved in this step.
    bumped: bool = False

    @property
    def member(self) -> int:
        """What `Blocks` knows it by."""
        storage = self.facts.storage
        return -self.facts.object if storage is None else storage


class Held(Struct, frozen=True):
    """What is kept of a block until the next snapshot: no tensor, only bytes and facts."""

    start: int
    end: int
    data: bytes | None
    facts: StorageFacts
    #: A numpy array is among the residents: writes to it bump no version.
    array: bool


class Block(Struct):
    """A group of residents that share memory. Lives for one snapshot."""

    number: int
    residents: list[Resident]
    start: int
    end: int
    device: str
    #: Its bytes can be read, and are few enough to be kept.
    compared: bool
    before: Held | None
    data: bytes | None = None
    #: Bytes that this step changed (empty: none); None where that is not known.
    mask: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        return self.end - self.start

    @property
    def itemsize(self) -> int:
        return self.residents[0].facts.itemsize or 1

    @property
    def large(self) -> bool:
        """It takes of the room that is there for all large ones."""
        return self.nbytes > MAX_COMPARED

    @property
    def moved(self) -> bool:
        before = self.before
        return before is not None and (self.start, self.end) != (before.start, before.end)

    @property
    def array(self) -> bool:
        return any(resident.facts.kind == "ndarray" for resident in self.residents)

    @property
    def bumped(self) -> bool:
        return any(resident.bumped for resident in self.residents)

    @property
    def in_play(self) -> bool:
        return self.before is None or any(r.mentioned or r.bumped for r in self.residents)

    def wrote_to(self, facts: TensorFacts) -> bool:
        """Whether this step changed an element of the resident that has `facts`, whoever wrote it."""
        if self.before is None:
            return False
        if self.mask is None:
            return any(r.bumped and _touch(r.facts, facts) for r in self.residents)
        if not self.mask.any():
            return False
        if facts.shape is None or facts.stride is None or facts.data_ptr is None or not facts.itemsize:
            return True
        steps = [step * facts.itemsize for step in facts.stride]
        offset = facts.data_ptr - self.start
        return elements.covers_change(self.mask, offset, facts.shape, steps, facts.itemsize)


def gather(number: int, group: list[Resident], before: Held | None) -> Block:
    places = [resident.place for resident in group if resident.place is not None]
    start = min(place.start for place in places)
    end = max(place.end for place in places)
    return Block(
        number,
        group,
        start,
        end,
        places[0].device,
        end - start <= MAX_LARGE and _readable(places, start, end),
        before,
    )


def _readable(places: list[Place], start: int, end: int) -> bool:
    """Whether the ranges that can be read cover all of start..end."""
    reach = start
    for low, high in sorted((place.start, place.end) for place in places if place.readable):
        if low > reach:
            return False
        reach = max(reach, high)
    return reach >= end


def changed_bytes(before: Held, block: Block, old: bytes, new: bytes) -> np.ndarray:
    """Changed bytes of `block`. Bytes that only now came into view count as unchanged."""
    if not block.moved:
        return elements.changed_bytes(old, new) if old != new else NO_CHANGE
    low, high = max(block.start, before.start), min(block.end, before.end)
    if low >= high:  # other memory altogether
        return np.ones(block.nbytes, bool)
    mask = np.zeros(block.nbytes, bool)
    mask[low - block.start : high - block.start] = elements.changed_bytes(
        old[low - before.start : high - before.start], new[low - block.start : high - block.start]
    )
    return mask


def _touch(first: TensorFacts, second: TensorFacts) -> bool:
    """Whether the byte extents of two residents of one block intersect."""
    one, other = _extent(first), _extent(second)
    return one is None or other is None or (one[0] < other[1] and other[0] < one[1])


def _extent(facts: TensorFacts) -> tuple[int, int] | None:
    if facts.shape is None or facts.stride is None or facts.data_ptr is None or not facts.itemsize:
        return None
    low = high = facts.data_ptr
    for size, step in zip(facts.shape, facts.stride, strict=True):
        reach = (size - 1) * step * facts.itemsize
        low, high = low + min(reach, 0), high + max(reach, 0)
    return low, high + facts.itemsize
