"""A row of numbers as a line of bars, one cell each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tutor.facts import Number

BLOCKS = "▁▂▃▄▅▆▇█"
#: For terminals that have no block glyphs.
ASCII = "_.-~=+*#"
#: Stands for a part of the row in which some number was NaN or infinite.
BROKEN, BROKEN_ASCII = "×", "x"


@dataclass(frozen=True)
class Sparkline:
    """`text` has one character a cell; `broken` are the cells with a NaN or an infinity."""

    text: str
    broken: tuple[int, ...] = ()


def sparkline(values: Sequence[Number], width: int, *, blocks: bool = True) -> Sparkline:
    """At most `width` cells, each the mean of an even share of the values; all equal ones lie in the middle.

    The lowest bar is the least of the means that are drawn, the highest the greatest.
    """
    cells = min(width, len(values))
    if cells < 1:
        return Sparkline("")
    shares = [values[len(values) * at // cells : len(values) * (at + 1) // cells] for at in range(cells)]
    means = [_mean(share) for share in shares]
    finite = [mean for mean in means if mean is not None]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    glyphs, wrong = (BLOCKS, BROKEN) if blocks else (ASCII, BROKEN_ASCII)
    text = "".join(wrong if mean is None else glyphs[_level(mean, low, high)] for mean in means)
    return Sparkline(text, tuple(at for at, mean in enumerate(means) if mean is None))


def _mean(share: Sequence[Number]) -> float | None:
    """The mean of numbers that are all finite."""
    if not all(map(math.isfinite, share)):
        return None
    return math.fsum(value / len(share) for value in share)


def _level(value: float, low: float, high: float) -> int:
    """Which of the eight bars; halves keep differences of very large numbers finite."""
    span = high / 2 - low / 2
    if span <= 0:
        return len(BLOCKS) // 2 - 1
    return min(len(BLOCKS) - 1, int((value / 2 - low / 2) / span * len(BLOCKS)))
