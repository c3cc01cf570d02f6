"""Lines in which an element can be selected by key, as fast as keys come."""

from __future__ import annotations

from tutor.facts import Shape
from tutor.tui.messages import ElementSelected
from tutor.tui.names_view import NamesView
from tutor.tui.panels.shown import Shown


class ElementView(NamesView):
    """Knows the element that was asked for last, which may not have been drawn yet."""

    def __init__(self, source: str, *, id: str) -> None:
        super().__init__(source, id=id)  # type: ignore[arg-type]
        self.shown = Shown()
        self._asked: tuple[str, Shape] | None = None

    @property
    def element(self) -> Shape | None:
        """The element from which keys go on."""
        if self._asked is not None and self._asked[0] == self.shown.name:
            return self._asked[1]
        return self.shown.element

    def take(self, shown: Shown) -> None:
        """Another moment is drawn."""
        asked, drawn = self._asked, shown.element
        if asked is not None and (drawn is None or shown.name != asked[0] or drawn == asked[1]):
            self._asked = None
        self.shown = shown

    def ask(self, name: str, index: Shape) -> None:
        """Select an element."""
        self._asked = (name, index)
        self.post_message(ElementSelected(name, index))
