"""Values, relations and facts of the selected tensor."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.binding import Binding

from tutor.facts import Shape
from tutor.translation import later
from tutor.tui.messages import NameSelected
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.element_view import ElementView
from tutor.tui.panels.shown import Shown
from tutor.view.detail import detail_lines
from tutor.view.element import Step, moved
from tutor.view.grid import ELEMENT
from tutor.view.marks import metas_of, named_in
from tutor.view.places import steps_of
from tutor.view.words import clean, kind_word


class DetailView(ElementView):
    """The arrow keys go from element to element, and below the grid from name to name."""

    BINDINGS = [
        *[
            Binding(key, f"step('{key}')", show=False)
            for key in ("left", "right", "up", "down", "pageup", "pagedown", "home", "end")
        ],
        Binding("ctrl+home", "step('first')", show=False),
        Binding("ctrl+end", "step('last')", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("detail", id="detail")
        self._below = False

    def show_detail(self, shown: Shown, lines: Sequence[Text]) -> None:
        """Replace all lines; the selected element stays in view."""
        if shown.element != self.shown.element:
            self._below = False
        self.take(shown)
        self.show_lines(lines)

    def reveal_lit(self) -> None:
        """Scroll so that the selected element is seen."""
        at = self._line_of(self.shown.element)
        if at is not None:
            self._reveal(at)

    def on_focus(self) -> None:
        """The keys begin with the elements, where there are some."""
        self._below = not self._has_elements()
        if self._below:
            super().on_focus()
        self.refresh()

    def action_step(self, step: Step) -> None:
        """To another element; down from the last line, to the names under the grid."""
        if self._below and step == "up" and self._has_elements() and self._at in (None, *self._stops[:1]):
            self._below, self._at = False, None
            self.refresh()
        elif self._below:
            self._scroll_by_key(step)
        else:
            self._go(step)

    def action_choose(self) -> None:
        """Select the name in the cursor's line; from the grid, the first name under it."""
        if self._at is None and self._stops:
            self.post_message(NameSelected(named_in(self._lines[self._stops[0]])[0], "detail"))
        else:
            super().action_choose()

    def _go(self, step: Step) -> None:
        facts, index = self.shown.facts, self.element
        if facts is None or facts.shape is None:
            return
        if index is None:
            self.ask(facts.name, (0,) * len(facts.shape))
            return
        there = moved(facts.shape, index, step, self._per_line())
        if there != index:
            self.ask(facts.name, there)
        elif step == "down":
            self._below = True
            self.action_move(1)

    def _scroll_by_key(self, step: Step) -> None:
        match step:
            case "up" | "down":
                self.action_move(-1 if step == "up" else 1)
            case "home" | "first":
                self.action_move(-1_000_000)
            case "end" | "last":
                self.action_move(1_000_000)
            case "pageup" | "pagedown":
                self._scroll(-self._page() if step == "pageup" else self._page())

    def on_click(self, event: events.Click) -> None:
        """Select the element under the pointer."""
        index, facts = event.style.meta.get(ELEMENT), self.shown.facts
        if index is None or facts is None:  # what the class above does follows by itself
            return
        event.prevent_default()
        self._below = False
        self.ask(facts.name, index)

    def _has_elements(self) -> bool:
        facts = self.shown.facts
        return facts is not None and steps_of(facts) is not None and facts.numel != 0

    def _line_of(self, index: Shape | None) -> int | None:
        return next((i for i, line in enumerate(self._lines) if index in _elements(line)), None)

    def _per_line(self) -> int:
        return max(map(len, map(_elements, self._lines)), default=1)


def _elements(line: Text) -> list[Shape]:
    """Indices of the elements that are drawn in a line."""
    return list(dict.fromkeys(meta[ELEMENT] for meta in metas_of(line) if ELEMENT in meta))


class DetailPanel(Drawn):
    """Values as the kernel told them last; none where they may have changed since."""

    def __init__(self) -> None:
        self._lines = DetailView()
        super().__init__(later("detail"), self._lines)

    def reveal_lit(self) -> None:
        """Scroll to the selected element."""
        self._lines.reveal_lit()

    def draw(self, shown: Shown) -> None:
        """The selected tensor."""
        name, facts = shown.name, shown.facts
        self.display = facts is not None
        if facts is None:
            return
        change = next((c.kind for c in shown.changes if c.name == name), None)
        lines = detail_lines(name, shown.snapshot, shown.known_now, self.palette, self.room, change)
        self.heading.fact = f"{clean(name)}  {kind_word(facts)}"
        self._lines.show_detail(shown, lines)
