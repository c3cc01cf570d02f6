"""Section headings: a name on the left, a fact on the right, a hairline between."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static


class Heading(Static):
    """One line; the accent marks the panel that has the focus."""

    label: reactive[str] = reactive("")
    fact: reactive[str] = reactive("")

    def __init__(self, label: str, fact: str = "") -> None:
        super().__init__()
        self.set_reactive(Heading.label, label)
        self.set_reactive(Heading.fact, fact)

    def render(self) -> Content:
        """Name, hairline and fact, in exactly one line. The fact gives way only to the name."""
        width = self.size.width
        label = shorten(self.label, width)
        fact = shorten(self.fact, width - cell_len(label) - 4)
        rule = max(0, width - cell_len(label) - 2 - (cell_len(fact) + 2 if fact else 0))
        return Content.assemble(label, "  ", ("─" * rule, "$rule"), (f"  {fact}" if fact else "", "$muted"))


def shorten(text: str, room: int) -> str:
    """`text` in at most `room` cells; nothing where there is no room to speak of."""
    if cell_len(text) <= room:
        return text
    return set_cell_size(text, room - 1).rstrip() + "…" if room > 4 else ""


class Panel(Vertical):
    """A heading over its content; `:focus-within` lights the heading."""

    def __init__(self, label: str, *content: Widget, fact: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self.heading = Heading(label, fact)
        self._content = content

    def compose(self) -> ComposeResult:
        """The heading, then the content."""
        yield self.heading
        yield from self._content
