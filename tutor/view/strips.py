"""Storage strips: each block of memory as a row of cells, and under it the reach of every name on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from tutor.facts import Snapshot, Step, StorageFacts, TensorFacts
from tutor.language import current_language
from tutor.translation import say
from tutor.view.cells import Cells
from tutor.view.palette import Palette
from tutor.view.places import NOWHERE, Focus
from tutor.view.reach import Ranges, elements, merge
from tutor.view.scaled import scaled_lines
from tutor.view.sheet import NAMES, Sheet
from tutor.view.windows import texts_by_cell
from tutor.view.words import clean

__all__ = ["NAMES", "Ranges", "Strips", "Writes", "elements", "storage_strips", "written_by"]

#: Elements drawn one by one; a longer storage is drawn to scale.
CELLS = 64
#: Blocks drawn.
BLOCKS = 60


class Writes:
    """Element ranges that a run wrote so far; making a tensor is no write, filling a `.grad` is."""

    def __init__(self, before: Snapshot | None = None) -> None:
        self._known = set(before.storages) if before is not None else set()
        self._ranges: dict[int, Ranges] = {}

    def add(self, step: Step) -> None:
        """A statement ended."""
        for block, storage in step.snapshot.storages.items():
            if storage.written and (block in self._known or _holds_gradients(storage, step.snapshot)):
                self._ranges[block] = merge((*self._ranges.get(block, ()), *storage.written))
        self._known |= step.snapshot.storages.keys()

    def by_block(self) -> dict[int, Ranges]:
        """The ranges, sorted and disjoint."""
        return dict(self._ranges)


def written_by(steps: Sequence[Step], before: Snapshot | None = None) -> dict[int, Ranges]:
    """Element ranges that some statements wrote, by block."""
    writes = Writes(before)
    for step in steps:
        writes.add(step)
    return writes.by_block()


def _holds_gradients(storage: StorageFacts, snapshot: Snapshot) -> bool:
    residents = (snapshot.tensors.get(name) for name in storage.residents)
    return all(facts is not None and facts.kind == "gradient" for facts in residents)


def storage_strips(
    snapshot: Snapshot,
    palette: Palette,
    width: int,
    truecolor: bool,
    *,
    written: Mapping[int, Ranges] | None = None,
    focus: Focus = NOWHERE,
) -> Text:
    """All blocks, at most `width` cells wide; bright cells are `written`, or what the last step wrote.

    The block of the name in `focus` comes first, and the name first in it.
    """
    lines = Strips().lines(snapshot, palette, width, truecolor, written=written, focus=focus)
    return Text("\n", end="").join(lines)


class Strips:
    """Draws one moment after another; a block of which nothing has changed is drawn once."""

    def __init__(self) -> None:
        #: What all blocks of a drawing depend on.
        self._around: tuple[object, ...] = ()
        #: By block what it was drawn from, and how it was drawn.
        self._drawn: dict[int, tuple[StorageFacts, Sequence[TensorFacts], Ranges, list[Text]]] = {}

    def lines(
        self,
        snapshot: Snapshot,
        palette: Palette,
        width: int,
        truecolor: bool,
        *,
        written: Mapping[int, Ranges] | None = None,
        focus: Focus = NOWHERE,
    ) -> list[Text]:
        """The lines of `storage_strips`, which are not to be altered."""
        if written is None:
            written = {block: s.written for block, s in snapshot.storages.items() if s.written}
        blocks = _chosen(snapshot, written, focus.name)
        names = [clean(name) for storage in blocks for name in _residents(storage, focus.name)[:NAMES]]
        margin = max(8, min(max(map(cell_len, names), default=0) + 1, width // 4))
        sheet = Sheet(snapshot, palette, max(width, 16), margin, truecolor, focus)
        chosen = snapshot.tensors.get(focus.name)
        around = (palette, sheet.width, margin, truecolor, focus, chosen, current_language())
        if around != self._around:
            self._around = around
            self._drawn.clear()
        drawn = {
            storage.block: self._draw(sheet, storage, written.get(storage.block, ())) for storage in blocks
        }
        self._drawn = drawn
        parts = [lines for *_, lines in drawn.values()]
        left_out = len(snapshot.storages) - len(blocks)
        if left_out:
            parts.append([Text(say("… and {count:,} more", count=left_out), palette.muted)])
        lines: list[Text] = []
        for part in parts:
            lines += [*([Text()] if lines else []), *part]
        return lines

    def _draw(
        self, sheet: Sheet, storage: StorageFacts, written: Ranges
    ) -> tuple[StorageFacts, Sequence[TensorFacts], Ranges, list[Text]]:
        tensors = sheet.snapshot.tensors
        names = [tensors[name] for name in _residents(storage, sheet.selected) if name in tensors]
        known = self._drawn.get(storage.block)
        if known is not None and known[:3] == (storage, names, written):
            return known
        return storage, names, written, _draw(sheet, storage, names, written)


def _draw(sheet: Sheet, storage: StorageFacts, names: Sequence[TensorFacts], written: Ranges) -> list[Text]:
    tensors = sheet.snapshot.tensors
    count = storage.nbytes // storage.itemsize if storage.itemsize > 0 else 0
    if count == 0:
        return [sheet.head(storage), *map(sheet.name_only, names[:NAMES])]
    if count > CELLS:
        facts, values = tensors.get(sheet.selected), sheet.focus.values
        known = texts_by_cell(values, facts, storage) if facts is not None and values is not None else {}
        return scaled_lines(sheet, storage, names, written, known)
    given = storage.values or ()
    texts = dict(enumerate(given)) if len(given) == count else {}
    return Cells(sheet, storage, names, written, range(count), texts).lines()


def _chosen(snapshot: Snapshot, written: Mapping[int, Ranges], selected: str) -> list[StorageFacts]:
    """Blocks in order, the selected one first; of too many, the written ones and the newest."""
    blocks = sorted(snapshot.storages.values(), key=lambda storage: storage.block)
    if len(blocks) > BLOCKS:
        blocks.sort(key=lambda s: (selected in s.residents, bool(written.get(s.block)), s.block))
        blocks = sorted(blocks[-BLOCKS:], key=lambda storage: storage.block)
    return sorted(blocks, key=lambda storage: selected not in storage.residents)


def _residents(storage: StorageFacts, selected: str) -> Sequence[str]:
    """Names in a block; the selected one is not left out for there being many."""
    names = storage.residents
    if selected in names[NAMES:]:
        return (selected, *(name for name in names if name != selected))
    return names
