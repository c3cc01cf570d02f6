"""The autograd graph as lines: spines of nodes with their branches, from the root towards the leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, overload

from rich.style import Style
from rich.text import Text

from tutor.facts import GraphFacts, GraphOutline, NodeFacts, Snapshot, outline_of
from tutor.translation import later, say
from tutor.view.graph_rows import Choices, Row, What, rows
from tutor.view.graph_shape import GraphShape
from tutor.view.marks import name_style
from tutor.view.palette import Palette, letter
from tutor.view.words import clean, fit, fit_end, shape_word

#: Key of a style's meta that holds the number of the row's node.
NODE = "node"
FREED, OVERWRITTEN = later("freed"), later("overwritten: backward would fail here")


@dataclass(frozen=True)
class Marked:
    """The selected name, and the number of the node at which a replay stands."""

    name: str = ""
    replayed: int | None = None


NOTHING = Marked()


#: Saved values that say nothing.
_USUAL = (("alpha", 1), ("beta", 1), ("keepdim", False))


def graph_lines(
    graph: GraphFacts,
    snapshot: Snapshot,
    palette: Palette,
    width: int,
    *,
    limit: int = 200,
    marked: Marked = NOTHING,
) -> list[Text]:
    """At most `limit` lines of at most `width` cells; shared nodes once, repeated runs folded."""
    if not graph.nodes:
        return []
    outline = outline_of(graph)
    details = dict(zip(outline.numbers, graph.nodes, strict=True))
    shape = GraphShape(outline)
    room = max(1, limit - 1 - outline.truncated)
    found = list(islice(rows(shape), room + 1))
    painter = Painter(shape, details, snapshot, palette, width, marked)
    lines = [painter.line(row) for row in found[:room]]
    shown = sum(1 + row.hidden for row in found[:room] if row.what is What.NODE)
    if len(found) > room and shown < len(outline.kind):
        lines.append(
            Text(fit(say("… and {count:,} more", count=len(outline.kind) - shown), width), palette.muted)
        )
    if outline.truncated:
        lines.append(Text(fit(cut_words(outline), width), palette.muted))
    return lines


def cut_words(outline: GraphOutline) -> str:
    """What a truncated outline lacks."""
    read, total = len(outline.kind), outline.total
    return say("… {count:,} of {total:,} nodes were read", count=read, total=total)


@dataclass(frozen=True)
class Painter:
    """Makes the line of a row."""

    shape: GraphShape
    #: What is known of nodes beyond their outline, by number; grows while it is looked at.
    details: dict[int, NodeFacts]
    snapshot: Snapshot
    palette: Palette
    width: int
    marked: Marked = NOTHING
    freed: frozenset[int] = field(init=False)
    overwritten: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "freed", frozenset(self.shape.outline.freed))
        object.__setattr__(self, "overwritten", frozenset(self.shape.outline.overwritten))

    def line(self, row: Row) -> Text:
        """At most `width` cells; names carry what is selected by them."""
        match row.what:
            case What.NODE:
                label = self._node(row)
            case What.REFERENCE:
                label = self._reference(row)
            case _:
                label = self._fold(row)
        line = Text.assemble((self._guide(row.prefix), self.palette.muted), label, end="", no_wrap=True)
        line.truncate(max(1, self.width), overflow="ellipsis")
        return line

    def _guide(self, prefix: str) -> str:
        room = self.width // 2
        return prefix if len(prefix) <= room else "…" + prefix[len(prefix) - room + 1 :]

    def _node(self, row: Row) -> Text:
        outline, palette = self.shape.outline, self.palette
        freed = row.node in self.freed
        number = outline.numbers[row.node]
        ground = Style.parse(palette.muted if freed else palette.foreground)
        mark = ""
        if number == self.marked.replayed:
            mark, ground = "▸ ", Style.parse(f"bold {palette.accent}")
        label = Text(mark + clean(outline.name(row.node)), ground + Style(meta={NODE: number}))
        size = self._names(row.node, label)
        node = self.details.get(number)
        if row.node in self.overwritten:
            label.append(f"  ✗ {say(OVERWRITTEN)}", palette.error)
        words = [
            *([size] if size else []),
            *(saved_words(node) if node is not None else ()),
            *([say(FREED)] if freed else []),
        ]
        hooks = outline.hooks.get(row.node, ())
        words += [clean(hook) for hook in hooks]
        if row.hidden:
            words.append(say("▸ {count:,} nodes", count=row.hidden))
        if words:
            label.append(" " + ", ".join(words), palette.muted)
        return label

    def _names(self, node: int, label: Text) -> str:
        """Append the learner's names at a node; the shape of what has them."""
        outline = self.shape.outline
        variable = outline.variables.get(node)
        shape = None
        room = max(12, self.width - label.cell_len - 12)
        for name in (*([variable] if variable else []), *outline.tensors.get(node, ())):
            facts = self.snapshot.tensors.get(name)
            block = facts.block if facts is not None else None
            mark = f"{letter(block)} " if block is not None else ""
            style = name_style(name, block, self.palette, selected=name == self.marked.name)
            label.append("  ").append(f"{mark}{fit_end(clean(name), room)}", style)
            shape = facts.shape if facts is not None else shape
        return shape_word(shape) if shape else ""

    def _reference(self, row: Row) -> Text:
        outline = self.shape.outline
        number = outline.numbers[row.node]
        arrow = "↑" if row.above else "↓"
        label = Text(
            f"{arrow} {clean(outline.name(row.node))}",
            Style.parse(self.palette.label) + Style(meta={NODE: number}),
        )
        self._names(row.node, label)
        return label.append(" " + say("above" if row.above else "below"), self.palette.muted)

    def _fold(self, row: Row) -> Text:
        fold = row.fold
        assert fold is not None
        if not fold.nodes:
            return Text(say("{count:,} more like it", count=fold.repeats), self.palette.label)
        words = say(
            "({nodes:,} node) × {count:,} more" if fold.nodes == 1 else "({nodes:,} nodes) × {count:,} more",
            nodes=fold.nodes,
            count=fold.repeats,
        )
        return Text(words, self.palette.label)


