"""What a step found and left: who is who by object, storage and block, and what its code mentions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tutor.facts import Operand, Snapshot, Step
from tutor.view.holdings import root_of
from tutor.view.words import clean


class Births:
    """When each name came to mean its present object: finds the oldest name on some memory."""

    def __init__(self, before: Snapshot) -> None:
        self._births = {name: order for order, name in enumerate(before.tensors)}
        self._clock = len(self._births)

    def follow(self, step: Step) -> None:
        """Take in one step, in order."""
        bound = [change.name for change in step.changes if change.kind in ("new", "rebound")]
        places = {name: place for place, name in enumerate(step.snapshot.tensors)}
        for name in sorted(bound, key=lambda name: places.get(name, 0)):
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

    @cached_property
    def by_object(self) -> dict[int, list[str]]:
        return _index((facts.object, name) for name, facts in self.after.tensors.items())

    @cached_property
    def by_storage(self) -> dict[int, list[str]]:
        tensors = self.after.tensors.items()
        return _index((t.storage, name) for name, t in tensors if t.storage is not None and t.numel != 0)

    @cached_property
    def by_block(self) -> dict[int, list[str]]:
        tensors = self.after.tensors.items()
        return _index((t.block, name) for name, t in tensors if t.block is not None and t.numel != 0)

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


def _index(pairs: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    index: dict[int, list[str]] = {}
    for key, name in pairs:
        index.setdefault(key, []).append(name)
    return index
