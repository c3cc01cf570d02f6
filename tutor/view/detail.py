"""Everything about one tensor: its values as a grid, who shares its memory, all facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from tutor.facts import Origin, Overlap, Shape, Snapshot, TensorFacts, Values
from tutor.translation import later, say
from tutor.view.element import number_lines, others_lines
from tutor.view.grid import Light, grid_lines
from tutor.view.kept_values import values_at
from tutor.view.marks import name_style
from tutor.view.palette import Palette, letter
from tutor.view.places import has_element, spot
from tutor.view.reasons import unread_words
from tutor.view.relations import Relation, relation_words, relations
from tutor.view.words import bytes_word, clean, fit, pad, said_kind, shape_word, stride_word

GAP = 2
#: How many columns of facts there may be, and the least cells for a value in each.
COLUMNS = ((3, 14), (2, 7), (1, 7))
_CHANGES = {
    "new": later("new"),
    "rebound": later("bound anew"),
    "written": later("written"),
    "altered": later("altered"),
}
#: Labels that are no names of torch's.
_LABELS = {
    "offset": later("offset"),
    "contiguous": later("contiguous"),
    "elements": later("elements"),
    "bytes": later("bytes"),
    "storage": later("storage"),
    "leaf": later("leaf"),
    "version": later("version"),
    "kind": later("kind"),
    "this run": later("this run"),
    "not read": later("not read"),
}


@dataclass(frozen=True)
class Known:
    """What the kernel has answered about the selected tensor, and the element that is selected in it."""

    values: Values | None = None
    overlaps: Mapping[str, Overlap] = field(default_factory=dict)
    #: A run is under way: what is shown may be about to change.
    passing: bool = False
    #: The element that the learner selected.
    index: Shape | None = None


def detail_lines(
    name: str, snapshot: Snapshot, known: Known, palette: Palette, room: int, change: str | None = None
) -> list[Text]:
    """Values, the selected element, relations and facts in lines of at most `room` cells."""
    facts = snapshot.tensors.get(name)
    if facts is None:
        return []
    block = snapshot.storages.get(facts.block) if facts.block is not None else None
    index = known.index if known.index is not None and has_element(facts, known.index) else None
    values = known.values
    if values is None and not known.passing:
        kept = values_at(name, snapshot, index or ())
        values = kept if kept.reason is None else None
    light = Light(index, spot(name, index, snapshot), block) if index is not None else None
    there = index is not None
    parts = [
        list(number_lines(name, index or (), snapshot, values, palette, room)) if there else [],
        grid_lines(values, facts, palette, room, dim=known.passing, light=light),
        list(others_lines(name, index or (), snapshot, palette, room)) if there else [],
        list(_relation_lines(name, snapshot, known.overlaps, palette, room)),
        list(_history_lines(facts, palette, room)),
        fact_lines(fact_pairs(facts, change), palette, room),
    ]
    return [line for part in parts for line in part]


def _relation_lines(
    name: str, snapshot: Snapshot, overlaps: Mapping[str, Overlap], palette: Palette, room: int
) -> Iterable[Text]:
    found, more = relations(name, snapshot, overlaps)
    for relation in found:
        yield from wrapped(_relation(relation, snapshot, palette), room)
    if more:
        yield Text(fit(say("… and {count:,} more names in this memory", count=more), room), palette.muted)


def _relation(relation: Relation, snapshot: Snapshot, palette: Palette) -> Text:
    before, after = relation_words(relation)
    block = snapshot.tensors[relation.name].block
    line = Text()
    line.append(before, palette.label)
    line.append(clean(relation.name), name_style(relation.name, block, palette))
    return line.append(after, palette.label)


def _history_lines(facts: TensorFacts, palette: Palette, room: int) -> Iterable[Text]:
    """Where it was made, and what its gradient adds up."""
    if (origin := facts.origin) is not None:
        words = say("made {place}" if origin.operation else "bound {place}", place=_place(origin))
        line = Text(f"{words}: ", palette.label)
        line.append(clean(origin.expression), palette.foreground)
        yield from wrapped(line, room)
    if facts.passes is not None and facts.grad is not None:
        words = say(
            "its gradient adds up 1 backward pass"
            if facts.passes == 1
            else "its gradient adds up {count:,} backward passes",
            count=facts.passes,
        )
        yield from wrapped(Text(words, palette.label), room)


def _place(origin: Origin) -> str:
    if origin.filename.startswith("<cell"):
        place = say("at the prompt")
    elif origin.filename == "setup":
        place = say("in the setup, line {line}", line=origin.line)
    else:
        place = say("in line {line}", line=origin.line)
    return (
        say("{place} inside {within}", place=place, within=clean(origin.within)) if origin.within else place
    )


def fact_pairs(facts: TensorFacts, change: str | None = None) -> list[tuple[str, str]]:
    """Label and value of every fact that there is."""
    nbytes = facts.numel * facts.itemsize if facts.numel is not None and facts.itemsize is not None else None
    pairs: list[tuple[str, str | None]] = [
        ("shape", _said(facts.shape, shape_word)),
        ("stride", _said(facts.stride, lambda stride: stride_word(stride, 0))),
        ("offset", _said(facts.offset, "{:,}".format)),
        ("contiguous", _said(facts.is_contiguous, _yes)),
        ("dtype", facts.dtype),
        ("device", facts.device),
        ("elements", _said(facts.numel, "{:,}".format)),
        ("bytes", _said(nbytes, lambda n: f"{n:,}" if n < 1_000 else f"{n:,} ({bytes_word(n)})")),
        ("storage", _said(facts.block, letter)),
        ("data_ptr", _said(facts.data_ptr, hex)),
        ("requires_grad", _said(facts.requires_grad, _yes)),
        ("leaf", _said(facts.is_leaf, _yes)),
        ("grad_fn", facts.grad_fn),
        ("retains_grad", _yes(True) if facts.retains_grad else None),
        ("grad", _said(facts.grad, shape_word)),
        ("version", _said(facts.version, "{:,}".format)),
        ("layout", facts.layout),
        ("kind", said_kind(facts.kind)),
        ("type", facts.type),
        ("this run", _said(_CHANGES.get(change or ""), say)),
        ("not read", _said(facts.unread, unread_words)),
    ]
    return [(_label(label), clean(value)) for label, value in pairs if value is not None]


def _label(name: str) -> str:
    return say(_LABELS[name]) if name in _LABELS else name


def _said(value: Any, words: Callable[[Any], str]) -> str | None:
    return None if value is None else words(value)


def _yes(value: bool) -> str:
    return say("yes" if value else "no")


def fact_lines(pairs: Sequence[tuple[str, str]], palette: Palette, room: int) -> list[Text]:
    """Aligned label and value, in as many columns as fit; a long value has lines to itself."""
    for columns, least in COLUMNS:
        rows = _rows(pairs, columns, least)
        labels, value = _widths(rows, columns, room)
        if value > least:  # there is more room than was asked for: fewer values are long
            roomier = _rows(pairs, columns, value)
            widths = _widths(roomier, columns, room)
            if widths[1] >= value:
                rows, labels = roomier, widths[0]
        if value >= least or columns == 1:
            break
    lines: list[Text] = []
    for row in rows:
        line, at = Text(), 0
        for (word, said), label in zip(row, labels, strict=False):
            line.append(" " * (at - line.cell_len))
            line.append(pad(word, min(label, room)), palette.muted).append(said, palette.foreground)
            at += label + max(value, least) + GAP
        lines += wrapped(line, room, hang=min(labels[0], room // 2))
    return lines


def _rows(pairs: Sequence[tuple[str, str]], columns: int, limit: int) -> list[list[tuple[str, str]]]:
    """Pairs side by side; one whose value has more than `limit` cells is alone."""
    rows: list[list[tuple[str, str]]] = []
    is_open = False
    for pair in pairs:
        if cell_len(pair[1]) > limit:
            rows.append([pair])
            is_open = False
        elif is_open and len(rows[-1]) < columns:
            rows[-1].append(pair)
        else:
            rows.append([pair])
            is_open = True
    return rows


def _widths(rows: Sequence[Sequence[tuple[str, str]]], columns: int, room: int) -> tuple[list[int], int]:
    """Cells of the labels of each column, and of every value."""
    words = [[cell_len(row[at][0]) for row in rows if at < len(row)] for at in range(columns)]
    labels = [max(column, default=0) + 1 for column in words]
    return labels, (room - sum(labels) - GAP * (columns - 1)) // columns


def wrapped(line: Text, room: int, hang: int = 2) -> list[Text]:
    """`line` in pieces of at most `room` cells, broken between words where there are some."""
    pieces = []
    rest, lead = line, 0
    while rest.cell_len > room - lead > 0:
        cut, used = 0, 0
        for character in rest.plain:
            used += cell_len(character)
            if used > room - lead:
                break
            cut += 1
        cut = max(1, cut)
        space = rest.plain.rfind(" ", 0, cut + 1)
        end = space if space > (hang if not lead else 0) else cut
        piece, rest = rest.divide([end])
        pieces.append(Text(" " * lead).append_text(piece))
        while rest.plain.startswith(" "):
            rest = rest[1:]
        lead = hang if room > 2 * hang else 0
    return [*pieces, Text(" " * lead).append_text(rest)] if rest or not pieces else pieces
