"""Everything that a run writes, kept outside of memory and within limits."""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from collections import deque
from collections.abc import Iterator
from typing import IO

from tutor.translation import say

#: Bytes of a run that stay in memory; more go to an unnamed file.
IN_MEMORY = 32_768
#: Bytes of a run, and of all runs together, that are kept.
EACH, ALL = 64 << 20, 256 << 20
#: Runs whose output may lie in files at the same time.
FILES = 64
#: Bytes of the end of a run that are kept where the run went over its limit.
END = 262_144


class Recording:
    """The output of one run as bytes: the first ones up to a limit and, beyond it, the last ones."""

    def __init__(self, shelf: Recordings, limit: int) -> None:
        self._shelf = shelf
        self._limit = limit
        self._early = bytearray()
        self._file: IO[bytes] | None = None
        self._end: deque[bytes] = deque()
        self._end_size = 0
        #: Bytes that lie in the file.
        self.stored = 0
        #: Bytes and line ends that were written, kept or not.
        self.size = self.newlines = 0
        #: Why not all of it could be kept, in one sentence.
        self.trouble = ""
        #: It made way for newer ones.
        self.gone = False

    @property
    def lost(self) -> int:
        """Bytes that are not kept."""
        return self.size - self.stored - len(self._early) - self._end_size

    def write(self, data: bytes) -> None:
        """More output; never raises for the disk."""
        self.size += len(data)
        self.newlines += data.count(b"\n")
        if self.gone:
            return
        room = 0 if self.trouble or self._end else self._limit - self.stored - len(self._early)
        if room > 0:
            self._early += data[:room]
            data = data[room:]
            if len(self._early) > IN_MEMORY:
                self._store()
        if data:
            self._end.append(data)
            self._end_size += len(data)
            while self._end_size - len(self._end[0]) >= END:
                self._end_size -= len(self._end.popleft())

    def _store(self) -> None:
        """Bring what is in memory to the file."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            while self._early:
                done = self._file.write(self._early) or 0
                del self._early[:done]
                self.stored += done
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else say("the disk refused it")
            self.trouble = say("Long output could not be kept in full: {why}.", why=why)
        self._shelf.make_room(self)

    def chunks(self, size: int = 1 << 18) -> Iterator[bytes]:
        """What is kept now, in order, with one empty piece where bytes are missing.

        To be called in the thread that writes; the pieces may be read in any other.
        """
        number = os.dup(self._file.fileno()) if self._file is not None else None
        ends = list(self._end)
        return _chunks(number, self.stored, bytes(self._early), self.lost > 0, ends, size)

    def close(self) -> None:
        """Let go of everything that is kept."""
        self.gone = True
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
        self.stored = self._end_size = 0
        self._early.clear()
        self._end.clear()


def _chunks(
    number: int | None, stored: int, early: bytes, cut: bool, ends: list[bytes], size: int
) -> Iterator[bytes]:
    try:
        at = 0
        while number is not None and at < stored:
            piece = os.pread(number, min(size, stored - at), at)
            if not piece:
                break
            yield piece
            at += len(piece)
    finally:
        if number is not None:
            os.close(number)
    if early:
        yield early
    if cut:
        yield b""
    yield from ends


class Recordings:
    """The recordings of a session. The oldest ones make way when all together become too much."""

    def __init__(self, each: int = EACH, total: int = ALL, files: int = FILES) -> None:
        self._each, self._total, self._files = each, total, files
        self._on_disk: list[Recording] = []

    def new(self) -> Recording:
        """An empty one."""
        return Recording(self, self._each)

    def make_room(self, newest: Recording) -> None:
        """Called when `newest` has grown."""
        self._on_disk = [each for each in self._on_disk if not each.gone]
        if newest not in self._on_disk:
            self._on_disk.append(newest)
        while len(self._on_disk) > 1 and (
            len(self._on_disk) > self._files or sum(each.stored for each in self._on_disk) > self._total
        ):
            oldest = self._on_disk[0] if self._on_disk[0] is not newest else self._on_disk[1]
            self._on_disk.remove(oldest)
            oldest.close()
