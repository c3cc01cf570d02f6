"""Grounds that grow stronger with a value: two colours around zero, or one from the least to the greatest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.style import Style

from tutor.facts import Values
from tutor.view.palette import Palette

#: The strongest ground; text stays readable on it in both palettes.
STRONGEST = 0.36
_STEPS = 8


@dataclass(frozen=True)
class Grading:
    """Bounds of the values, and the colours of what is below zero and above."""

    low: float
    high: float
    below: str
    above: str
    palette: Palette

    @classmethod
    def of(cls, values: Values, block: int | None, palette: Palette) -> Grading | None:
        """Bounds of the whole tensor where they are known, else of the window."""
        finite = [number for number in values.numbers if math.isfinite(number)]
        if not finite:
            return None
        low, high = min(finite), max(finite)
        found = values.overview
        if found is not None and found.low is not None and found.high is not None:
            low, high = found.low, found.high
        above = palette.hue(block) if block is not None else palette.primary
        if low < 0 < high:
            above = palette.warning
        return cls(low, high, palette.primary, above, palette)

    @property
    def is_shaded(self) -> bool:
        """Whether there is a difference to show."""
        return self.low < self.high

    def share(self, number: float) -> float:
        """From -1 to 1 around zero, or from 0 to 1."""
        if not self.is_shaded or not math.isfinite(number):
            return 0
        if self.low < 0 < self.high:
            return max(-1.0, min(1.0, number / max(-self.low, self.high)))
        span = self.high - self.low
        return max(0.0, min(1.0, (number - self.low) / span)) if math.isfinite(span) else 0

    def style(self, number: float) -> Style:
        """The ground of one value."""
        step = round(self.share(number) * _STEPS)
        if not step:
            return Style()
        colour = self.above if step > 0 else self.below
        return Style.parse(f"on {self.palette.blend(colour, STRONGEST * abs(step) / _STEPS)}")
