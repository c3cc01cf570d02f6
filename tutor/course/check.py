"""Checking a learner's code: what the records tell by themselves, and what has to be asked of the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tutor.course.evidence import Evidence
from tutor.course.judge import Judge, only_results
from tutor.course.probes import Asked, probes_for
from tutor.course.schema import Graded
from tutor.facts import Answer, CheckResult, Probe, Run


class Kernel(Protocol):
    """What a check needs of a session."""

    async def check(self, run: Run, probes: Sequence[Probe], solution: str = "") -> tuple[Answer, ...]:
        """Answers to questions about what `run` left."""


async def check_step(session: Kernel, step: Graded, run: Run, setup: str = "") -> list[CheckResult]:
    """One result for every fact of the step's checks, in their order; the learner is told the first failure.

    `run` is the run of the learner's code in a namespace in which the step's prologue had run, and the
    session is as that run left it. Code that is empty or stopped early has one result, which says so.
    With `setup`, a statement of the setup that the learner repeats does not count as a change.
    """
    evidence = Evidence(run, setup)
    early = only_results(evidence, step.checks)
    if early is not None:
        return early
    asked = probes_for(step.checks, evidence)
    answers: tuple[Answer, ...] = ()
    if asked:
        answers = await session.check(run, [probe for _, probe in asked], step.solution)
    found: dict[Asked, Answer] = {key: answer for (key, _), answer in zip(asked, answers, strict=True)}
    judge = Judge(evidence, found)
    return [result for index, item in enumerate(step.checks) for result in judge.item(item, (index,))]
