"""The blocks of memory that names live in, from one snapshot to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct, structs

from tutor.facts import StorageFacts, TensorFacts
from tutor.kernel import elements, raw
from tutor.kernel.identity import Identities
from tutor.kernel.storage import Blocks, Place, sharing_groups
from tutor.kernel.tensors import Named

#: Blocks up to this size are kept as bytes and compared, which also finds writes that bump no version.
MAX_COMPARED = 16 * 1024
#: Up to this many comparable blocks are all compared after every statement.
MAX_ALWAYS_COMPARED = 64
#: Elements of a block whose values are given as text, and blocks that have them.
MAX_VALUES = 64
MAX_VALUED_BLOCKS = 128
_NO_CHANGE = np.zeros(0, bool)


class Resident(Struct):
    """One name with its facts and place, and what is known about this step. Lives for one snapshot."""

    named: Named
    facts: TensorFacts
    place: Place | None
    #: The facts were read in this step (and nobody else holds them yet).
    read: bool = False
    #: The step's code mentions the variable.
    mentioned: bool = False
    #: The version counter moved in this step.
    bumped: bool = False


class Held(Struct, frozen=True):
    """What is kept of a block until the next snapshot: no tensor, only bytes and facts."""

    start: int
    end: int
    data: bytes | None
    facts: StorageFacts


class Block(Struct):
    """A group of residents that share memory. Lives for one snapshot."""

    number: int
    residents: list[Resident]
    start: int
    end: int
    device: str
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
    def moved(self) -> bool:
        before = self.before
        return before is not None and (self.start, self.end) != (before.start, before.end)

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


class Memory:
    """Blocks with their numbers, bytes and facts, from one snapshot to the next."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._numbers = Blocks()
        #: Groups of names that share memory.
        self.sharing: tuple[tuple[str, ...], ...] = ()
        #: Address and bytes of the blocks that are compared after every statement.
        self._watched: list[tuple[int, bytes]] = []
        #: No block was written in the last snapshot.
        self._settled = True

    def update(
        self, residents: Sequence[Resident], objects: Identities, storages: Identities
    ) -> dict[int, Block]:
        """Arrange `residents` in blocks, give their facts the block, find what was written."""
        groups = [[residents[i] for i in group] for group in sharing_groups([r.place for r in residents])]
        numbers = self._numbers.assign(map(_members, groups))
        self._numbers.prune(objects, storages)
        blocks = {
            number: _block(number, group, self._held.get(number))
            for number, group in zip(numbers, groups, strict=True)
        }
        _set_blocks(residents, blocks)
        always = sum(block.compared for block in blocks.values()) <= MAX_ALWAYS_COMPARED
        watched = [b for b in blocks.values() if b.compared and (always or any(map(_is_array, b.residents)))]
        watched_numbers = {block.number for block in watched}
        for block in blocks.values():
            _examine(block, block.number in watched_numbers)
        self._watched = [(block.start, block.data) for block in watched if block.data is not None]
        valued = _valued(list(blocks.values()))
        self._held = {number: _hold(block, number in valued) for number, block in blocks.items()}
        self._settled = all(held.facts.written == () for held in self._held.values())
        self.sharing = tuple(
            tuple(resident.facts.name for resident in group) for group in _with_bare(residents, groups)
        )
        return blocks

    def storages(self) -> tuple[StorageFacts, ...]:
        """Facts of all blocks, by first resident."""
        return tuple(held.facts for held in self._held.values())

    def unchanged(self) -> bool:
        """Whether no watched byte changed since the last snapshot, in which nothing was written either.

        Only to be called while every resident is known to be where it was.
        """
        return self._settled and all(
            elements.read_bytes(start, len(data)) == data for start, data in self._watched
        )


def _set_blocks(residents: Sequence[Resident], blocks: dict[int, Block]) -> None:
    numbers = {id(r): number for number, block in blocks.items() for r in block.residents}
    for resident in residents:
        number = numbers.get(id(resident))
        if resident.facts.block != number:
            if resident.read:
                structs.force_setattr(resident.facts, "block", number)
            else:
                resident.facts = structs.replace(resident.facts, block=number)


