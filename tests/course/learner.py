"""Learners' answers checked against a real kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.running import running_kernel
from tutor.course.check import check_step
from tutor.course.claims import CheckItem
from tutor.course.device import proven_on
from tutor.course.schema import ExerciseStep, Graded, Lesson
from tutor.course.walk import prologue
from tutor.facts import CheckResult, Run
from tutor.session import Session


class Class:
    """One kernel in which answers are run and checked."""

    def __init__(self, runner: asyncio.Runner, session: Session) -> None:
        self.runner = runner
        self.session = session

    async def _answer(self, lesson: Lesson, step: Graded, code: str) -> tuple[Run, list[CheckResult]]:
        if self.session.state != "idle" or self.session.device != proven_on(lesson):
            await self.session.restart(proven_on(lesson))
        await self.session.reset()
        await self.session.execute(prologue(lesson, step), display="none")
        run = await self.session.execute(code)
        return run, await check_step(self.session, step, run, lesson.setup)

    def answer(self, lesson: Lesson, step: Graded, code: str) -> list[CheckResult]:
        """What the checks say of `code`."""
        return self.runner.run(self._answer(lesson, step, code))[1]

    def check(
        self, setup: str, code: str, *checks: dict[str, Any], solution: str = "pass"
    ) -> list[CheckResult]:
        """What these checks say of `code`, run after `setup`."""
        items = tuple(msgspec.convert(each, CheckItem) for each in checks)
        step = ExerciseStep(id="only", prompt="Do.", checks=items, solution=solution)
        lesson = Lesson(1, "made", "Made", "T", (step,), setup=f"import torch\n{setup}")
        return self.answer(lesson, step, code)

    def failures(self, setup: str, code: str, *checks: dict[str, Any], **more: str) -> list[str]:
        """Kinds of the facts that fail."""
        return [each.kind for each in self.check(setup, code, *checks, **more) if not each.ok]


@pytest.fixture(scope="session")
def classroom() -> Iterator[Class]:
    with running_kernel() as (runner, session):
        yield Class(runner, session)
