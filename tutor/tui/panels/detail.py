"""Values, relations and facts of the selected tensor."""

from __future__ import annotations

from tutor.tui.names_view import NamesView
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.shown import Shown
from tutor.view.detail import Known, detail_lines
from tutor.view.words import clean, kind_word


class DetailPanel(Drawn):
    """Values as the kernel told them last; none where they may have changed since."""

    def __init__(self) -> None:
        self._lines = NamesView("detail", id="detail")
        super().__init__("detail", self._lines)

    def draw(self, shown: Shown) -> None:
        """The selected tensor."""
        name, facts = shown.name, shown.facts
        self.display = facts is not None
        if facts is None:
            return
        known = shown.known if shown.known_of == facts else Known()
        change = next((c.kind for c in shown.changes if c.name == name), None)
        lines = detail_lines(name, shown.snapshot, known, self.palette, self.room, change)
        self.heading.fact = f"{clean(name)}  {kind_word(facts)}"
        self._lines.show_lines(lines)
