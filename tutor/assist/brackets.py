"""The bracket that belongs to the one at the cursor; those in strings and comments do not count."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_OPENING = {closing: opening for opening, closing in _CLOSING.items()}
_EITHER = frozenset("()[]{}")
#: Lines that are looked at in either direction.
REACH = 300

Location = tuple[int, int]
#: The masked text of a line, by its number.
Masked = Callable[[int], str]


def matching(masked: Masked, count: int, cursor: Location) -> tuple[Location, Location] | None:
    """The bracket at the cursor (or just before it) and its partner; None where there is no pair."""
    row, column = cursor
    line = masked(row)
    for at in (column, column - 1):
        if 0 <= at < len(line) and line[at] in _EITHER:
            partner = _partner(masked, count, (row, at), line[at])
            return ((row, at), partner) if partner is not None else None
    return None


def _partner(masked: Masked, count: int, at: Location, bracket: str) -> Location | None:
    row, column = at
    forward = bracket in _CLOSING
    step = 1 if forward else -1
    last = min(count, row + REACH) if forward else max(-1, row - REACH)
    waiting: list[str] = []
    for number in range(row, last, step):
        line = masked(number)
        for place in _places(line, column if number == row else None, forward):
            found = line[place]
            if (found in _CLOSING) is forward:
                waiting.append(found)
            else:
                opened = waiting.pop()
                if (_CLOSING if forward else _OPENING)[opened] != found:
                    return None
                if not waiting:
                    return number, place
    return None


def _places(line: str, start: int | None, forward: bool) -> Sequence[int]:
    """Columns of the brackets of a line in the order of the search."""
    found = [column for column, character in enumerate(line) if character in _EITHER]
    if forward:
        return [column for column in found if start is None or column >= start]
    return [column for column in reversed(found) if start is None or column <= start]
