"""A kernel in which one case after another is run: what hangs is stopped, what dies is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tutor.facts import Answer, ErrorFacts, Evaluated, Probe, Run
from tutor.session import InputAsked, Session, SessionError
from tutor.session.events import Event
from tutor.translation import say

#: Seconds that one piece of a lesson's code may take, and to stop once it is asked to.
PATIENCE, GRACE = 20.0, 1.0


class Bench:
    """A kernel for one case after another; a case that hangs is stopped, a kernel that dies is replaced."""

    def __init__(self, session: Session) -> None:
        self.session = session
        session.listener = self._hear

    def _hear(self, event: Event) -> None:
        if isinstance(event, InputAsked):
            self.session.reply(None)

    async def go_to(self, device: str) -> str:
        """Have the kernel on a device; the sentence that says why that cannot be, if so."""
        if self.session.device == device and self.session.state != "dead":
            return ""
        try:
            await self.session.restart(device)
        except SessionError as error:
            return str(error)
        return ""

    async def run(self, before: str, code: str) -> tuple[ErrorFacts | None, Run]:
        """Run `code` in an empty namespace after `before`, whose own error comes first."""
        if self.session.state != "idle":
            await self.session.restart()
        await self.session.reset()
        prepared = await self._execute(before)
        if prepared.error is not None:
            return prepared.error, prepared
        return None, await self._execute(code)

    async def _execute(self, code: str) -> Run:
        task = asyncio.ensure_future(self.session.execute(code, display="none"))
        if await self._ends(task):
            return await task
        run = await task
        message = say("it did not end within {seconds:g} seconds", seconds=PATIENCE)
        error = ErrorFacts("TimeoutError", message, run.error.line if run.error is not None else 0)
        return Run(run.source, run.filename, run.steps, error, run.elapsed, run.before)

    async def _ends(self, task: asyncio.Future[Run] | asyncio.Future[tuple[Answer, ...]]) -> bool:
        """Whether a task ends in time; else it is stopped, by force if need be."""
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        if done:
            return True
        self.session.interrupt()
        done, _ = await asyncio.wait([task], timeout=GRACE)
        if not done:
            self.session.kill()
            await asyncio.wait([task])
        return False

    async def evaluate(self, expression: str) -> Evaluated:
        """The value of an expression in the namespace as it is."""
        if self.session.state != "idle":
            gone = ErrorFacts("KernelDied", say("the code ended its kernel"), 0)
            return Evaluated(0, "", None, gone)
        return await self.session.evaluate(expression)

    async def check(self, run: Run, probes: Sequence[Probe], solution: str = "") -> tuple[Answer, ...]:
        """Answers to questions about what `run` left."""
        task = asyncio.ensure_future(self.session.check(run, probes, solution))
        late = not await self._ends(task)
        try:
            return await task
        except SessionError as error:
            said = say("the checks did not end within {seconds:g} seconds", seconds=PATIENCE)
            said = said if late else str(error)
            raise TimeoutError(said) from None
