"""Completion in a code area: when names are asked for, shown, taken and put away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from textual import events

from tutor.assist.completion import Completer, Names
from tutor.assist.place import Place, place_at
from tutor.assist.rank import rank
from tutor.tui.editing.popup import Popup

if TYPE_CHECKING:
    from tutor.tui.editing.area import CodeArea

#: Letters of a name before the list opens by itself.
LEAST = 2


class Completing:
    """Belongs to one code area. Typing never waits: names come when they come, or not at all."""

    def __init__(self, area: CodeArea, completer: Completer) -> None:
        self._area = area
        self._completer = completer
        self._popup: Popup | None = None
        #: The row, the column and what kind of place the names are for.
        self._anchor: tuple[object, ...] | None = None
        self._names = Names()
        self._typing = False

    @property
    def is_open(self) -> bool:
        """Whether the list is on the screen, and for this area."""
        return self._popup is not None and self._popup.display and self._anchor is not None

    @contextmanager
    def typing(self) -> Iterator[None]:
        """The cursor moves because something is typed, so the list stays."""
        self._typing = True
        try:
            yield
        finally:
            self._typing = False

    def moved(self) -> None:
        """The cursor went elsewhere."""
        if not self._typing:
            self.close()

    def close(self) -> None:
        """Put the list away; names that are still to come are not wanted."""
        if self._anchor is None:
            return
        self._anchor = None
        self._area.workers.cancel_group(self._area, "complete")
        if self._popup is not None:
            self._popup.display = False

    def takes(self, event: events.Key) -> bool:
        """Whether the open list uses the key."""
        if not self.is_open or self._popup is None:
            return False
        popup, key = self._popup, event.key
        actions: dict[str, Callable[[], None]] = {
            "up": lambda: popup.move(-1),
            "down": lambda: popup.move(1),
            "tab": lambda: self.take(popup.chosen),
            "escape": self.close,
        }
        if popup.moved:
            actions["enter"] = actions["tab"]
        action = actions.get(key)
        if action is None:
            return False
        action()
        return True

    def take(self, name: str) -> None:
        """Put `name` in place of the word before the cursor."""
        place = self._place()
        if place is not None:
            row, column = self._area.cursor_location
            self._area.history.checkpoint()
            self._area.replace(
                name, (row, column - len(place.word)), (row, column), maintain_selection_offset=False
            )
        self.close()

    def typed(self) -> None:
        """Something was typed or taken back: show what fits now, or ask."""
        place = self._place()
        if place is None or (place.kind == "name" and len(place.word) < LEAST):
            self.close()
            return
        row, column = self._area.cursor_location
        anchor = (row, column - len(place.word), place.kind, place.expression, place.module)
        if anchor == self._anchor and self._names.all:
            self._show(place)
            return
        self.close()
        self._anchor, self._names = anchor, Names()
        self._area.run_worker(partial(self._ask, place, anchor), group="complete", exclusive=True)  # type: ignore[arg-type]

    def _place(self) -> Place | None:
        """Where the cursor is; None inside of a word, and where nothing is completed."""
        area = self._area
        if not area.selection.is_empty:
            return None
        row, column = area.cursor_location
        line = area.document.get_line(row)
        after = line[column : column + 1]
        if after == "_" or after.isalnum():
            return None
        return place_at(line[:column], area.state_of(row))

    async def _ask(self, place: Place, anchor: tuple[object, ...]) -> None:
        row, column = self._area.cursor_location
        lines = list(self._area.document.lines)
        lines[row] = lines[row][: column - len(place.word)] + lines[row][column:]
        names = await self._completer.names(place, lines)
        now = self._place()
        if self._anchor == anchor and now is not None and self._area.has_focus:
            self._names = names
            if self._popup is None:
                self._popup = next(iter(self._area.screen.query(Popup)), None)
            if self._popup is None:
                self._popup = Popup()
                await self._area.screen.mount(self._popup)
                if self._anchor != anchor or (now := self._place()) is None:
                    return
            self._show(now)

    def _show(self, place: Place) -> None:
        names = rank(place.word, self._names.all, self._names.familiar)
        if self._popup is None:
            return
        if not names:
            self._popup.display = False
            return
        self._popup.choose = self.take
        self._popup.offer(names, place.word, self._area.cursor_screen_offset)
