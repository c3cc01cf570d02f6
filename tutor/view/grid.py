"""A window of values as a grid: a row, rows and columns, or slices one under the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from tutor.facts import TensorFacts, Values
from tutor.view.palette import Palette
from tutor.view.words import clean, fit

#: Lines of a grid; what does not fit is counted.
LINES = 14


def grid_lines(
    values: Values | None, facts: TensorFacts, palette: Palette, room: int, *, dim: bool = False
) -> list[Text]:
    """The grid in lines of at most `room` cells; `dim` says that newer values are on their way."""
    if values is None or facts.shape is None:
        return []
    if values.reason is not None:
        return [Text(fit(f"no values: {clean(values.reason)}", room), palette.muted)]
    if 0 in facts.shape:
        return [Text("no elements", palette.muted)]
    if len(values.texts) != prod(values.window) or len(values.window) != len(facts.shape):
        return []
    return _Grid(values, facts.shape, palette, room, dim).lines()


class _Grid:
    def __init__(self, values: Values, shape: Sequence[int], palette: Palette, room: int, dim: bool) -> None:
        self.texts = tuple(map(clean, values.texts))
        self.window, self.shape = values.window, tuple(shape)
        self.palette, self.room = palette, room
        self.cell = min(max(map(cell_len, self.texts)) + 2, max(3, room))
        self.plain = Style.parse(palette.muted if dim else palette.foreground)
        self.muted = Style.parse(palette.muted)
        self.odd = self.plain if dim else Style.parse(f"bold {palette.error}")

    def lines(self) -> list[Text]:
        if not self.shape:
            return [self._value(self.texts[0], cell_len(self.texts[0]))]
        if len(self.shape) == 1:
            return self._row_of_many()
        return list(self._slices())

    def _value(self, text: str, width: int) -> Text:
        shown = fit(text, width)
        odd = "nan" in shown or "inf" in shown
        return Text(" " * (width - cell_len(shown)) + shown, self.odd if odd else self.plain)

    def _row_of_many(self) -> list[Text]:
        """One dimension, wrapped; the index of the first in each line stands before it."""
        margin = len(f"{self.window[0]}") + 2
        per_line = max(1, (self.room - margin) // self.cell)
        if self.window[0] <= per_line:
            margin = 0
        found = []
        for start in range(0, self.window[0], per_line):
            line = Text(f"[{start}]".ljust(margin)[:margin] if margin else "", self.muted)
            for text in self.texts[start : min(start + per_line, self.window[0])]:
                line.append_text(self._value(text, self.cell))
            found.append(line)
        if len(found) > LINES:
            found = found[:LINES]
        shown = min(self.window[0], len(found) * per_line)
        return [*found, *self._left_out([(self.shape[0] - shown, "element")])]

    def _slices(self) -> Iterator[Text]:
        *above, rows, columns = self.window
        margin = len(f"[{rows - 1}]") + 1
        fitting = min(columns, max(1, (self.room - margin - 2) // self.cell))
        slices = list(product(*map(range, above)))
        rows_each = max(2, min(rows, (LINES - len(slices)) // len(slices) - bool(above)))
        rows_shown = min(rows, rows_each)
        more = "  …" if fitting < self.shape[-1] else ""
        heads = "".join(f"[{column}]".rjust(self.cell) for column in range(fitting))
        yield Text(fit(" " * margin + heads + more, self.room), self.muted)
        size = self.window[-1] * self.window[-2]
        for number, at in enumerate(slices):
            if above:
                yield Text(fit(f"[{', '.join(map(str, at))}, :, :]", self.room), self.muted)
            for row in range(rows_shown):
                line = Text(f"[{row}]".ljust(margin), self.muted)
                start = number * size + row * columns
                for text in self.texts[start : start + fitting]:
                    line.append_text(self._value(text, self.cell))
                line.append(more, self.muted)
                line.truncate(self.room)
                yield line
        counts = [(self.shape[-1] - fitting, "column"), (self.shape[-2] - rows_shown, "row")]
        yield from self._left_out([*counts, (prod(self.shape[:-2]) - len(slices), "slice")])

    def _left_out(self, counts: Sequence[tuple[int, str]]) -> Iterator[Text]:
        said = [f"{n:,} more {what}{'s' if n != 1 else ''}" for n, what in counts if n > 0]
        if said:
            yield Text(fit("… " + ", ".join(said), self.room), self.muted)
