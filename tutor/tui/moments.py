"""What has come of the runs, and the moment of them that the whole screen shows: now, or an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.facts import Change, GraphHistory, Snapshot, Step
from tutor.session import Progressed, Session
from tutor.translation import say, translated
from tutor.tui.chronicle import Chronicle, Moment, Told
from tutor.tui.commands import key_for
from tutor.tui.follow import Following
from tutor.tui.messages import RunStarted
from tutor.tui.page import HINT
from tutor.tui.panels.shown import Past
from tutor.tui.selecting import LOOK_PAUSE, Selecting
from tutor.view.kept_values import values_at
from tutor.view.strips import Ranges

#: Seconds between looks at what a run has done so far.
FOLLOW_PAUSE = 1 / 15
#: Where a look takes long, so many times as long as it takes, but no more than these seconds.
FOLLOW_SHARE, MOST_PAUSE = 3, 0.5


class Moments(Selecting):
    """Follows the run under way, and goes back and forward through what ran."""

    def __init__(self, session: Session, store: Store, lesson: Lesson | None) -> None:
        super().__init__(session, store, lesson)
        self.chronicle = Chronicle()
        self.graph_history = GraphHistory()
        self.following = Following("step", Snapshot())
        self._follow_pending = False
        #: What the last run of the editor wrote, or a line at the prompt since.
        self._written: Mapping[int, Ranges] = {}

    # ── the run under way ────────────────────────────────────────────────────

    def follow_run(self, message: RunStarted, title: str, source: str) -> Told:
        """A run begins: it is what happens now."""
        self.to_now()
        self.following = Following(message.kind, message.before, message.past)
        told = Told(self.following, source, title)
        self.chronicle.begin(told)
        return told

    def follow_nothing(self) -> None:
        """Another step, or a fresh kernel: what ran is of no interest any more."""
        self.to_now()
        self.chronicle.clear()
        self.graph_history = GraphHistory()
        self.following = Following("step", Snapshot())
        self.show_facts(Snapshot(), (), {})
        self.inspector.show_scalars(None)
        self.inspector.show_passes(())

    def follow_step(self, step: Step) -> None:
        """A statement of the run ended."""
        if step.graphs is not None:
            self.graph_history.add(step.graphs)
            step = replace(step, graphs=step.graphs.when)
        self.following.add(step)
        told = self.chronicle.newest
        if told is not None and told.entry is not None:
            told.ends.append(told.entry.lines_so_far)
        if not self._follow_pending:
            self._follow_pending = True
            pause = max(FOLLOW_PAUSE, FOLLOW_SHARE * self.inspector.cost)
            self.set_timer(min(pause, MOST_PAUSE), self.follow)

    def follow_progress(self, event: Progressed) -> None:
        """The running statement goes on."""
        self.inspector.show_live(event)

    def show_facts(
        self,
        snapshot: Snapshot,
        changes: Sequence[Change],
        written: Mapping[int, Ranges],
        step: Step | None = None,
    ) -> None:
        """The namespace as it is now."""
        self.inspector.show(snapshot, changes, written, step)
        name = next(reversed(snapshot.tensors), "")
        if self.runner.session.state == "dead":
            self.repl.suggest(say("no kernel: {key} starts one", key=key_for("restart")))
        else:
            self.repl.suggest(
                say("try something: {code}", code=f"{name}.is_contiguous()")
                if name.isidentifier()
                else translated(HINT)
            )

    def follow(self) -> None:
        """Show the notes and facts that there are so far, unless an earlier moment is looked at."""
        self._follow_pending = False
        run = self.following
        written = run.written()
        if written or run.kind == "step":
            self._written = written
        if self.chronicle.moment is not None:
            return
        if run.kind == "step":
            self.editor.annotate(run.notes())
        told = self.chronicle.newest
        if self.runner.session.state == "paused" and told is not None and told.steps:
            last = Moment(told, len(told.steps) - 1)
            self.show_facts(run.snapshot, last.changes, last.written(), run.step)
        else:
            self.show_facts(run.snapshot, run.changes, self._written, run.step)
        self.inspector.show_passes(run.passes)
        self.inspector.show_scalars(next((s for s in reversed(run.steps) if s.scalars), None))

    # ── earlier moments ──────────────────────────────────────────────────────

    @property
    def is_past(self) -> bool:
        """An earlier moment is shown."""
        return self.chronicle.moment is not None

    @property
    def looks_back(self) -> bool:
        """An earlier moment is shown, or code waits between two statements."""
        return self.is_past or self.runner.session.state == "paused"

    @property
    def can_look_back(self) -> bool:
        """Nothing runs, or what runs waits between two statements."""
        newest = self.chronicle.newest
        waits = not self.runner.busy or self.runner.session.state == "paused"
        return waits and newest is not None

    def offers_moment(self, action: str) -> bool:
        """Whether a way through time is open; from now, Escape leads from the editor to the prompt."""
        if action == "leave":
            return not self.is_past and self.focused in (self.editor, self.repl)
        if action in ("later", "now"):
            return self.is_past
        return self.can_look_back

    def action_earlier(self) -> None:
        """One statement back."""
        if self.chronicle.earlier():
            self._show_moment()

    def action_later(self) -> None:
        """One statement forward; after the last comes now."""
        if self.chronicle.later():
            self._show_moment()

    def action_first(self) -> None:
        """The first statement of the run."""
        if self.chronicle.first():
            self._show_moment()

    def action_now(self) -> None:
        """Back to now."""
        self.to_now()

    def to_now(self) -> None:
        """Whatever moment is looked at: show what is."""
        if self.chronicle.moment is not None:
            self.chronicle.now()
            self._show_moment()

    def _show_moment(self) -> None:
        """The whole screen as it was, or as it is now."""
        moment = self.chronicle.moment
        self._moment += 1  # what was asked of the kernel before is of no interest
        self.set_class(moment is not None, "-past")
        self._show_editor(moment)
        if moment is None:
            self.inspector.show_past(None)
            self.out.show_part(None, range(0))
            self.follow()
        else:
            self.inspector.show_past(Past(moment, (), self.graph_history))
            self.set_timer(LOOK_PAUSE, lambda: self._explain(moment))
            self.inspector.show(moment.snapshot, moment.changes, moment.written(), moment.step)
            self.inspector.show_passes(moment.step.backwards)
            self.inspector.show_scalars(moment.step if moment.step.scalars else None)
            self.out.show_part(moment.told.entry, moment.output())
        self.show_state()
        self.look()

    def _explain(self, moment: Moment) -> None:
        """What the rules say of a statement, once its moment is stayed at."""
        if moment == self.chronicle.moment:
            self.inspector.show_explained(Past(moment, moment.explanations(), self.graph_history))

    def _show_editor(self, moment: Moment | None) -> None:
        told = self.chronicle.last_in_editor()
        if told is None:
            self.editor.forget()
            return
        here = moment is not None and moment.told is told
        count = moment.at + 1 if moment is not None and here else len(told.steps)
        lines = (moment.step.line, moment.step.end_line) if moment is not None and here else (0, 0)
        self.editor.recall(told.source, told.notes(count), *lines)

    def look(self) -> None:
        """At an earlier moment only the records can answer: the kernel is past it."""
        moment = self.chronicle.moment
        if moment is None:
            super().look()
        elif name := self.inspector.shown:
            around = self.inspector.out_of_sight() or ()
            self.inspector.show_known(name, values_at(name, moment.snapshot, around), {})

    async def _look_further(self) -> None:
        moment, name, element = self.chronicle.moment, self.inspector.shown, self.inspector.out_of_sight()
        if moment is None:
            await super()._look_further()
        elif element is not None:
            self.inspector.show_values(name, values_at(name, moment.snapshot, element))

    def _fact(self) -> str:
        """Which moment is shown, and how to come back."""
        moment = self.chronicle.moment
        if moment is None:
            return super()._fact()
        where = moment.place if moment.told.in_editor else say("at the prompt, {place}", place=moment.place)
        return say("{where} · {key} now", where=where, key=key_for("now"))
