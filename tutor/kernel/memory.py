"""The blocks of memory that names live in, from one snapshot to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from msgspec import structs

from tutor.facts import StorageFacts
from tutor.kernel import elements, raw
from tutor.kernel.blocks import (
    MAX_COMPARED,
    MAX_LARGE,
    NO_CHANGE,
    Block,
    Held,
    Resident,
    changed_bytes,
    gather,
)
from tutor.kernel.identity import Identities
from tutor.kernel.storage import Blocks, Place, sharing_groups

#: Up to this many comparable blocks are all compared after every statement.
MAX_ALWAYS_COMPARED = 64
#: Bytes of larger blocks that are kept in all: comparing them takes some milliseconds.
MAX_KEPT = 16 * 1024 * 1024
#: Elements of a block whose values are given as text, and how many blocks have them.
MAX_VALUES = 64
MAX_VALUED_BLOCKS = 40
#: The first so many of a container or module come before the rest of any.
_FIRST = 8


class Memory:
    """Blocks with their numbers, bytes and facts, from one snapshot to the next."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._numbers = Blocks()
        #: Groups of names that share memory.
        self.sharing: tuple[tuple[str, ...], ...] = ()
        #: Blocks that have their values as text.
        self._valued: set[int] = set()
        #: Address and bytes of the blocks that are compared after every statement.
        self._watched: list[tuple[int, bytes]] = []
        #: No block was written in the last snapshot.
        self._settled = True

    def update(
        self, residents: Sequence[Resident], objects: Identities, storages: Identities
    ) -> dict[int, Block]:
        """Arrange `residents` in blocks, give their facts the block, find what was written.

        The result has the blocks that were written, or may have been, apart from new ones.
        """
        groups = [[residents[i] for i in group] for group in sharing_groups([r.place for r in residents])]
        numbers = self._numbers.assign([[r.member for r in group] for group in groups])
        self._numbers.prune(objects, storages)
        _set_blocks(residents, numbers, groups)
        always = _few_are_comparable(groups)
        room = Room(self._held[number] for number in numbers if number in self._held)
        before, held, touched, in_play = self._held, dict[int, Held](), dict[int, Block](), []
        for number, group in zip(numbers, groups, strict=True):
            earlier = before.get(number)
            if len(group) == 1:
                alone = group[0]
                kept = _fresh(number, alone, room) if earlier is None else _unchanged(earlier, alone, always)
                if kept is not None:
                    held[number] = kept
                    if earlier is None or alone.mentioned:
                        in_play.append(number)
                    continue
            block = gather(number, group, earlier)
            if block.large and (earlier is None or earlier.data is None):
                block.compared = block.compared and room.take(block.nbytes)
            _examine(block, always)
            held[number] = _hold(block)
            if block.in_play:
                in_play.append(number)
            if earlier is not None and (block.mask is None or block.mask.any()):
                touched[number] = block
        self._held = held
        self._settled = all(each.facts.written == () for each in held.values())
        self._value(in_play)
        self._watched = [
            (each.start, each.data)
            for each in held.values()
            if each.data is not None and (each.array or (always and len(each.data) <= MAX_COMPARED))
        ]
        shared = sorted(_with_bare(residents, groups), key=lambda group: group[0].index)
        self.sharing = tuple(tuple(resident.facts.name for resident in group) for group in shared)
        return touched

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

    def _value(self, in_play: list[int]) -> None:
        """Give values to small blocks: to all, or when they are many, to those in play and the newest.

        One long list does not take them from all others.
        """
        ranked = list(dict.fromkeys([*reversed(in_play), *reversed(self._held)]))
        if len(ranked) > MAX_VALUED_BLOCKS and (turns := self._turns()):
            ranked.sort(key=lambda number: turns.get(number, 0))
        small = (number for number in ranked if _is_small(self._held[number]))
        valued = set(islice(small, MAX_VALUED_BLOCKS))
        for number in self._valued - valued:
            if number in self._held:
                self._set_values(number, None)
        for number in valued:
            if self._held[number].facts.values is None:
                self._set_values(number, _values(self._held[number]))
        self._valued = valued

    def _turns(self) -> dict[int, int]:
        """For blocks of what containers and modules hold, how many times _FIRST others of it come before."""
        inside = [(n, held.facts.residents[0]) for n, held in self._held.items()]
        counts: dict[str, int] = {}
        turns: dict[int, int] = {}
        for number, name in inside:
            if not name.isidentifier():
                root = name.partition(".")[0].partition("[")[0]
                counts[root] = counts.get(root, 0) + 1
                turns[number] = (counts[root] - 1) // _FIRST
        return turns

    def _set_values(self, number: int, values: tuple[str, ...] | None) -> None:
        held = self._held[number]
        if values != held.facts.values:
            facts = structs.replace(held.facts, values=values)
            self._held[number] = structs.replace(held, facts=facts)


class Room:
    """How many bytes of large blocks may still be kept."""

    def __init__(self, held: Iterable[Held]) -> None:
        kept = (len(each.data) for each in held if each.data is not None)
        self._left = MAX_KEPT - sum(size for size in kept if size > MAX_COMPARED)

    def take(self, nbytes: int) -> bool:
        """Whether there is room for a block."""
        if nbytes > self._left:
            return False
        self._left -= nbytes
        return True


def _is_comparable(place: Place) -> bool:
    return place.readable and place.end - place.start <= MAX_COMPARED


def _few_are_comparable(groups: list[list[Resident]]) -> bool:
    comparable = (group for group in groups if any(r.place and _is_comparable(r.place) for r in group))
    return sum(1 for _ in islice(comparable, MAX_ALWAYS_COMPARED + 1)) <= MAX_ALWAYS_COMPARED


