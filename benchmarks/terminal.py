"""The app on a real pseudo-terminal: keys go in, what is painted comes out with the time it came."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import psutil

from benchmarks.measure import BenchmarkError
from tutor.course.store import Store

COLUMNS, ROWS = 120, 36
QUIT, RUN, STOP, NEXT, BACK, CLEAR_LINE = b"\x11", b"\x12", b"\x03", b"\x1b[19~", b"\x1b[18~", b"\x15"
#: To the end of the code.
END = b"\x1b[1;5F"

_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()].|[@-Z\\^_=>78])")
#: Bytes of earlier output in which a text may have begun.
_OVERLAP = 512


class Terminal:
    """Runs `python -m tutor ARGUMENTS` as a learner does who has been here before.

    `home` is where what is remembered lies; without one it is a folder of this terminal's own. `variables`
    come into the app's environment. As a context manager it leaves no process behind."""

    def __init__(
        self, *arguments: str, home: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        # A learner's Python keeps the bytecode of what was used before, with which its peers come.
        ours = ("NO_COLOR", "COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE")
        environment = {k: v for k, v in os.environ.items() if k not in ours}
        self._own_home = TemporaryDirectory() if home is None else None
        home = home or Path(self._own_home.name)
        with Store.open(home / "tutor.db", patience=5) as store:
            store.set_setting("welcomed", True)
        #: All bytes that have come.
        self.painted = b""
        self._screen, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tutor", *arguments],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={**environment, "TERM": "xterm-256color", "TORCHTUTOR_HOME": str(home), **(variables or {})},
            start_new_session=True,
        )
        os.close(inner)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, keys: bytes | str) -> float:
        """Type; returns when, on the clock of `time.perf_counter`."""
        data = keys.encode() if isinstance(keys, str) else keys
        sent = time.perf_counter()
        os.write(self._screen, data)
        return sent

    def wait_for(self, text: str, timeout: float = 60.0) -> float:
        """Read until `text` is painted, in one piece; returns when its bytes had come.

        Raises BenchmarkError when it does not come or the app ends."""
        wanted, recent, deadline = text.encode(), b"", time.perf_counter() + timeout
        while (left := deadline - time.perf_counter()) > 0:
            data = self._read(left)
            came = time.perf_counter()
            recent += data
            if wanted in _ESCAPES.sub(b"", recent):
                return came
            recent = recent[-_OVERLAP:]
        raise BenchmarkError(f"The app did not show {text!r} within {timeout:.0f} s.")

    def drain(self, seconds: float) -> None:
        """Let time pass, as a terminal does: reading."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self._read(left)

    def resident_mib(self) -> float:
        """Memory that the UI process has in use, without its children."""
        return float(psutil.Process(self._process.pid).memory_info().rss) / 2**20

    def close(self) -> None:
        """Quit as a person would, so that the next measurement has the machine to itself; else kill."""
        with suppress(OSError):
            self.send(QUIT)
        deadline = time.perf_counter() + 10
        with suppress(BenchmarkError):
            while self._process.poll() is None and time.perf_counter() < deadline:
                self._read(0.05)
        self.kill()

    def hang_up(self) -> None:
        """Take the terminal away, as when a connection is lost."""
        if self._screen >= 0:
            os.close(self._screen)
            self._screen = -1

    def wait(self, seconds: float) -> int:
        """The app's exit status, once it has ended; TimeoutExpired where it goes on."""
        return self._process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL, as when the machine loses its power; nothing where it has ended."""
        if self._process.poll() is None:
            self._kill()
        self.hang_up()
        if self._own_home is not None:
            self._own_home.cleanup()

    def _read(self, timeout: float) -> bytes:
        if not select.select([self._screen], [], [], timeout)[0]:
            return b""
        try:
            data = os.read(self._screen, 1 << 16)
        except OSError:  # Linux says so when the other side has closed
            data = b""
        if not data:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            raise BenchmarkError(f"The app ended, with exit status {self._process.poll()}.")
        self.painted += data
        return data

    def _kill(self) -> None:
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.wait(10)
