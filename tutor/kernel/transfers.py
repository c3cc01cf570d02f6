"""Copies between the memories of two devices, counted while a statement runs.

A device that tells of its copies calls `note`; torch itself tells of none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tutor.facts import TransferFacts
from tutor.kernel import raw
from tutor.kernel.guard import GENUINE
from tutor.kernel.identity import Identities

globals()["__builtins__"] = GENUINE

#: Copies in one direction whose tensors are remembered, to be named; and names that are told.
_MOST_KNOWN, _MOST_NAMED = 64, 8


class _Way:
    """The copies in one direction."""

    __slots__ = ("count", "known", "nbytes")

    def __init__(self) -> None:
        self.count = self.nbytes = 0
        #: Numbers of what was copied and of the copy.
        self.known: list[tuple[int, int]] = []


class Transfers:
    """Counts the copies of one statement after another. Holds numbers only."""

    def __init__(self, objects: Callable[[], Identities]) -> None:
        self._objects = objects
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

    def seen(self, names: Callable[[], dict[int, str]]) -> tuple[TransferFacts, ...]:
        """What was copied; `names` gives the learner's names by the numbers of objects. Forgets it."""
        self.stop()
        ways, self._ways = self._ways, {}
        if not ways:
            return ()
        known = names()
        return tuple(
            TransferFacts(source, target, way.count, way.nbytes, _named(way, known))
            for (source, target), way in ways.items()
        )

    def add(self, source: Any, target: Any) -> None:
        """`source` is being copied into `target`."""
        with self._lock, raw.Reading():
            here, there = raw.device_text[raw.device(source)], raw.device_text[raw.device(target)]
            way = self._ways.setdefault((here, there), _Way())
            way.count += 1
            way.nbytes += raw.numel(target) * raw.element_size(target)
            if len(way.known) < _MOST_KNOWN:
                objects = self._objects()
                way.known.append((objects.number(source), objects.number(target)))


def _named(way: _Way, known: dict[int, str]) -> tuple[str, ...]:
    names = (known.get(source) or known.get(target) for source, target in way.known)
    return tuple(dict.fromkeys(name for name in names if name))[:_MOST_NAMED]


#: At most one.
_listening: list[Transfers] = []


def note(source: Any, target: Any) -> None:
    """Called by a device: `source`, on one device, is being copied into `target`, on another."""
    for transfers in tuple(_listening):
        transfers.add(source, target)
