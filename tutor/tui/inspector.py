"""What a moment looks like from inside: tensors, storage, the autograd graph."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widget import Widget

from tutor.facts import BackwardFacts, Change, GraphOutline, NodeFacts, Overlap, Shape, Snapshot, Step, Values
from tutor.session import Progressed
from tutor.tui.heading import Panel
from tutor.tui.messages import ReplayMoved
from tutor.tui.names_view import NamesView
from tutor.tui.pane import Pane
from tutor.tui.panels.detail import DetailPanel
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.graph import GraphPanel
from tutor.tui.panels.live import LivePanel
from tutor.tui.panels.moment import MomentPanel
from tutor.tui.panels.operations import OperationsPanel
from tutor.tui.panels.replay import ReplayPanel
from tutor.tui.panels.shown import Live, Past, Shown
from tutor.tui.panels.storage import StoragePanel
from tutor.tui.panels.tensors import TensorsPanel
from tutor.view.detail import Known
from tutor.view.relations import relations, unsettled
from tutor.view.strips import Ranges
from tutor.view.windows import is_in_sight

#: Seconds between redraws while records come quickly.
PAUSE = 1 / 20
#: Seconds in which it is known whether the focus moved by key or by the mouse.
TOUCH = 0.03
#: Seconds after which no click follows a button that went up.
CLICK = 0.5
#: Seconds after which a button is taken to be up: the terminal may not have told of it.
LONGEST_PRESS = 10.0
#: Seconds into a run for which the values from before it stay, drawn as passing; a quick run needs no gap.
STALE = 0.3


class Inspector(VerticalScroll, can_focus=False):
    """Holds what is shown, and has every panel draw it."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._tensors = TensorsPanel()
        self.table = self._tensors.table
        self._detail, self._storage, self._graph = DetailPanel(), StoragePanel(), GraphPanel()
        self._live, self._replay = LivePanel(), ReplayPanel()
        self._panels: tuple[Drawn, ...] = (
            MomentPanel(),
            self._live,
            self._tensors,
            OperationsPanel(),
            self._detail,
            self._storage,
            self._replay,
            self._graph,
        )
        self._now = Shown()
        #: Seconds that the last drawing took until it was on the screen.
        self.cost = 0.0
        self._pending = False
        self._pressed = False
        self._releasing: Timer | None = None
        #: The selected element is another one than was drawn last.
        self._lit_moved = False

    def compose(self) -> ComposeResult:
        """The panels."""
        yield from self._panels

    def panes(self) -> list[Pane]:
        """The parts that can have the focus."""
        return [panel.pane for panel in self._panels if panel.display]

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
        self._release_after(LONGEST_PRESS)

    def button_is_up(self) -> None:
        """A click may follow, or none, as when the pointer went elsewhere meanwhile."""
        if self._pressed:
            self._release_after(CLICK)

    def _release_after(self, seconds: float) -> None:
        if self._releasing is not None:
            self._releasing.stop()
        self._releasing = self.set_timer(seconds, self._release)

    def on_click(self) -> None:
        """The click is whole: keys may scroll again, and the panel that has the focus may open."""
        self._release()

    def _release(self) -> None:
        if self._releasing is not None:
            self._releasing.stop()
        self._pressed = False
        self._open_panel()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A panel that is gone to by key shows its heading, once the panel that was left has shrunk."""
        self.set_timer(TOUCH, partial(self._arrive, event.widget))

    def _arrive(self, view: Widget) -> None:
        self._mind_panel()
        self.call_after_refresh(self.call_after_refresh, self._show_heading, view)

    def on_descendant_blur(self) -> None:
        """A panel that was left shrinks."""
        self.set_timer(TOUCH, self._mind_panel)

    def _mind_panel(self) -> None:
        if not self._pressed:  # else the release does it
            self._open_panel()

    def _open_panel(self) -> None:
        for panel in self._panels:
            panel.open(panel.view.has_focus)

    def _show_heading(self, view: Widget) -> None:
        panel = view.parent
        if self._pressed or self.screen.focused is not view or not isinstance(panel, Panel):
            return
        if not self.region.contains_region(panel.heading.region):
            self.scroll_to_widget(panel, top=True, animate=False, force=True)
        if isinstance(view, NamesView):
            self.call_after_refresh(view.reveal_cursor)

    # ── what is to be shown ──────────────────────────────────────────────────

    @property
    def now(self) -> Shown:
        """What the panels are drawn from."""
        return self._now

    @property
    def shown(self) -> str:
        """The name that is shown; empty where there is none."""
        return self._now.name

    def graph_root(self) -> str:
        """The name whose graph is shown."""
        return self._now.root

    def show(
        self,
        snapshot: Snapshot,
        changes: Sequence[Change] = (),
        written: Mapping[int, Ranges] | None = None,
        step: Step | None = None,
    ) -> None:
        """The namespace at a moment, what changed up to it, what the run wrote, and what `step` did."""
        self._set(snapshot=snapshot, changes=changes, written=written or {}, step=step)

    def show_past(self, past: Past | None) -> None:
        """Which earlier moment is shown; None is now."""
        self._set(past=past, graph=None, known=Known())

    def show_explained(self, past: Past) -> None:
        """What the rules say of the statement at that moment."""
        self._set(past=past)

    def follow_steps(self, stepped: bool) -> None:
        """What a statement touched is shown first, where the code is run one at a time."""
        self._set(stepped=stepped)

    def show_live(self, progress: Progressed | None) -> None:
        """How the running statement goes; None once it is over. Only what tells of that is drawn anew."""
        live = None if progress is None else Live(progress, self._now.live.elapsed if self._now.live else 0.0)
        self._now = replace(self._now, live=live)
        self._live.draw(self._now)

    def show_elapsed(self, seconds: float) -> None:
        """For how long the run has gone on."""
        if self._now.live is not None:
            self._now = replace(self._now, live=replace(self._now.live, elapsed=seconds))
            self._live.draw(self._now)

    def show_passes(self, passes: Sequence[BackwardFacts]) -> None:
        """Backward passes that can be replayed."""
        self._set(passes=tuple(passes), replayed=None)

    def on_replay_moved(self, message: ReplayMoved) -> None:
        """The replay stands at another node, which the graph marks."""
        message.stop()
        self._set(replayed=message.node)

    def show_scalars(self, step: Step | None) -> None:
        """The statement whose scalars are to be seen once nothing runs."""
        self._set(course=step)

    def begin(self) -> None:
        """A run starts: nothing is changed yet, and what is known of values is passing."""
        self.table.light("", "")
        known = self._now.known
        passing = Known(known.values, known.overlaps, passing=True)
        self._set(changes=(), step=None, stepped=False, known=passing, index=None, evidence=())
        self.set_timer(STALE, lambda: self._let_go(passing))

    def _let_go(self, passing: Known) -> None:
        """The run goes on: values from before it are no longer shown."""
        if self._now.known is passing:
            self._set(known=Known(passing=True))

    def choose(self, name: str, *, keep_graph: bool = False, from_table: bool = False) -> None:
        """The learner chose `name`, somewhere."""
        self._set(graph_of=self._now.root if keep_graph else "", chosen=name)
        self.set_class(name != "", "-chosen")
        self.table.select(name, reveal=not from_table)

    def choose_element(self, name: str, index: Shape) -> None:
        """The learner chose an element of `name`, somewhere."""
        self._set(index=index, index_of=name)
        self._lit_moved = True

    def out_of_sight(self) -> Shape | None:
        """The chosen element, where it and its neighbours are not among the known values."""
        facts, element = self._now.facts, self._now.element
        if facts is None or element is None or is_in_sight(facts, self._now.known_now.values, element):
            return None
        return element

    def show_values(self, name: str, values: Values) -> None:
        """Another window of the values of `name` as it is now."""
        self._lit_moved = True
        known = Known(values, self._now.known_now.overlaps)
        self._set(known=known, known_of=self._now.snapshot.tensors.get(name))

    def light(self, name: str, fact: str) -> None:
        """Mark the cell that a check failed on, until the next run."""
        self.table.light(name, fact)

    def show_evidence(self, names: Sequence[str]) -> None:
        """Mark the names that an explanation is about, until the next run."""
        self._set(evidence=tuple(names))

    def unsettled(self) -> list[str]:
        """Names whose overlap with the shown one only the kernel can tell."""
        return unsettled(relations(self.shown, self._now.snapshot, {})[0])

    def show_graph(self, name: str, graph: GraphOutline | None) -> None:
        """The graph behind `name`; None where no operation made it."""
        self._set(graph=graph)

    def graph_outline(self) -> GraphOutline | None:
        """The graph that is drawn, of now or of an earlier moment; None where there is none."""
        return self._graph.outline if self._graph.display else None

    def show_nodes(self, nodes: Iterable[NodeFacts]) -> None:
        """What the kernel says of nodes of the graph that is shown."""
        self._graph.tell(nodes)

    def show_known(self, name: str, values: Values | None, overlaps: Mapping[str, Overlap]) -> None:
        """What the kernel says of `name` as it is now."""
        self._set(known=Known(values, overlaps), known_of=self._now.snapshot.tensors.get(name))

    def _set(self, **facts: object) -> None:
        self._now = replace(self._now, **facts)  # type: ignore[arg-type]
        self._redraw_soon()

    # ── drawing ──────────────────────────────────────────────────────────────

    def _redraw_soon(self) -> None:
        if not self._pending and self.is_mounted:
            self._pending = True
            self.set_timer(PAUSE, self.redraw)

    def redraw(self) -> None:
        """Have everything drawn."""
        self._pending = False
        self.call_after_refresh(self._drawn_since, time.perf_counter())
        self.set_class(self._now.element is not None, "-lit")
        for panel in self._panels:
            panel.draw(self._now)
        if self._lit_moved and not self._pressed:
            self._lit_moved = False
            self.set_timer(PAUSE, self._show_lit)

    def _drawn_since(self, began: float) -> None:
        self.cost = time.perf_counter() - began

    def _show_lit(self) -> None:
        """Have the selected element seen in both panels, where the screen is high enough for that."""
        first, last = self._storage.reveal_lit, self._detail.reveal_lit
        if self._storage.view.has_focus:
            first, last = last, first
        first()
        # The second looks at where the first has scrolled to.
        self.call_after_refresh(self.call_after_refresh, last)
