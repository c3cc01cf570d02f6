"""stdout and stderr of the kernel: one pipe, everything in the order in which it was written."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import os
import subprocess
import sys
from os import dup, getpid
from os import write as write_raw
from select import select as wait_for
from typing import Any

from tutor.kernel.channel import file_identity
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_LINE_BUFFERED = 1


class PipeStream(io.TextIOWrapper):
    """Line-buffered text over descriptor 1 or 2 that empties its sibling before it writes.

    Line buffering keeps each `print` whole among threads and workers; emptying the sibling,
    and our own partial line before anything else writes to the descriptor, keeps the order.
    """

    def __init__(self, fd: int) -> None:
        raw = io.FileIO(fd, "w", closefd=False)
        super().__init__(io.BufferedWriter(raw), "utf-8", errors="backslashreplace", line_buffering=True)
        self.sibling: PipeStream | None = None
        self.partial = False

    def write(self, text: str, /) -> int:
        sibling = self.sibling
        if sibling is not None and sibling.partial:
            sibling.flush()
        written = super().write(text)
        if text:
            self.partial = text[-1] != "\n"
        return written

    def flush(self) -> None:
        self.partial = False
        super().flush()


class Stdio:
    """Installs the two streams and marks the ends of statements in the pipe."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce.encode("ascii")
        self._pid = getpid()
        self._pipe = file_identity(1)
        self._mark_fd = dup(1)
        self._libc = ctypes.CDLL(None)
        self.out, self.err = PipeStream(1), PipeStream(2)
        self.out.sibling, self.err.sibling = self.err, self.out
        self._line_buffer_c_stdout()
        _flush_before(os, "write", self._flush_partial, only=lambda fd, *_: fd in (1, 2))
        for owner, name in ((os, "system"), (os, "posix_spawn"), (subprocess.Popen, "_execute_child")):
            _flush_before(owner, name, self._flush_partial)
        os.register_at_fork(before=self._flush_partial)

    def install(self) -> None:
        """Make the streams sys.stdout and sys.stderr, also for learners who replaced them."""
        for name, stream in (("stdout", self.out), ("stderr", self.err)):
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)

    def flush(self) -> None:
        """Bring everything that Python or C code has buffered into the pipe."""
        for stream in (sys.stdout, sys.stderr, self.out, self.err):
            # A stream of the learner's own class is the learner's to flush.
            if type(stream) in (io.TextIOWrapper, PipeStream):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
        self._libc.fflush(None)

    def mark(self, request: int, index: int) -> bool:
        """Write the mark that ends statement `index`; False when the pipe is out of reach."""
        if getpid() != self._pid or not self._find_pipe():
            return False
        data = b"\0%s:%d:%d\0" % (self._nonce, request, index)
        while data:
            try:
                data = data[write_raw(self._mark_fd, data) :]
            except BlockingIOError:  # the learner made the shared pipe non-blocking
                wait_for([], [self._mark_fd], [], 1.0)
            except OSError:
                return False
        return True

    def _find_pipe(self) -> bool:
        if file_identity(self._mark_fd) == self._pipe:
            return True
        for fd in (1, 2):
            if file_identity(fd) == self._pipe:
                self._mark_fd = dup(fd)
                return True
        return False

    def _flush_partial(self) -> None:
        for stream in (self.out, self.err):
            if stream.partial:
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()

    def _line_buffer_c_stdout(self) -> None:
        with contextlib.suppress(ValueError, AttributeError):
            name = "__stdoutp" if sys.platform == "darwin" else "stdout"
            stream = ctypes.c_void_p.in_dll(self._libc, name)
            self._libc.setvbuf(stream, None, _LINE_BUFFERED, 0)


def _flush_before(owner: Any, name: str, flush: Any, only: Any = None) -> None:
    """Let `owner.name` empty our partial lines before it writes past Python's buffers."""
    original = getattr(owner, name, None)
    if original is None:
        return

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if only is None or only(*args):
            flush()
        return original(*args, **kwargs)

    setattr(owner, name, wrapper)
