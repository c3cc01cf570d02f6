"""Lines with names in them: a cursor goes from line to line, Enter or a click selects the name."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.geometry import Region
from textual.widget import Widget

from tutor.tui.lines import LinesView, cursor_line
from tutor.tui.messages import NameSelected, Source
from tutor.view.marks import NAME, named_in


class NamesView(LinesView):
    """The cursor stops at lines with names, or, with `every_line`, at all; elsewhere the keys scroll."""

    BINDINGS = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
        Binding("enter", "choose", show=False),
    ]

    def __init__(self, source: Source, *, every_line: bool = False, id: str) -> None:
        super().__init__(id=id)
        self._source = source
        self._every_line = every_line
        self._stops: Sequence[int] = []
        #: Index of the cursor's line; None until a key puts it somewhere.
        self._at: int | None = None

    def show_lines(self, lines: Sequence[Text]) -> None:
        """Replace all lines; the cursor stays where it is, if that is still a stop."""
        every = range(len(lines))
        self._stops = every if self._every_line else [i for i in every if named_in(lines[i])]
        if self._at not in self._stops:
            self._at = None
        super().show_lines(lines)

    def reveal_cursor(self) -> None:
        """Scroll so that the cursor is seen."""
        if self._at is not None and not self._is_seen(self._at):
            self._reveal(self._at)

    def on_focus(self) -> None:
        """The cursor is seen at once."""
        if self._at is None and self._stops:
            self._at = self._stops[0]
        self.refresh()

    def on_blur(self) -> None:
        """The cursor is seen only with the focus."""
        self.refresh()

    def _line(self, index: int) -> Text:
        line = super()._line(index)
        if self.has_focus and index == self._at:
            line = cursor_line(line, self.room, self.palette)
        return line

    def action_move(self, by: int) -> None:
        """To another stop; where there is none in that direction, scroll."""
        here = self._at if self._at is not None else -1
        ahead = [i for i in self._stops if (i - here) * by > 0]
        if not ahead:
            self._scroll(by)
            return
        ahead.sort(key=lambda i: abs(i - here))
        near = ahead[0] if abs(by) == 1 else ahead[-1]
        if abs(by) == 1 and not self._every_line and abs(near - here) > self._page():
            self._scroll(by)  # a stop far away: what lies between must be seen too
            if not self._is_seen(near):
                return
        self._at = near
        self._reveal(near)
        self.refresh()

    def action_choose(self) -> None:
        """Select the name in the cursor's line."""
        if self._at is not None and (names := named_in(self._lines[self._at])):
            self.post_message(NameSelected(names[0], self._source))

    def on_click(self, event: events.Click) -> None:
        """Select the name under the pointer, or else the only one in the line."""
        index = event.y + self.scroll_offset.y
        if not 0 <= index < len(self._lines):
            return
        names = named_in(self._lines[index])
        under = event.style.meta.get(NAME)
        if index in self._stops:
            self._at = index
        if under is not None or len(names) == 1:
            self.post_message(NameSelected(under if under is not None else names[0], self._source))
        self.refresh()

    # ── what is seen ─────────────────────────────────────────────────────────

    def _around(self) -> VerticalScroll | None:
        return next((w for w in self.ancestors if isinstance(w, VerticalScroll)), None)

    def _page(self) -> int:
        around = self._around()
        return min(self.size.height, around.size.height if around is not None else self.size.height) - 1

    def _scroll(self, by: int) -> None:
        around = self._around()
        down = by > 0
        rest = self.max_scroll_y - self.scroll_offset.y if down else self.scroll_offset.y
        if rest > 0 or around is None:
            self.scroll_relative(y=by, animate=False)
        else:
            around.scroll_relative(y=by, animate=False)

    def _row_around(self, around: Widget, index: int) -> int:
        """Where a line lies in all that `around` scrolls, however far that is scrolled."""
        row = index - self.scroll_offset.y
        widget: Widget = self
        while widget is not around and isinstance(widget.parent, Widget):
            row += widget.virtual_region.y
            widget = widget.parent
        return row

    def _is_seen(self, index: int) -> bool:
        around = self._around()
        if around is None:
            return True
        top = around.scroll_offset.y
        return top <= self._row_around(around, index) < top + around.size.height

    def _reveal(self, index: int, height: int = 1) -> None:
        self.scroll_to_region(Region(0, index, 1, height), animate=False, force=True)
        around = self._around()
        if around is not None:
            row = self._row_around(around, index)
            around.scroll_to_region(Region(0, row, 1, height), animate=False, force=True)
