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


def place_notes(ran: Sequence[str], now: Sequence[str], notes: Mapping[int, Note]) -> dict[int, Placed]:
    """Notes by 0-based line of `now`, given those of the code that `ran`.

    A note moves with its line. Every line above the first edit keeps its facts; from there on they are
    about code that has not run in this form. Taking an edit back makes them true again.
    """
    top = _common(ran, now)
    if top == len(ran) == len(now):
        return {line: Placed(note, False) for line, note in notes.items()}
    tail = _common(ran[top:][::-1], now[top:][::-1])
    placed: dict[int, Placed] = {}
    for line, note in notes.items():
        if line < top:
            placed[line] = Placed(note, False)
        elif line >= len(ran) - tail:
            placed[line + len(now) - len(ran)] = Placed(note, True)
        elif line < len(now) - tail:
            placed[line] = Placed(note, True)
    return placed


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many leading lines are equal."""
    for count, (first, second) in enumerate(zip(one, other, strict=False)):
        if first != second:
            return count
    return min(len(one), len(other))
