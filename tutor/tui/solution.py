"""The solution of an exercise: asked for, then shown, then taken or left."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tutor.translation import say
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of
from tutor.tui.sheet import Sheet
from tutor.view.difference import difference_lines
from tutor.view.syntax import highlight


class SolutionScreen(Sheet[bool | None]):
    """Answers None where the solution was not looked at, else whether it goes into the editor."""

    CSS_PATH = "chooser.tcss"
    BINDINGS = [
        Binding("enter,y", "go_on", "Show", show=False),
        Binding("d", "compare", "Compare", show=False),
        Binding("escape,n,ctrl+c", "leave", "Close", show=False),
    ]

    def __init__(self, solution: str, hints: int, *, known: bool, yours: str = "") -> None:
        super().__init__()
        self._yours = yours
        self._compares = False
        self._solution = solution.rstrip("\n")
        self._hints = hints
        self._shown = known
        self._heading = Heading(say("solution"), "")
        self._text = Static()

    def compose(self) -> ComposeResult:
        """The question, then the solution in its place."""
        with Vertical(id="sheet"):
            yield self._heading
            with VerticalScroll(id="keys"):
                yield self._text

    def on_mount(self) -> None:
        """Who has solved the step, or seen the solution, is not asked again."""
        self._draw()

    def _draw(self) -> None:
        palette = palette_of(self.app.theme)
        if self._shown:
            other = say("d shows it alone") if self._compares else say("d compares")
            self._heading.fact = say("enter inserts it · {other} · esc closes", other=other)
            lines = highlight(self._solution, palette)
            if self._compares:
                lines = list(difference_lines(self._yours, self._solution, palette))
            self._text.update(Text("\n").join(lines))
            return
        self._heading.fact = say("enter shows it · esc goes back")
        used = {0: say("You have not taken a hint yet"), 1: say("You have taken one hint")}
        taken = used.get(self._hints, say("You have taken {count} hints", count=self._hints))
        question = say("{taken}. Show the solution of this step? Your own code stays as it is.", taken=taken)
        self._text.update(Text(question, palette.foreground))

    def action_go_on(self) -> None:
        """Show it; once it is shown, take it."""
        if self._shown:
            self.dismiss(True)
        self._shown = True
        self._draw()

    def action_compare(self) -> None:
        """The solution beside the learner's code, and alone again."""
        self._compares = self._shown and not self._compares
        self._draw()

    def action_leave(self) -> None:
        """Close; whether it has been seen is the answer."""
        self.dismiss(False if self._shown else None)
