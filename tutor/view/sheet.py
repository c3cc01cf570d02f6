"""What all drawings of memory have in common: labels, grounds, marks under the cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from tutor.facts import Snapshot, StorageFacts, TensorFacts
from tutor.translation import say
from tutor.view.layouts import formula, layout_words
from tutor.view.marks import label_style
from tutor.view.palette import Palette, letter
from tutor.view.places import Focus, Here, Spot, here, spelled
from tutor.view.words import TIMES, bytes_word, clean, dtype_word, fit, fit_end, pad

#: Names listed under one block.
NAMES = 8
#: Key of a style's meta that holds (block, first byte) of the cell drawn there.
CELL = "cell"
#: Key of the meta of the selected element's cell.
LIT = "lit"


@dataclass(frozen=True)
class Sheet:
    """Colours, widths and what is selected, for all blocks of one drawing."""

    snapshot: Snapshot
    palette: Palette
    width: int
    margin: int
    truecolor: bool
    focus: Focus

    @property
    def selected(self) -> str:
        """The selected name; empty for none."""
        return self.focus.name

    @property
    def lit(self) -> Spot | None:
        """The selected element."""
        return self.focus.lit

    @property
    def room(self) -> int:
        """Cells of the terminal beside the labels."""
        return self.width - self.margin

    def lit_cells(self, storage: StorageFacts) -> range:
        """Positions in the block that the selected element lies on."""
        if self.lit is None or self.lit.block != storage.block:
            return range(0)
        return self.lit.cells(storage.itemsize)

    def lit_in(self, facts: TensorFacts, storage: StorageFacts) -> Here | None:
        """The elements of `facts` that the selected element lies on."""
        if self.lit is None or self.lit.block != storage.block:
            return None
        found = here(facts, storage, self.lit.start, self.lit.stop)
        return found if found is not None and found.indices else None

    def said(self, storage: StorageFacts) -> str:
        """Size, dtype and device of a block."""
        count = storage.nbytes // storage.itemsize if storage.itemsize > 0 else 0
        words = f"{count:,} {TIMES} {dtype_word(storage.dtype)}, {bytes_word(storage.nbytes)}"
        return words if storage.device == "cpu" else f"{words}, {clean(storage.device)}"

    def lead(self, storage: StorageFacts) -> Text:
        """The letter in the margin."""
        style = Style.parse(f"bold {self.palette.hue(storage.block)}")
        return Text(pad(letter(storage.block), self.margin), style)

    def head(self, storage: StorageFacts) -> Text:
        """The letter and what is to be said of the block."""
        return Text.assemble(self.lead(storage), (fit(self.said(storage), self.room), self.palette.muted))

    def name_only(self, facts: TensorFacts) -> Text:
        """A name without any marks."""
        return Text.assemble((fit(clean(facts.name), self.width), self._style(facts)))

    def label(self, facts: TensorFacts) -> Text:
        """A name in the margin."""
        word = fit_end(clean(facts.name), self.margin - 1)
        return Text.assemble((word, self._style(facts)), " " * (self.margin - cell_len(word)))

    def _style(self, facts: TensorFacts) -> Style:
        return label_style(facts.name, self.palette, selected=facts.name == self.selected)

    def more(self, names: Sequence[TensorFacts]) -> Iterable[Text]:
        """How many names are left out."""
        if len(names) > NAMES:
            more = say("… and {count:,} more names", count=len(names) - NAMES)
            yield Text(fit(more, self.width), self.palette.muted)

    def caption(self, storage: StorageFacts) -> Iterable[Text]:
        """How the selected tensor's indices come to their cells."""
        facts = self.snapshot.tensors.get(self.selected)
        if facts is None or facts.block != storage.block:
            return
        index = self.lit.index if self.lit is not None and self.lit.name == facts.name else None
        said, sums = layout_words(facts), formula(facts, storage, index)
        both = f"{said}: {sums}" if said and sums else said or sums
        lines = [both] if cell_len(both) <= self.room else [said, sums]
        indent = self.margin if max(map(cell_len, lines)) <= self.room else 0
        for words in filter(None, lines):
            yield Text(" " * indent + fit(words, self.width - indent), self.palette.label)

    def lit_word(self, facts: TensorFacts, found: Here) -> str:
        """The element that the selected one lies on, and that there are others."""
        more = "" if found.count == 1 else f" +{found.count - 1:,}" if found.count is not None else " …"
        return spelled(clean(facts.name), found.indices[0]) + more

    def accent(self) -> Style:
        """How what belongs to the selected element is drawn."""
        return Style.parse(f"bold {self.palette.accent}")

    def ground(self, block: int, i: int, *, bright: bool = False, lit: bool = False) -> Style:
        """How the value in cell `i` is drawn."""
        palette, hue = self.palette, self.palette.hue(block)
        if palette.native:  # sixteen colours have no tints: reverse says "written"
            colour = palette.accent if lit else hue
            return Style.parse(f"bold reverse {colour}" if bright or lit else colour)
        if lit:
            return Style.parse(f"bold {palette.background} on {palette.accent}")
        if bright:
            return Style.parse(f"bold {palette.background} on {hue}")
        if not self.truecolor:  # tints snap to odd colours among 256
            return Style.parse(f"{palette.foreground} on {palette.panel}")
        return Style.parse(f"{palette.foreground} on {palette.tint(block, 0.32 if i % 2 else 0.22)}")
