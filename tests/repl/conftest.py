"""Line mode as people meet it: behind a pipe, and in a terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from repl_environment import COMMAND, environment

from tests.running import running_kernel
from tutor.session import Session

#: Makes the terminal the one whose Ctrl-C reaches the program, then becomes the program.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
#: Spaces may be skipped instead of written.
_SKIP = re.compile(r"\x1b\[(\d*)C")
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>]|\x1b\][^\x07]*\x07")


@pytest.fixture
def piped(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run line mode with `text` on standard input, to its end."""

    def run(text: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            input=text,
            capture_output=True,
            encoding="utf-8",
            env=environment(tmp_path, **changes),
            timeout=100,
            check=False,
        )

    return run


class Terminal:
    """Line mode in a pseudo-terminal of 24 by 100; `seen` is what it wrote, as text."""

    def __init__(self, home: Path, *arguments: str, **changes: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *COMMAND, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment(home, **changes),
            start_new_session=True,
        )
        os.close(slave)
        self.raw = ""
        self._from = 0

    @property
    def seen(self) -> str:
        skipped = _SKIP.sub(lambda found: " " * int(found[1] or 1), self.raw)
        return _ESCAPES.sub("", skipped).replace("\r", "")

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def expect(self, text: str, timeout: float = 20) -> str:
        """Wait until `text` has been written since the last call; what came up to it."""
        deadline = time.monotonic() + timeout
        while (at := self.seen.find(text, self._from)) < 0:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"no {text!r} in what came:\n{self.seen[self._from :]}")
        came = self.seen[self._from : at]
        self._from = at + len(text)
        return came

    def enter(self, code: str, answer: str) -> str:
        """Type a line, wait for `answer` in what follows, then for the next prompt."""
        self.type(code + "\r")
        self.expect(code.rpartition("\r")[2])
        came = self.expect(answer)
        self.expect(">>>")
        return came

    def end(self) -> int:
        """The exit status, once it ends; reads what is left."""
        deadline = time.monotonic() + 20
        while self._read(max(0.0, deadline - time.monotonic())):
            pass
        return self.process.wait(timeout=20)

    def close(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._master)

    def _read(self, patience: float) -> bool:
        if patience <= 0 or not select.select([self._master], [], [], patience)[0]:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # the other side is closed
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens line mode in terminals that share a home, and waits for the first prompt."""
    opened: list[Terminal] = []

    def begin(*arguments: str, **changes: str) -> Terminal:
        opened.append(Terminal(tmp_path, *arguments, **changes))
        opened[-1].expect(">>>")
        return opened[-1]

    yield begin
    for terminal in opened:
        terminal.close()


@pytest.fixture(scope="module")
def kernel() -> Iterator[tuple[asyncio.Runner, Session]]:
    """One real session for a module's tests."""
    with running_kernel() as pair:
        yield pair
