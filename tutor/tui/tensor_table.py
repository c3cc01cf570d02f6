"""The tensor table: as many columns as fit whole, and a cursor that selects a name."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.geometry import Region

from tutor.tui.lines import LinesView
from tutor.tui.messages import TensorSelected
from tutor.view.table import COLUMNS, TableRow

#: No cell is wider; a long shape or name is cut with an ellipsis.
WIDEST = 22
GAP = 2


def column_widths(rows: Sequence[TableRow], room: int) -> list[int]:
    """Widths of the leading columns that fit whole into `room` cells."""
    widths: list[int] = []
    used = 0
    for index, title in enumerate(COLUMNS):
        width = max([cell_len(title), *(cell_len(row.cells[index].plain) for row in rows)])
        width = min(width, WIDEST)
        used += width + (GAP if index else 0)
        if used > room and index > 1:
            break
        widths.append(width)
    return widths


class TensorTable(LinesView):
    """One line a name under a line of headings."""

    BINDINGS = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: Sequence[TableRow] = ()
        self._selected = ""
        #: Titles of the columns that did not fit.
        self.hidden: tuple[str, ...] = ()

    @property
    def selected(self) -> str:
        """The name under the cursor; empty until the learner or the app chose one."""
        return self._selected

    def show(self, rows: Sequence[TableRow]) -> None:
        """Replace the rows; the cursor stays on its name where that is still there."""
        self._rows = rows
        if self._selected not in {row.name for row in rows}:
            self._selected = ""
        self._lay_out()

    def select(self, name: str) -> None:
        """Put the cursor on `name`."""
        self._selected = name
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Other columns may fit."""
        self._lay_out()

    def _lay_out(self) -> None:
        widths = column_widths(self._rows, self.room)
        self.hidden = COLUMNS[len(widths) :]
        titles = [Text(title, self.palette.muted) for title in COLUMNS]
        lines = [_join(titles, widths)]
        lines += [_join(row.cells, widths) for row in self._rows]
        self.show_lines(lines if self._rows else [])

    def _line(self, index: int) -> Text:
        line = super()._line(index)
        if self.has_focus and index and self._rows[index - 1].name == self._selected:
            line = line.copy()
            line.pad_right(max(0, self.room - cell_len(line.plain)))
            mark = "reverse" if self.palette.native else f"on {self.palette.panel}"
            line.stylize_before(Style.parse(mark))
        return line

    def _index(self) -> int:
        return next((i for i, row in enumerate(self._rows) if row.name == self._selected), -1)

    def action_move(self, by: int) -> None:
        """Move the cursor and say where it is."""
        if self._rows:
            self._go(max(0, min(len(self._rows) - 1, self._index() + by)))

    def on_click(self, event: events.Click) -> None:
        """Select the row under the pointer."""
        index = event.y + self.scroll_offset.y - 1
        if 0 <= index < len(self._rows):
            self._go(index)

    def _go(self, index: int) -> None:
        self.select(self._rows[index].name)
        self.scroll_to_region(Region(0, index if index == 0 else index + 1, 1, 1), animate=False)
        self.post_message(TensorSelected(self._selected))


def _join(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text()
    for index, width in enumerate(widths):
        cell = cells[index].copy()
        cell.truncate(width, overflow="ellipsis", pad=True)
        line.append_text(cell)
        line.append(" " * (1 if index == 0 else GAP))
    return line
