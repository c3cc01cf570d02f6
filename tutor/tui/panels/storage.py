"""Blocks of memory, and which elements each name covers."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.binding import Binding

from tutor.translation import later, say
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.element_view import ElementView
from tutor.tui.panels.shown import Shown
from tutor.view.devices import held_word
from tutor.view.element import beside, element_at
from tutor.view.marks import has_meta, named_in
from tutor.view.sheet import CELL, LIT
from tutor.view.strips import Strips
from tutor.view.words import fit


class StorageView(ElementView):
    """A click on a cell selects the element that lies there; left and right go from cell to cell."""

    BINDINGS = [
        Binding("left", "shift(-1)", show=False),
        Binding("right", "shift(1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("storage", id="storage")

    def reveal_lit(self) -> None:
        """Scroll so that the selected element's cell is seen, and the names under it."""
        at = next((i for i, line in enumerate(self._lines) if has_meta(line, LIT)), None)
        if at is None:
            return
        end = next(
            (i for i, line in enumerate(self._lines) if i > at and not named_in(line)), len(self._lines)
        )
        self._reveal(end - 1)
        self._reveal(max(0, at - 1))

    def action_shift(self, by: int) -> None:
        """To the nearest cell of the shown tensor in that direction."""
        index = beside(self.shown.name, self.element, self.shown.snapshot, by)
        if index is not None:
            self.ask(self.shown.name, index)

    def on_click(self, event: events.Click) -> None:
        """Select the element under the pointer: of the shown tensor, or of the first that has it."""
        block, start = event.style.meta.get(CELL, (None, 0))
        storage = self.shown.snapshot.storages.get(block) if block is not None else None
        if storage is None:  # what the class above does follows by itself
            return
        event.prevent_default()
        tensors = self.shown.snapshot.tensors
        for name in sorted(storage.residents, key=lambda name: name != self.shown.name):
            index = element_at(tensors[name], self.shown.snapshot, start) if name in tensors else None
            if index is not None:
                self.ask(name, index)
                return


class StoragePanel(Drawn):
    """The selected name's block comes first."""

    def __init__(self) -> None:
        self._lines = StorageView()
        self._strips = Strips()
        super().__init__(later("storage"), self._lines)

    def reveal_lit(self) -> None:
        """Scroll to the selected element."""
        self._lines.reveal_lit()

    def draw(self, shown: Shown) -> None:
        """All blocks as strips."""
        self._lines.take(shown)
        palette = self.palette
        lines = self._strips.lines(
            shown.snapshot,
            palette,
            self.room,
            not palette.flat,
            written=shown.written,
            focus=shown.focus,
        )
        device = shown.step.device if shown.step is not None else None
        if lines and device is not None:
            lines += [Text(), Text(fit(held_word(device), self.room), palette.muted)]
        self._lines.show_lines(lines)
        self.display = bool(lines)
        facts = (
            say("bright = written by this run") if shown.written else "",
            held_word(device) if device else "",
        )
        self.heading.fact = next(filter(None, reversed(facts)), "")
