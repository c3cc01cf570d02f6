"""Storage strips: each block of memory as a row of cells, and under it the reach of every name on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from tutor.facts import Snapshot, Step, StorageFacts, TensorFacts
from tutor.view.marks import label_style
from tutor.view.palette import Palette, letter
from tutor.view.reach import Ranges, elements, extent, is_dense, merge, touches
from tutor.view.words import TIMES, bytes_word, clean, dtype_word, fit, fit_end, pad

__all__ = ["Ranges", "elements", "storage_strips", "written_by"]

#: Elements drawn one by one; a longer storage is drawn to scale.
CELLS = 64
#: Names listed under one block, and blocks drawn.
NAMES = 8
BLOCKS = 60


def written_by(steps: Sequence[Step], before: Snapshot | None = None) -> dict[int, Ranges]:
    """Element ranges that a run wrote, by block; making a tensor is no write, filling a `.grad` is."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    known = set(before.storages) if before is not None else set()
    for step in steps:
        for storage in step.snapshot.storages.values():
            if storage.written and (storage.block in known or _holds_gradients(storage, step.snapshot)):
                ranges.setdefault(storage.block, []).extend(storage.written)
        known |= step.snapshot.storages.keys()
    return {block: merge(parts) for block, parts in ranges.items()}


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
    selected: str = "",
) -> Text:
    """All blocks, at most `width` cells wide; bright cells are `written`, or what the last step wrote.

    The block of the `selected` name comes first, and the name first in it.
    """
    if written is None:
        written = {block: s.written for block, s in snapshot.storages.items() if s.written}
    blocks = _chosen(snapshot, written, selected)
    names = [clean(name) for storage in blocks for name in _residents(storage, selected)[:NAMES]]
    margin = max(8, min(max(map(cell_len, names), default=0) + 1, width // 3))
    sheet = _Sheet(palette, max(width, 16), margin, truecolor, selected)
    parts = [sheet.draw(storage, snapshot, written.get(storage.block, ())) for storage in blocks]
    left_out = len(snapshot.storages) - len(blocks)
    if left_out:
        parts.append([Text(f"… and {left_out:,} more", palette.muted)])
    lines: list[Text] = []
    for part in parts:
        lines += [*([Text()] if lines else []), *part]
    return Text("\n", end="").join(lines)


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


def _per_row(count: int, room: int, names: Sequence[TensorFacts]) -> int:
    """Cells in a row: all of them, or whole rows of the first name's last dimension where they fit."""
    if count <= room:
        return count
    shape = names[0].shape if names else None
    last = shape[-1] if shape else 0
    return max(1, room // last * last if 0 < last <= room else room)


def _positions(ranges: Ranges, count: int) -> frozenset[int]:
    return frozenset(i for start, stop in ranges for i in range(max(start, 0), min(stop, count)))


@dataclass(frozen=True)
class _Strip:
    """One small storage, as it is laid out in cells."""

    storage: StorageFacts
    values: tuple[str, ...]
    cell: int
    per_row: int
    bright: frozenset[int]

    @property
    def count(self) -> int:
        return len(self.values)

    def rows(self) -> list[range]:
        return [range(at, min(at + self.per_row, self.count)) for at in range(0, self.count, self.per_row)]


@dataclass(frozen=True)
class _Sheet:
    """What all strips of one drawing have in common."""

    palette: Palette
    width: int
    margin: int
    truecolor: bool
    selected: str

    def draw(self, storage: StorageFacts, snapshot: Snapshot, written: Ranges) -> list[Text]:
        count = storage.nbytes // storage.itemsize if storage.itemsize > 0 else 0
        names = [
            snapshot.tensors[name] for name in _residents(storage, self.selected) if name in snapshot.tensors
        ]
        if count == 0:
            return [self._head(storage, self._facts(storage, count)), *map(self._name_only, names[:NAMES])]
        if count > CELLS:
            return self._scaled(storage, names, count, written)
        return self._cells(storage, names, count, written)

    def _facts(self, storage: StorageFacts, count: int) -> str:
        words = f"{count:,} {TIMES} {dtype_word(storage.dtype)}, {bytes_word(storage.nbytes)}"
        return words if storage.device == "cpu" else f"{words}, {clean(storage.device)}"

    def _lead(self, storage: StorageFacts) -> Text:
        style = Style.parse(f"bold {self.palette.hue(storage.block)}")
        return Text(pad(letter(storage.block), self.margin), style)

    def _head(self, storage: StorageFacts, facts: str) -> Text:
        return Text.assemble(self._lead(storage), (fit(facts, self.width - self.margin), self.palette.muted))

    def _name_only(self, facts: TensorFacts) -> Text:
        return Text.assemble((fit(clean(facts.name), self.width), self._style(facts)))

    def _label(self, facts: TensorFacts) -> Text:
        word = fit_end(clean(facts.name), self.margin - 1)
        return Text.assemble((word, self._style(facts)), " " * (self.margin - cell_len(word)))

    def _style(self, facts: TensorFacts) -> Style:
        return label_style(facts.name, self.palette, selected=facts.name == self.selected)

    def _more(self, names: Sequence[TensorFacts]) -> Iterable[Text]:
        if len(names) > NAMES:
            yield Text(fit(f"… and {len(names) - NAMES:,} more names", self.width), self.palette.muted)

    def _cells(
        self, storage: StorageFacts, names: list[TensorFacts], count: int, written: Ranges
    ) -> list[Text]:
        values = tuple(map(clean, storage.values)) if storage.values is not None else ()
        values = values if len(values) == count else ("",) * count
        room = self.width - self.margin
        cell = min(max(5, max(map(cell_len, values)) + 1), 14, room)
        per_row = _per_row(count, room // cell, names)
        reach = {facts.name: elements(facts, storage) for facts in names[:NAMES]}
        strip = _Strip(storage, values, cell, per_row, _positions(written, count))
        if len(names) == 1 and reach[names[0].name] == frozenset(range(count)):
            return self._compact(strip, names[0], reach[names[0].name])
        return [*self._full(strip, names[:NAMES], reach), *self._more(names)]

    def _compact(self, strip: _Strip, facts: TensorFacts, covered: frozenset[int] | None) -> list[Text]:
        """One name that covers everything: values without indices, the name under the last row."""
        words = self._facts(strip.storage, strip.count)
        rows = strip.rows()
        beside = len(rows) == 1 and self.margin + strip.count * strip.cell + 2 + cell_len(words) <= self.width
        lines = [] if beside else [self._head(strip.storage, words)]
        for row in rows:
            index = pad(f"{row.start:>{self.margin - 2}}" if len(rows) > 1 else "", self.margin)
            lead = self._lead(strip.storage) if beside else Text(index, self.palette.muted)
            tail = (f"  {words}" if beside else "", self.palette.muted)
            lines.append(Text.assemble(lead, self._values(strip, row), tail))
        return [*lines, self._marks(strip, facts, covered, rows[0])]

    def _full(
        self, strip: _Strip, names: list[TensorFacts], reach: Mapping[str, frozenset[int] | None]
    ) -> list[Text]:
        """Indices, values, and a line for each name; a wrapped storage repeats that for each of its rows."""
        words = self._facts(strip.storage, strip.count)
        rows = strip.rows()
        lines = [self._head(strip.storage, words)] if len(rows) > 1 else []
        for row in rows:
            lead = Text(" " * self.margin) if lines else self._lead(strip.storage)
            indices = Text("".join(str(i).center(strip.cell) for i in row), self.palette.muted)
            beside = not lines and self.margin + indices.cell_len + 2 + cell_len(words) <= self.width
            tail = (f"  {words}" if beside else "", self.palette.muted)
            lines.append(Text.assemble(lead, indices, tail))
            lines.append(Text.assemble(" " * self.margin, self._values(strip, row)))
            for facts in names:
                covered = reach[facts.name]
                if len(rows) == 1 or covered is None or covered.intersection(row):
                    lines.append(self._marks(strip, facts, covered, row))
        return lines

    def _values(self, strip: _Strip, row: range) -> Text:
        drawn = Text()
        for i in row:
            word = fit(strip.values[i], strip.cell - 1)
            space = strip.cell - cell_len(word)
            # One cell more on the left keeps short numbers under their index.
            text = " " * ((space + 1) // 2) + word + " " * (space // 2)
            drawn.append(text, self._ground(strip.storage.block, i, i in strip.bright))
        return drawn

    def _ground(self, block: int, i: int, bright: bool) -> Style:
        palette, hue = self.palette, self.palette.hue(block)
        if palette.native:  # sixteen colours have no tints: reverse says "written"
            return Style.parse(f"bold reverse {hue}" if bright else hue)
        if bright:
            return Style.parse(f"bold {palette.background} on {hue}")
        if not self.truecolor:  # tints snap to odd colours among 256
            return Style.parse(f"{palette.foreground} on {palette.panel}")
        return Style.parse(f"{palette.foreground} on {palette.tint(block, 0.32 if i % 2 else 0.22)}")

    def _marks(self, strip: _Strip, facts: TensorFacts, covered: frozenset[int] | None, row: range) -> Text:
        line = Text.assemble(self._label(facts))
        hue = self.palette.hue(strip.storage.block)
        for i in row:
            mark = "┄" if covered is None else "━" if i in covered else "╌"
            line.append(mark * (strip.cell - 1) + " ", hue if mark == "━" else self.palette.rule)
        if row.start == 0 and facts.dtype is not None and facts.dtype != strip.storage.dtype:
            line.append(fit(dtype_word(facts.dtype), self.width - line.cell_len), self.palette.muted)
        return line

    def _scaled(
        self, storage: StorageFacts, names: list[TensorFacts], count: int, written: Ranges
    ) -> list[Text]:
        columns = max(8, min(40, self.width - self.margin - 2 * len(f"{count:,}") - 3))
        edges = [column * count // columns for column in range(columns + 1)]
        spans = list(pairwise(edges))
        hue, ground = self.palette.hue(storage.block), Text(" " * self.margin)
        for first, stop in spans:
            bright = any(start < stop and end > first for start, end in written)
            ground.append("█" if bright else "▁", hue)
        lines = [self._head(storage, self._facts(storage, count)), ground]
        lines += [self._stretch(storage, facts, spans) for facts in names[:NAMES]]
        return [*lines, *self._more(names)]

    def _stretch(self, storage: StorageFacts, facts: TensorFacts, spans: Sequence[tuple[int, int]]) -> Text:
        line = Text.assemble(self._label(facts))
        reach, hue = extent(facts, storage), self.palette.hue(storage.block)
        for span in spans:
            covered = reach is not None and touches(facts, storage, [span])
            line.append("━" if covered else "╌", hue if covered else self.palette.rule)
        if reach is not None:
            first, last = reach[0] // storage.itemsize, (reach[1] - 1) // storage.itemsize
            words = f" {first:,}…{last:,}" + ("" if is_dense(facts) else " strided")
            line.append(fit(words, self.width - line.cell_len), self.palette.muted)
        return line
