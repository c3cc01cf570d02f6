"""What a step found and left: who is who by object, storage and block, and what its code mentions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from tutor.facts import Operand, Snapshot, Step, TensorFacts
from tutor.view.holdings import root_of
from tutor.view.words import clean

_Index = dict[int, dict[str, None]]


class Names:
    """The names of each object, and those with elements on each storage and each block, in no order."""

    def __init__(self, tensors: Mapping[str, TensorFacts]) -> None:
        self._tensors: Mapping[str, TensorFacts] = {}
        self._objects: _Index = {}
        self._storages: _Index = {}
        self._blocks: _Index = {}
        self.follow(tensors)

    def follow(self, tensors: Mapping[str, TensorFacts]) -> None:
        """Take in another snapshot's tensors; what it has in common with the last one costs little."""
        before = self._tensors
        if tensors is before:
            return
        self._tensors = tensors
        known = before.get
        fresh = [facts for name, facts in tensors.items() if known(name) is not facts]
        for name in before.keys() - tensors.keys():
            self._drop(before[name])
        for facts in fresh:
            if (old := known(facts.name)) is not None:
                self._drop(old)
        for facts in fresh:
            for index, key in self._places(facts):
                index.setdefault(key, {})[facts.name] = None

    def of_object(self, number: int) -> Collection[str]:
        """Names of one object."""
        return self._objects.get(number, ())

    def on_storage(self, number: int | None) -> Collection[str]:
        """Names of what has elements on a storage; of None there is none."""
        return self._storages.get(number, ()) if number is not None else ()

    def on_block(self, number: int | None) -> Collection[str]:
        """Names of what has elements on a block; of None there is none."""
        return self._blocks.get(number, ()) if number is not None else ()

    def _drop(self, facts: TensorFacts) -> None:
        for index, key in self._places(facts):
            names = index[key]
            del names[facts.name]
            if not names:
                del index[key]

    def _places(self, facts: TensorFacts) -> list[tuple[_Index, int]]:
        found = [(self._objects, facts.object)]
        if facts.numel != 0:
            keys = ((self._storages, facts.storage), (self._blocks, facts.block))
            found += [(index, key) for index, key in keys if key is not None]
        return found


class Births:
    """When each name came to mean its present object: finds the oldest name on some memory."""

    def __init__(self, before: Snapshot) -> None:
        self._births = {name: order for order, name in enumerate(before.tensors)}
        self._clock = len(self._births)
        #: Who is where, as of the last step.
        self.names = Names(before.tensors)

    def follow(self, step: Step) -> None:
        """Take in one step, in order."""
        self.names.follow(step.snapshot.tensors)
        bound = [change.name for change in step.changes if change.kind in ("new", "rebound")]
        if len(bound) > 1:
            places = {name: place for place, name in enumerate(step.snapshot.tensors)}
            bound.sort(key=lambda name: places.get(name, 0))
        for name in bound:
            self._births[name] = self._clock
            self._clock += 1

    def older(self, names: Iterable[str], than: str) -> list[str]:
        """Those of `names` that are older than `than`, the oldest first."""
        own = self._births.get(than, self._clock)
        older = [(birth, name) for name in names if (birth := self._births.get(name, self._clock)) < own]
        return [name for _, name in sorted(older)]


@dataclass(frozen=True)
class Context:
    """One step with the snapshot before it."""

    step: Step
    before: Snapshot
    births: Births

    @property
    def after(self) -> Snapshot:
        return self.step.snapshot

    @property
    def names(self) -> Names:
        """Who is where after the step."""
        return self.births.names

    @cached_property
    def devices(self) -> set[str]:
        tensors = (*self.before.tensors.values(), *self.after.tensors.values())
        return {facts.device for facts in tensors if facts.device is not None}

    def place(self, name: str) -> int | None:
        """Where the statement first mentions `name` as a whole."""
        found = [self._place(name)]
        if '"' in name:
            found.append(self._place(name.replace('"', "'")))
        return min((place for place in found if place is not None), default=None)

    def _place(self, name: str) -> int | None:
        source = self.step.source
        start = source.find(name)
        while start >= 0:
            before, after = (
                source[max(0, start - 1) : start],
                source[start + len(name) : start + len(name) + 1],
            )
            quoted = before in ("'", '"') and before == after
            joined = before.isalnum() or before in ("_", ".") or after.isalnum() or after == "_"
            if not (quoted or joined):
                return start
            start = source.find(name, start + 1)
        return None

    def mentions(self, name: str) -> bool:
        return self.place(name) is not None

    def older(self, names: Iterable[str], than: str) -> str | None:
        """The oldest name older than `than`, of those that the statement mentions if there are any."""
        older = self.births.older(names, than)
        return next(filter(self.mentions, older), older[0] if older else None)

    def copied_from(self, made: int) -> Operand | None:
        """What an object that the statement made has the elements of, as it was then."""
        for op in reversed(self.step.operations):
            if any(out.object == made for out in op.outs):
                return op.ins[op.of] if op.verdict == "copy" and op.of is not None else None
        return None

    @cached_property
    def echoes(self) -> set[str]:
        """Places in containers that changed only as their object did, which has a better name and is told."""
        groups: dict[tuple[str, int], list[str]] = {}
        for change in self.step.changes:
            facts = self.after.tensors.get(change.name) or self.before.tensors.get(change.name)
            if facts is not None and (change.kind in ("written", "altered") or facts.kind == "gradient"):
                groups.setdefault((change.kind, facts.object), []).append(change.name)
        found: set[str] = set()
        for names in groups.values():
            if len(names) > 1:
                first = min(names, key=lambda name: (not self.mentions(name), not name.isidentifier()))
                found.update(name for name in names if self._is_echo(name, first))
        return found

    def _is_echo(self, name: str, of: str) -> bool:
        elsewhere = not name.isidentifier() and root_of(name) != root_of(of)
        return elsewhere and name.endswith(("]", ".grad")) and not self.mentions(name)

    def prefix(self, name: str) -> str:
        """The name, where the statement does not show it itself."""
        return "" if self.mentions(name) else clean(name) + " "
