"""The prompt: code for the namespace as it is, or the answer to `input()`."""

from __future__ import annotations

import ast
import codeop
import warnings

from textual import events

from tutor.tui.editor import CodeArea
from tutor.tui.messages import InputEnded, LineEntered


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
    """Enter runs what is complete; up and down walk through what was entered before."""

    def __init__(self, placeholder: str, *, id: str) -> None:
        super().__init__(placeholder=placeholder, id=id)
        self.tab_behavior = "focus"
        self._history: list[str] = []
        self._at = 0
        self._draft = ""
        self._asking = False

    @property
    def asking(self) -> bool:
        """The code waits for a line of input."""
        return self._asking

    def ask(self, waiting: bool) -> None:
        """Take the next line as input for the code, or go back to taking code."""
        if waiting and not self._asking:
            self._draft = self.text
            self.text = ""
        elif self._asking and not waiting:
            self._put(self._draft)
        self._asking = waiting

    async def _on_key(self, event: events.Key) -> None:
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
        if event.key != "enter":
            await super(CodeArea, self)._on_key(event)
            return
        await super()._on_key(event)

    def _enter(self) -> bool:
        source = self.text
        if self._asking:
            self.post_message(LineEntered(source))
            return True
        if not source.strip():
            return True
        if incomplete(source):
            return False
        self.post_message(LineEntered(source))
        return True

    def accepted(self) -> None:
        """The line was taken: remember it and be empty again."""
        source = self.text.rstrip()
        if not self._asking and source and (not self._history or self._history[-1] != source):
            self._history.append(source)
        self._at = len(self._history)
        self.text = ""

    def _older(self) -> bool:
        if self._asking or self.cursor_location[0] > 0 or self._at == 0:
            return False
        if self._at == len(self._history):
            self._draft = self.text
        self._at -= 1
        self._put(self._history[self._at])
        return True

    def _newer(self) -> bool:
        at_last_row = self.cursor_location[0] == self.document.line_count - 1
        if self._asking or not at_last_row or self._at >= len(self._history):
            return False
        self._at += 1
        self._put(self._history[self._at] if self._at < len(self._history) else self._draft)
        return True

    def _put(self, text: str) -> None:
        self.text = text
        self.move_cursor(self.document.end)

    def _end_input(self) -> bool:
        if not self._asking or self.text:
            return False
        self.post_message(InputEnded())
        return True
