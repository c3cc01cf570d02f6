"""Where pieces of code and answers come from: what every reader does, and lines of standard input."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import sys
import termios
import threading
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from tutor.repl.out import Out
from tutor.repl.pieces import Gatherer, Piece
from tutor.translation import later
from tutor.view.words import clean

PROMPT, MORE = ">>> ", "... "


class Stopped(Exception):
    """Ctrl-C where nothing runs. What was `entered` just before it is not to run either."""

    def __init__(self, *, entered: bool = False) -> None:
        super().__init__()
        self.entered = entered


class Reader(Protocol):
    """Reads what a person types, or a file that stands for one."""

    #: A person is there: code stands where it was typed, and a wrong line does not end the session.
    is_person: bool
    #: Keys and what they do, for help, in English.
    keys: tuple[tuple[str, str], ...]

    async def piece(self) -> Piece | None:
        """The next piece, None at the end. Stopped after Ctrl-C."""

    async def answer(self, prompt: str, shown: str, *, hidden: bool = False) -> str | None:
        """A line for `input()`, None at the end; `shown` stands on the line already. Stopped after Ctrl-C.

        One that is `hidden` is not written anywhere."""

    def stop(self) -> None:
        """Ctrl-C came as a signal: who waits gets Stopped, also when the line has just come."""

    async def ran(self) -> None:
        """Something ran: names may have changed."""


class LineReader:
    """Standard input, line by line, where there is no terminal that prompt_toolkit could use."""

    keys: tuple[tuple[str, str], ...] = (
        ("ctrl+c", later("Stop the code that is running, or drop the lines typed so far.")),
        ("ctrl+d", later("End torchtutor.")),
    )

    def __init__(self, out: Out, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self.is_person = os.isatty(descriptor)
        self._out = out
        self._gatherer = Gatherer(script=not self.is_person)
        self._pieces: deque[Piece] = deque()
        self._lines = _Lines(descriptor, goes_on=self.is_person)

    async def piece(self) -> Piece | None:
        """Read lines until they make a piece."""
        while not self._pieces:
            self._show(MORE if self._gatherer.waiting else PROMPT)
            try:
                line = await self._lines.next()
            except Stopped:
                self._gatherer.drop()
                if self.is_person:
                    self._out.line()  # the terminal has written ^C
                raise
            self._pieces.extend(self._gatherer.end() if line is None else self._gatherer.add(line))
            if line is None:
                break
        return self._pieces.popleft() if self._pieces else None

    async def answer(self, prompt: str, shown: str, *, hidden: bool = False) -> str | None:
        """The next line; where nobody typed it, it is written, so that the answer is seen."""
        # Whoever sees the question may type already what nobody is to see.
        with _unseen(self._descriptor) if hidden else contextlib.nullcontext():
            sys.stdout.write(prompt)
            sys.stdout.flush()
            self._out.forget_column()
            line = await self._lines.next()
        if hidden or not self.is_person:
            self._out.line("" if hidden else clean(line or ""))
        return line

    def stop(self) -> None:
        """Who waits gets Stopped; a line that comes later is for the next who asks."""
        self._lines.stop()

    async def ran(self) -> None:
        """There is nothing to complete here."""

    def _show(self, prompt: str) -> None:
        if self.is_person:
            sys.stdout.write(prompt)
            sys.stdout.flush()


@contextlib.contextmanager
def _unseen(descriptor: int) -> Iterator[None]:
    """A terminal that does not show what is typed, as `getpass` has it."""
    try:
        before = termios.tcgetattr(descriptor)
    except termios.error:  # no terminal
        yield
        return
    silent = [*before]
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class _Lines:
    """Lines of a descriptor, read by a thread and only when asked for.

    The thread reads the descriptor itself: one that sleeps inside `sys.stdin` holds its lock, and
    Python could not end.
    """

    def __init__(self, descriptor: int, *, goes_on: bool) -> None:
        self._descriptor = descriptor
        #: Behind the end there may be more, as at a terminal, where ctrl+d ends what is asked for now.
        self._goes_on = goes_on
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._ready: deque[str] = deque()
        self._rest = ""
        self._ended = False
        self._asked = threading.Semaphore(0)
        self._reading = False
        self._waiter: asyncio.Future[None] | None = None
        #: Stopped between the coming of a line and its taking.
        self._dropped = False
        self._thread: threading.Thread | None = None

    async def next(self) -> str | None:
        """The next line without its end, None when there is none. Stopped by `stop`."""
        while not self._ready and not self._ended:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            self._read_more(loop)
            try:
                await self._waiter
            finally:
                self._waiter = None
            if self._dropped:
                self._dropped = False
                self._ready.clear()  # as the terminal drops what nobody has read
                raise Stopped(entered=True)
        if self._ready:
            return self._ready.popleft()
        self._ended = not self._goes_on
        return None

    def stop(self) -> None:
        if self._waiter is None:
            return
        if self._waiter.done():
            self._dropped = True
        else:
            self._waiter.set_exception(Stopped())

    def _read_more(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._reading:
            return
        self._reading = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, args=(loop,), daemon=True, name="read-lines")
            self._thread.start()
        self._asked.release()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._asked.acquire():
            try:
                data = os.read(self._descriptor, 1 << 16)
            except OSError:
                data = b""
            try:
                loop.call_soon_threadsafe(self._take, data)
            except RuntimeError:  # the loop is closed
                return

    def _take(self, data: bytes) -> None:
        self._reading = False
        *lines, self._rest = (self._rest + self._decode(data, not data)).split("\n")
        self._ready.extend(line.removesuffix("\r") for line in lines)
        if not data:
            self._ended = True
            if self._rest:
                self._ready.append(self._rest)
                self._rest = ""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
