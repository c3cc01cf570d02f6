"""The prompt: code for the namespace as it is, or the answer to `input()`."""

from __future__ import annotations

import ast
import codeop
import warnings
from typing import Any

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding

from tutor.assist.indentation import deepened
from tutor.translation import later, translated
from tutor.tui.editing.area import CodeArea
from tutor.tui.history import History, HistorySearch, MemoryHistory, Walk
from tutor.tui.messages import InputEnded, LineEntered

#: What stands at the empty prompt while the learner's code waits for a line.
ANSWER = later("an answer for your code, enter sends it")
HIDDEN = later("a hidden answer for your code, enter sends it")
#: What stands for a character of an answer that is not to be seen, and for one of two cells.
_DOT, _WIDE = "•", "＊"


def incomplete(source: str) -> bool:
    """Whether Python would ask for another line; a block ends with an empty line, indented or not."""
    first, _, last = source.rpartition("\n")
    if first and not last.strip():
        source = first.rstrip() + "\n"
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compiler(source, symbol="single") is None
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
        return False


class CommandLine(CodeArea):
    """Enter runs what is complete; up and down walk through what was entered before.

    `entered` is where lines are remembered: the app may put one in its place that outlives it.
    """

    BINDINGS = [
        Binding("ctrl+j,alt+enter,shift+enter", "newline", show=False),
        Binding("ctrl+f", "find", show=False),
    ]

    def __init__(self, placeholder: str, *, id: str, entered: History | None = None) -> None:
        super().__init__(placeholder=placeholder, id=id)
        self._hint = placeholder
        self.tab_behavior = "focus"
        self.entered: History = entered or MemoryHistory()
        self._walk: Walk | None = None
        self._draft = ""
        self._asking = False
        #: The answer is not to be seen, here or anywhere else.
        self.hides = False
        #: Lines that were pasted at once, for as many times as the code asks.
        self._ahead: list[str] = []

    @property
    def asking(self) -> bool:
        """The code waits for a line of input."""
        return self._asking

    def suggest(self, hint: str) -> None:
        """What stands at the empty prompt while it takes code."""
        self._hint = hint
        if not self._asking:
            self.placeholder = hint

    def ask(self, waiting: bool, *, hidden: bool = False) -> None:
        """Take the next line as input for the code, or go back to taking code."""
        if waiting and not self._asking:
            self._draft = self.text
            self.text = ""
        elif self._asking and not waiting:
            self._put(self._draft + ("" if self.hides else self.text))
        self._asking, self.hides = waiting, waiting and hidden
        self.placeholder = translated(HIDDEN if hidden else ANSWER) if waiting else self._hint
        if waiting and self._ahead:
            ahead, self._ahead = self._ahead, []
            self._put("\n".join(ahead))
            if len(ahead) > 1:
                self.call_later(self._answer)

    def forget_ahead(self) -> None:
        """The code that asked has ended: what was pasted for it is not for the next one."""
        self._ahead = []

    @property
    def takes_code(self) -> bool:
        """Answers to `input()` are not code."""
        return not self._asking

    def get_line(self, line_index: int) -> Text:
        """The line; of an answer that is not to be seen, dots."""
        if not self.hides:
            return super().get_line(line_index)
        line = self.document.get_line(line_index)
        return Text("".join(_WIDE if cell_len(one) == 2 else _DOT for one in line), end="", no_wrap=True)

    def _row_key(self, row: int) -> tuple[Any, ...] | None:
        return None if self.hides else super()._row_key(row)

    def action_copy(self) -> None:
        """Copy what is selected, but no answer that is not to be seen."""
        if not self.hides:
            super().action_copy()

    def action_cut(self) -> None:
        """Cut what is selected, but no answer that is not to be seen."""
        if not self.hides:
            super().action_cut()

    async def press(self, event: events.Key) -> None:
        """The keys of a prompt, then those of any code."""
        handled = {
            "enter": self._enter,
            "up": self._older,
            "down": self._newer,
            "escape": self._end_input,
            "ctrl+d": self._end_input,
        }.get(event.key)
        if handled is not None and handled():
            event.stop()
            event.prevent_default()
            return
        await super().press(event)

    def _enter(self) -> bool:
        source = self.text
        if self._asking:
            self._answer()
            return True
        if not source.strip():
            return True
        if incomplete(source):
            return False
        # Emptied before the screen hears of it: what is typed meanwhile belongs to the next line.
        self.text = ""
        self._walk = None
        self.entered.add_history(source.rstrip())
        self.screen.post_message(LineEntered(source, answer=False))
        return True

    def _answer(self) -> None:
        """One line answers; what was pasted behind it waits for the next question."""
        if self._asking:
            first, *self._ahead = self.text.split("\n")
            self.text = ""
            self.screen.post_message(LineEntered(first, answer=True))

    def take_back(self, source: str) -> None:
        """The line was not taken: it stands here again, before what has been typed since."""
        self._put(source + self.text)

    def action_newline(self) -> None:
        """A new line in any case."""
        if not self._asking:
            row, column = min(self.selection)
            indent = deepened(self.document.get_line(row)[:column])
            self.replace(f"\n{indent}", *self.selection, maintain_selection_offset=False)

    def _older(self) -> bool:
        if self._asking or self.cursor_location[0] > 0:
            return False
        if self._walk is None or self._walk.text != self.text:
            self._walk = Walk(self.entered, self.text)
        if self._walk.step(1):
            self._put(self._walk.text)
            return True
        return False

    def _newer(self) -> bool:
        at_last_row = self.cursor_location[0] == self.document.line_count - 1
        walking = self._walk is not None and self._walk.text == self.text
        if self._asking or not at_last_row or not walking or self._walk is None or not self._walk.step(-1):
            return False
        self._put(self._walk.text)
        return True

    def _put(self, text: str) -> None:
        self.text = text
        self.move_cursor(self.document.end)

    def _end_input(self) -> bool:
        if not self._asking or self.text:
            return False
        self._ahead = []
        self.screen.post_message(InputEnded())
        return True

    def action_find(self) -> None:
        """Search in what was entered before."""
        self.find()

    def find(self) -> None:
        """Search in what was entered before; what is chosen comes to the prompt and does not run."""
        if self._asking:
            return

        def chosen(line: str | None) -> None:
            if line is not None:
                self._put(line)
            self.focus()

        self.app.push_screen(HistorySearch(self.entered), chosen)
