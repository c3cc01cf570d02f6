"""A big block of memory to scale: which part each name covers, what was written, where the element is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rich.cells import cell_len
from rich.text import Text

from tutor.facts import StorageFacts, TensorFacts
from tutor.translation import say
from tutor.view.cells import NARROW, Cells
from tutor.view.reach import Ranges, extent, is_dense, touches
from tutor.view.sheet import NAMES, Sheet
from tutor.view.words import fit


def scaled_lines(
    sheet: Sheet,
    storage: StorageFacts,
    names: Sequence[TensorFacts],
    written: Ranges,
    texts: Mapping[int, str],
) -> list[Text]:
    """The block in one strip; around the selected element, its neighbours one by one."""
    count = storage.nbytes // storage.itemsize
    columns = max(8, min(40, sheet.room - 2 * len(f"{count:,}") - 3))
    edges = [column * count // columns for column in range(columns + 1)]
    spans = list(pairwise(edges))
    hue, ground = sheet.palette.hue(storage.block), Text(" " * sheet.margin)
    for first, stop in spans:
        bright = any(start < stop and end > first for start, end in written)
        ground.append("█" if bright else "▁", hue)
    lines = [sheet.head(storage)]
    lit = sheet.lit_cells(storage)
    column = min(columns, bisect_right(edges, lit.start)) - 1 if lit else -1
    if lit:
        lines.append(_pointer(sheet, column, lit.start))
    lines.append(ground)
    lines += [_stretch(sheet, storage, facts, spans, column) for facts in names[:NAMES]]
    lines += sheet.more(names)
    if not lit:
        return [*lines, *sheet.caption(storage)]
    return [*lines, Text(), *_neighbours(sheet, storage, names, written, texts)]


def _pointer(sheet: Sheet, column: int, place: int) -> Text:
    line = Text(" " * (sheet.margin + column))
    return line.append(f"▾ {place:,}", sheet.accent())


def _stretch(
    sheet: Sheet, storage: StorageFacts, facts: TensorFacts, spans: Sequence[tuple[int, int]], lit: int
) -> Text:
    line = Text.assemble(sheet.label(facts))
    reach, hue = extent(facts, storage), sheet.palette.hue(storage.block)
    found = sheet.lit_in(facts, storage)
    unknown = facts.stride is None or facts.shape is None
    for column, span in enumerate(spans):
        covered = reach is not None and touches(facts, storage, [span])
        mark = "┄" if unknown or covered is None else "━" if covered else "╌"
        style = hue if mark == "━" else sheet.palette.rule
        if found is not None and column == lit:
            line.append("▲", sheet.accent())
        else:
            line.append(mark, style)
    if found is not None:
        line.append(" " + fit(sheet.lit_word(facts, found), sheet.width - line.cell_len - 1), sheet.accent())
    elif reach is not None:
        first, last = reach[0] // storage.itemsize, (reach[1] - 1) // storage.itemsize
        words = f" {first:,}…{last:,}" + ("" if is_dense(facts) else " " + say("strided"))
        line.append(fit(words, sheet.width - line.cell_len), sheet.palette.muted)
    return line


def _neighbours(
    sheet: Sheet,
    storage: StorageFacts,
    names: Sequence[TensorFacts],
    written: Ranges,
    texts: Mapping[int, str],
) -> list[Text]:
    """The cells on both sides of the selected element."""
    count = storage.nbytes // storage.itemsize
    lit = sheet.lit_cells(storage)
    found = [(facts, sheet.lit_in(facts, storage)) for facts in names[:NAMES]]
    words = [sheet.lit_word(facts, each) for facts, each in found if each is not None]
    beside = min(max(map(cell_len, words), default=0), sheet.room // 2)
    room = max(1, (sheet.room - beside) // max(NARROW, len(str(lit.stop)) + 1, 8))
    start = max(0, min(lit.start - (room - len(lit)) // 2, count - room))
    stretch = range(start, min(count, start + room))
    return Cells(sheet, storage, names, written, stretch, texts).lines(may_be_compact=False)
