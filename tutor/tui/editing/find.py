"""Finding text in the editor: one line below it."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.document._document import Selection
from textual.widgets import Input, Static

from tutor.assist.search import MOST, Match, find_all, nearest
from tutor.translation import say
from tutor.tui.editing.area import CodeArea


def count_text(query: str, matches: int, at: int) -> str:
    """`2 of 7`, or that there is nothing."""
    if not query:
        return ""
    if not matches:
        return say("not found")
    return say("{n} of {count}", n=at + 1, count=f"{matches}{'+' if matches >= MOST else ''}")


class FindBar(Horizontal):
    """What is typed is found at once, from where the cursor was; the match is the editor's selection."""

    BINDINGS = [
        Binding("escape", "close", "Close", show=False),
        Binding("enter,down", "go(1)", "Next", show=False, priority=True),
        Binding("shift+enter,up", "go(-1)", "Previous", show=False, priority=True),
    ]

    def __init__(self, area: CodeArea) -> None:
        super().__init__(id="find")
        self._area = area
        self._from = area.cursor_location
        self._matches: list[Match] = []
        self._at = 0
        self._revision = -1
        self.query_input = Input(placeholder=say("what to find"), select_on_focus=True, id="find-query")
        self._count = Static(id="find-count", markup=False)

    def compose(self) -> ComposeResult:
        """The sign, what is looked for, how often it is there."""
        yield Static(say("find ›"), id="find-sign", markup=False)
        yield self.query_input
        yield self._count

    def open(self) -> None:
        """Look for what is selected, or for what was looked for last."""
        selected = self._area.selected_text
        self._from = min(self._area.selection)
        self.display = True
        if selected and "\n" not in selected:
            self.query_input.value = selected
        self.query_input.focus()
        self._search()

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        """Find what is typed so far."""
        event.stop()
        if self.display:
            self._search()

    def _search(self) -> None:
        self._look()
        self._at = nearest(self._matches, self._from)
        self._show()

    def _look(self) -> None:
        query = self.query_input.value
        self._matches = find_all(self._area.document.lines, query)
        self._revision = self._area.revision
        if self._area.sought != query:
            self._area.sought = query
            self._area.notify_style_update()
            self._area.refresh()

    def _show(self) -> None:
        if self._matches:
            match = self._matches[self._at]
            self._area.selection = Selection((match.row, match.start), (match.row, match.end))
            self._area.scroll_cursor_visible(center=True)
        else:
            self._area.move_cursor(self._from)
        self._count.update(count_text(self.query_input.value, len(self._matches), self._at))

    def action_go(self, step: int) -> None:
        """The next match, or the one before; around the ends."""
        if self._revision != self._area.revision:
            self._look()
        if self._matches:
            self._at = (self._at + step) % len(self._matches)
            self._from = (self._matches[self._at].row, self._matches[self._at].start)
            self._show()

    def action_close(self) -> None:
        """Back to the code, at the match."""
        self._put_away()
        self._area.focus()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Whoever goes elsewhere has found it."""
        if self.app.focused is not None and self.app.focused is not self.query_input:
            self._put_away()

    def _put_away(self) -> None:
        self.display = False
        self._area.sought = ""
        self._area.notify_style_update()
        self._area.refresh()
