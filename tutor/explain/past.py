"""What happened before a step: the earlier statements of the run, and the tensors that each made."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tutor.facts import Step, TensorFacts

#: Statements that are remembered.
MOST = 1_000


@dataclass(frozen=True)
class Moment:
    """An earlier statement: its code, where it stands, and the facts of the names that it changed."""

    source: str
    line: int
    tensors: Mapping[str, TensorFacts]


@dataclass(frozen=True)
class Past:
    """The statements before a step, the oldest first. Holds facts only, of the last ones."""

    moments: deque[Moment] = field(default_factory=lambda: deque(maxlen=MOST))

    def add(self, step: Step) -> None:
        """Remember a step that ended."""
        now = step.snapshot.tensors
        changed = {c.name: now[c.name] for c in step.changes if c.name in now}
        self.moments.append(Moment(step.source, first_line(step), changed))

    def __iter__(self) -> Iterator[Moment]:
        return iter(self.moments)


def first_line(step: Step) -> int:
    """The learner's line at which a step's code begins; a decorator stands above the line of its `def`."""
    return step.end_line - step.source.count("\n")
