"""The tensor table: as many columns as fit whole, folded, filtered and sorted, and a cursor that selects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.strip import Strip

from tutor.facts import Change, Snapshot, TensorFacts
from tutor.translation import say
from tutor.tui.lines import Lazy, LinesView, cursor_line, strip_of
from tutor.tui.messages import NameSelected, TableListed
from tutor.view import listing
from tutor.view.columns import GAP, column_widths, join, with_column
from tutor.view.listing import GroupLine, Line, NameLine, Order
from tutor.view.table import COLUMNS, group_words, headings, row_words, tensor_row
from tutor.view.words import clean, fit_end

#: Keys that sort; all other printable keys filter.
SORT_KEYS = "<>-"


class TensorTable(LinesView):
    """One line a name, or a folded container, under a line of headings that stays."""

    BINDINGS = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
        Binding("pageup", "turn(-1)", show=False),
        Binding("pagedown", "turn(1)", show=False),
        Binding("right", "fold(True)", show=False),
        Binding("left", "fold(False)", show=False),
        Binding("enter", "pick", show=False),
        Binding("greater_than_sign", "sort(1)", show=False),
        Binding("less_than_sign", "sort(-1)", show=False),
        Binding("minus", "reverse", show=False),
        Binding("backspace", "shorten", show=False),
        Binding("escape", "clear_filter", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._snapshot = Snapshot()
        self._changed: frozenset[str] = frozenset()
        self._names: list[str] = []
        self._tree: tuple[listing.Part, ...] = ()
        self._rows: list[Line] = []
        self._widths: list[int] = []
        self._known: dict[str, tuple[TensorFacts, tuple[str, ...]]] = {}
        self._opened: dict[str, bool] = {}
        #: Index in COLUMNS of what is sorted by; None for the order of the namespace.
        self._sorted: int | None = None
        self._descending = False
        self._typed = ""
        self._selected = ""
        #: A name, and the title of the column, whose cell a check failed on.
        self._lit = ("", "")
        #: Names that an explanation is about.
        self._evidence: tuple[str, ...] = ()
        #: A name or the path of a container.
        self._cursor = ""

    # ── what is shown ────────────────────────────────────────────────────────

    @property
    def hidden(self) -> tuple[str, ...]:
        """Titles of the columns that did not fit."""
        left_out = [at for at, width in enumerate(self._widths) if width < 0]
        return (*(COLUMNS[at] for at in left_out), *COLUMNS[len(self._widths) :])

    def show(self, snapshot: Snapshot, changes: Sequence[Change] = ()) -> None:
        """Replace the rows; filter, order, folds and cursor stay."""
        self._snapshot = snapshot
        self._changed = frozenset(change.name for change in changes)
        names = list(snapshot.tensors)
        if names != self._names:
            self._names, self._tree = names, listing.tree(names)
        self._read_words(snapshot.tensors)
        self._lay_out()

    def select(self, name: str, *, reveal: bool = False) -> None:
        """Mark `name`; with `reveal` also go to its line, whatever hides it."""
        follows = self._cursor in ("", self._selected) or self._index() is None
        self._selected = name
        if reveal and name in self._snapshot.tensors:
            self._cursor = name
            if self._index() is None:
                self._typed = "" if not self._matches(name) else self._typed
                for path in listing.groups_around(self._tree, name):
                    self._opened[path] = True
                self._lay_out()
            self._follow_cursor()
        elif follows:
            self._cursor = name
        self.refresh()

    def light(self, name: str, column: str) -> None:
        """Mark the cell of `name` in a column, or its letter for the column "storage"; "" for none."""
        self._lit = (name, column)
        if name:
            self.select(name, reveal=True)
        self.refresh()

    def light_names(self, names: tuple[str, ...]) -> None:
        """Mark what an explanation is about, and go to the first of it."""
        if names != self._evidence:
            self._evidence = names
            if names:
                self.select(names[0], reveal=True)
            self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Other columns may fit."""
        self._lay_out()

    def _read_words(self, tensors: Mapping[str, TensorFacts]) -> None:
        """Words of facts that are new; the others are known."""
        known = self._known
        self._known = {
            name: entry
            if (entry := known.get(name)) is not None and entry[0] is facts
            else (facts, row_words(facts))
            for name, facts in tensors.items()
        }

    def _lay_out(self) -> None:
        """Arrange the lines anew: other facts, another filter, order or fold."""
        tensors = self._snapshot.tensors
        shown = listing.matching(tensors, self._typed)
        order = Order()
        if self._sorted is not None:
            column = COLUMNS[self._sorted]
            order = Order(lambda name: listing.sort_key(column, tensors[name]), self._descending)
        self._rows = listing.lines(self._tree, self._opened, order, shown)
        # Columns are never narrower than without the filter: typing does not shift them to and fro.
        listed = (
            self._rows if shown is None else [*listing.lines(self._tree, self._opened, Order()), *self._rows]
        )
        words = [self._words(row) for row in listed if isinstance(row, NameLine)]
        self._widths = column_widths(words, self.room, self._titles())
        if len({facts.device for facts in tensors.values() if facts.device is not None}) > 1:
            self._widths = with_column(self._widths, words, self.room, COLUMNS.index("device"))
        count = max(2, len(self._rows) + 1) if self._names else 0
        self.show_lines(Lazy(count, self._make))
        self.post_message(TableListed(self._typed, len(self._names) if shown is None else len(shown)))

    def _words(self, row: NameLine) -> tuple[str, ...]:
        mark, name, *rest = self._known[row.name][1]
        return (mark, "  " * row.depth + name, *rest) if row.depth else self._known[row.name][1]

    def _titles(self) -> list[str]:
        mark = "▼" if self._descending else "▲"
        return [f"{title}{mark}" if at == self._sorted else title for at, title in enumerate(headings())]

    def _matches(self, name: str) -> bool:
        shown = listing.matching({name: self._snapshot.tensors[name]}, self._typed)
        return shown is None or name in shown

    # ── drawing ──────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        """The headings stay above what is scrolled."""
        if y or not self.scroll_offset.y:
            return super().render_line(y)
        ground, width = self.rich_style, self.size.width
        strip = strip_of(self._make(0), self.app.console).apply_style(ground)
        return strip.extend_cell_length(width, ground).crop(0, width)

    def _make(self, index: int) -> Text:
        if index == 0:
            titles = [Text(title, self._title_style(at)) for at, title in enumerate(self._titles())]
            return join(titles, self._widths)
        if not self._rows:
            return Text(
                "  " + say("no name, dtype or shape has “{typed}” in it", typed=self._typed),
                self.palette.muted,
            )
        row = self._rows[index - 1]
        if isinstance(row, GroupLine):
            return self._group(row)
        changed = row.name in self._changed
        cells = list(tensor_row(self._snapshot.tensors[row.name], changed, self.palette).cells)
        column = "" if self._lit[1] == "storage" else self._lit[1]
        if row.name == self._lit[0] and self._lit[1] and column in COLUMNS:
            cell = cells[COLUMNS.index(column)]
            cell.style = Style.parse(f"bold reverse {self.palette.warning}")
            cell.spans.clear()
        if row.name in self._evidence:
            for cell in cells[1:3]:
                cell.style = Style.parse(f"bold {self.palette.warning}")
        room = self._widths[1] - 2 * row.depth
        cells[1] = Text("  " * row.depth + fit_end(cells[1].plain, room), cells[1].style)
        return join(cells, self._widths)

    def _title_style(self, column: int) -> str:
        return self.palette.accent if column == self._sorted else self.palette.muted

    def _group(self, row: GroupLine) -> Text:
        bright = not row.open and not self._changed.isdisjoint(row.names)
        name = Style.parse(f"bold {self.palette.foreground}" if bright else self.palette.foreground)
        mark = Text("▾" if row.open else "▸", self.palette.accent if bright else self.palette.label)
        mark.pad_right(max(0, (self._widths or [1])[0] - 1))
        words = group_words(row.path, row.names, row.tensors, self._snapshot)
        line = Text.assemble(mark, " " + "  " * row.depth, (clean(row.path), name), "  ", no_wrap=True)
        line.append(words, self.palette.foreground if bright else self.palette.label)
        line.truncate(self.room, overflow="ellipsis")
        return line

    def _line(self, index: int) -> Text:
        line = super()._line(index)
        if not index or index > len(self._rows):
            return line
        key = _key(self._rows[index - 1])
        here = self._cursor if self.has_focus else "" if self.palette.native else self._selected
        if key == here:
            line = cursor_line(line, self.room, self.palette)
        if key == self._selected:
            line.stylize(Style(underline=True), *self._name_span(line.plain))
        return line

    def _name_span(self, row: str) -> tuple[int, int]:
        """Where the name stands in a drawn row."""
        start = self._widths[0] + 1
        words = row[start:]
        lead = len(words) - len(words.lstrip())
        return start + lead, start + lead + len(words.lstrip().partition("  ")[0])

    # ── keys and mouse ───────────────────────────────────────────────────────

    def _index(self) -> int | None:
        return next((i for i, row in enumerate(self._rows) if _key(row) == self._cursor), None)

    def action_move(self, by: int) -> None:
        """Move the cursor; on a name it selects."""
        at = self._index()
        if self._rows:
            start = at if at is not None else (-1 if by > 0 else 0)
            self._go(max(0, min(len(self._rows) - 1, start + by)))

    def action_turn(self, pages: int) -> None:
        """Move the cursor by what is seen at once."""
        self.action_move(pages * max(1, self.size.height - 2))

    def action_fold(self, is_open: bool) -> None:
        """Open or close the container at the cursor; from a line inside, closing goes to its container."""
        at = self._index()
        if at is None:
            return
        row = self._rows[at]
        if isinstance(row, GroupLine) and row.open != is_open:
            self._set_open(row.path, is_open)
        elif is_open:
            if isinstance(row, GroupLine) and at + 1 < len(self._rows):
                self._go(at + 1)
        elif row.depth:
            self._go(next(i for i in range(at, -1, -1) if self._rows[i].depth < row.depth))

    def action_pick(self) -> None:
        """Open or close the container at the cursor; select the name at the cursor."""
        at = self._index()
        if at is not None:
            row = self._rows[at]
            if isinstance(row, GroupLine):
                self._set_open(row.path, not row.open)
            else:
                self._go(at)

    def _set_open(self, path: str, is_open: bool) -> None:
        if not self._typed.strip():  # while a filter is on, everything that fits is shown
            self._opened[path] = is_open
            self._lay_out()
            self._follow_cursor()

    def action_sort(self, by: int) -> None:
        """Sort by the next column that is shown, and at last as the namespace is ordered."""
        states: list[int | None] = [None, *range(len(self._widths) or len(COLUMNS))]
        at = states.index(self._sorted) if self._sorted in states else 0
        self._sort_by(states[(at + by) % len(states)])

    def _sort_by(self, column: int | None) -> None:
        self._sorted, self._descending = column, False
        self._lay_out()
        self._follow_cursor()

    def action_reverse(self) -> None:
        """Turn the order round."""
        if self._sorted is not None:
            self._descending = not self._descending
            self._lay_out()
            self._follow_cursor()

    def on_key(self, event: events.Key) -> None:
        """What can be typed narrows the table."""
        if event.is_printable and event.character is not None and event.character not in SORT_KEYS:
            event.stop()
            event.prevent_default()
            self._filter(self._typed + event.character)

    def action_shorten(self) -> None:
        """Take back the last character of the filter."""
        self._filter(self._typed[:-1])

    def action_clear_filter(self) -> None:
        """Show all names again."""
        self._filter("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is the table's only while there is a filter to clear."""
        return bool(self._typed) if action == "clear_filter" else True

    def _filter(self, typed: str) -> None:
        typed = typed.lstrip()
        if typed != self._typed:
            self._typed = typed
            self._lay_out()
            if self._index() is None and self._rows:
                self._cursor = _key(self._rows[0])
            self._follow_cursor()

    def on_click(self, event: events.Click) -> None:
        """A heading sorts, a container opens or closes, a name is selected."""
        if event.y == 0:
            column = self._column_at(event.x)
            if column is not None and column == self._sorted:
                self.action_reverse()
            elif column is not None:
                self._sort_by(column)
            return
        index = event.y + self.scroll_offset.y - 1
        if 0 <= index < len(self._rows):
            self._cursor = _key(self._rows[index])
            self.action_pick()

    def _column_at(self, x: int) -> int | None:
        left = 0
        for column, width in enumerate(self._widths):
            if width < 0:
                continue
            left += width + (1 if column == 0 else GAP)
            if x < left:
                return column
        return None

    def _go(self, index: int) -> None:
        row = self._rows[index]
        self._cursor = _key(row)
        self._follow_cursor()
        if isinstance(row, NameLine):
            self._selected = row.name
            self.post_message(NameSelected(row.name, "table"))

    def _follow_cursor(self) -> None:
        """Bring the cursor's line into view, below the headings."""
        at = self._index()
        if at is not None:
            self.scroll_to_region(Region(0, at, 1, 2), animate=False)
        self.refresh()


def _key(row: Line) -> str:
    return row.name if isinstance(row, NameLine) else f"{row.path}…"
