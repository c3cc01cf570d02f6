"""One selected element: its number in full, where it lies, who else has it; and the way to others."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Literal

from rich.cells import cell_len
from rich.text import Text

from tutor.facts import Shape, Snapshot, TensorFacts, Values
from tutor.translation import later, say
from tutor.view.marks import name_style
from tutor.view.palette import Palette, letter
from tutor.view.places import Here, Spot, all_here, here, spelled, spot
from tutor.view.windows import place_in
from tutor.view.words import clean, fit

#: Names that have the element too.
NAMES = 6

Step = Literal["left", "right", "up", "down", "pageup", "pagedown", "home", "end", "first", "last"]
#: Cells that are passed over in search of the next one of a tensor.
CELLS = 1_000
#: Rows of a page.
PAGE = 10


def number_lines(
    name: str, index: Shape, snapshot: Snapshot, values: Values | None, palette: Palette, room: int
) -> Iterator[Text]:
    """The element's number in full, and its place."""
    lit = spot(name, index, snapshot)
    line = Text(spelled(clean(name), index), f"bold {palette.accent}")
    number = clean(number_of(values, index))
    if line.cell_len + 3 + cell_len(number) > room:
        line.truncate(room)
        yield line
        line = Text()
    if number:
        line.append(" = ", palette.muted).append(number, f"bold {palette.foreground}")
    where = _where(lit, snapshot) if lit is not None else ""
    if where and line.cell_len + 2 + cell_len(where) > room:
        line.truncate(room)
        yield line
        line = Text()
    line.append(("  " if line else "") + where, palette.muted)
    line.truncate(room)
    yield line


def number_of(values: Values | None, index: Shape) -> str:
    """The element's value in full, or as far as it is known."""
    place = place_in(values, index) if values is not None and values.reason is None else None
    if values is None or place is None or place >= len(values.texts):
        return ""
    return values.exact[place] if place < len(values.exact) else values.texts[place]


def _where(lit: Spot, snapshot: Snapshot) -> str:
    block = snapshot.storages[lit.block]
    cells = lit.cells(block.itemsize)
    template = later("cells {cell:,}…{last_cell:,} of {block}, bytes {first:,}…{last:,}")
    if lit.stop - lit.start < block.itemsize:
        template = later("in cell {cell:,} of {block}, bytes {first:,}…{last:,}")
    elif len(cells) == 1:
        template = later("cell {cell:,} of {block}, bytes {first:,}…{last:,}")
    return say(
        template,
        cell=cells.start,
        last_cell=cells.stop - 1,
        block=letter(lit.block),
        first=lit.start,
        last=lit.stop - 1,
    )


def others_lines(name: str, index: Shape, snapshot: Snapshot, palette: Palette, room: int) -> Iterator[Text]:
    """What other names call the element, and how many elements of its own tensor it is."""
    facts, lit = snapshot.tensors[name], spot(name, index, snapshot)
    if lit is None:
        return
    found = all_here(lit, snapshot)
    own = next((each for each in found if each.name == lit.name), None)
    if own is not None and own.count != 1:
        if own.count == facts.numel:
            template = later("all {count:,} elements of {name} lie here")
        elif own.count:
            template = later("{count:,} elements of {name} lie here")
        else:
            template = later("many elements of {name} lie here")
        words = say(template, count=own.count, name=clean(lit.name))
        yield Text(fit(words, room), palette.label)
    others = [each for each in found if each.name != lit.name]
    if others:
        line = Text(say("also") + " ", palette.label)
        for at, each in enumerate(others[:NAMES]):
            line.append(", " if at else "", palette.label)
            block = snapshot.tensors[each.name].block
            style = name_style(each.name, block, palette)
            line.append(spelled(clean(each.name), each.indices[0]), style)
            line.append(_more(each), palette.muted)
        more = " " + say("and {count:,} more names", count=len(others) - NAMES)
        line.append(more if len(others) > NAMES else "", palette.muted)
        line.truncate(room, overflow="ellipsis")
        yield line


def _more(found: Here) -> str:
    if found.count is None:
        return " " + say("and more")
    return f" +{found.count - 1:,}" if found.count > 1 else ""


def element_at(facts: TensorFacts, snapshot: Snapshot, start: int) -> Shape | None:
    """The first element of a tensor that lies on the byte `start` of its block."""
    block = snapshot.storages.get(facts.block) if facts.block is not None else None
    found = here(facts, block, start, start + 1) if block is not None else None
    return found.indices[0] if found is not None and found.indices else None


def beside(name: str, index: Shape | None, snapshot: Snapshot, by: int) -> Shape | None:
    """The element in the next cell of memory, forwards or backwards; without an index, the first."""
    facts = snapshot.tensors.get(name)
    block = snapshot.storages.get(facts.block) if facts is not None and facts.block is not None else None
    if facts is None or facts.shape is None or block is None:
        return None
    lit = spot(name, index if index is not None else (0,) * len(facts.shape), snapshot)
    if lit is None or index is None:
        return lit.index if lit is not None else None
    size = facts.itemsize or 1
    for steps in range(1, CELLS + 1):
        start = lit.start + by * steps * size
        if not 0 <= start < block.nbytes:
            return None
        if (found := element_at(facts, snapshot, start)) is not None:
            return found
    return None


def moved(shape: Shape, index: Shape, step: Step, per_line: int = 1) -> Shape:
    """The element that a key leads to, in the order in which elements are read; it stops at both ends.

    Of one dimension, `per_line` elements stand in a line.
    """
    if not shape or 0 in shape:
        return index
    row = shape[-1] if len(shape) > 1 else max(1, per_line)
    at, last = _number(shape, index), prod(shape) - 1
    column = at % row
    by = {"left": -1, "right": 1, "up": -row, "down": row, "pageup": -PAGE * row, "pagedown": PAGE * row}
    if step in by:
        there = at + by[step]
        if step in ("pageup", "pagedown"):  # to the same column of the last line there is
            there = max(column, min(there, last - (last - column) % row))
    else:
        ends = {"home": at - column, "end": min(last, at - column + row - 1), "first": 0, "last": last}
        there = ends[step]
    return _index(shape, there) if 0 <= there <= last else index


def _number(shape: Shape, index: Shape) -> int:
    number = 0
    for at, size in zip(index, shape, strict=True):
        number = number * size + at
    return number


def _index(shape: Shape, number: int) -> Shape:
    index = []
    for size in reversed(shape):
        number, at = divmod(number, size)
        index.append(at)
    return tuple(reversed(index))
