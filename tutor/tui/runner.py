"""Runs a step, or a line of the prompt, through the session, and tells what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tutor.course.schema import Graded, Lesson, Step
from tutor.course.walk import prologue
from tutor.explain import Entry, Past, after_setup
from tutor.facts import CheckResult, Evaluated, GraphOutline, NodeFacts, Overlap, Run, Shape, Snapshot, Values
from tutor.session import Died, Event, Pace, Session, SessionError, StateChanged
from tutor.session.recording import Recordings
from tutor.translation import say
from tutor.tui.commands import key_for
from tutor.tui.follow import RunKind

Hear = Callable[[Event], None]
Begin = Callable[[Snapshot, Past], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """The step in which code runs, and what is to be found out afterwards."""

    lesson: Lesson
    step: Step
    #: Evaluated once the code has run; empty for nothing.
    expression: str = ""
    #: The step, where its checks are asked for.
    checked: Graded | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running came to: a run, or the sentence that says why there is none."""

    kind: RunKind
    run: Run | None = None
    answer: Evaluated | None = None
    checks: Sequence[CheckResult] | None = None
    fault: str = ""


class Runner:
    """One thing at a time, and not before the kernel is there.

    `hear` gets the session's events, save those of silent preparation.
    """

    def __init__(self, session: Session, hear: Hear) -> None:
        self.session = session
        #: The learner's code runs, or waits for torch.
        self.busy = False
        #: What ran in the namespace since it was empty.
        self._past = Past()
        #: Everything that the run under way writes, or the last one.
        self._recordings = Recordings()
        self.recording = self._recordings.new()
        self._hear = hear
        self._silent = False
        self._settled = asyncio.Event()
        self._turn = asyncio.Lock()
        session.listener = self._listen

    def _listen(self, event: Event) -> None:
        if not self._silent or isinstance(event, StateChanged | Died):
            self._hear(event)

    async def start(self) -> str:
        """Wait for the kernel; the sentence that says why it does not come, if so."""
        try:
            if self.session.info is None:
                await self.session.start()
        except SessionError as error:
            return str(error)
        finally:
            self._settled.set()
        return ""

    def unsettle(self) -> None:
        """A restart is about to come: nothing is prepared before it."""
        self._settled.clear()

    async def restart(self, device: str | None = None) -> str:
        """A new kernel, on `device` if given; the sentence that says why not, if so."""
        try:
            await self.session.restart(device)
            self._past = Past()
        except SessionError as error:
            return str(error)
        finally:
            self._settled.set()
        return ""

    async def prepare(self, where: Place | None) -> str:
        """A namespace as a step finds it, or an empty one; a sentence where that failed."""
        await self._settled.wait()
        async with self._turn:
            try:
                if where is not None:
                    return await self._prepare(where)
                await self.session.reset()
                self._past = Past()
                return ""
            except SessionError as error:
                return str(error)

    async def step(
        self, source: str, filename: str, where: Place | None, begin: Begin, *, stepwise: bool = False
    ) -> Outcome:
        """Run the editor's code: in a namespace as the lesson's step finds it, or as it is.

        Then, unless the code was cut short, evaluate what the step asks and check what it checks.
        """
        self.busy = True
        try:
            await self._settled.wait()
            async with self._turn:
                self._require_kernel()
                return await self._step(source, filename, where, begin, stepwise)
        except SessionError as error:
            return Outcome("step", fault=str(error))
        finally:
            self.busy = False

    async def _step(
        self, source: str, filename: str, where: Place | None, begin: Begin, stepwise: bool
    ) -> Outcome:
        if where is not None and (fault := await self._prepare(where)):
            return Outcome("step", fault=fault)
        run = await self._execute(source, filename, begin, stepwise)
        if where is None or run.cut_short:
            return Outcome("step", run)
        answer = await self.session.evaluate(where.expression) if where.expression else None
        checks = None
        if where.checked is not None:
            from tutor.course.check import check_step

            checks = await check_step(self.session, where.checked, run, where.lesson.setup)
        return Outcome("step", run, answer, checks)

    async def line(self, source: str, begin: Begin) -> Outcome:
        """Run code entered at the prompt in the namespace as it is."""
        self.busy = True
        try:
            await self._settled.wait()
            async with self._turn:
                self._require_kernel()
                return Outcome("line", await self._execute(source, None, begin))
        except SessionError as error:
            return Outcome("line", fault=str(error))
        finally:
            self.busy = False

    async def _execute(self, source: str, filename: str | None, begin: Begin, stepwise: bool = False) -> Run:
        """Run code of the learner's; what comes from now on belongs to it."""
        self.recording = self._recordings.new()
        self.session.recorder = self.recording.write
        past = self._past.begin(Entry(filename or "", numbered=filename is not None))
        begin(self.session.snapshot, past)
        pace = Pace(stepwise=stepwise, live=True, graphs=True)
        run = await self.session.execute(source, filename=filename, pace=pace)
        died = run.error is not None and run.error.type == "KernelDied"
        self._past = Past() if died else past.with_steps(run.steps)
        return run

    async def graph(self, name: str) -> GraphOutline | None:
        """The graph behind `name`; None where there is none or the kernel has other things to do."""
        return await self._ask(self.session.outline, name)

    async def nodes(self, name: str, numbers: Sequence[int]) -> Sequence[NodeFacts]:
        """All about some nodes of the graph behind `name`, as far as the kernel can tell now."""
        return await self._ask(self.session.nodes, name, numbers) or ()

    async def values(self, name: str, around: Shape = ()) -> Values | None:
        """Values under `name` near the element at `around`; None where the kernel has other things to do."""
        return await self._ask(self.session.preview, name, around)

    async def overlap(self, first: str, second: str) -> Overlap | None:
        """Whether two names have elements in common; None where the kernel has other things to do."""
        return await self._ask(self.session.compare, first, second)

    async def _ask(self, question: Callable[..., Awaitable[T]], *about: object) -> T | None:
        if not self.answers:
            return None
        try:
            return await question(*about)
        except SessionError:
            return None

    @property
    def answers(self) -> bool:
        """The kernel has time for questions: nothing runs, or what runs waits for its next step."""
        state = self.session.state
        return state == "paused" or (state == "idle" and not self.busy)

    def _require_kernel(self) -> None:
        if self.session.state == "dead":
            raise SessionError(
                say("There is no kernel to run this; {key} starts one.", key=key_for("restart"))
            )

    async def _prepare(self, where: Place) -> str:
        """Empty the namespace, seed, run what comes before the step; the sentence that says what failed."""
        self._silent = True
        try:
            await self.session.reset()
            source = prologue(where.lesson, where.step)
            run = await self.session.execute(source, filename="setup", display="none")
            self._past = after_setup(run.steps)
        finally:
            self._silent = False
        if run.error is None:
            return ""
        return say(
            "The setup of {lesson} failed: {error}",
            lesson=where.lesson.id,
            error=f"{run.error.type}: {run.error.message}",
        )
