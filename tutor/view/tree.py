"""The autograd graph as an indented tree, from the root towards the leaves."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from tutor.facts import GraphFacts, NodeFacts, Snapshot
from tutor.view.fold import Fold, GraphShape
from tutor.view.marks import name_style
from tutor.view.palette import Palette, letter
from tutor.view.words import TIMES, clean, fit, shape_word

#: Cells that one level indents.
STEP = 3
#: Room that stays for a node's own words however deep it lies.
WORDS = 24


@dataclass(frozen=True)
class Marked:
    """The selected name, and the number of the node at which a replay stands."""

    name: str = ""
    replayed: int | None = None


def graph_lines(
    graph: GraphFacts,
    snapshot: Snapshot,
    palette: Palette,
    width: int,
    *,
    limit: int = 200,
    selected: str | Marked = "",
) -> list[Text]:
    """At most `limit` lines of at most `width` cells; shared nodes once, repeated runs folded.

    `selected` is the name that is marked, and may be so with a node."""
    if not graph.nodes:
        return []
    room = max(1, limit - 1 - graph.truncated)
    lines = _Walk(graph, snapshot, palette, width, room, selected).lines()
    if graph.truncated:
        total = f" of {graph.total_nodes:,}" if graph.total_nodes else ""
        lines.append(Text(fit(f"… {len(graph.nodes):,}{total} nodes were read", width), palette.muted))
    return lines


@dataclass
class _Item:
    """Something still to be shown: a node, or the fold that stands for it and what follows."""

    node: str
    depth: int
    #: For each level above: whether more siblings follow there.
    rails: tuple[bool, ...]
    last: bool
    fold: Fold | None = None


class _Walk:
    """One drawing: depth first with a stack of its own, so that no chain is too long."""

    def __init__(
        self,
        graph: GraphFacts,
        snapshot: Snapshot,
        palette: Palette,
        width: int,
        limit: int,
        selected: str | Marked,
    ) -> None:
        self.shape = GraphShape(graph)
        self.root = graph.nodes[0].id
        self.snapshot = snapshot
        self.palette = palette
        self.width = width
        self.limit = limit
        marked = selected if isinstance(selected, Marked) else Marked(selected)
        self.selected, self.replayed = marked.name, marked.replayed
        self.deepest = max(2, (width - WORDS) // STEP)
        self.seen: set[str] = set()
        self.folds: dict[str, Fold] = {}
        self.planned: set[str] = set()

    def lines(self) -> list[Text]:
        lines: list[Text] = []
        stack = [_Item(self.root, 0, (), True)]
        while stack and len(lines) < self.limit:
            item = stack.pop()
            if item.fold is not None:
                lines.append(self._line(item, self._fold_label(item.fold)))
                continue
            again = item.node in self.seen
            lines.append(self._line(item, self._label(item.node, again)))
            if not again:
                self.seen.add(item.node)
                self._plan(item.node)
                stack += reversed(self._below(item))
        hidden = len(self.shape.nodes) - len(self.seen)
        if stack and hidden:
            lines.append(Text(fit(f"… and {hidden:,} more", self.width), self.palette.muted))
        return lines

    def _plan(self, node: str) -> None:
        """Find the repeating runs ahead, once for each way that leads on."""
        if node not in self.planned:
            spine = self.shape.spine(node, self.seen - {node})
            self.planned.update(spine)
            self.folds.update(self.shape.folds(spine))

    def _below(self, item: _Item) -> list[_Item]:
        rails = item.rails
        if 0 < item.depth < self.deepest:
            rails = (*rails, not item.last)
        items: list[_Item] = []
        for node in self.shape.children[item.node]:
            fold = self.folds.get(node) if node not in self.seen else None
            items.append(_Item(node, item.depth + 1, rails, False, fold))
            if fold is not None:
                self.seen |= fold.hidden
                if fold.after is not None:
                    items.append(_Item(fold.after, item.depth + 1, rails, False))
        if items:
            items[-1].last = True
        return items

    def _line(self, item: _Item, label: Text) -> Text:
        guide = "".join("│  " if rail else "   " for rail in item.rails)
        if item.depth > self.deepest:
            # No room to indent further: the depth itself keeps the tree readable.
            guide += f"{item.depth:,}· "
        elif item.depth:
            guide += "└─ " if item.last else "├─ "
        line = Text.assemble((guide, self.palette.muted), label, end="", no_wrap=True)
        line.truncate(max(1, self.width), overflow="ellipsis")
        return line

    def _label(self, node_id: str, again: bool) -> Text:
        node = self.shape.nodes[node_id]
        label = Text(clean(node.name), self.palette.muted if node.freed else self.palette.foreground)
        if node.number is not None and node.number == self.replayed:
            label = Text(f"▸ {clean(node.name)}", f"bold {self.palette.accent}")
        shape = None
        for name in (*([node.variable] if node.variable else []), *node.tensors):
            facts = self.snapshot.tensors.get(name)
            block = facts.block if facts is not None else None
            mark = f"{letter(block)} " if block is not None else ""
            style = name_style(name, block, self.palette, selected=name == self.selected)
            label.append("  ").append(f"{mark}{clean(name)}", style)
            shape = facts.shape if facts is not None else shape
        details = ["↑ shown above"] if again else [*([shape_word(shape)] if shape else []), *_details(node)]
        if details:
            label.append(" " + ", ".join(details), self.palette.muted)
        return label

    def _fold_label(self, fold: Fold) -> Text:
        nodes = "1 node" if fold.period == 1 else f"{fold.period} nodes"
        return Text(f"({nodes}) {TIMES} {fold.repeats:,} more", self.palette.label)


def _details(node: NodeFacts) -> list[str]:
    """Saved numbers and words worth a glance, and whether backward has freed the rest."""
    saved = [
        f"{clean(key).removeprefix('_saved_')} {fit(clean(str(value)), 24)}"
        for key, value in node.saved.items()
        if isinstance(value, int | float | str) and "_sym_" not in key  # torch's own bookkeeping
    ]
    return [*saved[:3], *(["freed"] if node.freed else [])]
