"""Which elements of a block of memory a tensor or array covers: exact, from address, shape and stride."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tutor.facts import StorageFacts, TensorFacts

Ranges = tuple[tuple[int, int], ...]

#: Positions that `elements` lists, and boxes that `touches` looks into, before they give up.
ELEMENTS = 65_536
BOXES = 20_000

#: Bytes: where the lowest element starts, and (count, step) of each dimension, widest step first.
_Grid = tuple[int, tuple[tuple[int, int], ...]]


def elements(facts: TensorFacts, block: StorageFacts, limit: int = ELEMENTS) -> frozenset[int] | None:
    """Positions in `block`, in its dtype, that `facts` covers; None above `limit` or where unknown."""
    grid = _grid(facts, block)
    if grid is None or facts.itemsize is None:
        return None
    low, steps = grid
    count = 1
    for size, _ in steps:
        count *= size
    if count * max(1, facts.itemsize // block.itemsize) > limit:
        return None
    starts = [low] if count else []
    for size, step in steps:
        starts = [start + i * step for start in starts for i in range(size)]
    last = block.nbytes // block.itemsize
    return frozenset(
        position
        for start in starts
        for position in range(start // block.itemsize, -(-(start + facts.itemsize) // block.itemsize))
        if 0 <= position < last
    )


def extent(facts: TensorFacts, block: StorageFacts) -> tuple[int, int] | None:
    """First byte and byte after the last that `facts` reaches in `block`; None when empty or unknown."""
    grid = _grid(facts, block)
    if grid is None or facts.itemsize is None or any(size == 0 for size, _ in grid[1]):
        return None
    return grid[0], grid[0] + _reach(grid[1]) + facts.itemsize


def is_dense(facts: TensorFacts) -> bool:
    """Whether the elements fill their extent without gaps."""
    if facts.numel is None or facts.shape is None or facts.stride is None or facts.numel == 0:
        return False
    span = 1
    for step, size in sorted((abs(s), n) for n, s in zip(facts.shape, facts.stride, strict=True) if n > 1):
        if step > span:
            return False
        span = max(span, step * (size - 1) + span)
    return True


def touches(facts: TensorFacts, block: StorageFacts, ranges: Iterable[tuple[int, int]]) -> bool | None:
    """Whether some element of `facts` lies in these ranges of elements; None where it cannot be told."""
    grid = _grid(facts, block)
    if grid is None or facts.itemsize is None:
        return None
    low, steps = grid
    if any(size == 0 for size, _ in steps):
        return False
    for start, stop in ranges:
        # An element that begins up to itemsize - 1 bytes before the range still reaches into it.
        found = _has_start(low, steps, start * block.itemsize - facts.itemsize + 1, stop * block.itemsize)
        if found is not False:
            return found
    return False


def common(one: TensorFacts, other: TensorFacts, block: StorageFacts, limit: int) -> tuple[int, int] | None:
    """How many elements of `one` lie on elements of `other`, of how many; two on one place count once.

    None where that is not known, or more than `limit` elements would have to be listed.
    """
    here, there = _Spread.of(one, block, limit), _Spread.of(other, block, limit)
    if here is None or there is None or here.count is None:
        return None
    if not here.count or there.count == 0 or here.high <= there.low or there.high <= here.low:
        return 0, here.count
    shared = here.within(there.low, there.high) if there.dense else here.on(there)
    return None if shared is None else (shared, here.count)


@dataclass(frozen=True)
class _Spread:
    """Where the elements of one tensor lie, in bytes: all from `low` to `high`, or where `grid` says."""

    low: int
    high: int
    itemsize: int
    dense: bool
    grid: _Grid
    limit: int

    @classmethod
    def of(cls, facts: TensorFacts, block: StorageFacts, limit: int) -> _Spread | None:
        grid = _grid(facts, block)
        if grid is None or not facts.itemsize:
            return None
        low, high = extent(facts, block) or (0, 0)
        return cls(low, high, facts.itemsize, is_dense(facts), grid, limit)

    @cached_property
    def starts(self) -> frozenset[int] | None:
        """Where each element begins; None where they are too many to list."""
        return _starts(self.grid, self.limit) if self.low < self.high else frozenset()

    @cached_property
    def count(self) -> int | None:
        """Elements at places of their own."""
        if self.dense or self.low == self.high:
            return (self.high - self.low) // self.itemsize
        return len(self.starts) if self.starts is not None else None

    def within(self, low: int, high: int) -> int | None:
        """How many reach into these bytes."""
        if self.count is not None and low <= self.low and self.high <= high:
            return self.count
        if self.dense:
            first = max(0, (low - self.low) // self.itemsize)
            stop = min(self.count or 0, -(-(high - self.low) // self.itemsize))
            return stop - first
        if self.starts is None:
            return None
        return sum(low < start + self.itemsize and start < high for start in self.starts)

    def on(self, other: _Spread) -> int | None:
        """How many lie on some element of `other`."""
        if self.starts is None or other.starts is None:
            return None
        if self.itemsize == other.itemsize and (self.grid[0] - other.grid[0]) % self.itemsize == 0:
            return len(self.starts & other.starts)  # strides are whole elements
        held = {byte for start in other.starts for byte in range(start, start + other.itemsize)}
        return sum(not held.isdisjoint(range(start, start + self.itemsize)) for start in self.starts)


def _starts(grid: _Grid, limit: int) -> frozenset[int] | None:
    """Where the elements begin, in bytes; None above `limit`."""
    low, steps = grid
    total = 1
    for size, _ in steps:
        total *= size
    if total > limit:
        return None
    starts = [low] if total else []
    for size, step in steps:
        starts = [start + i * step for start in starts for i in range(size)]
    return frozenset(starts)


def merge(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The union of half-open ranges: sorted, disjoint, not touching each other."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        elif start < stop:
            merged.append((start, stop))
    return tuple(merged)


def runs(positions: Iterable[int]) -> Ranges:
    """Positions as half-open ranges."""
    return merge((position, position + 1) for position in positions)


def _grid(facts: TensorFacts, block: StorageFacts) -> _Grid | None:
    if facts.shape is None or facts.stride is None or facts.itemsize is None or block.itemsize < 1:
        return None
    if len(facts.shape) != len(facts.stride):
        return None
    if block.start and facts.data_ptr:
        low = facts.data_ptr - block.start
    else:
        low = (facts.offset or 0) * facts.itemsize
    steps = []
    for size, stride in zip(facts.shape, facts.stride, strict=True):
        step = stride * facts.itemsize
        if step < 0 and size > 1:
            low += step * (size - 1)
        if size == 0:
            return low, ((0, 0),)
        if size > 1 and step:
            steps.append((size, abs(step)))
    steps.sort(key=lambda dimension: -dimension[1])
    return low, tuple(_joined(steps))


def _joined(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring dimensions that together make one even row become one dimension."""
    joined: list[tuple[int, int]] = []
    for size, step in steps:
        if joined and joined[-1][1] == size * step:
            joined[-1] = (joined[-1][0] * size, step)
        else:
            joined.append((size, step))
    return joined


def _reach(steps: tuple[tuple[int, int], ...]) -> int:
    return sum((size - 1) * step for size, step in steps)


def _has_start(low: int, steps: tuple[tuple[int, int], ...], first: int, stop: int) -> bool | None:
    """Whether low + i0*step0 + i1*step1 + … falls in [first, stop) for some indices in their sizes."""
    boxes = [(low, 0)]
    looked = 0
    while boxes:
        corner, depth = boxes.pop()
        rest = steps[depth:]
        far = corner + _reach(rest)
        if far < first or corner >= stop:
            continue
        if corner >= first or far < stop:  # a corner element of the box is itself inside
            return True
        looked += 1
        if looked > BOXES:
            return None
        # Here corner < first and far >= stop, so there is a dimension left to walk.
        size, step = rest[0]
        beyond = -(-(first - corner) // step)
        if beyond < size and corner + beyond * step < stop:
            return True
        # No box begins in the range, but some that begin before it may reach into it.
        nearest = max(0, -(-(first - corner - _reach(rest[1:])) // step))
        if beyond - nearest > BOXES:
            return None
        boxes += [(corner + i * step, depth + 1) for i in range(nearest, min(beyond, size))]
    return False
