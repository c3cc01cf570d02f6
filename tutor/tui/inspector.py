"""Tensors, storage and the autograd graph as they are after the last statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget

from tutor.facts import Change, GraphFacts, Overlap, Snapshot, TensorFacts, Values
from tutor.tui.heading import Panel
from tutor.tui.lines import palette_of
from tutor.tui.messages import TableListed
from tutor.tui.names_view import NamesView
from tutor.tui.pane import Pane
from tutor.tui.tensor_table import TensorTable
from tutor.view.detail import Known, detail_lines
from tutor.view.palette import Palette
from tutor.view.relations import relations, unsettled
from tutor.view.strips import Ranges, storage_strips
from tutor.view.tree import graph_lines
from tutor.view.words import clean, kind_word

#: Seconds between redraws while records come quickly.
PAUSE = 1 / 20
#: Seconds into a run for which the values from before it stay, drawn as passing; a quick run needs no gap.
STALE = 0.3


class Inspector(VerticalScroll, can_focus=False):
    """Draws one snapshot, and what the kernel has told about the selected name."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.table = TensorTable(id="tensors")
        self._detail = NamesView("detail", id="detail")
        self._storage = NamesView("storage", id="storage")
        self._graph = NamesView("graph", every_line=True, id="graph")
        self._tensors_panel = Panel("tensors", self.table, id="tensors-panel")
        self._detail_panel = Panel("detail", self._detail, id="detail-panel")
        self._storage_panel = Panel("storage", self._storage, id="storage-panel")
        self._graph_panel = Panel("graph", self._graph, id="graph-panel")
        self._snapshot = Snapshot()
        self._changes: Sequence[Change] = ()
        self._written: Mapping[int, Ranges] = {}
        self._chosen = ""
        self._known = Known()
        #: The facts that `_known` was asked for: other facts, other values.
        self._known_of: TensorFacts | None = None
        self._graph_of = ""
        self._graph_facts: GraphFacts | None = None
        self._pending = False
        self._pressed = False

    def compose(self) -> ComposeResult:
        """Four panels."""
        yield self._tensors_panel
        yield self._detail_panel
        yield self._storage_panel
        yield self._graph_panel

    def panes(self) -> list[Pane]:
        """The parts that can have the focus."""
        return [
            Pane("tensors", self.table),
            Pane("detail", self._detail),
            Pane("storage", self._storage),
            Pane("graph", self._graph),
        ]

    def on_mount(self) -> None:
        """Colours and widths are in the lines."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw())
        self.redraw()

    def on_resize(self) -> None:
        """Strips and trees are made to measure."""
        self._redraw_soon()

    def on_mouse_down(self) -> None:
        """What is under the pointer must not move away before the click is whole."""
        self._pressed = True

    def on_mouse_up(self) -> None:
        """Keys may scroll again."""
        self._pressed = False

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A panel that is gone to by key shows its heading, once the panel that was left has shrunk."""
        self.call_after_refresh(self.call_after_refresh, self._show_heading, event.widget)

    def _show_heading(self, view: Widget) -> None:
        panel = view.parent
        if self._pressed or self.screen.focused is not view or not isinstance(panel, Panel):
            return
        if not self.region.contains_region(panel.heading.region):
            self.scroll_to_widget(panel, top=True, animate=False, force=True)
        if isinstance(view, NamesView):
            self.call_after_refresh(view.reveal_cursor)

    @property
    def _palette(self) -> Palette:
        return palette_of(self.app.theme)

    # ── what is to be shown ──────────────────────────────────────────────────

    @property
    def shown(self) -> str:
        """The chosen name, else the newest that has a grad_fn, else the first; empty where there is none."""
        tensors = self._snapshot.tensors
        if self._chosen in tensors:
            return self._chosen
        made = [name for name in reversed(tensors) if tensors[name].grad_fn]
        return min(made, key=lambda name: not name.isidentifier(), default=next(iter(tensors), ""))

    def show(
        self, snapshot: Snapshot, changes: Sequence[Change] = (), written: Mapping[int, Ranges] | None = None
    ) -> None:
        """The namespace now, what the last run changed, and what it wrote."""
        self._snapshot, self._changes, self._written = snapshot, changes, written or {}
        self._redraw_soon()

    def begin(self) -> None:
        """A run starts: nothing is changed yet, and what is known of values is passing."""
        self._changes = ()
        self.table.light("", "")
        self._known = passing = Known(self._known.values, self._known.overlaps, passing=True)
        self.set_timer(STALE, lambda: self._let_go(passing))
        self._redraw_soon()

    def _let_go(self, passing: Known) -> None:
        """The run goes on: values from before it are no longer shown."""
        if self._known is passing:
            self._known = Known()
            self._redraw_soon()

    def choose(self, name: str, *, keep_graph: bool = False, from_table: bool = False) -> None:
        """The learner chose `name`, somewhere."""
        self._graph_of = self.graph_root() if keep_graph else ""
        self._chosen = name
        self.set_class(name != "", "-chosen")
        self.table.select(name, reveal=not from_table)
        self._redraw_soon()

    def light(self, name: str, fact: str) -> None:
        """Mark the cell that a check failed on, until the next run."""
        self.table.light(name, fact)

    def unsettled(self) -> list[str]:
        """Names whose overlap with the shown one only the kernel can tell."""
        return unsettled(relations(self.shown, self._snapshot, {})[0])

    def graph_root(self) -> str:
        """The name whose graph is shown: the chosen one, or the one in whose graph it was chosen."""
        return self._graph_of if self._graph_of in self._snapshot.tensors else self.shown

    def show_graph(self, name: str, graph: GraphFacts | None) -> None:
        """The graph behind `name`; None where no operation made it."""
        self._graph_facts = graph
        self._redraw_soon()

    def show_known(self, name: str, values: Values | None, overlaps: Mapping[str, Overlap]) -> None:
        """What the kernel says of `name` as it is now."""
        self._known = Known(values, overlaps)
        self._known_of = self._snapshot.tensors.get(name)
        self._redraw_soon()

    # ── drawing ──────────────────────────────────────────────────────────────

    def _redraw_soon(self) -> None:
        if not self._pending and self.is_mounted:
            self._pending = True
            self.set_timer(PAUSE, self.redraw)

    def redraw(self) -> None:
        """Draw everything from the snapshot."""
        self._pending = False
        self.table.show(self._snapshot, self._changes)
        self.table.select(self.shown)
        self._draw_detail()
        self._draw_storage()
        self._draw_graph()

    @on(TableListed)
    def count_names(self, message: TableListed) -> None:
        """The table's heading counts names, or says what is looked for."""
        count, omitted = len(self._snapshot.tensors), self._snapshot.unshown
        if message.typed:
            fact = f"filter: {clean(message.typed)} · {message.shown:,} of {count:,}"
        else:
            more = f", {omitted:,} more not shown" if omitted else ""
            fact = f"{count:,} live{more}" if count else "none yet"
        self._tensors_panel.heading.fact = fact

    def _room(self, view: NamesView) -> int:
        return view.room or self.scrollable_content_region.width

    def _draw_detail(self) -> None:
        name = self.shown
        facts = self._snapshot.tensors.get(name)
        self._detail_panel.display = facts is not None
        if facts is None:
            return
        known = self._known if self._known_of == facts else Known()
        change = next((c.kind for c in self._changes if c.name == name), None)
        room = self._room(self._detail)
        lines = detail_lines(name, self._snapshot, known, self._palette, room, change)
        self._detail_panel.heading.fact = f"{clean(name)}  {kind_word(facts)}"
        self._detail.show_lines(lines)

    def _draw_storage(self) -> None:
        truecolor = self.app.console.color_system == "truecolor"
        strips = storage_strips(
            self._snapshot,
            self._palette,
            self._room(self._storage),
            truecolor,
            written=self._written,
            selected=self._chosen,
        )
        self._storage.show_lines(list(strips.split("\n")) if strips else [])
        self._storage_panel.display = bool(strips)
        self._storage_panel.heading.fact = "bright = written by this run" if self._written else ""

    def _draw_graph(self) -> None:
        name, graph = self.graph_root(), self._graph_facts
        facts = self._snapshot.tensors.get(name)
        self._graph_panel.display = facts is not None
        if facts is None:
            return
        if graph is not None and facts.grad_fn:
            lines = graph_lines(
                graph, self._snapshot, self._palette, self._room(self._graph), selected=self.shown
            )
            self._graph_panel.heading.fact = f"backward from {clean(name)}"
        else:
            lines = [Text(_no_graph(facts), self._palette.muted)]
            self._graph_panel.heading.fact = clean(name)
        self._graph.show_lines(lines)


def _no_graph(facts: TensorFacts) -> str:
    name = clean(facts.name)
    if facts.grad_fn:
        return "…"
    if facts.requires_grad:
        return f"{name} is a leaf: gradients end here"
    return f"{name} has no grad_fn: autograd does not follow it"
