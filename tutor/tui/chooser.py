"""A short list over the screen: up, down or an item's number, and enter; or escape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tutor.translation import say
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of
from tutor.tui.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a list; one that cannot be chosen says why in `fact`, a heading stands above others."""

    key: str
    label: str
    fact: str = ""
    usable: bool = True
    heading: bool = False
    #: Another name under which the item may be the current one.
    current_for: str = ""

    @property
    def number(self) -> str:
        """The number that the label begins with, if it does."""
        first = self.label.split(maxsplit=1)[:1]
        return first[0] if first and first[0].isdecimal() else ""

    def is_current(self, current: str) -> bool:
        return bool(current) and current in (self.key, self.current_for)


class Chooser(Sheet[str | None]):
    """Answers the chosen item's key, or None."""

    CSS_PATH = "chooser.tcss"
    BINDINGS = [Binding("escape,ctrl+c", "dismiss(None)", "Close", show=False)]

    def __init__(self, title: str, items: Sequence[Item], current: str = "") -> None:
        super().__init__()
        self._title = title
        self._items = items
        self._current = current
        self._digits = ""

    def compose(self) -> ComposeResult:
        """The title over the list."""
        with Vertical(id="sheet"):
            yield Heading(self._title, say("enter chooses · esc closes"))
            yield OptionList(*map(self._option, self._items), id="items", markup=False)

    def _option(self, item: Item) -> Option:
        palette = palette_of(self.app.theme)
        if item.heading:
            return Option(Text(item.label, palette.muted), id=item.key, disabled=True)
        sign = "▸ " if item.is_current(self._current) else "  "
        color = palette.foreground if item.usable else palette.muted
        label = Text.assemble((sign, palette.accent), (item.label, color), (f"   {item.fact}", palette.muted))
        return Option(label, id=item.key, disabled=not item.usable)

    def on_mount(self) -> None:
        """Begin at the current item."""
        items = self.query_one("#items", OptionList)
        usable = [i for i, item in enumerate(self._items) if item.usable and not item.heading]
        current = [i for i in usable if self._items[i].is_current(self._current)]
        items.highlighted = next(iter(current or usable), None)
        items.focus()

    def on_key(self, event: events.Key) -> None:
        """Digits go to the item of that number: 1 and then 2 to the first, then to the twelfth."""
        digit = event.character or ""
        if not digit.isdecimal():
            self._digits = ""
            return
        usable = [(place, item) for place, item in enumerate(self._items) if item.usable]
        numbers = {item.number: place for place, item in usable if item.number}
        self._digits = next((said for said in (self._digits + digit, digit) if said in numbers), "")
        if self._digits:
            event.stop()
            self.query_one("#items", OptionList).highlighted = numbers[self._digits]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Done."""
        event.stop()
        self.dismiss(event.option.id)
