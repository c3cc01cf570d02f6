"""Learner's code run in one real kernel, with what the rules have to say about each statement."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.running import running_kernel
from tutor.explain import Past, explain_step, take_troubles
from tutor.facts import Explanation, Run, Snapshot
from tutor.session import Session


@dataclass(frozen=True)
class Told:
    """A run, and all explanations in the order of its statements."""

    code: str
    run: Run
    explanations: tuple[Explanation, ...]

    def of(self, rule: str) -> list[Explanation]:
        return [explanation for explanation in self.explanations if explanation.rule == rule]

    @property
    def rules(self) -> set[str]:
        return {explanation.rule for explanation in self.explanations}

    def only(self, rule: str) -> Explanation:
        """The one explanation of `rule` in this run."""
        found = self.of(rule)
        assert len(found) == 1, f"{rule}: {found}, among {self.rules}; error {self.run.error}"
        return found[0]


def explained(run: Run) -> tuple[Explanation, ...]:
    """What the rules say about each step of a run, in order, in the language that is spoken."""
    before, past, told = Snapshot(), Past(), []
    for step in run.steps:
        told += explain_step(step, before, past)
        before = step.snapshot
        past.add(step)
    return tuple(told)


class Learner:
    """Runs code from an empty namespace."""

    def __init__(self, runner: asyncio.Runner, session: Session) -> None:
        self._runner = runner
        self._session = session

    def run(self, code: str) -> Told:
        """Run dedented code, torch and numpy imported before it."""
        self._runner.run(self._session.reset())
        self._runner.run(self._session.execute("import torch\nimport numpy as np\nfrom torch import nn"))
        code = textwrap.dedent(code).strip("\n")
        run = self._runner.run(self._session.execute(code))
        return Told(code, run, explained(run))

    def run_fixed(self, told: Told, explanation: Explanation) -> Told:
        """Run the code again with its last, failed statement replaced by the fix."""
        assert explanation.fix is not None
        failed = told.run.steps[-1]
        lines = told.code.split("\n")
        lines[failed.line - 1 : failed.end_line] = explanation.fix.split("\n")
        return self.run("\n".join(lines))

    def value(self, expression: str) -> object:
        """A plain value from the namespace that the last run left."""
        answer = self._runner.run(self._session.evaluate(expression))
        assert answer.error is None, answer.error
        return answer.value


@pytest.fixture(autouse=True)
def no_rule_fails() -> Iterator[None]:
    """A rule that fails would only be silent."""
    take_troubles()
    yield
    assert take_troubles() == ()


@pytest.fixture(scope="session")
def learner() -> Iterator[Learner]:
    with running_kernel() as (runner, session):
        yield Learner(runner, session)


@pytest.fixture(scope="session")
def learner_on_sim() -> Iterator[Learner]:
    """The same, where `device` is the simulated one."""
    with running_kernel("sim") as (runner, session):
        yield Learner(runner, session)
