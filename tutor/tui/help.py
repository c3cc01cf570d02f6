"""All keys and what they do, from the commands' own declarations."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tutor.translation import say, translated
from tutor.tui.commands import COMMANDS, key_for, key_name
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of, wrap
from tutor.view.palette import Palette

Keys = tuple[str, str]

#: Keys that belong to a pane and not to a command.
_PANES: dict[str, tuple[Keys, ...]] = {
    "everywhere": (
        ("tab", "Go to the next pane; in the editor Tab indents, so go to the prompt with Escape first."),
        ("pgup pgdn", "Scroll the lesson's text, from any pane that does not scroll itself."),
    ),
    "in a prediction": (("1-9", "Choose; ↑, ↓ and enter do it too."),),
    "in code": (("tab", "Take the name that is offered; else indent."),),
    "at the prompt": (
        ("↑ ↓", "What you entered before."),
        ("^j", "A new line."),
    ),
    "in the output": (
        ("[ ]", "From run to run."),
        ("enter", "Open a traceback, or what was left out."),
        ("o", "Show all of a run."),
        ("y ^c", "Copy what the run printed and returned, or what is selected."),
        ("s", "Save what the run printed to a file."),
    ),
    "in the inspector": (
        ("↑ ↓", "From name to name."),
        ("enter", "Select the name everywhere; open or close a container, as → and ← do."),
        ("a-z 0-9", "Show only names, dtypes or shapes with this in them; esc shows all."),
        ("→ ←", "In the graph: open a fold, close what hangs on a node, go up. Enter follows ↑ and ↓."),
        ("< > -", "Choose the column to sort by; turn the order round."),
    ),
}


def help_text(palette: Palette, width: int) -> Text:
    """The commands, then each pane's own keys; in `width` cells, what a key does stays in its column."""
    commands = [
        ("  ".join(dict.fromkeys(map(key_name, c.keys))) or say("in {key}", key=key_for("palette")), c.help)
        for c in COMMANDS
    ]
    panes = {translated(pane): [(key, translated(what)) for key, what in _PANES[pane]] for pane in _PANES}
    rows = [*commands, *(row for keys in panes.values() for row in keys)]
    column = max(cell_len(keys) for keys, _ in rows) + 2
    lines = [line for row in commands for line in _lines(row, column, width, palette)]
    for pane, keys in panes.items():
        lines += [Text(), Text(pane, f"bold {palette.foreground}")]
        lines += [line for row in keys for line in _lines(row, column, width, palette)]
    return Text("\n").join(lines)


def _lines(row: Keys, column: int, width: int, palette: Palette) -> Iterator[Text]:
    lead, what = row
    for line in wrap(Text(what), max(16, width - column)):
        yield Text.assemble(
            (lead + " " * (column - cell_len(lead)), palette.accent), (line.plain, palette.foreground)
        )
        lead = ""


class HelpScreen(ModalScreen[None]):
    """Closes with Escape, or the key that opened it."""

    CSS_PATH = "chooser.tcss"
    AUTO_FOCUS = "#keys"
    BINDINGS = [Binding("escape,enter,f12,q,ctrl+c", "dismiss(None)", "Close", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._text = Static()
        self._room = VerticalScroll(self._text, id="keys")

    def compose(self) -> ComposeResult:
        """The title over the list of keys."""
        with Vertical(id="sheet"):
            yield Heading(say("keys"), say("↑ ↓ scroll · esc closes"))
            yield self._room

    def on_mount(self) -> None:
        """Draw once the width is known."""
        self.call_after_refresh(self._draw)

    def on_resize(self, event: events.Resize) -> None:
        """The words are wrapped to the width."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        self._text.update(help_text(palette_of(self.app.theme), self._room.scrollable_content_region.width))
