"""The drawn graph with a cursor: opens and closes what is folded, jumps along references."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual.binding import Binding

from tutor.facts import NodeFacts
from tutor.tui.messages import NodePointed, NodesWanted
from tutor.tui.names_view import NamesView
from tutor.view.graph_rows import Choices, Row, What, needed_to_see
from tutor.view.marks import named_in
from tutor.view.tree import GraphLines

#: Seconds that what is on the screen rests before the facts of its nodes are asked for.
REST = 0.05
#: Nodes that are asked for at once.
MOST_ASKED = 200


class GraphView(NamesView):
    """Right opens, left closes or goes up, Enter selects the name, opens a fold or follows a reference."""

    BINDINGS = [
        Binding("right", "open", show=False),
        Binding("left", "close", show=False),
        Binding("space", "fold", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("graph", every_line=True, id="graph")
        self._graph: GraphLines | None = None
        #: What the learner opened and closed; numbers of nodes are never used again, so it may stay.
        self.choices = Choices()
        #: Numbers of nodes that were seen and are not known, and of those that were asked for.
        self._missing: set[int] = set()
        self._asked: set[int] = set()
        self._waiting = False
        #: What is known of the graph's nodes, by number.
        self.details: dict[int, NodeFacts] = {}

    # ── what is shown ────────────────────────────────────────────────────────

    def show_graph(self, graph: GraphLines) -> None:
        """Another drawing; the cursor stays at its node, if that is still to be seen."""
        at = self.pointed_number
        if self._graph is None or self._graph.painter.shape is not graph.painter.shape:
            self._asked.clear()
        self._graph = graph
        self._place(at)
        self.show_lines(graph)

    def show_words(self, lines: list[Text]) -> None:
        """There is no graph: say so."""
        self._graph = None
        self.show_lines(lines)

    def show_details(self, nodes: Mapping[int, NodeFacts]) -> None:
        """Facts of nodes have come: those that are on the screen say more."""
        if self._graph is not None:
            self.details.update(nodes)
            self._graph.forget_made()
            self.refresh()
            self._point()

    @property
    def graph(self) -> GraphLines | None:
        """What is drawn."""
        return self._graph

    @property
    def pointed(self) -> int | None:
        """Index of the node under the cursor; of the root where there is no cursor."""
        row = self._row(self._at if self._at is not None else 0)
        return row.node if row is not None else None

    @property
    def pointed_number(self) -> int | None:
        """Number of the node under the cursor."""
        at = self.pointed
        return None if at is None or self._graph is None else self._graph.painter.shape.outline.numbers[at]

    def _row(self, at: int | None) -> Row | None:
        if self._graph is None or at is None or at >= len(self._graph.rows):
            return None
        return self._graph.rows[at]

    def _line(self, index: int) -> Text:
        row = self._row(index)
        if row is not None and row.what is not What.FOLD and self._graph is not None:
            painter = self._graph.painter
            number = painter.shape.outline.numbers[row.node]
            if number not in painter.details and number not in self._asked:
                self._missing.add(number)
                if not self._waiting:
                    self._waiting = True
                    self.set_timer(REST, self._ask)
        return super()._line(index)

    def _ask(self) -> None:
        self._waiting = False
        wanted = sorted(self._missing)[:MOST_ASKED]
        self._missing.clear()
        if wanted:
            self._asked.update(wanted)
            self.post_message(NodesWanted(tuple(wanted)))

    def _place(self, number: int | None) -> None:
        """Put the cursor at a node, if it had been anywhere and the node has a row."""
        if self._at is None or self._graph is None:
            return
        numbers = self._graph.painter.shape.outline.numbers
        rows = self._graph.rows
        near = self._at if self._at < len(rows) and numbers[rows[self._at].node] == number else None
        found = (at for at, row in enumerate(rows) if numbers[row.node] == number)
        self._at = near if near is not None else next(found, None)

    def _point(self) -> None:
        self.post_message(NodePointed())

    # ── keys ─────────────────────────────────────────────────────────────────

    def on_focus(self) -> None:
        """The cursor is seen at once, and what is known of its node."""
        super().on_focus()
        self._point()

    def on_blur(self) -> None:
        """The cursor is seen only with the focus."""
        super().on_blur()
        self._point()

    def action_move(self, by: int) -> None:
        """To another line; at the end of them, scroll."""
        count = len(self._lines)
        here = self._at if self._at is not None else -1
        at = min(max(0, here + by), count - 1)
        if at == here or not count:
            self._scroll(by)
            return
        self._at = at
        self._reveal(at)
        self.refresh()
        self._point()

    def action_choose(self) -> None:
        """Open or close a fold, follow a reference, or select the name."""
        row = self._row(self._at)
        if row is None:
            return
        if row.what is What.FOLD:
            self.action_fold()
        elif row.what is What.REFERENCE:
            self.go_to(row.node)
        elif self._at is not None and named_in(self._lines[self._at]):
            super().action_choose()
        else:
            self.action_fold()

    def action_open(self) -> None:
        """Open the fold, or what was closed, under the cursor; else go on to the next line."""
        if not self._change(opening=True):
            self.action_move(1)

    def action_close(self) -> None:
        """Close what hangs on the node under the cursor; else go to the node that it hangs on."""
        row = self._row(self._at)
        if row is None or self._graph is None or self._change(opening=False):
            return
        shape = self._graph.painter.shape
        if row.node:
            self.go_to(shape.above[row.node])

    def action_fold(self) -> None:
        """Open what is closed, close what is open."""
        if not self._change(opening=True):
            self._change(opening=False)

    def go_to(self, node: int) -> None:
        """Put the cursor on a node, opening what hides it."""
        if self._graph is None:
            return
        at = self._graph.row_of(node)
        if at is None:
            self._draw(needed_to_see(self._graph.painter.shape, node, self.choices))
            at = self._graph.row_of(node)
        if at is not None:
            self._at = at
            self._reveal(at)
            self.refresh()
            self._point()

    def _change(self, *, opening: bool) -> bool:
        """Open or close at the cursor; whether there was anything to change."""
        row = self._row(self._at)
        if row is None or self._graph is None:
            return False
        shape = self._graph.painter.shape
        number = shape.outline.numbers[row.node]
        opened, closed = self.choices.opened, self.choices.closed
        if row.what is What.FOLD:
            changed = Choices(opened | {number} if opening else opened - {number}, closed)
        elif row.what is What.NODE and (opening or shape.sides[row.node] or shape.references[row.node]):
            changed = Choices(opened, closed - {number} if opening else closed | {number})
        else:
            return False
        if changed == self.choices:
            return False
        self._draw(changed)
        return True

    def _draw(self, choices: Choices) -> None:
        if self._graph is None:
            return
        self.choices = choices
        at, self._graph = self._at, self._graph.chosen(choices)
        self.show_lines(self._graph)
        self._at = None if at is None else min(at, len(self._graph.rows) - 1)
        self._point()
