"""What happened before a step: the earlier statements in this namespace, and the tensors that each made."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tutor.explain.bindings import Code
from tutor.explain.entries import AGAIN, SETUP, Entry
from tutor.explain.reading import parse
from tutor.facts import Step, TensorFacts

#: Statements that are remembered, the last ones.
MOST = 1_000


@dataclass(frozen=True)
class Past:
    """The statements before a step, the oldest first, since the namespace was empty. Holds facts only, of
    the last ones. What was entered at once is told apart from what was entered before it."""

    entry: Entry = field(default_factory=Entry)
    codes: deque[Code] = field(default_factory=lambda: deque(maxlen=MOST))

    def add(self, step: Step) -> None:
        """Remember a step that ended; one that failed did nothing, unless it has parts that ran before."""
        if step.error is not None and not any(hasattr(one, "body") for one in parse(step.source)):
            return
        now = step.snapshot.tensors
        changed = {c.name: now[c.name] for c in step.changes if c.name in now}
        order = self.codes[-1].order + 1 if self.codes else 0
        self.codes.append(self._code(order, step, changed))

    def now(self, step: Step) -> Code:
        """The step's own code, behind all that is remembered."""
        order = self.codes[-1].order + 1 if self.codes else 0
        return self._code(order, step, step.snapshot.tensors)

    def _code(self, order: int, step: Step, tensors: Mapping[str, TensorFacts]) -> Code:
        return Code(
            order,
            step.source,
            first_line(step),
            tensors,
            entry=self.entry,
            operations=step.operations,
            backwards=step.backwards,
            updates=step.updates,
        )

    def begin(self, entry: Entry) -> Past:
        """The same statements, as what was there before `entry`."""
        return Past(entry, deque((_over(code, entry) for code in self.codes), MOST))

    def go_on(self, offset: int) -> Past:
        """The same statements, where what comes now belongs to them and stands `offset` lines below their
        beginning."""
        return Past(replace(self.entry, offset=offset), deque(self.codes, MOST))

    def with_steps(self, steps: Sequence[Step]) -> Past:
        """The same with more statements behind them."""
        past = Past(self.entry, deque(self.codes, MOST))
        for step in steps[-MOST:]:
            past.add(step)
        return past


def after_setup(steps: Sequence[Step]) -> Past:
    """What there is to know once a lesson's setup has run in an empty namespace."""
    return Past(Entry(SETUP)).with_steps(steps)


def _over(code: Code, entry: Entry) -> Code:
    """A statement once `entry` was entered; of an earlier run of the same file, lines have changed since."""
    again = entry.numbered and code.entry.name == entry.name
    if code.over and not again:
        return code
    was = replace(code.entry, name=AGAIN.format(name=entry.name)) if again else code.entry
    return replace(code, entry=was, over=True)


def first_line(step: Step) -> int:
    """The learner's line at which a step's code begins; a decorator stands above the line of its `def`."""
    return step.end_line - step.source.count("\n")
