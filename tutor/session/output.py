"""The output pipe: marks that end statements, and bounded capture of what lies between."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

_LONGEST_MARK_TAIL = 40


class Capture:
    """The first and last `limit / 2` bytes of a stream, and the number of bytes between them."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.elided = 0

    def __bool__(self) -> bool:
        return bool(self._head)

    def add(self, data: bytes) -> None:
        """Append `data`, dropping from the middle what is over the limit."""
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail.append(data)
            self._tail_size += len(data)
            while self._tail_size - len(self._tail[0]) >= self._half:
                dropped = self._tail.popleft()
                self._tail_size -= len(dropped)
                self.elided += len(dropped)

    def extend(self, other: Capture) -> None:
        """Append what another capture kept."""
        head, tail = other.parts()
        self.add(head)
        self.elided += other.elided
        self.add(tail)

    def parts(self) -> tuple[bytes, bytes]:
        """Head and tail; between them `elided` bytes are missing. Call when nothing more is added."""
        tail = b"".join(self._tail)
        over = len(tail) - self._half
        if over > 0:
            self.elided += over
            tail = tail[over:]
            self._tail = deque([tail])
            self._tail_size = len(tail)
        return bytes(self._head), tail

    def text(self) -> tuple[str, int]:
        """Both parts as text (invalid UTF-8 replaced) and the number of bytes left out between them."""
        head, tail = self.parts()
        return head.decode("utf-8", "replace") + tail.decode("utf-8", "replace"), self.elided


class Mark(tuple[int, int]):
    """Request id and statement index; the index is -1 at the end of a request."""

    __slots__ = ()


class MarkScanner:
    """Splits the bytes of the pipe at the kernel's marks, wherever the chunks are cut."""

    def __init__(self, nonce: str) -> None:
        self._prefix = b"\0" + nonce.encode("ascii") + b":"
        self._mark = re.compile(re.escape(self._prefix) + rb"(\d+):(-?\d+)\0")
        self._held = b""

    def feed(self, data: bytes) -> Iterator[bytes | Mark]:
        """Pieces of output and marks, in order."""
        if self._held:
            data, self._held = self._held + data, b""
        start = 0
        while (at := data.find(self._prefix, start)) >= 0:
            found = self._mark.match(data, at)
            if found is None:
                break
            if at > start:
                yield data[start:at]
            yield Mark((int(found[1]), int(found[2])))
            start = found.end()
        cut = self._cut(data, start)
        if cut > start:
            yield data[start:cut]
        self._held = data[cut:]

    def flush(self) -> bytes:
        """What is held back because a mark might begin there; for the end of the stream."""
        held, self._held = self._held, b""
        return held

    def _cut(self, data: bytes, start: int) -> int:
        """Where output ends for now: before a zero byte that may begin a mark cut in two."""
        limit = len(self._prefix) + _LONGEST_MARK_TAIL
        at = data.find(b"\0", max(start, len(data) - limit))
        while at >= 0:
            rest = data[at:]
            if self._prefix.startswith(rest) or rest.startswith(self._prefix):
                return at
            at = data.find(b"\0", at + 1)
        return len(data)
