"""A scrolling list of styled lines that renders only what is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast, overload

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tutor.tui.themes import PALETTES
from tutor.view.palette import INK, Palette


def palette_of(theme: str) -> Palette:
    """The palette of a theme name; ink for a theme that is not ours."""
    return PALETTES.get(theme, INK)


def fold(line: Text, width: int) -> list[Text]:
    """`line` cut into pieces of at most `width` cells, wherever that falls: output is data, not prose."""
    plain = line.plain
    if width < 1 or (len(plain) <= width and plain.isascii()) or cell_len(plain) <= width:
        return [line]
    if plain.isascii():
        return list(line.divide(range(width, len(plain), width)))
    cuts, used = [], 0
    for index, character in enumerate(plain):
        cells = cell_len(character)
        if used + cells > width and used:
            cuts.append(index)
            used = 0
        used += cells
    return list(line.divide(cuts))


def wrap(line: Text, width: int) -> list[Text]:
    """`line` broken between words, and inside those that are too long."""
    rows: list[Text] = []
    start = 0
    plain = line.plain
    while start < len(plain):
        piece = fold(line[start : start + 2 * max(1, width)], width)[0]
        end = start + len(piece)
        if end < len(plain) and (space := plain.rfind(" ", start + 1, end + 1)) > 0:
            end = space
        rows.append(line[start:end])
        start = end + 1 if end < len(plain) and plain[end] == " " else end
    return rows or [line]


def strip_of(text: Text, console: Console) -> Strip:
    """One line of `text` as a strip. Rich leaves out the style of a text that has no spans."""
    if not text.spans:
        style = text.style if isinstance(text.style, Style) else console.get_style(text.style)
        return Strip([Segment(text.plain, style)])
    segments = cast("list[Segment]", list(text.render(console)))
    return Strip(segments)


def cursor_line(line: Text, room: int, palette: Palette) -> Text:
    """`line` as the one that the cursor is on: a ground of its own, or reversed where grounds are few."""
    line = line.copy()
    line.pad_right(max(0, room - cell_len(line.plain)))
    if palette.native:
        line.stylize(Style(color="default", bgcolor="default", reverse=True))
    else:
        line.stylize_before(Style.parse(f"on {palette.panel}"))
    return line


class Lazy(Sequence[Text]):
    """Lines that are made when they are looked at."""

    def __init__(self, count: int, make: Callable[[int], Text]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Text: ...
    @overload
    def __getitem__(self, index: slice) -> list[Text]: ...
    def __getitem__(self, index: int | slice) -> Text | list[Text]:
        if isinstance(index, slice):
            return [self._make(i) for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return self._make(index % self._count)


class LinesView(ScrollView, can_focus=True):
    """Lines as `Text`; the widget is as high as its lines, within its CSS limits."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Text] = ()

    @property
    def palette(self) -> Palette:
        return palette_of(self.app.theme)

    @property
    def room(self) -> int:
        """Cells available to a line."""
        return self.scrollable_content_region.width

    def show_lines(self, lines: Sequence[Text]) -> None:
        """Replace all lines."""
        self._lines = lines
        size = Size(max(1, self.room), len(lines))
        if size != self.virtual_size:
            self.virtual_size = size
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Line `y` of what is visible, padded to the width."""
        index = y + self.scroll_offset.y
        ground = self.rich_style
        width = self.size.width
        if index >= len(self._lines):
            return Strip.blank(width, ground)
        text = self._line(index)
        if (selection := self.text_selection) is not None and (span := selection.get_span(index)) is not None:
            start, end = span
            style = self.screen.get_component_rich_style("screen--selection")
            text = text.copy()
            text.stylize(style, start, len(text) if end == -1 else end)
        strip = strip_of(text, self.app.console).apply_style(ground)
        strip = strip.extend_cell_length(width, ground).crop(0, width)
        return strip.apply_offsets(0, index)

    def _line(self, index: int) -> Text:
        """The line as it is drawn; subclasses mark their cursor here."""
        return self._lines[index]

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, so that it can be copied."""
        return selection.extract("\n".join(line.plain for line in self._lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Redraw what is marked as selected."""
        self.refresh()
