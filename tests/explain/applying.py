"""Running a program again with an explanation's fix in its place, in functions and classes too."""

from __future__ import annotations

from tests.explain.conftest import Learner, Told
from tutor.explain.repair import repair_of
from tutor.facts import Explanation


def run_repaired(learner: Learner, told: Told, explanation: Explanation) -> Told:
    """Run the code with the lines that failed replaced by the fix."""
    repair = repair_of(told.run.steps[-1], explanation)
    assert repair is not None, explanation
    lines = told.code.split("\n")
    new = repair.applied(lines[repair.first - 1 : repair.last])
    assert new is not None, (repair, told.code)
    return learner.run("\n".join([*lines[: repair.first - 1], *new, *lines[repair.last :]]))
