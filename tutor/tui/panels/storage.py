"""Blocks of memory, and which elements each name covers."""

from __future__ import annotations

from tutor.tui.names_view import NamesView
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.shown import Shown
from tutor.view.strips import storage_strips


class StoragePanel(Drawn):
    """The selected name's block comes first."""

    def __init__(self) -> None:
        self._lines = NamesView("storage", id="storage")
        super().__init__("storage", self._lines)

    def draw(self, shown: Shown) -> None:
        """All blocks as strips."""
        truecolor = self.app.console.color_system == "truecolor"
        strips = storage_strips(
            shown.snapshot,
            self.palette,
            self.room,
            truecolor,
            written=shown.written,
            selected=shown.chosen,
        )
        self._lines.show_lines(list(strips.split("\n")) if strips else [])
        self.display = bool(strips)
        self.heading.fact = "bright = written by this run" if shown.written else ""
