"""Finding text in lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

#: More are not counted.
MOST = 9_999


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """A place where the query stands, columns half open."""

    row: int
    start: int
    end: int


def find_in(line: str, query: str) -> list[tuple[int, int]]:
    """Where `query` stands in one line. A capital in the query makes capitals count."""
    return [found.span() for found in _pattern(query).finditer(line)] if query else []


def find_all(lines: Sequence[str], query: str) -> list[Match]:
    """Every place in order, at most MOST."""
    matches: list[Match] = []
    for row, line in enumerate(lines):
        matches.extend(Match(row, start, end) for start, end in find_in(line, query))
        if len(matches) >= MOST:
            return matches[:MOST]
    return matches


def nearest(matches: Sequence[Match], location: tuple[int, int]) -> int:
    """Index of the first match at or after `location`; the first of all where there is none."""
    return next((i for i, match in enumerate(matches) if (match.row, match.start) >= location), 0)


@lru_cache(maxsize=64)
def _pattern(query: str) -> re.Pattern[str]:
    return re.compile(re.escape(query), 0 if query != query.lower() else re.IGNORECASE)
