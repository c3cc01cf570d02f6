"""Where the notes of a run belong once the code has been edited, and which of them still hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tutor.view.notes import Note


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

    def origin(self, line: int) -> tuple[int, bool] | None:
        """The line that ran (0-based) and whether it is stale; None for a line that is new."""
        if line < self._top or self._same:
            return line, False
        if line >= self._now - self._tail:
            return line + self._ran - self._now, True
        return (line, True) if line < self._ran - self._tail else None


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
