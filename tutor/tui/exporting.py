"""Writing the graph that is shown to a file: as what, where, and whether over what is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, Static

from tutor.export import FORMATS
from tutor.translation import later, say, translated
from tutor.tui.chooser import Chooser, Item
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of
from tutor.tui.sheet import Sheet

_WHAT = {
    "dot": ("DOT", later("for Graphviz and whatever reads its language")),
    "text": ("text", later("the drawing, with nothing folded away")),
    "svg": ("SVG", later("a picture, drawn by Graphviz")),
}


def format_chooser(name: str) -> Chooser:
    """Asks what the graph behind `name` is to be written as."""
    items = [Item(kind, label, translated(what)) for kind in FORMATS for label, what in [_WHAT[kind]]]
    return Chooser(say("export graph of {name}", name=name), items)


@dataclass(frozen=True)
class Target:
    """A file to write, and whether over what is there."""

    path: Path
    overwrite: bool


class FileScreen(Sheet[Target | None]):
    """Asks for a file's name; one that is there already is asked about once more."""

    CSS_PATH = "chooser.tcss"
    BINDINGS = [Binding("escape,ctrl+c", "dismiss(None)", "Close", show=False)]

    def __init__(self, title: str, suggested: str) -> None:
        super().__init__()
        self._heading = Heading(title, say("enter writes it · esc closes"))
        self._input = Input(suggested, id="file", select_on_focus=False)
        self._said = Static(id="said", markup=False)
        self._asked_about = ""

    def compose(self) -> ComposeResult:
        """The name, and below it what there is to say."""
        with Vertical(id="sheet"):
            yield self._heading
            yield self._input
            yield self._said

    def on_mount(self) -> None:
        """The name can be changed at once."""
        self._input.focus()

    @on(Input.Changed)
    def say_where(self) -> None:
        """Where a relative name leads to."""
        self._asked_about = ""
        self._said.update(Text(say("in {folder}", folder=Path.cwd()), palette_of(self.app.theme).muted))

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        """Done, unless there is something at this place already."""
        event.stop()
        name = self._input.value.strip()
        if not name:
            return
        path = Path(name).expanduser()
        if self._exists(path) and self._asked_about != name:
            self._asked_about = name
            question = say(
                "{name} is there already: enter writes over it; or change the name.", name=path.name
            )
            self._said.update(Text(question, palette_of(self.app.theme).warning))
            return
        self.dismiss(Target(path, self._asked_about == name))

    @staticmethod
    def _exists(path: Path) -> bool:
        try:
            return path.exists()
        except (OSError, ValueError):  # the name is too long, or no name: writing will say so
            return False
