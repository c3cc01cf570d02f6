"""Which columns of the tensor table fit whole, how wide they are, and their cells in one line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from tutor.view.table import COLUMNS

#: Cells are not wider, names apart; a long shape is cut with an ellipsis, a long name keeps its end.
WIDEST = 22
#: Cells for the columns after the name, where a long name may take all others.
REST = 40
GAP = 2
#: Columns that are there in any case, as far as they fit: the letter, the name, shape and dtype.
_FIRST = 4
#: Cells of names that are not cut for another column.
_LEAST_NAME = 12


def column_widths(rows: Sequence[Sequence[str]], room: int, titles: Sequence[str] = COLUMNS) -> list[int]:
    """Widths of the leading columns that fit whole into `room` cells."""
    widths: list[int] = []
    used = 0
    for index, title in enumerate(titles):
        longest = max(
            (len(row[index]) if row[index].isascii() else cell_len(row[index]) for row in rows), default=0
        )
        widest = max(WIDEST, room - REST) if index == 1 else WIDEST
        width = min(max(cell_len(title), longest), widest)
        used += width + (GAP if index else 0)
        if used > room and index > 1:
            break
        widths.append(width)
    return widths


def with_column(widths: list[int], rows: Sequence[Sequence[str]], room: int, wanted: int) -> list[int]:
    """The same with another column behind the dtype, in the place of what stood there, if there is room for
    it; for that long names are cut.

    A width of -1 stands for a column that is left out."""
    if wanted < len(widths):
        return widths
    kept = widths[:_FIRST]
    width = max(cell_len(COLUMNS[wanted]), max((cell_len(row[wanted]) for row in rows), default=0))
    missing = max(0, sum(kept) + GAP * len(kept) - 1 + width - room)
    if len(kept) < _FIRST or kept[1] - missing < _LEAST_NAME:
        return widths
    kept[1] -= missing
    return [*kept, *[-1] * (wanted - len(kept)), width]


def join(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    """The cells side by side, each cut or padded to its width; a width of -1 leaves one out."""
    line = Text()
    for index, width in enumerate(widths):
        if width < 0:
            continue
        cell = cells[index].copy()
        cell.truncate(width, overflow="ellipsis", pad=True)
        line.append_text(cell)
        line.append(" " * (1 if index == 0 else GAP))
    return line