def _examine(block: Block, watched: bool) -> None:
    """Read the bytes if they may have changed, and compare them with those of the last snapshot."""
    before = block.before
    ask = block.in_play or block.moved or before is None or before.data is None
    if block.compared and (ask or watched):
        block.data = elements.read_bytes(block.start, block.nbytes)
    elif ask and _copyable(block):
        block.data = _copy_from_device(block)
    elif before is not None:
        block.data = before.data
    if before is None:
        block.mask = None
    elif block.data is None or before.data is None:
        block.mask = None if block.bumped or block.moved else _NO_CHANGE
    else:
        block.mask = _difference(before, block, before.data, block.data)


def _members(group: list[Resident]) -> Iterator[tuple[str, int]]:
    for resident in group:
        facts = resident.facts
        yield ("object", facts.object) if facts.storage is None else ("storage", facts.storage)


def _block(number: int, group: list[Resident], before: Held | None) -> Block:
    places = [resident.place for resident in group if resident.place is not None]
    start = min(place.start for place in places)
    end = max(place.end for place in places)
    return Block(
        number,
        group,
        start,
        end,
        places[0].device,
        end - start <= MAX_COMPARED and _readable(places, start, end),
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


def _with_bare(residents: Sequence[Resident], groups: list[list[Resident]]) -> Iterator[list[Resident]]:
    """Groups of two names or more, with names of one object that has no memory to go by."""
    order = {id(resident): index for index, resident in enumerate(residents)}
    bare: dict[int, list[Resident]] = {}
    for resident in residents:
        if resident.place is None and resident.facts.numel != 0:
            bare.setdefault(resident.facts.object, []).append(resident)
    shared = [group for group in [*groups, *bare.values()] if len(group) > 1]
    yield from sorted(shared, key=lambda group: order[id(group[0])])


def _is_array(resident: Resident) -> bool:
    return resident.facts.kind == "ndarray"


def _difference(before: Held, block: Block, old: bytes, new: bytes) -> np.ndarray:
    """Changed bytes of `block`. Bytes that only now came into view count as unchanged."""
    if not block.moved:
        return elements.changed_bytes(old, new) if old != new else _NO_CHANGE
    low, high = max(block.start, before.start), min(block.end, before.end)
    if low >= high:  # other memory altogether
        return np.ones(block.nbytes, bool)
    mask = np.zeros(block.nbytes, bool)
    mask[low - block.start : high - block.start] = elements.changed_bytes(
        old[low - before.start : high - before.start], new[low - block.start : high - block.start]
    )
    return mask


def _copyable(block: Block) -> bool:
    few = block.nbytes <= MAX_VALUES * block.itemsize
    return few and block.start > 0 and block.device not in ("cpu", "meta")


def _copy_from_device(block: Block) -> bytes | None:
    for resident in block.residents:
        value = resident.named.value
        if raw.is_tensor(value) and not raw.dispatches_to_python(value):
            data = elements.read_device_bytes(raw.untyped_storage(value))
            return data if data is not None and len(data) == block.nbytes else None
    return None


def _valued(blocks: list[Block]) -> set[int]:
    """Blocks whose values are shown: all, or when they are many, those in play and the newest."""
    small = [b for b in blocks if b.data is not None and b.nbytes <= MAX_VALUES * b.itemsize]
    if len(small) > MAX_VALUED_BLOCKS:
        small.reverse()
        small.sort(key=lambda block: not block.in_play)
    return {block.number for block in small[:MAX_VALUED_BLOCKS]}


def _hold(block: Block, valued: bool) -> Held:
    first = block.residents[0].facts
    storages = dict.fromkeys(r.facts.storage for r in block.residents if r.facts.storage is not None)
    facts = StorageFacts(
        block.number,
        tuple(storages),
        block.start,
        block.nbytes,
        block.device,
        first.dtype or "uint8",
        block.itemsize,
        tuple([resident.facts.name for resident in block.residents]),
        _values(block) if valued else None,
        _written(block),
    )
    return Held(block.start, block.end, block.data, facts)


def _values(block: Block) -> tuple[str, ...] | None:
    dtype, before = block.residents[0].facts.dtype, block.before
    if block.data is None or dtype is None:
        return None
    if before is not None and before.data == block.data:
        if before.facts.dtype == dtype and before.facts.values is not None:
            return before.facts.values
    usable = len(block.data) - len(block.data) % block.itemsize
    return elements.element_texts(block.data[:usable], dtype)


def _written(block: Block) -> elements.Ranges | None:
    if block.before is None:
        return ((0, max(1, block.nbytes // block.itemsize)),)
    if block.mask is None:
        return None
    return elements.element_ranges(block.mask, block.itemsize) if block.mask.any() else ()


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
