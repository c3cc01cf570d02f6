"""Everything that is remembered, in memory: the whole of it, or the changes that are not on disk yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tutor.course.store.records import Backup, Draft, Stamp

#: How many rows are kept, and how many bytes they may take together.
HISTORY = (5_000, 2_000_000)
TRANSCRIPT = (300, 4_000_000)
#: How many backups are kept of one draft.
BACKUPS = 10


class Version(NamedTuple):
    """A draft as of one moment; no draft where it was reset.

    `base` is the stamp of what the learner had before them: overwriting anything else is a conflict.
    """

    stamp: Stamp
    base: Stamp | None
    draft: Draft | None


class Recent:
    """Rows in order of time; the oldest go where there are too many, or where they are too large."""

    def __init__(self, limits: tuple[int, int]) -> None:
        self._count, self._room = limits
        self._rows: dict[Stamp, bytes] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[Stamp, bytes]]:
        """Oldest first."""
        return iter(self._rows.items())

    def newest_first(self) -> list[bytes]:
        """The rows without their stamps."""
        return list(reversed(self._rows.values()))

    @property
    def newest(self) -> tuple[Stamp, bytes] | None:
        """The last row, if there is one."""
        stamp = next(reversed(self._rows), None)
        return None if stamp is None else (stamp, self._rows[stamp])

    def put(self, stamp: Stamp, row: bytes) -> None:
        """Add a row, or replace the one with this stamp."""
        last = self.newest
        self._size += len(row) - len(self._rows.get(stamp, b""))
        self._rows[stamp] = row
        if last is not None and stamp < last[0]:
            self._rows = dict(sorted(self._rows.items()))
        self._forget_old()

    def absorb(self, newer: Recent) -> None:
        """Put every row of `newer`."""
        if newer._rows:
            self._rows = dict(sorted({**self._rows, **newer._rows}.items()))
            self._size = sum(map(len, self._rows.values()))
            self._forget_old()

    def _forget_old(self) -> None:
        while len(self._rows) > self._count or (self._size > self._room and len(self._rows) > 1):
            self._size -= len(self._rows.pop(next(iter(self._rows))))


@dataclass
class State:
    """Bounded, whatever happens: so changes can wait for a disk that does not take them."""

    drafts: dict[str, Version] = field(default_factory=dict)
    backups: dict[str, dict[Stamp, Backup]] = field(default_factory=dict)
    history: Recent = field(default_factory=lambda: Recent(HISTORY))
    transcript: Recent = field(default_factory=lambda: Recent(TRANSCRIPT))
    #: JSON by lesson, step and field of StepProgress: each field is a row, so two instances never
    #: undo each other's.
    progress: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    #: JSON by name.
    settings: dict[str, bytes] = field(default_factory=dict)
    #: The latest moment in what was loaded, which a clock that was set back may not know.
    latest: int = 0

    def __bool__(self) -> bool:
        logs = len(self.history) + len(self.transcript)
        return bool(logs or self.drafts or self.backups or self.progress or self.settings)

    def keep_backup(self, key: str, stamp: Stamp, backup: Backup) -> None:
        """Add a backup of a draft; the oldest beyond BACKUPS go.

        Of an instance that goes on typing elsewhere, only the latest text is worth a place.
        """
        kept = {**self.backups.get(key, {}), stamp: backup}
        if backup.why == "conflict":
            kept = {s: b for s, b in kept.items() if s == stamp or (s[1], b.why) != (stamp[1], "conflict")}
        self.backups[key] = dict(sorted(kept.items())[-BACKUPS:])

    def absorb(self, newer: State) -> None:
        """Have `newer` as well, and where both speak of one thing, have what `newer` says."""
        self.drafts.update(newer.drafts)
        for key, backups in newer.backups.items():
            for stamp, backup in backups.items():
                self.keep_backup(key, stamp, backup)
        self.history.absorb(newer.history)
        self.transcript.absorb(newer.transcript)
        self.progress.update(newer.progress)
        self.settings.update(newer.settings)
