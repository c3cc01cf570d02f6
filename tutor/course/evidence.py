"""What a run's records say about a variable: its facts, and which line of the learner's made it so."""

from __future__ import annotations

import ast
from functools import cached_property

from tutor.course.effects import Effect, Effects
from tutor.course.originals import Originals
from tutor.course.reading import root_of
from tutor.facts import Run, Snapshot, TensorFacts
from tutor.facts import Step as RunStep


class Evidence:
    """The records of one run of the learner's code, `before` included."""

    def __init__(self, run: Run, setup: str = "") -> None:
        self.run = run
        self.before: Snapshot = run.before
        self.after: Snapshot = run.steps[-1].snapshot if run.steps else run.before
        self._setup = setup

    @cached_property
    def tree(self) -> ast.Module:
        """The learner's code; empty where it does not parse."""
        try:
            return ast.parse(self.run.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ast.Module(body=[], type_ignores=[])

    def facts(self, name: str) -> TensorFacts | None:
        """The tensor or array of that name or path at the end."""
        return self.after.tensors.get(name)

    @cached_property
    def effects(self) -> Effects:
        """What the learner's statements did to variables."""
        return Effects(self.run, self._setup)

    def effect_on(self, name: str, fact: str = "") -> Effect | None:
        """The last line of the learner's that had an effect on what `fact` tells of a variable or expression;
        of one that no line touched, the last that uses it."""
        found = self.effects.last(name, fact)
        if found is None and (line := self.effects.mention(name)) is not None:
            return Effect(line, "likely", root_of(name))
        return found

    def line_of(self, name: str, fact: str = "") -> int | None:
        """The line of that effect."""
        found = self.effect_on(name, fact)
        return found.line if found is not None else None

    def source_of(self, line: int | None) -> str:
        """The text of a line without its indentation."""
        lines = self.run.source.split("\n")
        return lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else ""

    def origin(self, name: str) -> tuple[TensorFacts | None, int]:
        """A variable as it was at first, and the index of the first step to look at.

        Where the learner makes it again as it was, that counts as the original; of a variable that the setup
        does not have, what the learner first gave the name to.
        """
        found = self.originals.of(name)
        return found[-1] if found else (None, len(self.run.steps) + 1)

    @cached_property
    def originals(self) -> Originals:
        """What stands for the variables of the setup."""
        return Originals(self.run, self._setup)

    def was_rebound(self, name: str) -> bool:
        """Whether the name stands for another object than it did at first."""
        facts, _ = self.origin(name)
        now = self.facts(name)
        return facts is not None and (now is None or now.object != facts.object)

    def compared(self, name: str) -> bool:
        """Whether every write to its memory is seen, also what torch does not count."""
        facts = self.facts(name)
        block = facts.block if facts is not None else None
        storage = self.after.storages.get(block) if block is not None else None
        return storage is None or storage.compared

    def writers(self, name: str) -> list[int]:
        """Lines of the statements that wrote to the memory that `name` had at first."""
        facts, first = self.origin(name)
        if facts is None:
            return []
        lines = []
        held = True
        for step in self.run.steps[first:]:
            for change in step.changes:
                if change.name == name and change.kind in ("rebound", "deleted"):
                    held = False
            written = held and any(c.name == name and c.kind == "written" for c in step.changes)
            if written or self._wrote_to(step, facts):
                lines.append(self.effects.within(step, name))
        return lines

    def was_made_and_written(self, name: str) -> bool:
        """Whether one statement, a block or a call of the learner's, made the tensor and wrote to it."""
        facts, first = self.origin(name)
        if facts is None or not facts.version or not 0 < first <= len(self.run.steps):
            return False
        body = ast.parse(self.run.steps[first - 1].source).body
        if not isinstance(body[0], ast.Assign | ast.AnnAssign):
            return True
        functions = {node.name for node in self.tree.body if isinstance(node, ast.FunctionDef)}
        return any(isinstance(node, ast.Name) and node.id in functions for node in ast.walk(body[0]))

    def _wrote_to(self, step: RunStep, facts: TensorFacts) -> bool:
        for change in step.changes:
            now = step.snapshot.tensors.get(change.name)
            if change.kind != "written" or now is None:
                continue
            if now.object == facts.object:
                return True
            if now.block != facts.block or facts.block is None:
                continue
            storage = step.snapshot.storages.get(facts.block)
            if storage is not None and _touches(storage.written, facts):
                return True
        return False


def _touches(written: tuple[tuple[int, int], ...] | None, facts: TensorFacts) -> bool:
    """Whether written ranges may meet the elements of a tensor; strides are left out of it."""
    if written is None or facts.offset is None or facts.shape is None or facts.stride is None:
        return True
    reach = sum((size - 1) * step for size, step in zip(facts.shape, facts.stride, strict=True))
    low, high = facts.offset, facts.offset + reach + 1
    return any(start < high and low < end for start, end in written)
