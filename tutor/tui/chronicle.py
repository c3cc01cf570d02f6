"""The moments that the screen can go back to: each statement of the runs whose records are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tutor.explain import explain_step
from tutor.facts import Change, Explanation, Snapshot, Step
from tutor.translation import say
from tutor.tui.entries import Entry
from tutor.tui.follow import Following
from tutor.view.notes import Note
from tutor.view.strips import Ranges, written_by

#: Statements and runs that are kept, and characters that they printed, of all runs but the newest.
KEPT_STEPS, KEPT_RUNS, KEPT_TEXT = 20_000, 200, 8_000_000
#: Names and blocks in all their snapshots, where those are not the same as before: some 40 bytes each.
KEPT_FACTS = 4_000_000


@dataclass(eq=False)
class Told:
    """One run as it is kept: its records, and where its output is."""

    following: Following
    source: str
    #: What the run is called: a file, or the first line of what was entered.
    title: str
    entry: Entry | None = None
    #: How many statements there are, where not all have run.
    total: int = 0
    #: Lines of output that there were when each statement had ended.
    ends: list[int] = field(default_factory=list)

    @property
    def steps(self) -> Sequence[Step]:
        return self.following.steps

    @property
    def weight(self) -> int:
        """Names and blocks in its snapshots, where those are not the same as before."""
        before, count = self.following.before, 0
        for step in self.steps:
            now = step.snapshot
            count += len(now.tensors) if now.tensors is not before.tensors else 0
            count += len(now.storages) if now.storages is not before.storages else 0
            before = now
        return count

    @property
    def in_editor(self) -> bool:
        """The editor's code ran, not a line of the prompt."""
        return self.following.kind == "step"

    def notes(self, count: int) -> Mapping[int, Note]:
        """Line notes of the first `count` statements."""
        return self.following.notes(count)


@dataclass(frozen=True)
class Moment:
    """Just after statement `at`, counted from 0, of a run."""

    told: Told
    at: int
    #: Nothing earlier is kept, though there was something.
    is_oldest_kept: bool = False

    @property
    def step(self) -> Step:
        return self.told.steps[self.at]

    @property
    def before(self) -> Snapshot:
        """The namespace before the statement."""
        return self.told.steps[self.at - 1].snapshot if self.at else self.told.following.before

    @property
    def snapshot(self) -> Snapshot:
        return self.step.snapshot

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.step.changes

    def written(self) -> Mapping[int, Ranges]:
        """Element ranges that the statement wrote, by block."""
        return written_by([self.step], self.before)

    def explanations(self) -> tuple[Explanation, ...]:
        """What the rules say of the statement."""
        past = self.told.following.past.with_steps(self.told.steps[: self.at])
        return tuple(explain_step(self.step, self.before, past))

    @property
    def place(self) -> str:
        """Which moment this is: `line 3, statement 2 of 5`."""
        step, count = self.step, max(self.told.total, len(self.told.steps))
        n, line, end = self.at + 1, step.line, step.end_line
        if line == end:
            return say("line {line}, statement {n} of {count}", line=line, n=n, count=count)
        return say("lines {line}–{end}, statement {n} of {count}", line=line, end=end, n=n, count=count)

    def output(self) -> range:
        """The lines of the run's output that the statement wrote, or ended."""
        ends = self.told.ends
        if self.at >= len(ends):
            return range(0)
        begin, end = ends[self.at - 1] if self.at else 0, ends[self.at]
        if begin == end and self.step.stdout and end:
            begin -= 1  # it went on with a line that had begun
        return range(begin, end)


class Chronicle:
    """Runs in order, and the moment that is looked at: None is now."""

    def __init__(self) -> None:
        self._runs: list[Told] = []
        self._dropped = False
        #: Index of the run and of its statement.
        self._at: tuple[int, int] | None = None

    def begin(self, told: Told) -> None:
        """A run starts, now."""
        self._at = None
        self._runs.append(told)
        self._drop_old()

    def clear(self) -> None:
        """Another page: nothing has run."""
        self._runs.clear()
        self._at, self._dropped = None, False

    @property
    def newest(self) -> Told | None:
        """The run under way, or the last one."""
        return self._runs[-1] if self._runs else None

    @property
    def moment(self) -> Moment | None:
        """What is looked at; None is now."""
        if self._at is None:
            return None
        run, at = self._at
        oldest = self._dropped and not any(told.steps for told in self._runs[:run]) and at == 0
        return Moment(self._runs[run], at, oldest)

    def last_in_editor(self) -> Told | None:
        """The editor's last run up to the moment that is looked at: its notes are what stands there."""
        end = len(self._runs) if self._at is None else self._at[0] + 1
        return next((told for told in reversed(self._runs[:end]) if told.in_editor), None)

    def earlier(self) -> bool:
        """One statement back; False where there is none."""
        run, at = self._at if self._at is not None else (len(self._runs), 0)
        if at > 0:
            self._at = (run, at - 1)
            return True
        while run > 0:
            run -= 1
            if self._runs[run].steps:
                self._at = (run, len(self._runs[run].steps) - 1)
                return True
        return False

    def later(self) -> bool:
        """One statement forward, or to now; False at now."""
        if self._at is None:
            return False
        run, at = self._at
        if at + 1 < len(self._runs[run].steps):
            self._at = (run, at + 1)
            return True
        following = (after for after in range(run + 1, len(self._runs)) if self._runs[after].steps)
        after = next(following, None)
        self._at = (after, 0) if after is not None else None
        return True

    def first(self) -> bool:
        """The first statement of the run that is looked at, or of the last one."""
        run = self._at[0] if self._at is not None else len(self._runs) - 1
        while run >= 0 and not self._runs[run].steps:
            run -= 1
        if run < 0:
            return False
        self._at = (run, 0)
        return True

    def now(self) -> None:
        """Back to now."""
        self._at = None

    def _drop_old(self) -> None:
        """The oldest runs go while there is too much; the newest stays whole."""
        steps = sum(len(told.steps) for told in self._runs)
        text = sum(len(step.stdout) for told in self._runs for step in told.steps)
        facts = sum(told.weight for told in self._runs)
        while len(self._runs) > 1 and (
            steps > KEPT_STEPS or text > KEPT_TEXT or facts > KEPT_FACTS or len(self._runs) > KEPT_RUNS
        ):
            oldest = self._runs.pop(0)
            steps -= len(oldest.steps)
            facts -= oldest.weight
            text -= sum(len(step.stdout) for step in oldest.steps)
            self._dropped = self._dropped or bool(oldest.steps)
