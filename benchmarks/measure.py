"""Times, medians and rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

TITLES = ("what", "torchtutor", "compared with", "ratio", "budget")
WIDTHS = (44, 11, 32, 10, 12)


class BenchmarkError(Exception):
    """Something could not be measured; the text is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure as it is printed: ours, the comparator's, what counts, and what it may be."""

    what: str
    ours: str
    theirs: str
    figure: str
    budget: str
    within: bool


def ratio_row(what: str, ours: float, theirs: float, peer: str, budget: float) -> Row:
    """Two times in seconds, of which the ratio counts."""
    ratio = ours / theirs
    shown = f"{duration(theirs)}  {peer}"
    return Row(what, duration(ours), shown, as_ratio(ratio), f"≤ {as_ratio(budget)}", ratio <= budget)


def time_row(what: str, ours: float, theirs: float, peer: str, budget: float) -> Row:
    """Two times in seconds, of which ours counts; the ratio is told all the same."""
    shown = f"{duration(theirs)}  {peer}"
    return Row(what, duration(ours), shown, as_ratio(ours / theirs), f"≤ {duration(budget)}", ours <= budget)


def peer_row(what: str, ours: float, theirs: float, peer: str) -> Row:
    """Two times in seconds, side by side, of which no budget tells anything."""
    return Row(what, duration(ours), f"{duration(theirs)}  {peer}", as_ratio(ours / theirs), "", within=True)


def as_ratio(ratio: float) -> str:
    """`0.25`, or `1/143` where that says more."""
    return f"1/{1 / ratio:,.0f}" if ratio <= 0.1 else f"{ratio:.2f}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds >= 0.9995:
        return f"{seconds:.2f} s"
    if seconds >= 0.9995e-3:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds * 1e6:.3g} µs"


def header() -> str:
    """The names of the columns, underlined."""
    names = "  ".join(n.ljust(w) for n, w in zip(TITLES, WIDTHS, strict=True)).rstrip()
    return f"{names}\n{'  '.join('─' * w for w in WIDTHS)}"


def line(row: Row) -> str:
    """One row of the table."""
    cells = (row.what, row.ours, row.theirs, row.figure, row.budget)
    mark = "✓" if row.within else "✗"
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)) + f"  {mark}"


def timed(action: Callable[[], object]) -> float:
    """Seconds that `action` took, by the wall clock."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def interleave(repeats: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each measure, taken in turns so that the machine's moods strike all alike.

    The first turn fills caches and is not counted."""
    turns = [[measure() for measure in measures] for _ in range(repeats + 1)][1:]
    return [median(column) for column in zip(*turns, strict=True)]
