"""A lesson from elsewhere runs code on this machine: it is shown, and asked for, once."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tutor.course.schema import Lesson
from tutor.course.trust import RISK, lesson_code
from tutor.translation import say, translated
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of
from tutor.tui.sheet import Sheet
from tutor.view.palette import Palette


class TrustScreen(Sheet[bool]):
    """Answers whether the lesson's code may run."""

    CSS_PATH = "chooser.tcss"
    BINDINGS = [
        Binding("y,enter", "dismiss(True)", "Run", show=False),
        Binding("escape,n,ctrl+c", "dismiss(False)", "Do not", show=False),
    ]

    def __init__(self, lesson: Lesson, path: Path) -> None:
        super().__init__()
        self._lesson = lesson
        self._path = path

    def compose(self) -> ComposeResult:
        """What it is, what it would run, and the two answers."""
        from tutor.view.syntax import highlight  # the lexer takes a while: not before it is needed

        palette = palette_of(self.app.theme)
        with Vertical(id="sheet"):
            yield Heading(say("a lesson from elsewhere"), say("y runs it · esc only reads"))
            yield Static(self._question(palette), id="asked")
            with VerticalScroll(id="keys"):
                yield Static(Text("\n").join(highlight(lesson_code(self._lesson), palette)))

    def _question(self, palette: Palette) -> Text:
        title, path = self._lesson.title, str(self._path)
        return Text.assemble(
            ("“", palette.muted), (title, f"bold {palette.foreground}"),
            (f"” {say('is the file')} ", palette.muted),
            (path, palette.foreground), ("\n", ""),
            (f"{translated(RISK)} {say('This is the code:')}", palette.label),
        )  # fmt: skip

    def on_mount(self) -> None:
        """The code scrolls by the keys."""
        self.query_one("#keys").focus()

    def on_click(self) -> None:
        """A click decides nothing."""
