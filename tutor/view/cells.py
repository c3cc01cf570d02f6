"""Elements of a block one by one: indices, values, and under them the reach of every name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from tutor.facts import StorageFacts, TensorFacts
from tutor.view.layouts import layout_words
from tutor.view.places import here, position
from tutor.view.reach import Ranges, elements
from tutor.view.sheet import CELL, LIT, NAMES, Sheet
from tutor.view.words import clean, dtype_word, fit, pad

#: Cells of the terminal that an element has at least and at most, its gap included.
NARROW, WIDE = 5, 14
_Cover = frozenset[int] | None


class Cells:
    """A stretch of one block in rows of cells."""

    def __init__(
        self,
        sheet: Sheet,
        storage: StorageFacts,
        names: Sequence[TensorFacts],
        written: Ranges,
        stretch: range,
        texts: Mapping[int, str],
    ) -> None:
        self._sheet, self._storage, self._names = sheet, storage, names[:NAMES]
        self._all_names, self._stretch = names, stretch
        self._texts = {i: clean(text) for i, text in texts.items() if i in stretch}
        widest = max(map(cell_len, self._texts.values()), default=0)
        widest = max(widest, len(str(stretch.stop)) if len(stretch) < stretch.stop else 0)
        self._cell = min(max(NARROW, widest + 1), WIDE, max(2, sheet.room))
        self._bright = _positions(written, stretch)
        self._lit = frozenset(sheet.lit_cells(storage))
        #: The selected tensor is here too: where others differ from it is worth a word.
        self._beside_chosen = any(facts.name == sheet.selected for facts in names)

    def lines(self, *, may_be_compact: bool = True) -> list[Text]:
        """The stretch; short where one name covers all of it and nothing is selected there."""
        covers = {facts.name: self._cover(facts) for facts in self._names}
        chosen = self._sheet.selected in covers or self._lit
        only = self._all_names[0] if len(self._all_names) == 1 else None
        if only is not None and may_be_compact and (not chosen or len(self._rows()) > 1):
            covered = covers[only.name]
            if covered == frozenset(self._stretch):
                return [*self._compact(only, covered), *self._sheet.caption(self._storage)]
        return self._full(covers)

    def _cover(self, facts: TensorFacts) -> _Cover:
        """Positions in the stretch that `facts` covers."""
        if len(self._stretch) == self._stretch.stop:
            return elements(facts, self._storage)
        size = self._storage.itemsize
        found = {i: here(facts, self._storage, i * size, i * size + size) for i in self._stretch}
        if any(each is None or (each.count is None and not each.indices) for each in found.values()):
            return None
        return frozenset(i for i, each in found.items() if each is not None and each.indices)

    def _begins(self, facts: TensorFacts) -> frozenset[int]:
        """Positions at which a row (an index 0 in the last dimension) of `facts` begins."""
        size = self._storage.itemsize
        found = set()
        for i in self._stretch:
            lying = here(facts, self._storage, i * size, i * size + size)
            for index in lying.indices if lying is not None else ():
                start = position(facts, self._storage, index) if index and index[-1] == 0 else None
                if start is not None and start // size == i:
                    found.add(i)
                    break
        return frozenset(found)

    def _rows(self) -> list[range]:
        stretch = self._stretch
        per_row = _per_row(len(stretch), max(1, self._sheet.room // self._cell), self._names)
        starts = range(stretch.start, stretch.stop, per_row)
        return [range(at, min(at + per_row, stretch.stop)) for at in starts]

    def _compact(self, facts: TensorFacts, covered: _Cover) -> list[Text]:
        """Values without indices, the name under the last row, or under the selected element."""
        sheet, words = self._sheet, self._sheet.said(self._storage)
        rows = self._rows()
        used = sheet.margin + len(self._stretch) * self._cell + 2 + cell_len(words)
        beside = len(rows) == 1 and used <= sheet.width
        lines = [] if beside else [sheet.head(self._storage)]
        named = next((row for row in rows if self._lit.intersection(row)), None)
        for row in rows:
            index = pad(f"{row.start:>{sheet.margin - 2}}" if len(rows) > 1 else "", sheet.margin)
            muted = sheet.accent() if row is named else Style.parse(sheet.palette.muted)
            lead = sheet.lead(self._storage) if beside else Text.assemble((index, muted))
            tail = (f"  {words}" if beside else "", sheet.palette.muted)
            lines.append(Text.assemble(lead, self._values(row), tail))
            if row is named:
                lines.append(self._marks(facts, covered, row, None, frozenset()))
        return lines if named else [*lines, self._marks(facts, covered, rows[0], None, frozenset())]

    def _fits(self, ruler: Text, words: str) -> bool:
        """Whether words have room beside the indices."""
        sheet = self._sheet
        return sheet.margin + ruler.cell_len + 2 + cell_len(words) <= sheet.width

    def _full(self, covers: Mapping[str, _Cover]) -> list[Text]:
        """Indices, values, and a line for each name; that again for each row."""
        sheet, storage = self._sheet, self._storage
        words, rows = sheet.said(storage), self._rows()
        whole = len(self._stretch) == self._stretch.stop
        # What lies elsewhere than on the CPU always says so.
        apart = storage.device != "cpu" and not self._fits(self._ruler(rows[0]), words)
        lines = [sheet.head(storage)] if (len(rows) > 1 or apart) and whole else []
        chosen = next((facts for facts in self._names if facts.name == sheet.selected), None)
        begins = self._begins(chosen) if chosen is not None else frozenset[int]()
        shared = covers[chosen.name] if chosen is not None else None
        for row in rows:
            lead = Text(" " * sheet.margin) if lines or not whole else sheet.lead(storage)
            ruler = self._ruler(row)
            beside = whole and not lines and self._fits(ruler, words)
            tail = (f"  {words}" if beside else "", sheet.palette.muted)
            lines.append(Text.assemble(lead, ruler, tail))
            lines.append(Text.assemble(" " * sheet.margin, self._values(row)))
            for facts in self._names:
                covered = covers[facts.name]
                if len(rows) == 1 or covered is None or covered.intersection(row):
                    rises = begins if facts is chosen else frozenset[int]()
                    lines.append(self._marks(facts, covered, row, shared, rises))
        return [*lines, *sheet.caption(storage), *sheet.more(self._all_names)]

    def _ruler(self, row: range) -> Text:
        ruler = Text()
        for i in row:
            style = self._sheet.accent() if i in self._lit else self._sheet.palette.muted
            ruler.append(str(i).center(self._cell), style)
        return ruler

    def _values(self, row: range) -> Text:
        drawn = Text()
        size, block = self._storage.itemsize, self._storage.block
        for i in row:
            lit = i in self._lit
            word = fit(self._texts.get(i, ""), self._cell - 1)
            space = self._cell - cell_len(word)
            # One cell more on the left keeps short numbers under their index.
            left = " " * ((space + 1) // 2)
            left = f"{left[:-1]}▸" if lit else left
            style = self._sheet.ground(block, i, bright=i in self._bright, lit=lit)
            meta = {CELL: (block, i * size)} | ({LIT: True} if lit else {})
            drawn.append(left + word + " " * (space // 2), style + Style(meta=meta))
        return drawn

    def _marks(
        self, facts: TensorFacts, covered: _Cover, row: range, shared: _Cover, begins: frozenset[int]
    ) -> Text:
        """A heavy line under what `facts` covers; thin where the selected tensor has no part in it."""
        sheet, storage = self._sheet, self._storage
        line = Text.assemble(sheet.label(facts))
        hue, size = sheet.palette.hue(storage.block), self._cell - 1
        found = sheet.lit_in(facts, storage)
        for i in row:
            style: str | Style = hue
            if covered is None:
                text, style = "┄" * size, sheet.palette.rule
            elif i not in covered:
                text, style = "╌" * size, sheet.palette.rule
            elif shared is not None and i not in shared:
                text = "─" * size
            else:
                text = "━" * size
            if i in begins:
                text = "┣" + text[1:]
            if found is not None and i in self._lit:
                text, style = text[: size // 2 - 1] + "▲" + text[size // 2 :], sheet.accent()
            line.append(text + " ", style)
        self._say_beside(line, facts, row)
        return line

    def _say_beside(self, line: Text, facts: TensorFacts, row: range) -> None:
        """The lit element, the dtype where it is another, and the layout as far as there is room."""
        sheet = self._sheet
        found = sheet.lit_in(facts, self._storage) if self._lit.intersection(row) else None
        if row.start == self._stretch.start and facts.dtype not in (None, self._storage.dtype):
            word = dtype_word(facts.dtype or "") + ("  " if found is not None else "")
            line.append(fit(word, sheet.width - line.cell_len), sheet.palette.muted)
        words = sheet.lit_word(facts, found) if found is not None else layout_words(facts)
        if found is not None:
            line.append(words if line.cell_len + cell_len(words) <= sheet.width else "", sheet.accent())
        elif self._beside_chosen and row.start == self._stretch.start and facts.name != sheet.selected:
            gap = " " if not line.plain.endswith(" ") else ""
            if line.cell_len + cell_len(gap + words) <= sheet.width:
                line.append(gap + words, sheet.palette.muted)


def _per_row(count: int, room: int, names: Sequence[TensorFacts]) -> int:
    """Cells in a row: all of them, or whole rows of the first name's last dimension where they fit."""
    if count <= room:
        return count
    shape = names[0].shape if names else None
    last = shape[-1] if shape else 0
    return max(1, room // last * last if 0 < last <= room else room)


def _positions(ranges: Ranges, stretch: range) -> frozenset[int]:
    return frozenset(
        i for start, stop in ranges for i in range(max(start, stretch.start), min(stop, stretch.stop))
    )
