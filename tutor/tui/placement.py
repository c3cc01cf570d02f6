"""Where the notes of a run belong once the code has been edited, and which of them still hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tutor.view.notes import Note

#: Lines between the first and the last edit that are compared at most.
_COMPARED = 200


@dataclass(frozen=True, slots=True)
class Placed:
    """A note on a line; stale when that line, or one above it, is not what ran."""

    note: Note
    stale: bool


class Placement:
    """Which line of the code that `ran` a line of `now` is, and whether its facts still hold.

    A note moves with its line. Every line above the first edit keeps its facts; from there on they are
    about code that has not run in this form. Taking an edit back makes them true again.
    """

    def __init__(self, ran: Sequence[str], now: Sequence[str]) -> None:
        self._ran, self._now = len(ran), len(now)
        self._top = _common(ran, now)
        self._same = self._top == self._ran == self._now
        self._tail = 0 if self._same else _common(ran[self._top :][::-1], now[self._top :][::-1])
        self._between = self._matched(ran, now)

    def origin(self, line: int) -> tuple[int, bool] | None:
        """The line that ran (0-based) and whether it is stale; None for a line that is new."""
        if line < self._top or self._same:
            return line, False
        if line >= self._now - self._tail:
            return line + self._ran - self._now, True
        if self._between is not None:
            found = self._between.get(line)
            return (found, True) if found is not None else None
        return (line, True) if line < self._ran - self._tail else None

    def _matched(self, ran: Sequence[str], now: Sequence[str]) -> dict[int, int] | None:
        """Between two edits that lie apart: the lines that are as they were, and those that were edited.

        None where the lines are as many as before, or too many to compare at every key.
        """
        before, after = ran[self._top : self._ran - self._tail], now[self._top : self._now - self._tail]
        if len(before) == len(after) or not 1 < max(len(before), len(after)) <= _COMPARED:
            return None
        matched: dict[int, int] = {}
        for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag in ("equal", "replace"):
                origins = range(self._top + i, self._top + j)
                matched.update(zip(range(self._top + k, self._top + m), origins, strict=False))
        return matched


def place_notes(ran: Sequence[str], now: Sequence[str], notes: Mapping[int, Note]) -> dict[int, Placed]:
    """Notes by 0-based line of `now`, given those of the code that `ran`."""
    placement = Placement(ran, now)
    placed: dict[int, Placed] = {}
    for line in range(len(now)):
        origin = placement.origin(line)
        if origin is not None and origin[0] in notes:
            placed[line] = Placed(notes[origin[0]], origin[1])
    return placed


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many leading lines are equal."""
    for count, (first, second) in enumerate(zip(one, other, strict=False)):
        if first != second:
            return count
    return min(len(one), len(other))
