"""Running code one statement at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.kernel.conftest import Driver
from tutor.facts import Run
from tutor.session import InputAsked, Pace, Paused, SessionError, StateChanged, StepFinished, StepStarted

THREE = "a = 1\nb = a + 1\nc = b + 1\n"


class Stepper:
    """A stepwise run under way."""

    def __init__(self, driver: Driver, code: str) -> None:
        self.session = driver.session
        self.driver = driver
        self.run = asyncio.ensure_future(
            self.session.execute(textwrap.dedent(code), pace=Pace(stepwise=True))
        )

    async def until(self, what: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not what():  # noqa: ASYNC110 - the session tells one listener, and that is the driver
                await asyncio.sleep(0.01)

    async def paused(self) -> Paused:
        await self.until(lambda: self.session.state == "paused" or self.run.done())
        assert self.session.state == "paused"
        return self.driver.of(Paused)[-1]

    async def step(self) -> Paused:
        self.session.proceed()
        return await self.paused()

    async def end(self) -> Run:
        async with asyncio.timeout(30):
            return await self.run


Play = Callable[[str, Callable[[Stepper], Awaitable[None]]], None]


@contextlib.asynccontextmanager
async def _stepping(driver: Driver, code: str) -> AsyncIterator[Stepper]:
    stepper = Stepper(driver, code)
    try:
        yield stepper
    finally:
        if not stepper.run.done():
            driver.session.kill()
            await stepper.run


@pytest.fixture
def step_through(driver: Driver) -> Play:
    def play(code: str, story: Callable[[Stepper], Awaitable[None]]) -> None:
        async def go() -> None:
            async with _stepping(driver, code) as stepper:
                await story(stepper)

        driver.runner.run(go())

    return play


def test_waits_after_each_statement_but_the_last(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        assert await s.paused() == Paused(2, 2, 1, 3)
        assert (await s.session.evaluate("a")).value == 1
        assert (await s.session.evaluate("'b' in globals()")).value is False
        assert await s.step() == Paused(3, 3, 2, 3)
        s.session.proceed()
        run = await s.end()
        assert run.ok
        assert [step.source for step in run.steps] == ["a = 1", "b = a + 1", "c = b + 1"]
        assert s.session.state == "idle"
        assert not s.driver.of(Paused)[2:]

    step_through(THREE, story)


def test_statements_are_told_in_order_and_none_begins_while_it_waits(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.paused()
        told = [type(e) for e in s.driver.events if not isinstance(e, StateChanged)]
        assert told == [StepStarted, StepFinished, Paused]
        await s.step()
        told = [type(e) for e in s.driver.events if not isinstance(e, StateChanged)]
        assert told == [StepStarted, StepFinished, Paused] * 2

    step_through(THREE, story)


def test_runs_to_the_end_from_a_pause(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.paused()
        s.session.proceed(to_end=True)
        assert len((await s.end()).steps) == 3

    step_through(THREE, story)


def test_runs_to_the_end_from_the_middle_of_a_statement(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.until(lambda: s.driver.of(StepStarted))
        s.session.proceed(to_end=True)
        assert len((await s.end()).steps) == 3
        assert not s.driver.of(Paused)

    step_through("__import__('time').sleep(0.5)\nx = 1\ny = 1", story)


def test_steps_asked_for_while_a_statement_runs_are_taken_after_it(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.until(lambda: s.driver.of(StepStarted))
        s.session.proceed()
        s.session.proceed()
        assert await s.paused() == Paused(4, 4, 3, 4)

    step_through("import time\ntime.sleep(0.3)\na = 1\nb = 2", story)


def test_all_questions_are_answered_between_two_statements(step_through: Play) -> None:
    code = """
    import torch
    w = torch.ones(3, requires_grad=True)
    loss = (w * 2).sum()
    v = w.detach()
    x = 1
    """

    async def story(s: Stepper) -> None:
        for _ in range(3):
            await s.paused()
            s.session.proceed()
        await s.paused()
        assert (await s.session.graphs(["loss"]))["loss"].nodes[0].name == "SumBackward0"
        assert (await s.session.preview("w")).texts == ("1.", "1.", "1.")
        assert (await s.session.compare("w", "v")).overlap
        assert "loss" in await s.session.complete()
        assert (await s.session.document("torch.ones")).text
        with pytest.raises(SessionError, match="running already"):
            await s.session.execute("y = 1")
        with pytest.raises(SessionError, match="running already"):
            await s.session.reset()
        s.session.proceed(to_end=True)
        assert (await s.end()).ok

    step_through(code, story)


def test_interrupt_while_it_waits_ends_the_run(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.step()
        s.session.interrupt()
        run = await s.end()
        assert run.error is not None
        assert (run.error.type, run.error.line) == ("KeyboardInterrupt", 3)
        assert (await s.session.evaluate("'c' in globals()")).value is False
        assert (await s.session.execute("d = b")).ok

    step_through(THREE, lambda s: _after_first(s, story))


async def _after_first(s: Stepper, story: Callable[[Stepper], Awaitable[None]]) -> None:
    await s.paused()
    await story(s)


def test_a_handler_of_the_learners_own_hears_the_interrupt(step_through: Play) -> None:
    code = (
        "import signal\nheard = []\nsignal.signal(signal.SIGINT, lambda *_: heard.append(1))\na = 1\nb = 2\n"
    )

    async def story(s: Stepper) -> None:
        for _ in range(2):
            await s.step()
        s.session.interrupt()
        await s.until(lambda: len(s.driver.of(StepFinished)) == 4)
        assert await s.paused() == Paused(5, 5, 4, 5)
        assert (await s.session.evaluate("heard")).value == [1]

    step_through(code, lambda s: _after_first(s, story))


def test_death_while_it_waits_is_told_and_no_statement_is_blamed(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.paused()
        assert s.session.pid is not None
        os.kill(s.session.pid, signal.SIGKILL)
        run = await s.end()
        assert run.error is not None
        assert run.error.type == "KernelDied"
        assert len(run.steps) == 1
        assert run.steps[0].error is None
        assert s.session.state == "dead"

    step_through(THREE, story)


def test_restart_while_it_waits_ends_the_run(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.paused()
        await s.session.restart()
        run = await s.end()
        assert run.error is not None
        assert run.error.message == "The kernel was restarted."
        assert (await s.session.execute("a = 1")).ok

    step_through(THREE, story)


def test_an_exception_ends_the_run_without_a_wait(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.paused()
        s.session.proceed()
        run = await s.end()
        assert run.error is not None
        assert run.error.type == "ZeroDivisionError"
        assert s.session.state == "idle"

    step_through("a = 1\n1 / 0\nb = 2", story)


def test_input_is_asked_for_as_ever(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.paused()
        s.session.proceed()
        await s.until(lambda: s.driver.of(InputAsked))
        assert s.session.state == "busy"
        s.session.reply("yes")
        await s.paused()
        assert (await s.session.evaluate("answer")).value == "yes"

    step_through("a = 1\nanswer = input('? ')\nb = 2", story)


def test_output_belongs_to_its_statement(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.paused()
        assert s.driver.of(StepFinished)[-1].step.stdout == "one\n"
        await s.step()
        assert s.driver.of(StepFinished)[-1].step.stdout == "two\n"

    step_through("print('one')\nprint('two')\nx = 1", story)


def test_waiting_is_no_part_of_the_running_time(step_through: Play) -> None:
    async def story(s: Stepper) -> None:
        await s.paused()
        await asyncio.sleep(1.0)
        s.session.proceed(to_end=True)
        assert (await s.end()).elapsed < 0.9

    step_through("a = 1\nb = 2", story)
