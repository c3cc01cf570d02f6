"""What has come of the run under way, and of the last one: values made from its records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tutor.explain import Past, explain_step
from tutor.explain.repair import Explained, explained_by
from tutor.facts import BackwardFacts, Change, Explanation, Snapshot, Step
from tutor.view.notes import Note, Noting, together
from tutor.view.strips import Ranges, Writes

#: Backward passes that can be replayed, and statements that are searched for them.
PASSES, PASSES_SOUGHT = 100, 1_000

RunKind = Literal["step", "line"]


class Following:
    """The records of one run as they come."""

    def __init__(self, kind: RunKind, before: Snapshot, past: Past | None = None) -> None:
        self.kind = kind
        self.before = before
        #: What ran in the namespace before.
        self.past = past if past is not None else Past()
        self.steps: list[Step] = []
        # All that is made of the records is made once a statement: a run may have thousands.
        self._noting, self._placed = Noting(before), list[tuple[int, Note] | None]()
        self._writes = Writes(before)
        self._changes: dict[str, Change] = {}

    def add(self, step: Step) -> None:
        """A statement ended."""
        self.steps.append(step)
        self._writes.add(step)
        self._changes.update((change.name, change) for change in step.changes)

    @property
    def snapshot(self) -> Snapshot:
        return self.steps[-1].snapshot if self.steps else self.before

    @property
    def step(self) -> Step | None:
        """The statement that ended last."""
        return self.steps[-1] if self.steps else None

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the whole run changed so far, each name once."""
        return tuple(self._changes.values())

    @property
    def passes(self) -> tuple[BackwardFacts, ...]:
        """The last backward passes of the run, in order."""
        found: list[BackwardFacts] = []
        for step in self.steps[-PASSES_SOUGHT:]:
            found += step.backwards
        return tuple(found[-PASSES:])

    def notes(self, count: int | None = None) -> Mapping[int, Note]:
        """Notes by the 1-based last line of each statement, or of each of the first `count`."""
        self._placed += map(self._noting.add, self.steps[len(self._placed) :])
        return together(self._placed[:count])

    def facts_told(self) -> tuple[Note, ...]:
        """The notes that tell of memory, for code without an editor to show them beside."""
        return tuple(note for note in self.notes().values() if note.block is not None)

    def explained(self) -> tuple[Explained, ...]:
        """What the rules say of errors and of what is probably wrong; plain notes stay out."""
        found: list[Explained] = []
        before, past = self.before, self.past.with_steps(())
        for step in self.steps:
            told = explain_step(step, before, past)
            found += [explained_by(step, each) for each in told if each.kind != "note"]
            before = step.snapshot
            past.add(step)
        return tuple(found)

    def explanations(self) -> tuple[Explanation, ...]:
        """The same, without their places in the code."""
        return tuple(each.explanation for each in self.explained())

    def written(self) -> Mapping[int, Ranges]:
        """Element ranges that the run wrote, by block."""
        return self._writes.by_block()