def _short(value: float | str) -> str:
    return f"{value:.6g}" if type(value) is float else fit(clean(str(value)), 24)


def saved_words(node: NodeFacts) -> list[str]:
    """Saved numbers and words worth a glance."""
    saved = [
        f"{clean(key).removeprefix('_saved_')} {_short(value)}"
        for key, value in node.saved.items()
        if isinstance(value, int | float | str)
        and "_sym_" not in key  # torch's own bookkeeping
        and (key, value) not in _USUAL
    ]
    return saved[:3]


class GraphLines(Sequence[Text]):
    """The lines of a graph, each made when it is looked at: a chain of 20,000 nodes opens at once."""

    def __init__(
        self,
        painter: Painter,
        choices: Choices = Choices(),  # noqa: B008
        note: str = "",
        before: GraphLines | None = None,
    ) -> None:
        self.painter = painter
        self.choices = choices
        #: The rows of an earlier drawing serve again where only colours or facts are others.
        self.rows: Sequence[Row]
        if before is not None and before.painter.shape is painter.shape and before.choices == choices:
            self.rows = before.rows
        else:
            self.rows = list(rows(painter.shape, choices))
        self.note = note
        self._made: dict[int, Text] = {}

    def __len__(self) -> int:
        return len(self.rows) + bool(self.note)

    @overload
    def __getitem__(self, index: int) -> Text: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Text]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        made = self._made.get(index)
        if made is None:
            if index == len(self.rows):
                return Text(fit(self.note, self.painter.width), self.painter.palette.muted)
            made = self._made[index] = self.painter.line(self.rows[index])
        return made

    def chosen(self, choices: Choices) -> GraphLines:
        """The same with other choices."""
        return GraphLines(self.painter, choices, self.note)

    def forget_made(self) -> None:
        """More is known of some nodes: lines are made anew."""
        self._made.clear()

    def row_of(self, node: int) -> int | None:
        """The index of the row of a node, by its index in the outline."""
        found = (at for at, row in enumerate(self.rows) if row.node == node and row.what is What.NODE)
        return next(found, None)
