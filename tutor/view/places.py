"""From an element of a tensor to its bytes, and from bytes to the elements of every name that lie there.

All by address, shape and stride: nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from operator import mul

from tutor.facts import Shape, Snapshot, StorageFacts, TensorFacts, Values

#: Steps of one search, and elements listed for one name.
LOOKS = 20_000
LISTED = 64


@dataclass(frozen=True)
class Spot:
    """One element of the tensor `name`, and the bytes of its block that it lies on."""

    name: str
    index: Shape
    block: int
    #: Bytes from the beginning of the block, half-open.
    start: int
    stop: int

    def cells(self, itemsize: int) -> range:
        """Positions in the block, counted in elements of `itemsize` bytes."""
        return range(self.start // itemsize, -(-self.stop // itemsize))


@dataclass(frozen=True)
class Focus:
    """The selected name, the selected element of it, and values of it that are known."""

    name: str = ""
    lit: Spot | None = None
    values: Values | None = None


#: Nothing is selected.
NOWHERE = Focus()


@dataclass(frozen=True)
class Here:
    """The elements of one name that lie on some bytes: the first few, and how many there are in all."""

    name: str
    indices: tuple[Shape, ...]
    #: None where counting would take too long; then there are more than `indices`.
    count: int | None


def spot(name: str, index: Shape, snapshot: Snapshot) -> Spot | None:
    """Where an element lies; None where it does not exist or its place is not known."""
    facts = snapshot.tensors.get(name)
    block = snapshot.storages.get(facts.block) if facts is not None and facts.block is not None else None
    if facts is None or block is None or not has_element(facts, index):
        return None
    start = position(facts, block, index)
    return None if start is None else Spot(name, index, block.block, start, start + (facts.itemsize or 0))


def has_element(facts: TensorFacts, index: Shape) -> bool:
    """Whether there is an element at `index`."""
    shape = facts.shape
    return (
        shape is not None
        and len(index) == len(shape)
        and all(0 <= at < size for at, size in zip(index, shape, strict=True))
    )


def position(facts: TensorFacts, block: StorageFacts, index: Shape) -> int | None:
    """Bytes from the beginning of `block` to the element at `index`."""
    steps, first = steps_of(facts), first_byte(facts, block)
    return None if steps is None or first is None else first + sum(map(mul, index, steps))


def steps_of(facts: TensorFacts) -> tuple[int, ...] | None:
    """The strides in bytes; None for what is not laid out by strides, as far as is known."""
    if facts.shape is None or facts.stride is None or not facts.itemsize:
        return None
    if len(facts.shape) != len(facts.stride):
        return None
    return tuple(stride * facts.itemsize for stride in facts.stride)


def first_byte(facts: TensorFacts, block: StorageFacts) -> int | None:
    """Where the element at index 0, 0, … begins in `block`."""
    if not facts.itemsize:
        return None
    if block.start and facts.data_ptr:
        return facts.data_ptr - block.start
    return (facts.offset or 0) * facts.itemsize


def here(facts: TensorFacts, block: StorageFacts, start: int, stop: int) -> Here | None:
    """The elements of a tensor in `block` that lie on bytes `start` to `stop`; None where not known."""
    steps, first = steps_of(facts), first_byte(facts, block)
    if steps is None or first is None or facts.shape is None or not facts.itemsize:
        return None
    if 0 in facts.shape:
        return Here(facts.name, (), 0)
    search = _Search(facts.shape, steps, start - facts.itemsize + 1 - first, stop - first)
    found: list[Shape] = []
    count = 0
    for index in search.run():
        count += search.copies
        found += search.spread(index, LISTED - len(found))
    return Here(facts.name, tuple(found), None if search.gave_up else count)


def all_here(lit: Spot, snapshot: Snapshot, most: int = 20) -> list[Here]:
    """For each name in the block, the elements that lie where `lit` does; its own other ones too."""
    block = snapshot.storages.get(lit.block)
    if block is None:
        return []
    names = sorted(block.residents[: 4 * most], key=lambda name: name != lit.name)
    tensors = (snapshot.tensors[name] for name in names if name in snapshot.tensors)
    found = (here(facts, block, lit.start, lit.stop) for facts in tensors)
    return [each for each in found if each is not None and each.count != 0][:most]


def spelled(name: str, index: Shape) -> str:
    """`x[1, 2]`; a tensor without dimensions as it is."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


class _Search:
    """All indices whose sum of steps falls in [first, stop). Dimensions that do not move are left out."""

    def __init__(self, shape: Sequence[int], steps: Sequence[int], first: int, stop: int) -> None:
        moving = [d for d, (size, step) in enumerate(zip(shape, steps, strict=True)) if size > 1 and step]
        moving.sort(key=lambda d: -abs(steps[d]))
        self._moving, self._shape, self._steps = moving, shape, steps
        still = [d for d in range(len(shape)) if d not in set(moving)]
        self._still = [d for d in still if shape[d] > 1]
        #: How many indices each one that is found stands for.
        self.copies = prod(shape[d] for d in self._still)
        # From the lowest element on, with every step upwards.
        low = sum((shape[d] - 1) * steps[d] for d in moving if steps[d] < 0)
        self._first, self._stop = first - low, stop - low
        reach = [0]
        for d in reversed(moving):
            reach.append(reach[-1] + (shape[d] - 1) * abs(steps[d]))
        #: How far the dimensions after each one can go.
        self._reach = reach[::-1][1:]
        self.gave_up = False

    def run(self) -> Iterator[Shape]:
        """Indices, in every dimension that does not move 0."""
        pending: list[tuple[int, int, tuple[int, ...]]] = [(0, 0, ())]
        looks = 0
        while pending:
            looks += 1
            if looks > LOOKS:
                self.gave_up = True
                return
            depth, at, chosen = pending.pop()
            if depth == len(self._moving):
                if self._first <= at < self._stop:
                    yield self._index(chosen)
                continue
            d = self._moving[depth]
            step, size = abs(self._steps[d]), self._shape[d]
            low = max(0, -(-(self._first - at - self._reach[depth]) // step))
            high = min(size - 1, (self._stop - 1 - at) // step)
            if high - low > LOOKS:
                self.gave_up = True
                high = low + LOOKS
            pending += [(depth + 1, at + i * step, (*chosen, i)) for i in range(high, low - 1, -1)]

    def _index(self, chosen: Sequence[int]) -> Shape:
        index = [0] * len(self._shape)
        for d, i in zip(self._moving, chosen, strict=True):
            index[d] = i if self._steps[d] > 0 else self._shape[d] - 1 - i
        return tuple(index)

    def spread(self, index: Shape, most: int) -> list[Shape]:
        """The first indices that `index` stands for, counted up in the dimensions that do not move."""
        found = []
        for number in range(min(most, self.copies)):
            spread, rest = list(index), number
            for d in reversed(self._still):
                rest, spread[d] = divmod(rest, self._shape[d])
            found.append(tuple(spread))
        return found
