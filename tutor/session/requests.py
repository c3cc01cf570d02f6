"""What a session can be asked to do: run code, go on with it, stop it, check what it left."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from tutor.facts import (
    Answer,
    Check,
    Checked,
    Execute,
    InputReply,
    Probe,
    Proceed,
    Reply,
    Request,
    Reset,
    Run,
    Snapshot,
)
from tutor.session.events import Event, SessionError, State, StateChanged
from tutor.session.process import KernelProcess
from tutor.session.questions import Questions
from tutor.session.running import RunningRequest
from tutor.translation import say

#: Seconds after which a stop without effect is called stuck.
STUCK_AFTER = 2.0


class Pace(Struct, frozen=True):
    """How code is run."""

    #: The state is `paused` after each statement but the last, until `proceed`.
    stepwise: bool = False
    #: The listener is told how a long statement goes, and steps keep its scalars.
    live: bool = False
    #: Steps keep what they did to graphs, so that graphs of past moments can be shown.
    graphs: bool = False


THROUGH = Pace()


class Requests(Questions):
    """One request at a time to the current kernel, and the state that comes of it."""

    def __init__(self) -> None:
        self._kernel: KernelProcess | None = None
        self._stuck_timer: asyncio.TimerHandle | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._running: RunningRequest | None = None
        self.state: State = "starting"
        self.snapshot = Snapshot()
        self.listener: Callable[[Event], None] | None = None
        #: Whether the gradients of backward passes are recorded.
        self.replay = True
        #: Whether runs watch the operations of the learner's code.
        self.trace = True

    async def execute(
        self,
        source: str,
        *,
        filename: str | None = None,
        script: bool = False,
        display: Literal["none", "last", "all"] = "last",
        keep: bool = True,
        pace: Pace = THROUGH,
    ) -> Run:
        """Run code; errors of the code, and the kernel's death, are in the Run.

        With `keep` off the steps go to the listener alone: a long script's records need not stay.
        `pace` says whether it waits between statements, and whether it tells how long ones go."""
        self._require_idle()
        number = next(self._numbers)
        running = RunningRequest(number, source, filename or "<cell>", self.snapshot, keep, pace.stepwise)
        self._running = running
        self._set_state("busy")
        message = Execute(number, source, filename, script, display)
        paced = replace(message, stepwise=pace.stepwise, live=pace.live, graphs=pace.graphs)
        self._send(replace(paced, replay=self.replay, trace=self.trace))
        return await running.future

    def proceed(self, *, to_end: bool = False) -> None:
        """Run the next statement of a stepwise run, or with `to_end` all that are left.

        While a statement runs, this is for the pause after it."""
        running = self._running
        if running is None or not running.stepwise or self.state not in ("paused", "busy"):
            return
        self._send(Proceed(running.number, to_end))
        running.allow(to_end)
        if self.state == "paused":
            self._set_state("busy")
            self._advance()

    async def check(self, run: Run, probes: Sequence[Probe], solution: str = "") -> tuple[Answer, ...]:
        """Answers to questions about what `run` left; can be interrupted as a run can."""
        self._require_idle()
        self._set_state("busy")
        kernel = self._kernel
        try:
            reply = await self._ask(
                lambda number: Check(number, run.source, run.filename, solution, tuple(probes))
            )
        finally:
            self._stop_waiting()
            if self._kernel is kernel and self.state in ("busy", "stopping", "stuck"):
                self._set_state("idle")
        assert isinstance(reply, Checked)
        return reply.answers

    async def reset(self) -> None:
        """Empty the namespace; the process stays."""
        self._require_idle()
        await self._ask(Reset)
        self.snapshot = Snapshot()

    def reply(self, text: str | None) -> None:
        """Answer `input()`; None is end of file."""
        self._send(InputReply(text))

    def interrupt(self) -> None:
        """Stop the running code; the state becomes `stuck` when that has no effect in 2 s."""
        if self.state not in ("busy", "paused", "stopping", "stuck") or self._kernel is None:
            return
        if self._running is None or self._running.begun:
            self._kernel.interrupt()
        else:
            self._running.unwanted = True
        if self.state in ("busy", "paused"):
            if self._running is not None:
                self._running.resume()
            self._set_state("stopping")
            loop = asyncio.get_running_loop()
            self._stuck_timer = loop.call_later(STUCK_AFTER, self._still_running, self._running)

    def _stop_waiting(self) -> None:
        """A stop has had its effect."""
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None

    def _still_running(self, running: RunningRequest | None) -> None:
        if running is self._running and self.state == "stopping":
            self._set_state("stuck")

    def _advance(self) -> None:
        """Turn records whose output has arrived into steps."""
        raise NotImplementedError

    def _becomes_idle(self) -> None:
        """The kernel has nothing to do."""

    async def _ask(self, make: Callable[[int], Request]) -> Reply:
        if self._kernel is None:
            raise SessionError(say("The kernel is gone: restart it."))
        number = next(self._numbers)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._send(make(number))
        return await future

    def _send(self, request: Request) -> None:
        if self._kernel is not None:
            self._kernel.send(request)

    def _require_free(self) -> None:
        if self.state != "paused":
            self._require_idle()

    def _require_idle(self) -> None:
        if self._kernel is None:
            raise SessionError(say("The kernel is gone: restart it."))
        if self.state != "idle":
            raise SessionError(say("Something is running already: stop it first."))

    def _set_state(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._emit(StateChanged(state))
        if state == "idle":
            self._becomes_idle()

    def _emit(self, event: Event) -> None:
        if self.listener is not None:
            self.listener(event)
