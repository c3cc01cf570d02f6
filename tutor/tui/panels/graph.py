"""The autograd graph behind the selected tensor, and all about the node under the cursor."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tutor.facts import GraphOutline, NodeFacts, TensorFacts
from tutor.translation import later, say
from tutor.tui.graph_view import GraphView
from tutor.tui.lines import LinesView
from tutor.tui.messages import NodePointed, NodesWanted
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.shown import Shown
from tutor.view.graph_shape import GraphShape
from tutor.view.tree import GraphLines, Marked, Painter, cut_words
from tutor.view.words import clean


class NodeCard(LinesView, can_focus=False):
    """What is known of one node."""


class GraphPanel(Drawn):
    """Spines and branches from the tensor's grad_fn to the leaves."""

    def __init__(self) -> None:
        self._tree = GraphView()
        self._card = NodeCard(id="node")
        super().__init__(later("graph"), self._tree)
        self._shape: GraphShape | None = None
        self._shown = Shown()
        #: The outline of an earlier moment, and of which: made once.
        self._past: tuple[object, str, GraphOutline | None] = (None, "", None)

    def compose(self) -> ComposeResult:
        """The heading, the graph, and the node."""
        yield from super().compose()
        yield self._card

    def draw(self, shown: Shown) -> None:
        """The graph, or why there is none."""
        self._shown = shown
        name = shown.root
        facts = shown.snapshot.tensors.get(name)
        self.display = facts is not None
        if facts is None:
            return
        outline = self._outline(shown) if facts.grad_fn else None
        if outline is None or not outline.kind:
            self._shape = None
            self._tree.show_words([Text(_no_graph(facts, shown), self.palette.muted)])
            self.heading.fact = clean(name)
        else:
            template = later("backward from {name}")
            if outline.overwritten:
                template = later("backward from {name} would fail")
            elif outline.freed:
                template = later("backward from {name} · used up")
            self.heading.fact = say(template, name=clean(name))
            self._draw_graph(shown, outline)
        self._draw_card()

    def _outline(self, shown: Shown) -> GraphOutline | None:
        if shown.past is None:
            return shown.graph
        step = shown.past.moment.step
        if self._past[0] is not step or self._past[1] != shown.root:
            self._past = step, shown.root, shown.past.graphs.outline(shown.root, step)
        return self._past[2]

    @property
    def outline(self) -> GraphOutline | None:
        """The graph that is drawn."""
        return self._shape.outline if self._shape is not None else None

    def tell(self, nodes: Iterable[NodeFacts]) -> None:
        """The kernel has told of nodes of the graph."""
        self._tree.show_details({node.number: node for node in nodes if node.number is not None})

    def _draw_graph(self, shown: Shown, outline: GraphOutline) -> None:
        if self._shape is None or self._shape.outline is not outline:
            if self._shape is None or self._shape.outline != outline:
                self._tree.details = {}
            self._shape = GraphShape(outline)
        marked = Marked(shown.name, shown.replayed)
        painter = Painter(self._shape, self._tree.details, shown.snapshot, self.palette, self.room, marked)
        note = cut_words(outline) if outline.truncated else ""
        self._tree.show_graph(GraphLines(painter, self._tree.choices, note, self._tree.graph))

    @on(NodesWanted)
    def tell_of_the_past(self, message: NodesWanted) -> None:
        """At an earlier moment the records know; else the kernel is asked."""
        past = self._shown.past
        if past is not None:
            message.stop()
            self.tell(past.graphs.nodes(list(message.numbers), past.moment.step))

    def open(self, is_open: bool) -> None:
        """The node's facts are told while the graph has the focus."""
        super().open(is_open)
        self._draw_card()

    @on(NodePointed)
    def _draw_card(self) -> None:
        """What is known of the node under the cursor, while the graph has the focus."""
        at = self._tree.pointed
        self._card.display = self.has_class("-open") and self._shape is not None and at is not None
        if self._shape is not None and at is not None and self._card.display:
            from tutor.view.node_card import card_lines  # with all rules: not before one is asked for

            outline = self._shape.outline
            node = self._tree.details.get(outline.numbers[at])
            self._card.show_lines(card_lines(outline, at, node, self.palette, self.room))
            self.call_after_refresh(self._reveal_card)

    def _reveal_card(self) -> None:
        """Scroll so that the node's facts are seen, and its line too."""
        around = self.parent
        if isinstance(around, VerticalScroll) and self._card.display:
            around.scroll_to_widget(self._card, animate=False, force=True)
            self._tree.reveal_cursor()


def _no_graph(facts: TensorFacts, shown: Shown) -> str:
    name = clean(facts.name)
    if facts.grad_fn:
        if shown.past is None:
            return "…"
        return say("The graph of {name} was not recorded at this moment", name=name)
    if facts.requires_grad:
        return say("{name} is a leaf: gradients end here", name=name)
    return say("{name} has no grad_fn: autograd does not follow it", name=name)
