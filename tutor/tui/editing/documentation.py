"""Signature and documentation over the screen, until Escape."""

from __future__ import annotations

from collections.abc import Awaitable

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tutor.assist.lookup import Found
from tutor.translation import later, say, translated
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of
from tutor.tui.sheet import Sheet
from tutor.view.documentation import render_documentation
from tutor.view.words import clean

NOWHERE = later("Put the cursor on a name, or between the parentheses of a call.")
WAITING = later("Reading…")


def unknown(expression: str) -> str:
    """What is said where nothing is known."""
    return say(
        "Nothing is known about {expression} yet: run the code that makes it, then ask again.",
        expression=expression,
    )


class DocumentationScreen(Sheet[None]):
    """Shows what `answer` brings. Closing it before that cancels the question."""

    CSS_PATH = "documentation.tcss"
    BINDINGS = [Binding("escape,enter,ctrl+d,q,ctrl+c", "dismiss(None)", "Close", show=False)]

    def __init__(self, expression: str, answer: Awaitable[Found] | None) -> None:
        super().__init__()
        self._expression = expression
        self._answer = answer
        said = translated(WAITING if answer is not None else NOWHERE)
        self._page = Static(said, id="page-of-docs", markup=False)

    def compose(self) -> ComposeResult:
        """The name over what there is to read."""
        with Vertical(id="docs"):
            yield Heading(clean(self._expression) or say("documentation"), say("esc closes"))
            with VerticalScroll(id="docs-box"):
                yield self._page

    def on_mount(self) -> None:
        """Ask, without holding anything up."""
        if self._answer is not None:
            self.run_worker(self._show(self._answer), exclusive=True)

    async def _show(self, answer: Awaitable[Found]) -> None:
        found = await answer
        if found.signature:
            text = render_documentation(found.signature, found.text, palette_of(self.app.theme))
        else:
            text = Text(unknown(clean(self._expression)))
        self._page.update(text)
