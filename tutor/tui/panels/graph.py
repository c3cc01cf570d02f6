"""The autograd graph behind the selected tensor."""

from __future__ import annotations

from rich.text import Text

from tutor.facts import TensorFacts
from tutor.tui.names_view import NamesView
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.shown import Shown
from tutor.view.tree import Marked, graph_lines
from tutor.view.words import clean


class GraphPanel(Drawn):
    """A tree from the tensor's grad_fn to the leaves."""

    def __init__(self) -> None:
        self._lines = NamesView("graph", every_line=True, id="graph")
        super().__init__("graph", self._lines)

    def draw(self, shown: Shown) -> None:
        """The graph, or why there is none."""
        name, graph = shown.root, shown.graph
        facts = shown.snapshot.tensors.get(name)
        self.display = facts is not None
        if facts is None:
            return
        if graph is not None and facts.grad_fn:
            marked = Marked(shown.name, shown.replayed)
            lines = graph_lines(graph, shown.snapshot, self.palette, self.room, marked=marked)
            self.heading.fact = f"backward from {clean(name)}"
        else:
            lines = [Text(_no_graph(facts), self.palette.muted)]
            self.heading.fact = clean(name)
        self._lines.show_lines(lines)


def _no_graph(facts: TensorFacts) -> str:
    name = clean(facts.name)
    if facts.grad_fn:
        return "…"
    if facts.requires_grad:
        return f"{name} is a leaf: gradients end here"
    return f"{name} has no grad_fn: autograd does not follow it"
