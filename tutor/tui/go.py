"""Go to a pane: every pane shows its number, and the number goes there."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from tutor.translation import say
from tutor.tui.lines import palette_of
from tutor.tui.pane import Pane
from tutor.tui.sheet import Sheet


class GoScreen(Sheet[Pane | None]):
    """Answers the pane whose number was pressed or clicked, or None."""

    CSS_PATH = "go.tcss"
    BINDINGS = [Binding("escape,f6,ctrl+c", "dismiss(None)", "Close", show=False)]

    def __init__(self, panes: Sequence[Pane]) -> None:
        super().__init__()
        self._panes = panes[:9]

    def compose(self) -> ComposeResult:
        """A number over each pane that is seen, and all of them in the last line."""
        for number, pane in enumerate(self._panes, 1):
            region = pane.widget.region
            if region and pane.widget.is_on_screen:
                label = Static(Text(f" {number} "), classes="label")
                label.styles.offset = (region.x, region.y)
                yield label
        yield Static(self._names(self.app.size.width - 2), id="all")

    def _names(self, width: int) -> Text:
        """Numbers and names in as many rows as they need; none is broken."""
        palette = palette_of(self.app.theme)
        text = Text(say("go to"), palette.muted)
        indent = used = text.cell_len
        for number, pane in enumerate(self._panes, 1):
            item = Text(f"{number} ", f"bold {palette.accent}").append(pane.name, palette.foreground)
            item.apply_meta({"@click": f"screen.choose({number})"})
            lead = "  " if used + 2 + item.cell_len <= width else "\n  " + " " * indent
            used = (used if lead == "  " else indent) + 2 + item.cell_len
            text.append(lead).append_text(item)
        return text

    def on_key(self, event: events.Key) -> None:
        """A digit goes there; any other key goes nowhere."""
        if event.key.isdigit():
            event.stop()
            self.action_choose(int(event.key))
        elif event.key not in ("escape", "f6", "ctrl+c"):
            event.stop()
            self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """A click on a pane goes there, a click elsewhere closes."""
        if event.style.meta:
            return
        for pane in self._panes:
            if pane.widget.is_on_screen and pane.widget.region.contains(event.screen_x, event.screen_y):
                self.dismiss(pane)
                return
        self.dismiss(None)

    def action_choose(self, number: int) -> None:
        """Done, if there is a pane of this number."""
        if 0 < number <= len(self._panes):
            self.dismiss(self._panes[number - 1])
