"""All keys and what they do, from the commands' own declarations."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tutor.tui.commands import COMMANDS, key_for, key_name
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of
from tutor.view.palette import Palette

#: Keys that belong to a pane and not to a command.
_PANES = (
    ("tab", "Go to the next pane; in the editor Tab indents, so go to the prompt with Escape first."),
    ("↑ ↓", "At the prompt: what you entered before. In the inspector: go from name to name."),
    ("^j", "At the prompt: a new line."),
    ("[ ]", "In the output: from run to run; enter opens a traceback or what was left out, o shows all."),
    ("y  ^c", "In the output: copy what the run printed and returned, or what is selected."),
    ("enter", "In the inspector: select the name everywhere; open or close a container, as → and ← do."),
    ("a-z 0-9", "In the tensor table: show only names, dtypes or shapes with this in them; esc shows all."),
    ("< > -", "In the tensor table: choose the column to sort by; turn the order round."),
    ("tab ↑ ↓", "In the list of names: Tab takes a name; Enter takes one that you moved to."),
    ("1-9", "In a prediction: choose."),
    ("pgup pgdn", "In a prediction: scroll the text above it."),
)


def help_text(palette: Palette) -> Text:
    """One line a command or key."""
    rows = [("  ".join(map(key_name, c.keys)) or f"in {key_for('palette')}", c.help) for c in COMMANDS]
    width = max(len(keys) for keys, _ in rows) + 2
    return Text("\n").join(
        Text.assemble((keys.ljust(width), palette.accent), (what, palette.foreground))
        for keys, what in [*rows, *_PANES]
    )


class HelpScreen(ModalScreen[None]):
    """Closes with Escape, or the key that opened it."""

    CSS_PATH = "chooser.tcss"
    BINDINGS = [Binding("escape,enter,f12,q,ctrl+c", "dismiss(None)", "Close", show=False)]

    def compose(self) -> ComposeResult:
        """The title over the list of keys."""
        with Vertical(id="sheet"):
            yield Heading("keys", "esc closes")
            with VerticalScroll(id="keys"):
                yield Static(help_text(palette_of(self.app.theme)))
