"""One line of a terminal while it is being written: a cursor, and text in styles."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len

from tutor.view.sgr import PLAIN, Sgr

#: A finished line: plain text, or text with (start, end, style) in characters.
Line = str | tuple[str, tuple[tuple[int, int, Sgr], ...]]
_Part = tuple[str, Sgr]


@lru_cache(maxsize=8_192)
def _char_cells(char: str) -> int:
    return cell_len(char)


def cells(text: str) -> int:
    """Cells as a terminal counts them that takes text in pieces: character by character."""
    return len(text) if text.isascii() else sum(map(_char_cells, text))


def starts_with_mark(text: str) -> bool:
    """Whether the first character has no width of its own: it marks the one before it."""
    return text != "" and not text[0].isascii() and _char_cells(text[0]) == 0


class Row:
    """The text of one line, at most `columns` cells; what lies beyond is dropped."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._parts: list[_Part] = []
        self._width = 0
        self._chars = 0
        self._cursor = 0
        #: A character did not fit: what follows does not either, until the cursor moves back.
        self._full = False
        #: Characters that did not fit, at most, and since the cursor was moved.
        self.lost = 0
        self._losing = 0

    @classmethod
    def of(cls, line: Line, columns: int) -> Row:
        """A finished line, to be written on again from its start."""
        row = cls(columns)
        text, spans = (line, ()) if isinstance(line, str) else line
        at = 0
        for start, end, style in (*spans, (len(text), len(text), PLAIN)):
            row.write(text[at:start], PLAIN)
            row.write(text[start:end], style)
            at = end
        row.home()
        return row

    @property
    def column(self) -> int:
        """The cell that is written next."""
        return self._cursor

    def move(self, column: int) -> None:
        """Put the cursor somewhere in the row, also past its end."""
        self.home()
        self._cursor = min(column, self._columns)

    def write(self, text: str, style: Sgr) -> None:
        """Text without control characters, at the cursor."""
        while self._cursor == 0 and starts_with_mark(text):
            text = text[1:]
        if text and self._cursor > self._width:
            gap, self._cursor = self._cursor - self._width, self._width
            self.write(" " * gap, PLAIN)
        if self._full:
            self._lose(len(text))
        if self._full or not text:
            return
        text, width = self._clip(text)
        if self._cursor == self._width:
            self._append(text, style)
        else:
            self._overwrite(text, width, style)
        self._cursor += width
        self._width = max(self._width, self._cursor)

    def tab(self) -> None:
        """To the next multiple of eight; past the end with spaces."""
        target = min(self._cursor // 8 * 8 + 8, self._columns)
        if target > self._width:
            self._cursor = self._width
            self.write(" " * (target - self._width), PLAIN)
        else:
            self._cursor = target

    def back(self, count: int = 1) -> None:
        self._cursor = max(0, self._cursor - count)
        self._full = False
        self._losing = 0

    def home(self) -> None:
        self._cursor = 0
        self._full = False
        self._losing = 0

    def erase(self, mode: int) -> None:
        """From the cursor to the end (0), up to the cursor (1), or all of it (2); the cursor stays."""
        if mode == 1:
            width = min(self._cursor + 1, self._width)
            self._parts = [(" " * width, PLAIN), *_right(self._parts, width)]
        else:
            self._parts = _left(self._parts, self._cursor) if mode == 0 else [(" " * self._cursor, PLAIN)]
            self._width = min(self._cursor, self._width) if mode == 0 else self._cursor
        self._chars = sum(len(text) for text, _ in self._parts)
        self._full = False
        if mode != 1:
            self.lost = 0

    @property
    def empty(self) -> bool:
        return self._chars == 0

    def line(self) -> Line:
        text = "".join(part for part, _ in self._parts)
        spans: list[tuple[int, int, Sgr]] = []
        start = 0
        for part, style in self._parts:
            if style != PLAIN:
                if spans and spans[-1][1] == start and spans[-1][2] == style:
                    spans[-1] = (spans[-1][0], start + len(part), style)
                else:
                    spans.append((start, start + len(part), style))
            start += len(part)
        return (text, tuple(spans)) if spans else text

    def _clip(self, text: str) -> tuple[str, int]:
        """What fits of `text`, and its cells."""
        room = self._columns - self._cursor
        width = cells(text)
        # Characters without width could grow a line without end, so they are counted too.
        if width <= room and self._chars + len(text) <= 2 * self._columns:
            return text, width
        width = taken = 0
        for char in text:
            step = _char_cells(char)
            if width + step > room or self._chars + taken >= 2 * self._columns:
                self._full = True
                break
            width += step
            taken += 1
        self._lose(len(text) - taken)
        return text[:taken], width

    def _lose(self, count: int) -> None:
        self._losing += count
        self.lost = max(self.lost, self._losing)

    def _append(self, text: str, style: Sgr) -> None:
        if self._parts and self._parts[-1][1] == style:
            self._parts[-1] = (self._parts[-1][0] + text, style)
        elif text:
            self._parts.append((text, style))
        self._chars += len(text)

    def _overwrite(self, text: str, width: int, style: Sgr) -> None:
        if self._cursor == 0 and 0 < self._width <= width:
            self._parts = [(text, style)]
        else:
            before, after = _left(self._parts, self._cursor), _right(self._parts, self._cursor + width)
            self._parts = [*before, (text, style), *after]
        self._chars = sum(len(part) for part, _ in self._parts)


def _left(parts: list[_Part], column: int) -> list[_Part]:
    """The parts before `column`; half of a wide character becomes a space."""
    kept: list[_Part] = []
    at = 0
    for text, style in parts:
        width = cells(text)
        if at + width <= column:
            kept.append((text, style))
            at += width
            continue
        end, at = _index(text, column, at)
        kept.append((text[:end] + " " * (column - at), style))
        break
    return [part for part in kept if part[0]]


def _right(parts: list[_Part], column: int) -> list[_Part]:
    """The parts from `column` on; half of a wide character becomes a space, its marks go with it."""
    kept: list[_Part] = []
    at = 0
    for number, (part, style) in enumerate(parts):
        width = cells(part)
        if at + width <= column:
            at += width
            continue
        end, reached = _index(part, column, at)
        if reached < column:
            at = reached + _char_cells(part[end])
            kept.append((" " * (at - column), style))
            end += 1
        text = part[end:]
        while starts_with_mark(text):
            text = text[1:]
        if text:
            return [*kept, (text, style), *parts[number + 1 :]]
        at = max(at, column + 1)
    return kept


def _index(text: str, column: int, at: int) -> tuple[int, int]:
    """How many characters of `text`, which starts in cell `at`, lie before `column`; and the cell reached."""
    if text.isascii():
        return column - at, column
    for number, char in enumerate(text):
        width = _char_cells(char)
        if at + width > column:
            return number, at
        at += width
    return len(text), at
