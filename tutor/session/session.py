"""The session: one current kernel, one run at a time, records in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from tutor.facts import (
    Checked,
    Completions,
    Documentation,
    Done,
    ErrorFacts,
    Evaluated,
    Graphs,
    InputRequest,
    Nodes,
    Outlined,
    Overlap,
    Progress,
    Ready,
    Refused,
    Reply,
    ResetDone,
    Snapshot,
    Values,
)
from tutor.session.death import describe_death
from tutor.session.events import (
    Died,
    InputAsked,
    Paused,
    SessionError,
    StepFinished,
    StepStarted,
)
from tutor.session.process import KernelOptions, KernelProcess
from tutor.session.refusals import retold
from tutor.session.requests import Requests
from tutor.session.running import OutputFeed, RunningRequest, copy_outcome
from tutor.translation import say

_SPARE_DELAY = 1.0
_ANSWERS = (
    Evaluated
    | Graphs
    | Outlined
    | Nodes
    | Overlap
    | Checked
    | Values
    | Completions
    | Documentation
    | ResetDone
)


class Session(Requests):
    """Owns a kernel and, unless `spare` is off, a second one with torch already imported.

    `spawn` may be called before any event loop runs; everything else belongs to one loop.
    """

    def __init__(
        self,
        device: str = "auto",
        *,
        spare: bool = True,
        memory: str = "auto",
        options: KernelOptions | None = None,
    ) -> None:
        super().__init__()
        self._options = options or KernelOptions(device=device, memory=memory)
        #: The device that the person chose; a lesson may have the kernel run on another.
        self.chosen = self._options.device
        self._use_spare = spare
        self._ready: asyncio.Future[Ready] | None = None
        self._spare: KernelProcess | None = None
        self._spare_ready: asyncio.Future[Ready] | None = None
        self._spare_timer: asyncio.TimerHandle | None = None
        #: Of kernels that were replaced.
        self._closing: set[asyncio.Task[None]] = set()
        self.info: Ready | None = None
        #: Gets every byte of output as it comes, also those that no event can carry in time.
        self.recorder: Callable[[bytes], object] | None = None

    @property
    def device(self) -> str:
        """The device that kernels are asked to start with: `auto`, or a name."""
        return self._options.device

    @property
    def pid(self) -> int | None:
        """Process id of the current kernel."""
        return self._kernel.pid if self._kernel else None

    @property
    def spare_pid(self) -> int | None:
        """Process id of the warm spare, None while there is none."""
        return self._spare.pid if self._spare else None

    @property
    def spare_is_ready(self) -> bool:
        """Whether the spare has torch imported."""
        return self._spare_ready is not None and self._spare_ready.done()

    # ── life ─────────────────────────────────────────────────────────────────

    def spawn(self) -> None:
        """Start the child now; it imports torch while the caller does other things."""
        if self._kernel is None:
            self._kernel = KernelProcess(self._options)
            self._kernel.spawn()

    async def start(self) -> Ready:
        """Wait until the kernel is ready. SessionError when it refuses or dies before."""
        self.spawn()
        assert self._kernel is not None
        if self._ready is None:
            self._ready = self._connect(self._kernel)
        return await self._become_ready()

    def sibling(self) -> Session:
        """Another session of the same kind: a process and a namespace of its own, without a spare.

        It takes over the warm spare where there is one, which is then replaced."""
        other = Session(spare=False, options=self._options)
        other.chosen = self.chosen
        spare, ready = self._spare, self._spare_ready
        if spare is not None and ready is not None and self.spare_is_ready:
            self._spare = self._spare_ready = None
            other._kernel, other._ready = spare, ready
            other._listen_to(spare, ready)
            if self.state == "idle":
                self._plan_spare()
        return other

    async def restart(self, device: str | None = None) -> Ready:
        """Kill the kernel and everything it started; go on in the spare, or in a fresh one."""
        old, self._kernel = self._kernel, None
        if device is not None and device != self._options.device:
            self._options = replace(self._options, device=device)
            await self._drop_spare()
        self._cancel_timers()
        self._set_state("starting")
        if old is not None:
            old.mute()
            old.kill()
            closing = asyncio.get_running_loop().create_task(old.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        self._lose(say("The kernel was restarted."))
        self.snapshot = Snapshot()
        waiting = self._ready
        if self._spare is not None:
            self._kernel, self._ready = self._spare, self._spare_ready
            self._spare = self._spare_ready = None
            self._adopt(self._kernel)
        else:
            self._kernel = KernelProcess(self._options)
            self._kernel.spawn()
            self._ready = self._connect(self._kernel)
        if waiting is not None and not waiting.done() and self._ready is not None:
            self._ready.add_done_callback(lambda ready: copy_outcome(ready, waiting))
        return await self._become_ready()

    async def close(self) -> None:
        """End the kernel, the spare and whatever they started."""
        self._cancel_timers()
        self.listener = self.recorder = None
        await self._drop_spare()
        if self._kernel is not None:
            kernel, self._kernel = self._kernel, None
            await kernel.close()
        await asyncio.gather(*self._closing, return_exceptions=True)
        self.state = "dead"
        self._lose(say("The session was closed."))

    # ── requests ─────────────────────────────────────────────────────────────

    def kill(self) -> None:
        """End the kernel and everything it started; reported as a death. For code that cannot be stopped."""
        if self._kernel is not None:
            self._kernel.kill()

    def abandon(self) -> None:
        """End a kernel that was spawned before any loop ran and is not wanted after all."""
        if self._kernel is not None:
            self._kernel.abandon()
            self._kernel = None

    # ── kernels ──────────────────────────────────────────────────────────────

    def _connect(self, kernel: KernelProcess) -> asyncio.Future[Ready]:
        """Attach a kernel that is not current yet; the future is its Ready or a SessionError."""
        ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._listen_to(kernel, ready)
        kernel.attach()
        return ready

    def _listen_to(self, kernel: KernelProcess, ready: asyncio.Future[Ready]) -> None:
        """Have the kernel's messages and its end come here."""

        def on_message(message: Reply) -> None:
            if isinstance(message, Ready) and not ready.done():
                ready.set_result(message)
            elif isinstance(message, Refused) and not ready.done():
                ready.set_exception(SessionError(retold(message.sentence)))
            elif kernel is self._kernel:
                self._on_message(message)

        def on_exit(status: int) -> None:
            # Who waits for the kernel to be ready hears from there why it is not.
            told = not ready.done() or ready.cancelled() or ready.exception() is not None
            if not ready.done():
                told_why = describe_death(status, None)
                if kernel.last_line:
                    told_why += " " + say("It said: {line}", line=kernel.last_line)
                ready.set_exception(SessionError(told_why))
            if kernel is self._kernel:
                self._on_exit(status, told=told)
            elif kernel is self._spare:
                self._spare = self._spare_ready = None

        kernel.on_message, kernel.on_exit = on_message, on_exit
        self._adopt(kernel)

    def _adopt(self, kernel: KernelProcess) -> None:
        if kernel is self._kernel:
            self._feed = OutputFeed(kernel.nonce, self._emit, self._advance, self._record)
            kernel.on_output = self._feed.feed

    async def _become_ready(self) -> Ready:
        assert self._ready is not None
        self._set_state("starting")
        try:
            self.info = await self._ready
        except SessionError:
            self._set_state("dead")
            raise
        self._set_state("idle")
        return self.info

    def _becomes_idle(self) -> None:
        self._plan_spare()

    def _plan_spare(self) -> None:
        if self._use_spare and self._spare is None and self._spare_timer is None:
            loop = asyncio.get_running_loop()
            self._spare_timer = loop.call_later(_SPARE_DELAY, self._start_spare)

    def _start_spare(self) -> None:
        self._spare_timer = None
        if self.state != "idle":
            return  # planned again when the kernel is idle
        self._spare = KernelProcess(self._options)
        self._spare.spawn()
        self._spare_ready = self._connect(self._spare)
        self._spare_ready.add_done_callback(lambda future: future.cancelled() or future.exception())

    async def _drop_spare(self) -> None:
        spare, self._spare, self._spare_ready = self._spare, None, None
        if spare is not None:
            await spare.close()

    # ── messages ─────────────────────────────────────────────────────────────

    def _on_message(self, message: Reply) -> None:
        running = self._running
        if isinstance(message, InputRequest):
            if self._kernel is not None:
                self._kernel.drain()
            self._feed.emit_all()
            self._emit(InputAsked(message.prompt, message.hidden))
        elif isinstance(message, Progress):
            if running is not None and message.id == running.number:
                event = running.progress(message)
                if event is not None:
                    self._emit(event)
        elif running is not None and getattr(message, "id", None) == running.number:
            running.receive(message)
            if self._kernel is not None:
                self._attend(running, self._kernel)
            self._advance()
        elif isinstance(message, _ANSWERS):
            future = self._waiting.pop(message.id, None)
            if future is not None and not future.done():
                future.set_result(message)

    def _attend(self, running: RunningRequest, kernel: KernelProcess) -> None:
        """Hand on the interrupt that came too early, and fetch the output that a record waits for."""
        if running.interrupt_is_due():
            kernel.interrupt()
        if running.wants_drain():
            kernel.drain()

    def _advance(self) -> None:
        """Turn records whose output has arrived into steps."""
        running = self._running
        if running is None:
            return
        for event in running.advance(self._feed):
            if isinstance(event, StepFinished):
                self.snapshot = event.step.snapshot
            if isinstance(event, StepStarted | StepFinished | Paused):
                self._emit(event)
            if isinstance(event, Paused):
                self._stop_waiting()
                self._set_state("paused")
            elif isinstance(event, Done):
                self._finish(running, event.error)

    def _finish(self, running: RunningRequest, error: ErrorFacts | None) -> None:
        self._running = None
        self._stop_waiting()
        self._set_state("idle")
        running.finish(error)

    def _on_exit(self, status: int, *, told: bool) -> None:
        self._kernel = None
        running = self._running
        line = None
        if running is not None:
            self._advance()
            running = self._running
        if running is not None:
            line = running.current_line()
        sentence = describe_death(status, line)
        self._feed.close()
        self._cancel_timers()
        self._set_state("dead")
        self._lose(sentence)
        if not told:
            self._emit(Died(sentence))

    def _lose(self, sentence: str) -> None:
        """Answer everything that waits: its kernel is gone."""
        running, self._running = self._running, None
        if running is not None:
            error = ErrorFacts("KernelDied", sentence, running.current_line() or 0)
            step = running.fatal(error, self._feed)
            if step is not None:
                self._emit(StepFinished(step))
            running.finish(error)
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(SessionError(sentence))

    # ── small things ─────────────────────────────────────────────────────────

    def _record(self, data: bytes) -> None:
        if self.recorder is not None:
            self.recorder(data)

    def _cancel_timers(self) -> None:
        for timer in (self._spare_timer, self._stuck_timer):
            if timer is not None:
                timer.cancel()
        self._spare_timer = self._stuck_timer = None
