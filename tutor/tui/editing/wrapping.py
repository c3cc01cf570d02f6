"""A wrapped document that knows its height without counting it, and can have rows below its lines."""

from __future__ import annotations

from collections.abc import Mapping

from textual.document._document import Location
from textual.document._wrapped_document import WrappedDocument
from textual.geometry import Offset


class QuickWrappedDocument(WrappedDocument):
    """Rows below a line belong to the screen and not to the text: the cursor is never on one of them."""

    #: How many rows there are below a line, by its index; only lines that have some.
    _below: Mapping[int, int] = {}

    @property
    def height(self) -> int:
        """Textual asks for it once a rendered row; counting it costs the length of the document."""
        return len(self._offset_to_line_info)

    def put_below(self, rows: Mapping[int, int]) -> bool:
        """Have so many rows below these lines, and below no others; whether that changes anything."""
        wanted = {line: count for line, count in rows.items() if count and line < len(self._wrap_offsets)}
        if wanted == self._below:
            return False
        self._take_out()
        self._below = wanted
        self._put_in()
        return True

    def below(self, row: int) -> tuple[int, int] | None:
        """Which line a row is below of, and the how manieth of those rows it is; None for a row of text."""
        if not self._below or not 0 <= row < len(self._offset_to_line_info):
            return None
        line, section = self._offset_to_line_info[row]
        count = len(self._wrap_offsets[line]) + 1
        return (line, section - count) if section >= count else None

    def wrap(self, width: int, tab_width: int | None = None) -> None:
        """Wrap everything; rows below stay where they are."""
        super().wrap(width, tab_width)
        self._below = {line: count for line, count in self._below.items() if line < len(self._wrap_offsets)}
        self._put_in()

    def wrap_range(self, start: Location, old_end: Location, new_end: Location) -> None:
        """Wrap what an edit changed; rows below move with their lines."""
        before, below = len(self._wrap_offsets), self._below
        self._take_out()
        super().wrap_range(start, old_end, new_end)
        moved = len(self._wrap_offsets) - before
        last = max(start[0], old_end[0])
        places = {line + moved if line > last else line: count for line, count in below.items()}
        self._below = {line: count for line, count in places.items() if 0 <= line < len(self._wrap_offsets)}
        self._put_in()

    def offset_to_location(self, offset: Offset) -> Location:
        """A place below a line is the same place in the line's last row."""
        info = self._offset_to_line_info
        if self._below and info and (found := self.below(min(max(0, offset.y), len(info) - 1))) is not None:
            offset = Offset(offset.x, self._line_index_to_offsets[found[0]][-1])
        return super().offset_to_location(offset)

    def _take_out(self) -> None:
        if not self._below:
            return
        self._below = {}
        self._offset_to_line_info = [
            (line, section)
            for line, offsets in enumerate(self._wrap_offsets)
            for section in range(len(offsets) + 1)
        ]
        self._number_rows()

    def _put_in(self) -> None:
        if not self._below:
            return
        rows = []
        for line, offsets in enumerate(self._wrap_offsets):
            count = len(offsets) + 1 + self._below.get(line, 0)
            rows += [(line, section) for section in range(count)]
        self._offset_to_line_info = rows
        self._number_rows()

    def _number_rows(self) -> None:
        """Which rows show each line: those below it do not."""
        numbers: list[list[int]] = [[] for _ in self._wrap_offsets]
        for row, (line, section) in enumerate(self._offset_to_line_info):
            if section <= len(self._wrap_offsets[line]):
                numbers[line].append(row)
        self._line_index_to_offsets = numbers
