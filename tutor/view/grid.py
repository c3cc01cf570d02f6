"""A window of values as a grid: a row, rows and columns, or slices one under the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from tutor.facts import Overview, Shape, StorageFacts, TensorFacts, Values
from tutor.translation import later, say
from tutor.view.grading import Grading
from tutor.view.palette import Palette
from tutor.view.places import Spot, position
from tutor.view.reasons import reason_words
from tutor.view.windows import place_in, start_of
from tutor.view.words import clean, fit

#: Lines of a grid; what does not fit is counted.
LINES = 14
#: With a selected element, whose place is told under the grid.
LINES_LIT = 8
#: What is left out before the grid, and after it: one, and several.
_BEFORE = {
    "element": (later("{count:,} element before"), later("{count:,} elements before")),
    "column": (later("{count:,} column before"), later("{count:,} columns before")),
    "row": (later("{count:,} row before"), later("{count:,} rows before")),
}
_MORE = {
    "element": (later("{count:,} more element"), later("{count:,} more elements")),
    "column": (later("{count:,} more column"), later("{count:,} more columns")),
    "row": (later("{count:,} more row"), later("{count:,} more rows")),
    "slice": (later("{count:,} more slice"), later("{count:,} more slices")),
}
#: Key of a style's meta that holds the index of the element drawn there.
ELEMENT = "element"


@dataclass(frozen=True)
class Light:
    """The selected element of the shown tensor, and the bytes that make other elements the same."""

    index: Shape
    spot: Spot | None = None
    block: StorageFacts | None = None


def grid_lines(
    values: Values | None,
    facts: TensorFacts,
    palette: Palette,
    room: int,
    *,
    dim: bool = False,
    light: Light | None = None,
) -> list[Text]:
    """The grid in lines of at most `room` cells; `dim` says that newer values are on their way."""
    if values is None or facts.shape is None:
        return []
    if values.reason is not None:
        return [
            Text(fit(say("no values: {reason}", reason=reason_words(values.reason)), room), palette.muted)
        ]
    if 0 in facts.shape:
        return [Text(say("no elements"), palette.muted)]
    if len(values.texts) != prod(values.window) or len(values.window) != len(facts.shape):
        return []
    grid = _Grid(values, facts, palette, room, dim, light)
    return [*grid.lines(), *grid.remarks()]


class _Grid:
    def __init__(
        self,
        values: Values,
        facts: TensorFacts,
        palette: Palette,
        room: int,
        dim: bool,
        light: Light | None,
    ) -> None:
        self.values, self.facts, self.light = values, facts, light
        self.texts = tuple(map(clean, values.texts))
        self.window, self.shape, self.start = values.window, facts.shape or (), start_of(values)
        self.palette, self.room = palette, room
        self.cell = min(max(map(cell_len, self.texts)) + 2, max(3, room))
        self.plain = Style.parse(palette.muted if dim else palette.foreground)
        self.muted = Style.parse(palette.muted)
        self.accent = Style.parse(f"bold {palette.accent}")
        self.odd = self.plain if dim else Style.parse(f"bold {palette.error}")
        graded = not (dim or palette.native or palette.flat)
        self.most = LINES if light is None else LINES_LIT
        self.grading = Grading.of(values, facts.block, palette) if graded else None

    def lines(self) -> list[Text]:
        if not self.shape:
            return [self._value((), cell_len(self.texts[0]) + (2 if self.light else 0))]
        if len(self.shape) == 1:
            return self._row_of_many()
        return list(self._slices())

    def remarks(self) -> Iterator[Text]:
        """What there is to say of all values: bounds, what is not finite, what they are at all."""
        said = Text()
        found = self.values.overview
        if found is not None and found.low is not None and found.high is not None and self.shape:
            hidden = prod(self.window) < prod(self.shape)
            if hidden or (self.grading is not None and self.grading.is_shaded):
                said.append(say("from {low:.4g} to {high:.4g}", low=found.low, high=found.high), self.muted)
        if found is not None and found.nans + found.infinities:
            said.append(", " if said else "", self.muted).append(self._not_finite(found), self.odd)
        if said:
            said.truncate(self.room)
            yield said
        if self.values.note:
            yield Text(fit(reason_words(self.values.note), self.room), self.muted)

    def _not_finite(self, found: Overview) -> str:
        template = later("{infinities:,} inf")
        if found.nans:
            template = later("{nans:,} NaN")
        if found.nans and found.infinities:
            template = later("{nans:,} NaN and {infinities:,} inf")
        words = say(template, nans=found.nans, infinities=found.infinities)
        if self.facts.numel is None:
            return words
        return say("{what} of {total:,}", what=words, total=self.facts.numel)

    # ── one value ────────────────────────────────────────────────────────────

    def _value(self, index: Shape, width: int) -> Text:
        place = place_in(self.values, index)
        assert place is not None
        shown = fit(self.texts[place], width)
        space = " " * (width - cell_len(shown))
        style = self.odd if "nan" in shown or "inf" in shown else self.plain
        if self.light is not None and index == self.light.index:
            space = space[:-1] + "▸" if space else space
            ground = "" if self.palette.native else f"{self.palette.background} on {self.palette.accent}"
            style = Style.parse(f"bold {ground or f'reverse {self.palette.accent}'}")
        elif self._is_same(index):
            space, style = (space[:-1] + "▹" if space else space), self.accent
        elif self.grading is not None and place < len(self.values.numbers) and style is self.plain:
            style += self.grading.style(self.values.numbers[place])
        meta = Style(meta={ELEMENT: index})
        return Text.assemble((space[:1], meta), (space[1:] + shown, style + meta))

    def _is_same(self, index: Shape) -> bool:
        """Whether this element lies on memory of the selected one."""
        light = self.light
        if light is None or light.spot is None or light.block is None:
            return False
        start = position(self.facts, light.block, index)
        return (
            start is not None
            and start < light.spot.stop
            and light.spot.start < start + (self.facts.itemsize or 1)
        )

    # ── lines ────────────────────────────────────────────────────────────────

    def _row_of_many(self) -> list[Text]:
        """One dimension, wrapped; the index of the first in each line stands before it."""
        (first,), (count,) = self.start, self.window
        margin = len(f"{first + count}") + 2
        per_line = max(1, (self.room - margin) // self.cell)
        if count <= per_line and not first:
            margin = 0
        starts = range(first, first + count, per_line)
        at = 0 if self.light is None else (self.light.index[0] - first) // per_line
        shown = starts[_scrolled(at, self.most, len(starts)) :][: self.most]
        found = []
        for start in shown:
            line = Text.assemble((f"[{start}]".ljust(margin)[:margin] if margin else "", self.muted))
            for i in range(start, min(start + per_line, first + count)):
                line.append_text(self._value((i,), self.cell))
            found.append(line)
        stop = min(shown[-1] + per_line, first + count)
        return [*found, *self._left_out([(shown[0], "element")], [(self.shape[0] - stop, "element")])]

    def _slices(self) -> Iterator[Text]:
        *above, rows, columns = self.window
        *firsts, top, left = self.start
        margin = len(f"[{top + rows - 1}]") + 1
        fitting = min(columns, max(1, (self.room - margin - 2) // self.cell))
        slices = list(
            product(*(range(first, first + size) for first, size in zip(firsts, above, strict=True)))
        )
        if self.light is not None and tuple(self.light.index[:-2]) in slices:
            slices = slices[slices.index(tuple(self.light.index[:-2])) :][:2]
        rows_each = max(2, min(rows, (self.most - len(slices)) // len(slices) - bool(above)))
        row, column = self.light.index[-2:] if self.light is not None else (top, left)
        first_row = top + _scrolled(row - top, rows_each, rows)
        first_column = left + _scrolled(column - left, fitting, columns)
        shown_rows = range(first_row, first_row + min(rows_each, rows))
        shown_columns = range(first_column, first_column + fitting)
        more = "  …" if shown_columns.stop < self.shape[-1] else ""
        heads = Text(" " * margin, self.muted)
        for c in shown_columns:
            lit = self.light is not None and c == self.light.index[-1]
            heads.append(f"[{c}]".rjust(self.cell), self.accent if lit else self.muted)
        heads.append(more)
        heads.truncate(self.room)
        yield heads
        for at in slices:
            if above:
                yield Text(fit(f"[{', '.join(map(str, at))}, :, :]", self.room), self.muted)
            for r in shown_rows:
                lit = self.light is not None and self.light.index[:-1] == (*at, r)
                line = Text.assemble((f"[{r}]".ljust(margin), self.accent if lit else self.muted))
                for c in shown_columns:
                    line.append_text(self._value((*at, r, c), self.cell))
                line.append(more, self.muted)
                line.truncate(self.room)
                yield line
        before = [(first_column, "column"), (first_row, "row")]
        after = [
            (self.shape[-1] - shown_columns.stop, "column"),
            (self.shape[-2] - shown_rows.stop, "row"),
            (prod(self.shape[:-2]) - len(slices), "slice"),
        ]
        yield from self._left_out(before, after)

    def _left_out(
        self, before: Sequence[tuple[int, str]], after: Sequence[tuple[int, str]]
    ) -> Iterator[Text]:
        said = [say(_BEFORE[what][n != 1], count=n) for n, what in before if n > 0]
        said += [say(_MORE[what][n != 1], count=n) for n, what in after if n > 0]
        if said:
            yield Text(fit("… " + ", ".join(said), self.room), self.muted)


def _scrolled(at: int, shown: int, count: int) -> int:
    """How many are passed over so that number `at` is among those shown: it stays in the middle."""
    return max(0, min(at - shown // 2, count - shown))
