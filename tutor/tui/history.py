"""What was entered at the prompt: walked through with up and down, and searched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tutor.translation import say
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of
from tutor.tui.sheet import Sheet
from tutor.view.words import clean

#: Lines of history that are listed, and those that are kept in memory.
LISTED, KEPT = 200, 5_000


class History(Protocol):
    """Lines of the prompt, of this session or of all."""

    def history(self, containing: str = "", limit: int | None = None) -> list[str]:
        """Lines that contain a text, newest first."""

    def add_history(self, text: str) -> None:
        """Remember a line."""


class MemoryHistory:
    """The lines of this session."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def history(self, containing: str = "", limit: int | None = None) -> list[str]:
        """Lines that contain a text, in any case, newest first."""
        wanted = containing.casefold()
        found = [line for line in reversed(self._lines) if wanted in line.casefold()]
        return found[:limit]

    def add_history(self, text: str) -> None:
        """Remember a line; the same one again is remembered once."""
        if not self._lines or self._lines[-1] != text:
            self._lines.append(text)
            del self._lines[:-KEPT]


class Walk:
    """The earlier lines that begin as the line did when the walk began."""

    def __init__(self, history: History, draft: str) -> None:
        self._draft = draft
        self._lines = unique(
            line for line in history.history(draft) if line.startswith(draft) and line != draft
        )
        self._at = -1

    @property
    def text(self) -> str:
        """The line that the walk is at."""
        return self._draft if self._at < 0 else self._lines[self._at]

    def step(self, by: int) -> bool:
        """Go to an older line, or a newer one; whether there is one."""
        if not -1 <= self._at + by < len(self._lines):
            return False
        self._at += by
        return True


def unique(lines: Iterable[str]) -> list[str]:
    """The lines in order, each once."""
    return list(dict.fromkeys(lines))


class HistorySearch(Sheet[str | None]):
    """A list over the prompt that is filtered as one types; answers the chosen line, or None."""

    CSS_PATH = "history.tcss"
    AUTO_FOCUS = "#wanted"
    BINDINGS = [
        Binding("escape,ctrl+c", "dismiss(None)", show=False),
        Binding("up,ctrl+f", "move('up')", show=False, priority=True),
        Binding("down", "move('down')", show=False, priority=True),
        Binding("pageup", "move('page_up')", show=False, priority=True),
        Binding("pagedown", "move('page_down')", show=False, priority=True),
    ]

    def __init__(self, history: History, text: str = "") -> None:
        super().__init__()
        self._history = history
        self._lines: list[str] = []
        self.heading = Heading(say("history"), say("enter takes · esc closes"))
        self.list = OptionList(id="lines", markup=False)
        self.list.can_focus = False
        self.line = Input(text, placeholder=say("text to find"), id="wanted")

    def compose(self) -> ComposeResult:
        """The newest line nearest to the prompt."""
        with Vertical(id="history"):
            yield self.heading
            yield self.list
            yield self.line

    def on_mount(self) -> None:
        """Everything, until something is typed."""
        self._filter(self.line.value)

    def on_resize(self, event: events.Resize) -> None:
        """Lines are cut to the width."""
        self.call_after_refresh(self._filter, self.line.value)

    @on(Input.Changed, "#wanted")
    def refilter(self, event: Input.Changed) -> None:
        """Only what contains the text."""
        self._filter(event.value)

    def _filter(self, wanted: str) -> None:
        self._lines = unique(self._history.history(wanted))[:LISTED][::-1]
        palette = palette_of(self.app.theme)
        room = max(10, self.size.width - 8)
        self.list.clear_options()
        if not self._lines:
            self.list.add_option(Option(Text(say("nothing like this"), palette.muted), disabled=True))
            return
        self.list.add_options([Option(one_line(line, room)) for line in self._lines])
        self.list.highlighted = len(self._lines) - 1

    def action_move(self, where: str) -> None:
        """The list's cursor, while the typing goes on."""
        getattr(self.list, f"action_{'cursor_' * (where in ('up', 'down'))}{where}")()

    @on(Input.Submitted, "#wanted")
    def take(self) -> None:
        """The line under the cursor."""
        at = self.list.highlighted
        if self._lines and at is not None:
            self.dismiss(self._lines[at])

    @on(OptionList.OptionSelected, "#lines")
    def take_clicked(self, event: OptionList.OptionSelected) -> None:
        """The line under the pointer."""
        event.stop()
        if self._lines:
            self.dismiss(self._lines[event.option_index])


def one_line(text: str, room: int) -> Text:
    """A line of history as one row of at most `room` cells."""
    first, *rest = text.split("\n")
    more = say("+1 line") if len(rest) == 1 else say("+{count} lines", count=len(rest))
    more = f"  {more}" if rest else ""
    first = clean(first.strip())
    if cell_len(first) > (left := max(1, room - cell_len(more))):
        first = set_cell_size(first, left - 1).rstrip() + "…"
    return Text.assemble(first, (more, "dim"))
