"""Tensors, storage and the autograd graph as they are after the last statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tutor.facts import Change, GraphFacts, Snapshot, TensorFacts
from tutor.tui.heading import Panel
from tutor.tui.lines import LinesView, palette_of
from tutor.tui.pane import Pane
from tutor.tui.tensor_table import TensorTable
from tutor.view.palette import Palette
from tutor.view.strips import Ranges, storage_strips
from tutor.view.table import tensor_rows
from tutor.view.tree import graph_lines

#: Seconds between redraws while records come quickly.
PAUSE = 1 / 20


class Inspector(VerticalScroll, can_focus=False):
    """Draws one snapshot; the graph is that of the selected tensor."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.table = TensorTable(id="tensors")
        self._detail = Static(id="detail")
        self._storage = LinesView(id="storage")
        self._graph = LinesView(id="graph")
        self._tensors_panel = Panel("tensors", self.table, self._detail, id="tensors-panel")
        self._storage_panel = Panel("storage", self._storage, id="storage-panel")
        self._graph_panel = Panel("graph", self._graph, id="graph-panel")
        self._snapshot = Snapshot()
        self._changes: Sequence[Change] = ()
        self._written: Mapping[int, Ranges] = {}
        self._graph_facts: GraphFacts | None = None
        self._pending = False

    def compose(self) -> ComposeResult:
        """Three panels."""
        yield self._tensors_panel
        yield self._storage_panel
        yield self._graph_panel

    def panes(self) -> list[Pane]:
        """The parts that can have the focus."""
        return [Pane("tensors", self.table), Pane("storage", self._storage), Pane("graph", self._graph)]

    def on_mount(self) -> None:
        """Colours and widths are in the lines."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw())
        self.redraw()

    def on_resize(self) -> None:
        """Strips and trees are made to measure."""
        self._redraw_soon()

    @property
    def _palette(self) -> Palette:
        return palette_of(self.app.theme)

    def show(
        self, snapshot: Snapshot, changes: Sequence[Change] = (), written: Mapping[int, Ranges] | None = None
    ) -> None:
        """The namespace now, what the last statement changed, and what the whole run wrote."""
        self._snapshot, self._changes, self._written = snapshot, changes, written or {}
        self._redraw_soon()

    def show_graph(self, name: str, graph: GraphFacts | None) -> None:
        """The graph behind `name`; None where no operation made it."""
        self._graph_facts = graph
        self.table.select(name)
        self._redraw_soon()

    def graph_candidate(self) -> str:
        """The name whose graph to show: the selected one, else the newest that has a grad_fn."""
        tensors = self._snapshot.tensors
        if self.table.selected in tensors:
            return self.table.selected
        return next((name for name in reversed(tensors) if tensors[name].grad_fn), "")

    def _redraw_soon(self) -> None:
        if not self._pending and self.is_mounted:
            self._pending = True
            self.set_timer(PAUSE, self.redraw)

    def redraw(self) -> None:
        """Draw everything from the snapshot."""
        self._pending = False
        self._draw_tensors()
        self._draw_storage()
        self._draw_graph()

    def _draw_tensors(self) -> None:
        count, omitted = len(self._snapshot.tensors), self._snapshot.omitted
        self.table.show(tensor_rows(self._snapshot, self._changes, self._palette))
        more = f", {omitted} more not shown" if omitted else ""
        self._tensors_panel.heading.fact = f"{count} live{more}" if count else "none yet"
        self.draw_detail()

    def draw_detail(self) -> None:
        """The facts of the selected tensor that have no column here."""
        name = self.table.selected or self.graph_candidate() or next(iter(self._snapshot.tensors), "")
        facts = self._snapshot.tensors.get(name)
        self._detail.display = facts is not None
        if facts is not None:
            room = self.scrollable_content_region.width
            self._detail.update(detail(facts, self.table.hidden, self._palette, room))

    def _draw_storage(self) -> None:
        truecolor = self.app.console.color_system == "truecolor"
        room = self._storage.room or self.scrollable_content_region.width
        strips = storage_strips(self._snapshot, self._palette, room, truecolor, written=self._written)
        self._storage.show_lines(list(strips.split("\n")) if strips else [])
        self._storage_panel.display = bool(strips)
        self._storage_panel.heading.fact = "bright = written by this run" if self._written else ""

    def _draw_graph(self) -> None:
        name, graph = self.graph_candidate(), self._graph_facts
        facts = self._snapshot.tensors.get(name)
        self._graph_panel.display = facts is not None
        if facts is None:
            return
        if graph is not None and facts.grad_fn:
            room = self._graph.room or self.scrollable_content_region.width
            lines = graph_lines(graph, self._snapshot, self._palette, room)
            self._graph_panel.heading.fact = f"backward from {name}"
        else:
            lines = [Text(_no_graph(facts), self._palette.muted)]
            self._graph_panel.heading.fact = name
        self._graph.show_lines(lines)


def _no_graph(facts: TensorFacts) -> str:
    if facts.grad_fn:
        return "…"
    if facts.requires_grad:
        return f"{facts.name} is a leaf: gradients end here"
    return f"{facts.name} has no grad_fn: autograd does not follow it"


def detail(facts: TensorFacts, hidden: Sequence[str], palette: Palette, room: int) -> Text:
    """Facts of one tensor that the table had no room for, and those that have no column; whole ones only."""
    parts = []
    if "device" in hidden and facts.device is not None:
        parts.append(facts.device)
    if "data_ptr" in hidden and facts.data_ptr is not None:
        parts.append(f"data_ptr 0x{facts.data_ptr:x}")
    if facts.is_contiguous is not None:
        parts.append("contiguous" if facts.is_contiguous else "not contiguous")
    if facts.version:
        parts.append(f"version {facts.version}")
    if facts.unread:
        parts.append(facts.unread)
    line = Text.assemble((facts.name, palette.label), no_wrap=True)
    for part in parts:
        lead = " · " if len(line.spans) > 1 else "  "
        if line.cell_len + len(lead) + len(part) <= room:
            line.append(lead + part, palette.muted)
    return line