def _is_small(held: Held) -> bool:
    return held.data is not None and len(held.data) <= MAX_VALUES * held.facts.itemsize


def _unchanged(held: Held, resident: Resident, always: bool) -> Held | None:
    """`held` for this step, if it has one resident as before and nothing was written; else None."""
    facts, place = held.facts, resident.place
    if place is None or held.start != place.start or held.end != place.end:
        return None
    if len(facts.residents) != 1 or facts.residents[0] != resident.facts.name or resident.bumped:
        return None
    if resident.read and facts.dtype != resident.facts.dtype:
        return None
    small = place.end - place.start <= MAX_COMPARED
    watched = resident.read or held.array or (always and small)
    if place.device not in raw.READABLE and (resident.mentioned or held.data is not None):
        return None
    if (
        watched
        and held.data is not None
        and elements.read_bytes(held.start, place.end - place.start) != held.data
    ):
        return None
    if facts.written == ():
        return held
    return Held(held.start, held.end, held.data, structs.replace(facts, written=()), held.array)


def _fresh(number: int, resident: Resident, room: Room) -> Held:
    """A new block with one resident: all of it was written."""
    facts, place = resident.facts, resident.place
    assert place is not None
    start, nbytes, itemsize = place.start, place.end - place.start, facts.itemsize or 1
    data = None
    if _is_comparable(place) or (place.readable and nbytes <= MAX_LARGE and room.take(nbytes)):
        data = elements.read_bytes(start, nbytes)
    elif place.device not in raw.READABLE:
        data = _copy_from_device([resident], start, nbytes)
    made = StorageFacts(
        number,
        () if facts.storage is None else (facts.storage,),
        start,
        nbytes,
        place.device,
        facts.dtype or "uint8",
        itemsize,
        (facts.name,),
        None,
        ((0, max(1, nbytes // itemsize)),),
        data is not None,
    )
    return Held(start, place.end, data, made, facts.kind == "ndarray")


def _set_blocks(residents: Sequence[Resident], numbers: list[int], groups: list[list[Resident]]) -> None:
    for resident in residents:
        if resident.place is None or resident.place.start >= resident.place.end:
            _set_block(resident, None)
    for number, group in zip(numbers, groups, strict=True):
        for resident in group:
            _set_block(resident, number)


def _set_block(resident: Resident, number: int | None) -> None:
    if resident.facts.block == number:
        return
    if resident.read:  # nobody else has seen these facts yet
        structs.force_setattr(resident.facts, "block", number)
    else:
        resident.facts = structs.replace(resident.facts, block=number)


def _examine(block: Block, always: bool) -> None:
    """Read the bytes if they may have changed, and compare them with those of the last snapshot."""
    before = block.before
    ask = block.in_play or block.moved or before is None or before.data is None
    if block.compared and (ask or block.array or (always and not block.large)):
        block.data = elements.read_bytes(block.start, block.nbytes)
    elif ask and block.device not in raw.READABLE:
        block.data = _copy_from_device(block.residents, block.start, block.nbytes)
    elif before is not None:
        block.data = before.data
    if before is None:
        block.mask = None
    elif block.data is None or before.data is None:
        block.mask = None if block.bumped or block.moved else NO_CHANGE
    else:
        block.mask = changed_bytes(before, block, before.data, block.data)


def _with_bare(residents: Sequence[Resident], groups: list[list[Resident]]) -> Iterator[list[Resident]]:
    """Groups of two names or more, and the names of one object that has no memory to go by."""
    yield from (group for group in groups if len(group) > 1)
    bare: dict[int, list[Resident]] = {}
    for resident in residents:
        if resident.place is None and resident.facts.numel != 0:
            bare.setdefault(resident.facts.object, []).append(resident)
    yield from (group for group in bare.values() if len(group) > 1)


def _copy_from_device(residents: list[Resident], start: int, nbytes: int) -> bytes | None:
    """A copy of a small block on an accelerator, if it is one storage."""
    few = nbytes <= MAX_VALUES * (residents[0].facts.itemsize or 1)
    if not few or start == 0:
        return None
    for resident in residents:
        value = resident.named.value
        if raw.is_tensor(value) and not raw.dispatches_to_python(value):
            data = elements.read_device_bytes(raw.untyped_storage(value))
            return data if data is not None and len(data) == nbytes else None
    return None


def _hold(block: Block) -> Held:
    first, before = block.residents[0].facts, block.before
    storages = dict.fromkeys(r.facts.storage for r in block.residents if r.facts.storage is not None)
    dtype = first.dtype or "uint8"
    kept = before is not None and before.data == block.data and before.facts.dtype == dtype
    facts = StorageFacts(
        block.number,
        tuple(storages),
        block.start,
        block.nbytes,
        block.device,
        dtype,
        block.itemsize,
        tuple([resident.facts.name for resident in block.residents]),
        before.facts.values if kept and before is not None else None,
        _written(block),
        block.data is not None,
    )
    if before is not None and before.facts == facts:
        facts = before.facts
    return Held(block.start, block.end, block.data, facts, block.array)


def _values(held: Held) -> tuple[str, ...] | None:
    if held.data is None:
        return None
    usable = len(held.data) - len(held.data) % held.facts.itemsize
    return elements.element_texts(held.data[:usable], held.facts.dtype)


def _written(block: Block) -> elements.Ranges | None:
    if block.before is None:
        return ((0, max(1, block.nbytes // block.itemsize)),)
    if block.mask is None or (block.large and block.mask.any()):  # there may be as many ranges as elements
        return None
    return elements.element_ranges(block.mask, block.itemsize) if block.mask.any() else ()
