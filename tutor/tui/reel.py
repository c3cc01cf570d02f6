"""All lines of an output in an unnamed file: any of them can be drawn at once, few are in memory."""

from __future__ import annotations

import codecs
import os
import re
import tempfile
import threading
import weakref
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec
from rich.cells import cell_len

from tutor.translation import say
from tutor.view.row import Line
from tutor.view.terminal import TerminalText

#: Cells of a line; what is longer says how much is missing.
COLUMNS = 1_000_000
#: Lines up to which output can be written over.
REWIND = 30
#: Lines that are kept until they are taken.
_UNTIL_TAKEN = 1 << 60

#: Bytes that stay in memory.
IN_MEMORY = 1 << 20

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Line).decode


def lines_of(chunks: Iterable[bytes], lost: int) -> Iterator[list[Line]]:
    """Bytes of output as finished lines, some at a time; an empty piece stands for `lost` bytes."""
    text = TerminalText(_UNTIL_TAKEN, 0, COLUMNS, REWIND)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for chunk in chunks:
        text.feed(decoder.decode(chunk))
        if chunk:
            yield text.take()
            continue
        yield [*text.take(all=True), say("… {count:,} bytes were not kept …", count=lost)]
        text.clear()
        decoder.reset()
    text.feed(decoder.decode(b"", final=True))
    yield text.take(all=True)


def plain(line: Line) -> str:
    """The line without its colours."""
    return line if isinstance(line, str) else line[0]


def row_count(text: str, width: int) -> int:
    """Rows that `fold` makes of a line."""
    if text.isascii():
        return max(1, -(-len(text) // width))
    rows, used = 1, 0
    for character in text:
        cells = cell_len(character)
        if used + cells > width and used:
            rows, used = rows + 1, 0
        used += cells
    return rows


class Reel:
    """Lines are added in one thread and may be read in another. Raises OSError where the disk is full."""

    def __init__(self, width: int) -> None:
        self._early = bytearray()
        self._file: IO[bytes] | None = None
        self._ends = array("Q")
        self._width = max(1, width)
        #: The row after each line, and the lines that do not have one row at every width.
        self._rows = array("Q")
        self._size = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def rows(self) -> int:
        """Rows of all lines at the width."""
        return self._rows[-1] if self._rows else 0

    def add(self, lines: Iterable[Line]) -> None:
        """More lines at the end."""
        with self._lock:
            self._add(lines)

    def _add(self, lines: Iterable[Line]) -> None:
        pieces, ends, rows, row = [], [], [], self.rows
        for line in lines:
            piece = _encode(line)
            pieces.append(piece)
            self._size += len(piece)
            ends.append(self._size)
            row += row_count(plain(line), self._width)
            rows.append(row)
        data = b"".join(pieces)
        if self._file is None and len(self._early) + len(data) <= IN_MEMORY:
            self._early += data
        else:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            while data:
                data = data[self._file.write(data) or 0 :]
        self._ends.extend(ends)
        self._rows.extend(rows)

    def fold(self, width: int) -> None:
        """Count the rows for another width."""
        if width != self._width and width > 0:
            with self._lock:
                self._fold(width)

    def _fold(self, width: int) -> None:
        self._width = width
        rows, row = array("Q"), 0
        for number in range(len(self)):
            start = self._ends[number - 1] if number else 0
            # A character has at most two cells and at least one byte: short lines need not be read.
            short = 2 * (self._ends[number] - start) <= width
            row += 1 if short else row_count(plain(self.line(number)), width)
            rows.append(row)
        self._rows = rows

    def line(self, number: int) -> Line:
        """One line."""
        start = self._ends[number - 1] if number else 0
        end = self._ends[number]
        if end <= len(self._early):
            return _decode(memoryview(self._early)[start:end])
        if self._file is None:
            raise ValueError("the reel was closed")
        return _decode(os.pread(self._file.fileno(), end - start, start - len(self._early)))

    def lines(self, first: int = 0) -> Iterator[Line]:
        """Lines from `first` on."""
        return (self.line(number) for number in range(first, len(self)))

    def at(self, row: int) -> tuple[int, int]:
        """The line that `row` belongs to, and which of its rows that is."""
        number = bisect_right(self._rows, row)
        return number, row - (self._rows[number - 1] if number else 0)

    def row_of(self, number: int) -> int:
        """The first row of a line."""
        return self._rows[number - 1] if number else 0

    def find(self, wanted: re.Pattern[str], start: int, step: int) -> int | None:
        """The next line from `start` on, round the end if need be, in which `wanted` is found."""
        count = len(self)
        for offset in range(count):
            number = (start + step * offset) % count
            if wanted.search(plain(self.line(number))):
                return number
        return None

    def save(self, path: Path) -> int:
        """Write all lines to a new file; how many. Raises OSError, also where the file is there already."""
        count = len(self)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            for number in range(count):
                file.write(plain(self.line(number)) + "\n")
        return count

    def close(self) -> None:
        """Forget everything."""
        if self._file is not None:
            self._file.close()
            self._file = None
