"""Where a fix belongs: which lines of the code that ran it stands for."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from tutor.explain.reading import failing
from tutor.facts import Explanation, Step


@dataclass(frozen=True)
class Repair:
    """`text` takes the place of lines `first` to `last` (1-based), which read `old`; neither is indented."""

    first: int
    last: int
    old: str
    text: str

    def applied(self, lines: list[str]) -> list[str] | None:
        """What `lines`, those that stand in their place now, become; None where they are others."""
        now = "\n".join(lines)
        if textwrap.dedent(now).rstrip() != textwrap.dedent(self.old).rstrip():
            return None
        indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())] if lines else ""
        return textwrap.indent(self.text, indent).split("\n")


@dataclass(frozen=True)
class Explained:
    """An explanation, the line of the code that ran which it is about (1-based), and what would repair it."""

    explanation: Explanation
    line: int
    repair: Repair | None = None
    #: The names that it is about, as the namespace has them after the step.
    evidence: tuple[str, ...] = ()


def explained_by(step: Step, explanation: Explanation) -> Explained:
    """An explanation of this step with its place in the code."""
    return Explained(
        explanation, line_of(step, explanation), repair_of(step, explanation), evidence_of(step, explanation)
    )


def evidence_of(step: Step, explanation: Explanation) -> tuple[str, ...]:
    """The names that an explanation is about; one inside of a function by its tensor."""
    around = step.snapshot.tensors
    frame = step.error.frames[-1] if step.error is not None and step.error.frames else None
    if explanation.kind != "error" or frame is None or frame.function == "<module>":
        return tuple(name for name in explanation.names if name in around)
    outside = {facts.object: name for name, facts in reversed(around.items())}
    found: list[str] = []
    for name in explanation.names:
        inside = frame.tensors.get(name)
        if inside is not None and inside.object in outside:
            found.append(outside[inside.object])
        elif name in around and re.split(r"[.\[]", name, maxsplit=1)[0] not in frame.own:
            found.append(name)
    return tuple(dict.fromkeys(found))


def repair_of(step: Step, explanation: Explanation) -> Repair | None:
    """The repair that an explanation of this step has; None where it has none.

    A fix stands for the step as a whole; of code that failed inside of a function, for the one statement."""
    if explanation.fix is None:
        return None
    found = failing(step) if explanation.kind == "error" else None
    if found is None or found.own:
        return Repair(step.line, step.end_line, step.source, explanation.fix)
    first, last = found.statement.lineno, found.statement.end_lineno or found.statement.lineno
    old = "\n".join(found.source.split("\n")[first - 1 : last])
    start = found.first_line - 1
    return Repair(start + first, start + last, old, explanation.fix)


def line_of(step: Step, explanation: Explanation) -> int:
    """The line (1-based) that an explanation of this step is about: where the error was, or where the
    statement ends."""
    if explanation.kind == "error" and step.error is not None and step.error.line > 0:
        return step.error.line
    return step.end_line
