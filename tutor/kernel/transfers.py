"""Copies between the memories of two devices, counted while a statement runs.

A device that tells of its copies calls `note`; torch itself tells of none.
"""

from __future__ import annotations

import threading
from typing import Any

from tutor.facts import TransferFacts
from tutor.kernel import raw
from tutor.kernel.guard import GENUINE
from tutor.kernel.namespace import Snapshots

globals()["__builtins__"] = GENUINE

#: Copies in one direction whose tensors are remembered, to be named; and names that are told.
_MOST_KNOWN, _MOST_NAMED = 64, 8


#: Numbers of an object and of its storage.
_Place = tuple[int, int]
#: The learner's names by the numbers of objects, and by those of storages.
Names = tuple[dict[int, str], dict[int, str]]


class _Way:
    """The copies in one direction."""

    __slots__ = ("count", "known", "nbytes")

    def __init__(self) -> None:
        self.count = self.nbytes = 0
        #: What was copied, and the copy.
        self.known: list[tuple[_Place, _Place]] = []


class Transfers:
    """Counts the copies of one statement after another. Holds numbers only."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        # Backward passes and loaders copy in threads of their own.
        self._lock = threading.Lock()
        self._ways: dict[tuple[str, str], _Way] = {}

    def start(self) -> None:
        """A statement is about to run."""
        self._ways = {}
        _listening[:] = [self]

    def stop(self) -> None:
        """The statement ended: what is copied now is not its own."""
        _listening.clear()

    def seen(self) -> tuple[TransferFacts, ...]:
        """What was copied, after the snapshot that gives it names. Forgets it."""
        self.stop()
        ways, self._ways = self._ways, {}
        if not ways:
            return ()
        names = self._snapshots.names()
        return tuple(
            TransferFacts(source, target, way.count, way.nbytes, _named(way, names))
            for (source, target), way in ways.items()
        )

    def add(self, source: Any, target: Any) -> None:
        """`source` is being copied into `target`, or where that is None, its one number to the host."""
        with self._lock, raw.Reading():
            nbytes = raw.numel(source) * raw.element_size(source if target is None else target)
            if not nbytes:
                return
            there = "cpu" if target is None else raw.device_text[raw.device(target)]
            way = self._ways.setdefault((raw.device_text[raw.device(source)], there), _Way())
            way.count += 1
            way.nbytes += nbytes
            if len(way.known) < _MOST_KNOWN:
                first = self._place(source)
                way.known.append((first, first if target is None else self._place(target)))

    def _place(self, tensor: Any) -> _Place:
        snapshots = self._snapshots
        return snapshots.objects.number(tensor), snapshots.storages.number(raw.untyped_storage(tensor))


def _named(way: _Way, names: Names) -> tuple[str, ...]:
    """Names of what was copied, else of the copies; a view without a name has that of its memory."""
    objects, storages = names
    found = (
        objects.get(one[0]) or objects.get(two[0]) or storages.get(one[1]) or storages.get(two[1])
        for one, two in way.known
    )
    return tuple(dict.fromkeys(name for name in found if name))[:_MOST_NAMED]


#: At most one.
_listening: list[Transfers] = []


def note(source: Any, target: Any = None) -> None:
    """Called by a device: `source`, on one device, is being copied into `target`, on another.

    Without `target` its one number is being read by the host."""
    for transfers in tuple(_listening):
        transfers.add(source, target)
