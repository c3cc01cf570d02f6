"""What rules about training read: the order of backward passes and optimizer steps, and whose parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tutor.explain.bindings import Code
from tutor.explain.past import Past
from tutor.facts import BackwardFacts, Step, TensorFacts, UpdateFacts


@dataclass(frozen=True)
class Stale:
    """An optimizer step that used gradients which an earlier step had used already."""

    before: UpdateFacts
    again: UpdateFacts
    #: Passes in the gradient at the earlier step and at this one.
    had: int
    has: int


class Training:
    """Backward passes and optimizer steps up to the end of a step."""

    def __init__(self, step: Step, past: Past) -> None:
        self.step = step
        self.here = past.now(step)
        self._codes: list[Code] = [*past.codes, self.here]

    @cached_property
    def passes(self) -> list[BackwardFacts]:
        return [one for code in self._codes for one in code.backwards]

    @cached_property
    def updates(self) -> list[UpdateFacts]:
        return [one for code in self._codes for one in code.updates]

    def stale(self) -> Stale | None:
        """The first step of this statement whose gradients still held what an earlier step had used.

        The gradient of a parameter had `had` passes at the one step. Behind it came so many passes that
        reached the parameter; where nothing was set to zero it has just as many more at the next."""
        for update in self.step.updates:
            earlier = [u for u in self.updates if u.object == update.object and u.seq < update.seq]
            before = earlier[-1] if earlier else None
            between = [one for one in self.passes if before and before.seq < one.seq < update.seq]
            if before is None or not between or update.backwards - before.backwards != len(between):
                continue  # not all that happened between was recorded
            held = dict(zip(before.parameters, before.passes, strict=True))
            for number, has in zip(update.parameters, update.passes, strict=True):
                had = held.get(number, 0)
                added = sum(any(leaf.object == number for leaf in one.leaves) for one in between)
                if had > 0 and added and has == had + added:
                    return Stale(before, update, had, has)
        return None

    @cached_property
    def held(self) -> frozenset[int]:
        """Numbers of all parameters that an optimizer holds which stepped in this statement or has a name."""
        known = {n for update in self.step.updates for n in update.parameters}
        return frozenset(known.union(n for one in self.step.optimizers for n in one.parameters))

    @cached_property
    def certain(self) -> bool:
        """Whether all that optimizers hold is known."""
        return not any(u.more for u in self.step.updates) and not any(o.more for o in self.step.optimizers)

    def filled(self, passes: list[BackwardFacts]) -> frozenset[int]:
        """Numbers of the leaves that some passes gave a gradient."""
        return frozenset(leaf.object for one in passes for leaf in one.leaves if leaf.after is not None)

    def parameters(self) -> Iterator[TensorFacts]:
        """Parameters under their paths in modules, each object once, a path that is not hidden first."""
        found: dict[int, TensorFacts] = {}
        for facts in self.step.snapshot.tensors.values():
            if facts.kind == "parameter" and not facts.name.endswith(".grad"):
                known = found.get(facts.object)
                if known is None or (known.hidden and not facts.hidden):
                    found[facts.object] = facts
        yield from found.values()


def root_of(name: str) -> str:
    """The variable that a path starts from."""
    return name.partition(".")[0].partition("[")[0]


def layer_of(name: str) -> str:
    """`model.fc` for `model.fc.weight`."""
    return name.rpartition(".")[0] or name
