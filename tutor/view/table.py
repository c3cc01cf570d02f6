"""The tensor table: one row a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from tutor.facts import Change, Snapshot, TensorFacts
from tutor.view.palette import Palette, letter
from tutor.view.words import clean, dtype_word, grad_fn_word, shape_word, stride_word

#: Headings; the first column holds the letter of the memory.
COLUMNS = ("", "name", "shape", "dtype", "stride", "grad", "device", "data_ptr")


@dataclass(frozen=True)
class TableRow:
    """One name; `cells` align with COLUMNS; `changed` says that the step changed it."""

    name: str
    block: int | None
    cells: tuple[Text, ...]
    changed: bool


def tensor_rows(snapshot: Snapshot, changes: Sequence[Change], palette: Palette) -> list[TableRow]:
    """Rows in the order of the namespace."""
    changed = {change.name for change in changes}
    return [_row(facts, facts.name in changed, palette) for facts in snapshot.tensors.values()]


def aligned(rows: Sequence[Sequence[Text]], width: int) -> Iterator[Text]:
    """Rows in columns two cells apart; a row ends before the column that no longer fits."""
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        line = Text()
        used = 0
        for cell, size in zip(row, widths, strict=True):
            if not size:
                continue
            if used + size > width:
                break
            line.append(" " * (used - line.cell_len)).append_text(cell)
            used += size + 2
        yield line


def sharing_sentence(group: Iterable[str]) -> str:
    """What a group of names that share memory is told as."""
    *names, last = map(clean, group)
    return f"{', '.join(names)} and {last} share memory"


def _row(facts: TensorFacts, changed: bool, palette: Palette) -> TableRow:
    plain, quiet, dim = (Style.parse(c) for c in (palette.foreground, palette.label, palette.muted))
    stride = stride_word(facts.stride, facts.offset) if facts.stride is not None else ""
    cells = (
        _letter(facts.block, palette),
        _cell(clean(facts.name), Style.parse(f"bold {palette.foreground}") if changed else plain),
        _cell(_shape(facts), plain if facts.shape is not None else dim),
        _cell(dtype_word(facts.dtype) if facts.dtype is not None else "", quiet),
        _cell(stride or _layout(facts), quiet),
        _grad(facts, palette),
        _cell(clean(facts.device or ""), quiet),
        _cell(hex(facts.data_ptr) if facts.data_ptr else "", dim),
    )
    return TableRow(facts.name, facts.block, cells, changed)


def _cell(words: str, style: Style) -> Text:
    return Text(words, style=style, end="", no_wrap=True)


def _letter(block: int | None, palette: Palette) -> Text:
    if block is None:
        return _cell("", Style.null())
    return _cell(letter(block), Style.parse(f"bold {palette.hue(block)}"))


def _shape(facts: TensorFacts) -> str:
    if facts.shape is not None:
        return shape_word(facts.shape)
    return clean(facts.unread or facts.type)


def _layout(facts: TensorFacts) -> str:
    return clean((facts.layout or "").removeprefix("torch."))


def _grad(facts: TensorFacts, palette: Palette) -> Text:
    """`leaf` for what `backward` fills, else the short name of the grad_fn."""
    if facts.grad_fn is not None:
        return _cell(grad_fn_word(facts.grad_fn), Style.parse(palette.label))
    if facts.requires_grad and facts.is_leaf:
        return _cell("leaf", Style.parse(palette.accent))
    return _cell("", Style.null())
