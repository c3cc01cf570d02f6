"""The tensor table: one row a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from tutor.facts import Change, Snapshot, TensorFacts
from tutor.translation import later, say
from tutor.view.palette import Palette, letter
from tutor.view.reasons import unread_words
from tutor.view.words import clean, dtype_word, grad_fn_word, shape_word, stride_word

#: What a container holds: with one of them, with several.
_PARAMETERS = (
    later("{tensors:,} tensors · {total:,} parameter"),
    later("{tensors:,} tensors · {total:,} parameters"),
)
_ELEMENTS = (
    later("{tensors:,} tensors · {total:,} element"),
    later("{tensors:,} tensors · {total:,} elements"),
)
#: Headings; the first column holds the letter of the memory.
COLUMNS = ("", "name", "shape", "dtype", "stride", "grad", "device", "data_ptr")


def headings() -> tuple[str, ...]:
    """The headings for people; what torch has a name for is called by that."""
    return tuple(say("name") if column == "name" else column for column in COLUMNS)


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
    return [tensor_row(facts, facts.name in changed, palette) for facts in snapshot.tensors.values()]


def row_words(facts: TensorFacts) -> tuple[str, ...]:
    """What a row says, without its colours."""
    stride = stride_word(facts.stride, facts.offset) if facts.stride is not None else ""
    return (
        letter(facts.block) if facts.block is not None else "",
        clean(facts.name),
        _shape(facts),
        dtype_word(facts.dtype) if facts.dtype is not None else "",
        stride or _layout(facts),
        _grad(facts),
        clean(facts.device or ""),
        hex(facts.data_ptr) if facts.data_ptr else "",
    )


def tensor_row(facts: TensorFacts, changed: bool, palette: Palette) -> TableRow:
    """One row; what the run changed is bright all along, and bold where colours say little."""
    strong = Style.parse(f"bold {palette.foreground}")
    plain, quiet, dim = (Style.parse(c) for c in (palette.foreground, palette.label, palette.muted))
    if changed:
        plain, quiet = strong, Style.parse(palette.foreground)
    styles = (
        Style.parse(f"bold {palette.hue(facts.block)}") if facts.block is not None else Style.null(),
        plain,
        plain if facts.shape is not None else dim,
        quiet,
        quiet,
        Style.parse(palette.accent) if facts.grad_fn is None else quiet,
        quiet,
        dim,
    )
    cells = tuple(map(_cell, row_words(facts), styles))
    return TableRow(facts.name, facts.block, cells, changed)


def group_words(path: str, names: Iterable[str], tensors: int, snapshot: Snapshot) -> str:
    """`4 tensors · 41 parameters`: what the container at `path` holds, tied parameters counted once."""
    beyond = sum(
        count
        for outer, count in snapshot.beyond.items()
        if outer == path or outer.startswith((f"{path}[", f"{path}."))
    )
    if beyond:
        return say("{tensors:,} tensors … and {beyond:,} more", tensors=tensors, beyond=beyond)
    inside = [snapshot.tensors[name] for name in names if name in snapshot.tensors]
    parameters = {t.object: t.numel or 0 for t in inside if t.kind == "parameter"}
    elements = {t.object: t.numel or 0 for t in inside if t.kind != "gradient"}
    total = sum((parameters or elements).values())
    one, many = _PARAMETERS if parameters else _ELEMENTS
    return say(one if total == 1 else many, tensors=tensors, total=total)


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
    return say("{names} and {last} share memory", names=", ".join(names), last=last)


def _cell(words: str, style: Style) -> Text:
    return Text(words, style=style, end="", no_wrap=True)


def _shape(facts: TensorFacts) -> str:
    if facts.shape is not None:
        return shape_word(facts.shape)
    return unread_words(facts.unread) if facts.unread else clean(facts.type)


def _layout(facts: TensorFacts) -> str:
    return clean((facts.layout or "").removeprefix("torch."))


def _grad(facts: TensorFacts) -> str:
    """`leaf` for what `backward` fills, else the short name of the grad_fn."""
    if facts.grad_fn is not None:
        return grad_fn_word(facts.grad_fn)
    return say("leaf") if facts.requires_grad and facts.is_leaf else ""
