"""The one selected name: chosen anywhere, shown everywhere, and what the kernel is asked about it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from textual import events, on
from textual.widget import Widget
from textual.widgets import TextArea

from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.facts import GraphOutline, NodeFacts, Overlap
from tutor.session import Session
from tutor.translation import say
from tutor.tui.messages import ElementSelected, NameSelected, NodesWanted
from tutor.tui.page import Page
from tutor.tui.panels.shown import Shown

#: Seconds that a selection rests before the kernel is asked about it.
LOOK_PAUSE = 0.06
#: Seconds that an element rests before more values are asked for: a held key runs past many.
STEP_PAUSE = 0.03
#: Seconds that the editor's cursor rests on a line before the line's name is selected.
REST = 0.25


class Selecting(Page):
    """Keeps the selected name. Answers that come after the next run began are dropped."""

    def __init__(self, session: Session, store: Store, lesson: Lesson | None) -> None:
        super().__init__(session, store, lesson)
        #: The name that the learner chose; empty until then.
        self.selected = ""
        #: Counts the runs: an answer belongs to the moment in which it was asked for.
        self._moment = 0
        self._cursor_moved = 0.0
        #: The moment in which the cursor moved: notes that a later run wrote below it are not meant.
        self._cursor_moment = 0
        self._rest_pending = False

    @on(NameSelected)
    def select_name(self, message: NameSelected) -> None:
        """Show the name everywhere."""
        source = message.source
        self.selected = message.name
        self.inspector.choose(
            message.name, keep_graph=source in ("graph", "replay"), from_table=source == "table"
        )
        self.editor.mark_name(message.name)
        self.look()

    @on(ElementSelected)
    def select_element(self, message: ElementSelected) -> None:
        """Show the element everywhere; values that are out of sight are asked for."""
        if message.name != self.selected:
            self.select_name(NameSelected(message.name, "storage"))
        self.inspector.choose_element(message.name, message.index)
        if self.inspector.out_of_sight() is not None:
            self.run_worker(self._look_further, group="window", exclusive=True)  # type: ignore[arg-type]

    async def _look_further(self) -> None:
        await asyncio.sleep(STEP_PAUSE)
        moment, name, element = self._moment, self.inspector.shown, self.inspector.out_of_sight()
        values = await self.runner.values(name, element) if element is not None else None
        if values is not None and self._is_now(moment, name):
            self.inspector.show_values(name, values)

    @on(events.MouseUp)
    def mind_button(self) -> None:
        """A button went up, wherever: the inspector held still for it."""
        self.inspector.button_is_up()

    def forget_selection(self) -> None:
        """Another step, or a fresh kernel: its names are other names."""
        self.selected = ""
        self._moment += 1
        self.inspector.choose("", from_table=True)
        self.editor.mark_name("")

    def action_replay(self) -> None:
        """Record backward passes from the next run on, or no longer; remembered like the theme."""
        wanted = not self.store.setting("replay", True)
        self.store.set_setting("replay", wanted)
        self.mind_replay()
        on = say("Backward passes are recorded from the next run on.")
        self.out.say(on if wanted else say("Backward passes are no longer recorded."))

    @on(events.ScreenResume)
    def mind_replay(self) -> None:
        """Whether passes are recorded may have been decided on another screen."""
        self.runner.session.replay = self.store.setting("replay", True)

    def begin_moment(self) -> None:
        """Code is about to run: what was asked before is no longer of interest."""
        self._moment += 1
        self.inspector.begin()

    def look(self) -> None:
        """Ask the kernel about the shown name, once the selection rests."""
        self.run_worker(self._look, group="look", exclusive=True)  # type: ignore[arg-type]

    async def _look(self) -> None:
        await asyncio.sleep(LOOK_PAUSE)
        moment, name, root = self._moment, self.inspector.shown, self.inspector.graph_root()
        if not name:
            return
        graph = await self.runner.graph(root)
        if self._is_now(moment, name):
            self.inspector.show_graph(root, graph)
        values = await self.runner.values(name, self.inspector.out_of_sight() or ())
        overlaps: dict[str, Overlap] = {}
        for other in self.inspector.unsettled() if self._is_now(moment, name) else ():
            answer = await self.runner.overlap(name, other)
            if answer is not None:
                overlaps[other] = answer
        if self._is_now(moment, name):
            self.inspector.show_known(name, values, overlaps)

    @on(NodesWanted)
    async def tell_of_nodes(self, message: NodesWanted) -> None:
        """Nodes of the graph are on the screen: say what there is to say of them."""
        moment, name, root = self._moment, self.inspector.shown, self.inspector.graph_root()
        nodes = await self.runner.nodes(root, message.numbers)
        if self._is_now(moment, name):
            self.inspector.show_nodes(nodes)

    # ── export ───────────────────────────────────────────────────────────────

    def action_export_graph(self) -> None:
        """Write the graph that is shown to a file."""
        self.run_worker(self._export_graph, group="export", exclusive=True)  # type: ignore[arg-type]

    async def _export_graph(self) -> None:
        from tutor.export import FORMATS, ExportError, write, written_as
        from tutor.tui.exporting import FileScreen, format_chooser

        shown, outline = self.inspector.now, self.inspector.graph_outline()
        if outline is None:
            self.notify(say("There is no graph to export: select a tensor that has a grad_fn."), markup=False)
            return
        name = shown.root
        nodes = await self._nodes_of(shown, outline)
        kind = await self.app.push_screen_wait(format_chooser(name))
        if kind is None:
            return
        stem = "".join(each if each.isalnum() else "_" for each in name).strip("_") or "graph"
        target = await self.app.push_screen_wait(
            FileScreen(say("export {name}", name=name), stem + FORMATS[kind])
        )
        if target is None:
            return
        title = say("backward from {name}", name=name)
        try:
            data = await asyncio.to_thread(written_as, kind, outline, nodes, shown.snapshot, title)
            write(target.path, data, overwrite=target.overwrite)
        except FileExistsError:
            there = say("{path} is there already: nothing was written.", path=target.path)
            self.notify(there, severity="error", markup=False)
        except ExportError as error:
            self.notify(str(error), severity="error", markup=False, timeout=8)
        else:
            written = say(
                "Graph of {name}: {count:,} nodes written to {path}.",
                name=name,
                count=len(outline.kind),
                path=target.path.absolute(),
            )
            self.notify(written, markup=False, timeout=8)

    async def _nodes_of(self, shown: Shown, outline: GraphOutline) -> dict[int, NodeFacts]:
        """All about the nodes of the graph that is shown, as far as it is known."""
        if shown.past is not None:
            found: Sequence[NodeFacts] = shown.past.graphs.nodes(outline.numbers, shown.past.moment.step)
        else:
            found = await self.runner.nodes(shown.root, outline.numbers)
        return {node.number: node for node in found if node.number is not None}

    def _is_now(self, moment: int, name: str) -> bool:
        return moment == self._moment and self.runner.answers and name == self.inspector.shown

    def scroll_to_center(self, widget: Widget, *args: Any, **options: Any) -> None:
        """What Textual does with a focused widget; the inspector's panels keep their headings in view."""
        if self.inspector not in widget.ancestors:
            super().scroll_to_center(widget, *args, **options)

    # ── the editor ───────────────────────────────────────────────────────────

    @on(TextArea.SelectionChanged, "#code")
    def mind_cursor(self) -> None:
        """A cursor that rests on a line with a note selects what the note is about."""
        self._cursor_moved, self._cursor_moment = time.monotonic(), self._moment
        if not self._rest_pending:
            self._rest_pending = True
            self.set_timer(REST, self._cursor_rests)

    def _cursor_rests(self) -> None:
        left = REST - (time.monotonic() - self._cursor_moved)
        if left > 0.01:
            self.set_timer(left, self._cursor_rests)
            return
        self._rest_pending = False
        if self._cursor_moment != self._moment:
            return
        name = self.editor.name_at_cursor()
        if self.editor.has_focus and name and name != self.selected:
            self.editor.tell_name(name)
