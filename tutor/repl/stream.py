"""The output of the learner's code, passed on while it comes."""

from __future__ import annotations

import asyncio
import time

from rich.text import Text

from tutor.repl.out import PALETTE, Out
from tutor.translation import say
from tutor.view.terminal import TerminalText
from tutor.view.words import bytes_word

#: Of a flood, so many lines of the beginning and of the end of each pause are shown.
HEAD, TAIL = 400, 100
#: Seconds between looks at a flood.
PAUSE = 0.5
#: Seconds between looks at a line that is written again and again, such as a progress bar.
PROGRESS = 5.0
#: Cells of one line of output.
COLUMNS = 4_000


class Stream:
    """Writes lines as they end, and the open line as far as it only grows.

    A line that is written over, as progress bars do, cannot be shown without moving the cursor: it is
    told every few seconds and when it ends. Control sequences other than colour have no effect.
    """

    def __init__(self, out: Out) -> None:
        self._out = out
        self._text = TerminalText(HEAD, TAIL, COLUMNS)
        self._skipped = 0
        self._open = ""
        self._told = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether a line of output has begun and not ended."""
        return self._open != ""

    def feed(self, text: str, skipped: int = 0) -> None:
        """More output; `skipped` bytes before it were left out."""
        self._skipped += skipped
        self._text.feed(text)
        if self._timer is None and self._write() > HEAD // 2:
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self._look)

    def flush(self) -> None:
        """Write all that has come, the line that was written over too."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._told = 0.0
        self._write()

    def finish(self) -> None:
        """The code has ended: the open line ends too, and so does its colour."""
        self.flush()
        self._out.fresh()
        self._text.clear()
        self._open = ""

    def take_open(self) -> str:
        """The open line, which from now on belongs to who asked: a prompt."""
        self.flush()
        taken, self._open = self._open, ""
        self._text.clear()
        return taken

    def _look(self) -> None:
        self._timer = None
        self.feed("")

    def _write(self) -> int:
        """Write what there is; the number of lines."""
        lines = self._text.drain(PALETTE)
        for line in lines:
            self._end_open(line)
        if self._skipped:
            words = say("… {size} of output not shown …", size=bytes_word(self._skipped))
            self._out.line(Text(words, PALETTE.muted))
            self._skipped = 0
        self._grow()
        return len(lines)

    def _end_open(self, line: Text) -> None:
        if self._open and line.plain.startswith(self._open):
            self._out.part(line[len(self._open) :])
            self._out.fresh()
        else:
            self._out.line(line)
        self._open = ""

    def _grow(self) -> None:
        if self._out.whole_lines:
            return
        for line in self._text.lines(PALETTE):
            now = time.monotonic()
            if self._open and line.plain.startswith(self._open):
                self._out.part(line[len(self._open) :])
            elif not self._open or now - self._told > PROGRESS:
                self._out.fresh()
                self._out.part(line)
            else:
                return
            self._open, self._told = line.plain, now
