"""Snapshots of the learner's variables: what there is, and what the last statement did to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import compress
from typing import Any

from msgspec import Struct, structs

from tutor.facts import Change, Origin, SnapshotDelta, StorageFacts, TensorFacts
from tutor.kernel import names, raw
from tutor.kernel.guard import GENUINE
from tutor.kernel.identity import Identities
from tutor.kernel.labels import Labels
from tutor.kernel.layout import Layout, layout_of, rearranged
from tutor.kernel.memory import Block, Memory, Resident
from tutor.kernel.screen import has_moved
from tutor.kernel.storage import Place
from tutor.kernel.tensors import Named, describe_all
from tutor.kernel.variables import Variables

globals()["__builtins__"] = GENUINE

#: Variables with tensors that one snapshot describes.
MAX_NAMES = 1_000
#: What code calls that may alter an object in ways that neither its version nor its address tells.
ALTERING = frozenset(
    {"data", "set_", "set_data", "resize_", "resize_as_", "as_strided_", "retain_grad", "detach_", "rename_"}
    | {"squeeze_", "unsqueeze_", "t_", "transpose_", "swapaxes_", "swapdims_", "swap_tensors", "resize"}
    | {"setattr", "__setattr__", "exec", "eval"}
)


class Entry(Struct, frozen=True):
    """What is remembered of a described name: facts only."""

    facts: TensorFacts
    place: Place | None
    #: `id()` of the gradient: only comparable while no numbered object has died.
    gradient_id: int


class Snapshots:
    """Follows one namespace. Holds no tensor and no array of it, and runs no code of the learner's."""

    def __init__(self, namespace: dict[str, object], ignore: frozenset[str]) -> None:
        self._namespace = namespace
        self._ignore = ignore
        #: How many backward passes a gradient, the `.grad` of a tensor, has added up, where that is known.
        self.passes: Callable[[Any, Any], int | None] = _unknown
        #: Which operation made an object or its storage, by their numbers; None where nothing watches.
        self.origin_of: Callable[[int, int | None], Origin | None] | None = None
        self.reset()

    @property
    def objects(self) -> Identities:
        """The numbers of objects, which all facts use."""
        return self._objects

    @property
    def storages(self) -> Identities:
        """The numbers of storages, which all facts use."""
        return self._storages

    def reset(self) -> None:
        """Forget everything; identities start at 1 again."""
        self._objects = Identities()
        self._storages = Identities()
        self._memory = Memory()
        self._variables = Variables(self._namespace, self._ignore)
        self._entries: dict[str, Entry] = {}
        self._layout: Layout | None = None
        self._sent_storages: dict[int, StorageFacts] = {}
        self._sent_sharing: tuple[tuple[str, ...], ...] = ()
        self._omitted = 0
        self._beyond: dict[str, int] = {}
        #: Containers that the budget cut short, with the `id()` of the variable; now and one step ago.
        self._cut: dict[str, int] = {}
        self._cut_before: dict[str, int] = {}
        #: Variables that the budget left out, with the `id()` of their values; now and one step ago.
        self._skipped: dict[str, int] = {}
        self._skipped_before: dict[str, int] = {}
        #: Some statement so far may alter objects unseen, under whatever name: all are read in full.
        self._wary = False
        self._resizes = False
        #: `id()` and number of arrays whose weak reference is dropped while a statement runs.
        self._released: dict[int, int] = {}

    def names_of_state(self) -> dict[int, str]:
        """Paths of the parameters and buffers of modules at the last snapshot, by the objects' numbers."""
        found: dict[int, str] = {}
        for name, entry in self._entries.items():
            if entry.facts.kind in ("parameter", "buffer"):
                found.setdefault(entry.facts.object, name)
        return found

    def names(self) -> tuple[dict[int, str], dict[int, str]]:
        """A path of each object and of each storage at the last snapshot, by number; variables come first."""
        objects: dict[int, str] = {}
        storages: dict[int, str] = {}
        for name, entry in sorted(self._entries.items(), key=lambda pair: not pair[0].isidentifier()):
            objects.setdefault(entry.facts.object, name)
            if entry.facts.storage is not None:
                storages.setdefault(entry.facts.storage, name)
        return objects, storages

    def prepare(self, mentioned: Collection[str]) -> None:
        """A statement that mentions these names and attributes is about to run.

        numpy refuses to resize an array that is weakly referenced, so such arrays are let go meanwhile.
        """
        self._wary = self._wary or not ALTERING.isdisjoint(mentioned)
        self._resizes = self._resizes or "resize" in mentioned
        if self._resizes:
            for array in self._arrays():
                if (number := self._objects.release(array)) is not None:
                    self._released[id(array)] = number

    def _take_back(self) -> None:
        for array in self._arrays():
            self._objects.restore(array, self._released.pop(id(array), None))
        self._released.clear()

    def _arrays(self) -> list[object]:
        """Arrays under names and in containers."""
        variables = [pair for pair in list(self._namespace.items()) if self._variables.is_variable(pair[0])]
        with raw.Reading():
            items = names.Collector().collect(variables)
        return [item.value for item in items if raw.is_array(item.value)]

    def take(self, mentioned: Collection[str] = ()) -> SnapshotDelta:
        """What changed since the last call; variables in `mentioned` are always read in full."""
        with raw.Reading():
            if self._released:
                self._take_back()
            known = self._layout.tracked if self._layout is not None else frozenset()
            asked = frozenset(mentioned) | known if self._wary else frozenset(mentioned)
            looked_at, values = self._variables.look(known if asked <= known else [*known, *(asked - known)])
            if self._layout is not None and self._nothing_changed(self._layout, looked_at, values, asked):
                return SnapshotDelta(omitted=self._omitted)
            return self._read(dict(zip(looked_at, values, strict=True)), asked)

    def describe(self, items: Sequence[Named]) -> list[TensorFacts]:
        """Facts of values that need not be in the namespace, with the identities that snapshots use."""
        with raw.Reading():
            numbers = self._objects.numbers([item.value for item in items])
            described = describe_all(items, numbers, self._storages)
            return [self._with_origin(facts, None) for facts, _ in described]

    def labels(self) -> Labels:
        """The learner's names at nodes of graphs, as of the last snapshot."""
        leaves: dict[int, str] = {}
        made: dict[int, list[str]] = {}
        for path, entry in self._entries.items():
            facts = entry.facts
            if facts.node is not None:
                made.setdefault(facts.node, []).append(path)
            elif facts.requires_grad:
                known = leaves.get(facts.object)
                # A leaf's own name says more than its place in a list of parameters.
                if known is None or (self._is_held(known) and not self._is_held(path)):
                    leaves[facts.object] = path
        number_of, name_of = self._objects.known, leaves.get
        return Labels(
            lambda leaf: None if (number := number_of(leaf)) is None else name_of(number),
            made,
            lambda paths: names.find(self._namespace, paths),
            self._objects.number,
        )

    def _is_held(self, path: str) -> bool:
        """Whether `path` leads through a container, not from a variable or a module."""
        return bool(names.is_searched(self._namespace.get(_root(path))))

    def _nothing_changed(
        self, layout: Layout, looked_at: list[str], values: list[object], asked: frozenset[str]
    ) -> bool:
        if self._deaths() != layout.deaths or not layout.tracked.isdisjoint(asked):
            return False
        if list(map(id, values)) != layout.ids or looked_at != layout.names:
            return False
        tensors = values if layout.all_screened else list(compress(values, layout.screened))
        plain = compress(values, layout.plain) if layout.plain_types else ()
        return (
            list(map(id, map(type, plain))) == layout.plain_types
            and layout.screen.unchanged(tensors)
            and self._others_unchanged(layout, values)
            and self._memory.unchanged()
        )

    def _others_unchanged(self, layout: Layout, values: list[object]) -> bool:
        if not layout.others:
            return True
        others = zip(compress(layout.names, layout.others), compress(values, layout.others), strict=True)
        collector = names.Collector(layout.parameters)
        items = collector.collect(others)
        same = [item.path for item in items] == layout.paths and collector.cut == layout.cut
        return same and not any(map(self._differs, items))

    def _differs(self, item: Named) -> bool:
        """Whether `item` must be described again."""
        entry = self._entries.get(item.path)
        return (
            entry is None
            or self._objects.number(item.value) != entry.facts.object
            or id(item.gradient) != entry.gradient_id
            or has_moved(item.value, entry.facts)
            or (item.gradient is not None and self.passes(item.value, item.gradient) != entry.facts.passes)
        )

    def _deaths(self) -> int:
        return self._objects.deaths + self._storages.deaths

    def _read(self, looked_at: dict[str, object], asked: frozenset[str]) -> SnapshotDelta:
        deaths = self._deaths()
        tracked, searched = self._sorted(looked_at)
        chosen = self._choose(tracked, looked_at, asked)
        within = set(chosen)
        self._skipped_before = self._skipped
        self._skipped = {name: id(looked_at[name]) for name in tracked if name not in within}
        collector = names.Collector()
        followed = within | searched
        wanted = chosen if not searched else [name for name in looked_at if name in followed]
        items = collector.collect((name, looked_at[name]) for name in wanted)
        self._cut_before = self._cut
        self._cut = {path: id(looked_at[_root(path)]) for path, _ in collector.cut}
        residents = self._residents(items, asked, self._at_rest(looked_at, asked))
        blocks = self._memory.update(residents, self._objects, self._storages)
        omitted = len(self._skipped) + collector.omitted
        self._omitted = omitted + self._variables.count_beyond(looked_at, tracked)
        kept = frozenset(tracked) | collector.holding
        layout = layout_of(looked_at, kept, followed, residents, collector, deaths)
        delta = self._delta(residents, blocks, looked_at, collector.holding, collector.beyond())
        self._entries = {r.facts.name: Entry(r.facts, r.place, id(r.named.gradient)) for r in residents}
        self._layout = layout
        # What operations make and drop meanwhile is nobody that this layout knows.
        self._objects.mark()
        self._storages.mark()
        return delta

    def _sorted(self, looked_at: dict[str, object]) -> tuple[list[str], set[str]]:
        """Names of tensors, arrays and modules, and names of what is searched for tensors."""
        is_searched, is_variable = names.is_searched, self._variables.is_variable
        tracked: list[str] = []
        searched: set[str] = set()
        for name, value in looked_at.items():
            search = is_searched(value)
            if search is not None and is_variable(name):
                if search:
                    searched.add(name)
                else:
                    tracked.append(name)
        return tracked, searched

    def _choose(self, tracked: list[str], looked_at: dict[str, object], asked: frozenset[str]) -> list[str]:
        """At most MAX_NAMES of `tracked`: those that changed first, then the newest."""
        if len(tracked) <= MAX_NAMES:
            return tracked
        layout = self._layout
        earlier = {} if layout is None else dict(zip(layout.names, layout.ids, strict=True))

        def changed(name: str) -> bool:
            value = looked_at[name]
            entry = self._entries.get(name)
            moved = entry is not None and has_moved(value, entry.facts)
            return moved or name in asked or earlier.get(name) != id(value)

        newest_first = tracked[::-1]
        newest_first.sort(key=lambda name: not changed(name))
        best = set(newest_first[:MAX_NAMES])
        return [name for name in tracked if name in best]

    def _at_rest(self, looked_at: dict[str, object], asked: frozenset[str]) -> frozenset[str]:
        """Variables not in `asked` that are seen at once not to have moved; of gradients nothing is said."""
        layout = self._layout
        if layout is None:
            return frozenset()
        screened = [True] * len(layout.names) if layout.all_screened else layout.screened
        names = list(compress(layout.names, screened))
        kept = [] if asked.isdisjoint(names) else [name not in asked for name in names]
        names = list(compress(names, kept)) if kept else names
        values = [looked_at.get(name) for name in names]
        known = self._objects.known
        same = [known(value) for value in values] == [self._entries[name].facts.object for name in names]
        return frozenset(names) if same and layout.screen.unchanged(values, kept) else frozenset()

    def _residents(
        self, items: list[Named], asked: frozenset[str], at_rest: frozenset[str]
    ) -> list[Resident]:
        """The facts of each item: remembered where nothing moved, else read."""
        if self._entries:
            unread = [
                i
                for i, item in enumerate(items)
                if item.root in asked
                or ((item.gradient is not None or item.path not in at_rest) and self._differs(item))
            ]
        else:
            unread = list(range(len(items)))
        fresh = items if len(unread) == len(items) else [items[i] for i in unread]
        numbers = self._objects.numbers([item.value for item in fresh])
        read = dict(zip(unread, describe_all(fresh, numbers, self._storages), strict=True))
        residents = []
        for index, item in enumerate(items):
            described = read.get(index)
            entry = self._entries.get(item.path)
            if described is not None:
                facts, place = described
                facts = self._with_origin(facts, entry)
                if (
                    item.gradient is not None
                    and (passes := self.passes(item.value, item.gradient)) is not None
                ):
                    facts = structs.replace(facts, passes=passes)
                if item.hidden:
                    facts = structs.replace(facts, hidden=True)
                same = entry is not None and entry.facts.object == facts.object
                bumped = same and entry is not None and entry.facts.version != facts.version
                mentioned = item.root in asked
                residents.append(Resident(item, facts, place, index, True, mentioned, bumped))
            elif entry is not None:
                residents.append(Resident(item, entry.facts, entry.place, index))
        return residents

    def _with_origin(self, facts: TensorFacts, entry: Entry | None) -> TensorFacts:
        """An object keeps the origin that it was first known to have."""
        if entry is not None and entry.facts.object == facts.object and entry.facts.origin is not None:
            return structs.replace(facts, origin=entry.facts.origin)
        if self.origin_of is None or facts.kind == "ndarray":
            return facts
        origin = self.origin_of(facts.object, facts.storage)
        return facts if origin is None else structs.replace(facts, origin=origin)

    def _delta(
        self,
        residents: list[Resident],
        blocks: dict[int, Block],
        looked_at: dict[str, object],
        holding: set[str],
        beyond: dict[str, int],
    ) -> SnapshotDelta:
        paths = [resident.facts.name for resident in residents]
        gone, order = rearranged(self._entries, paths)
        entries = self._entries
        fresh = [r for r in residents if (e := entries.get(r.facts.name)) is None or e.facts is not r.facts]
        looked_at_again = residents if blocks else fresh
        changes = [change for r in looked_at_again if (change := self._change(r, blocks)) is not None]
        storages, sharing = {each.block: each for each in self._memory.storages()}, self._memory.sharing
        sent = self._sent_storages
        freed, order_of_blocks = rearranged(sent, list(storages))
        delta = SnapshotDelta(
            tensors=tuple(r.facts for r in fresh if self._is_news(r.facts)),
            gone=gone,
            order=order,
            storages=tuple(each for each in storages.values() if sent.get(each.block) != each),
            freed=freed,
            blocks=order_of_blocks,
            sharing=sharing if sharing != self._sent_sharing else None,
            omitted=self._omitted,
            beyond=beyond if beyond != self._beyond else None,
            changes=(*changes, *self._departures(gone, looked_at, holding)),
        )
        self._beyond = beyond
        self._sent_storages, self._sent_sharing = storages, sharing
        return delta

    def _is_news(self, facts: TensorFacts) -> bool:
        entry = self._entries.get(facts.name)
        return entry is None or entry.facts != facts

    def _departures(
        self, gone: tuple[str, ...], looked_at: dict[str, object], holding: set[str]
    ) -> Iterator[Change]:
        for path in gone:
            root = _root(path)
            if root in self._skipped or _around(path, self._cut) is not None:
                continue  # it may be there all the same
            if root not in looked_at or root != path:
                yield Change(path, "deleted")
            elif root not in holding and not names.is_tracked(looked_at[root]):
                yield Change(path, "rebound")

    def _change(self, resident: Resident, blocks: dict[int, Block]) -> Change | None:
        facts = resident.facts
        entry = self._entries.get(facts.name)
        if entry is None:
            return self._arrival(resident.named)
        if entry.facts.object != facts.object:
            return Change(facts.name, "rebound")
        block = blocks.get(facts.block or 0)
        if resident.bumped or _other_memory(entry.facts, facts) or (block and block.wrote_to(facts)):
            return Change(facts.name, "written")
        if facts is entry.facts or facts == structs.replace(entry.facts, block=facts.block):
            return None
        return Change(facts.name, "altered")

    def _arrival(self, item: Named) -> Change | None:
        """No change if the variable or container was there before and only now comes within the budget."""
        before = self._skipped_before.get(item.root)
        if item.holder and (cut := _around(item.path, self._cut_before)) is not None:
            before = self._cut_before[cut]
        if before is None:
            return Change(item.path, "new")
        if before == id(self._namespace.get(item.root)):
            return None
        return Change(item.path, "new" if item.holder else "rebound")


def _unknown(leaf: Any, gradient: Any) -> None:
    return None


def _root(path: str) -> str:
    """The variable that a path starts from."""
    return path.partition(".")[0].partition("[")[0]


def _around(path: str, cut: dict[str, int]) -> str | None:
    """The container among those cut short that `path` leads into."""
    return next((outer for outer in cut if path.startswith((f"{outer}[", f"{outer}."))), None)


def _other_memory(before: TensorFacts, after: TensorFacts) -> bool:
    """Whether the object got other values by way of `.data`, not just another dtype or device."""
    kept = (before.dtype, before.device) == (after.dtype, after.device)
    return kept and before.storage != after.storage
