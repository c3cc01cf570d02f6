"""A panel of the inspector: a heading over one view that can have the focus."""

from __future__ import annotations

from dataclasses import replace

from textual.containers import VerticalScroll
from textual.widget import Widget

from tutor.translation import translated
from tutor.tui.heading import Panel
from tutor.tui.lines import palette_of
from tutor.tui.pane import Pane
from tutor.tui.panels.shown import Shown
from tutor.view.palette import Palette


class Drawn(Panel):
    """`draw` replaces all that is in it; `display` is off while there is nothing to show."""

    def __init__(self, label: str, view: Widget) -> None:
        super().__init__(translated(label), view, id=f"{label}-panel")
        self.label = translated(label)
        self.view = view

    @property
    def pane(self) -> Pane:
        """What the learner can go to."""
        return Pane(self.label, self.view)

    @property
    def palette(self) -> Palette:
        """Colours of the theme."""
        palette = palette_of(self.app.theme)
        return palette if self.app.console.color_system == "truecolor" else replace(palette, flat=True)

    @property
    def room(self) -> int:
        """Cells of a line."""
        own: int = getattr(self.view, "room", 0)
        around = self.parent
        return own or (around.scrollable_content_region.width if isinstance(around, VerticalScroll) else 0)

    def open(self, is_open: bool) -> None:
        """The view has the focus, or has it no longer: it may take more room. Never amid a click."""
        self.set_class(is_open, "-open")

    def draw(self, shown: Shown) -> None:
        """Draw the moment."""
        raise NotImplementedError
