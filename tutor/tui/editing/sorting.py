"""Lines that are put in order: they move as wholes, and nothing is typed."""

from __future__ import annotations

from textual import events

from tutor.course.parsons import toggled
from tutor.tui.editing.area import CodeArea
from tutor.tui.messages import LineHeld

#: Keys that only look around, or take changes back.
_HARMLESS = {"left", "right", "home", "end", "pageup", "pagedown", "ctrl+z", "ctrl+home", "ctrl+end"}
_MOVES = {"shift+up": -1, "shift+down": 1, "K": -1, "J": 1}
_STEPS = {"up": -1, "down": 1, "k": -1, "j": 1}


class SortingArea(CodeArea):
    """Code of which, while `sorts` is set, only the order of the lines can be changed."""

    sorts = False
    #: The cursor's line is held: up and down take it along.
    holds = False

    def sort(self, wanted: bool) -> None:
        """Order lines from now on, or write as ever."""
        self.sorts = wanted
        self._hold(False)

    @property
    def takes_code(self) -> bool:
        """Nothing is typed where lines are ordered."""
        return super().takes_code and not self.sorts

    async def press(self, event: events.Key) -> None:
        """Space or Enter takes and puts down a line, up and down carry it, X leaves it out."""
        if not self.sorts or event.key in _HARMLESS:
            await super().press(event)
        elif self._obeys(event.key) or event.is_printable or event.key in self._bindings.key_to_bindings:
            event.stop()
            event.prevent_default()

    def _obeys(self, key: str) -> bool:
        if key in ("space", "enter"):
            self._hold(not self.holds)
        elif key in _STEPS and not self.holds:
            self._go(_STEPS[key])
        elif key in _STEPS or key in _MOVES:
            self._carry(_STEPS.get(key) or _MOVES[key])
        elif key in ("x", "X", "delete", "backspace"):
            self._leave_out()
        elif key == "tab":
            self.screen.focus_next()
        elif key == "shift+tab":
            self.screen.focus_previous()
        else:
            return False
        return True

    def _hold(self, wanted: bool) -> None:
        if self.holds is not wanted:
            self.holds = wanted
            self.refresh()
            self.post_message(LineHeld(wanted))

    def _go(self, by: int) -> None:
        row = min(max(0, self.cursor_location[0] + by), self.document.line_count - 1)
        self.move_cursor((row, 0))

    def _carry(self, by: int) -> None:
        """Let the line change places with the one above or below, as one step to undo."""
        row = self.cursor_location[0]
        top = min(row, row + by)
        if top < 0 or top + 1 >= self.document.line_count:
            return
        above, below = self.document.get_line(top), self.document.get_line(top + 1)
        self.history.checkpoint()
        self.replace(f"{below}\n{above}", (top, 0), (top + 1, len(below)))
        self.history.checkpoint()
        self.move_cursor((row + by, 0))

    def _leave_out(self) -> None:
        row = self.cursor_location[0]
        line = self.document.get_line(row)
        if line.strip():
            self.history.checkpoint()
            self.replace(toggled(line), (row, 0), (row, len(line)))
            self.history.checkpoint()
            self.move_cursor((row, 0))

    def _on_paste(self, event: events.Paste) -> None:  # type: ignore[override]
        """Textual asks each class in turn, unless one of them has the last word."""
        if self.sorts:
            event.stop()
            event.prevent_default()

    def on_blur(self) -> None:
        """Nobody holds a line from elsewhere."""
        self._hold(False)
