"""Running a program again with an explanation's fix in its place, in functions and classes too."""

from __future__ import annotations

from collections.abc import Iterable

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


def told_error(told: Told, rule: str, words: Iterable[str], *, titled: bool = False) -> Explanation:
    """What `rule` alone says of the error in this run; all words stand in its text, or in its title too."""
    error = told.only(rule)
    assert error.kind == "error"
    said = f"{error.title} {error.text}" if titled else error.text
    for word in words:
        assert word in said, said
    return error


def runs_repaired(
    learner: Learner, code: str, rule: str, words: Iterable[str], *, titled: bool = False
) -> None:
    """The error is told with all words, and with its fix the code runs."""
    told = learner.run(code)
    error = told_error(told, rule, words, titled=titled)
    fixed = run_repaired(learner, told, error)
    assert fixed.run.ok, (error.fix, fixed.run.error)


def told_unrepaired(
    learner: Learner, code: str, rule: str, words: Iterable[str], *, titled: bool = False
) -> Explanation:
    """The error is told with all words and without a fix, since the repair depends on what was meant."""
    error = told_error(learner.run(code), rule, words, titled=titled)
    assert error.fix is None
    assert "  " not in error.text
    assert "\n" not in error.text
    return error
