"""Line mode itself: read a piece, run it, tell what came of it, until there is nothing more."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from tutor import __version__
from tutor.course.ran import Ran
from tutor.explain import Entry, Past, after_setup
from tutor.facts import Ready, Run, Step, is_simulated
from tutor.repl.commands import COMMANDS, Command, Refused, obey
from tutor.repl.out import Out
from tutor.repl.pieces import Piece, has_several_lines
from tutor.repl.reader import Reader, Stopped
from tutor.repl.stream import Stream
from tutor.repl.telling import Telling
from tutor.session import (
    Died,
    Event,
    InputAsked,
    Output,
    Session,
    SessionError,
    StateChanged,
    StepFinished,
    StepStarted,
)
from tutor.translation import say
from tutor.view.words import SIMULATED_MEANS, clean, device_named

if TYPE_CHECKING:
    from tutor.repl.study import Study

_log = logging.getLogger(__name__)

STATUS_OK, STATUS_RAISED, STATUS_WRONG_USE, STATUS_INTERRUPTED = 0, 1, 2, 130


class Conversation:
    """One session in line mode. Everything happens in one event loop, one piece at a time."""

    def __init__(self, session: Session, out: Out, reader: Reader, study: Study | None = None) -> None:
        self.session = session
        #: The lesson that is done here, where one is.
        self.study = study
        self.out = out
        self.reader = reader
        self.done = False
        #: The statement that ended last.
        self.last: Step | None = None
        #: The rule that spoke last, before all of an error.
        self.explained = ""
        #: The statement that last ran a backward pass.
        self.replayable: Step | None = None
        #: What ran, all of it.
        self.ran: list[Ran] = []
        #: A step of a lesson has begun since anything ran.
        self._afresh = False
        self._failed = False
        #: What comes from the kernel is not the learner's.
        self._silent = False
        #: What ran in the namespace so far.
        self._past = Past()
        self._interrupted = False
        #: It was said that something stopped.
        self._stop_told = False
        self._stream = Stream(out)
        self._telling: Telling | None = None
        self._work: asyncio.Task[Any] | None = None
        self._answering: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._greeting: Ready | None = None
        session.listener = self._hear

    async def converse(self, source: str | None) -> int:
        """Run `source`, then what is read, to the end; the exit status.

        A person ends with status 0. Without one it is 1 when anything raised or was refused, 2 when there
        is no kernel, 130 after Ctrl-C.
        """
        with self._interrupts():
            if self.reader.is_person:
                self.out.say(
                    say(
                        "torchtutor {version}, line mode. :help lists the commands, ctrl+d ends.",
                        version=__version__,
                    )
                )
            self._starting = asyncio.create_task(self._begin(self.session.start(), greet=True))
            if self.study is not None:
                await self._do(self._open(self.study))
            if source is not None:
                await self._do(self._run(Piece(source), echo=True, name=say("the script")))
            while not self.done and not self._is_hopeless():
                piece = await self._read()
                if piece is None:
                    break
                await self._do(self._take(piece))
            await self._end()
        return self._status()

    def _is_hopeless(self) -> bool:
        """Nobody is there to restart a kernel that cannot start, or to go on after Ctrl-C."""
        if self.reader.is_person:
            return False
        return self._interrupted or (self.session.info is None and self.session.state == "dead")

    def _status(self) -> int:
        if self.reader.is_person:
            return STATUS_OK
        if self._interrupted:
            return STATUS_INTERRUPTED
        if self.session.info is None and self.session.state == "dead":
            return STATUS_WRONG_USE
        return STATUS_RAISED if self._failed else STATUS_OK

    async def _end(self) -> None:
        starting = self._starting
        if starting is not None and not starting.done():
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
        self._stream.finish()
        if self._interrupted and not self._stop_told:  # what ran had ended by then, or did not mind
            self._tell_stop()

    def _tell_stop(self) -> None:
        self._stop_told = True
        self.out.line(say("Stopped."))

    # ── one piece ────────────────────────────────────────────────────────────

    async def _read(self) -> Piece | None:
        while True:
            try:
                return await self.reader.piece()
            except Stopped as stopped:
                if not self.reader.is_person:
                    self._interrupted = True
                    return None
                if stopped.entered:
                    self._tell_stop()

    async def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something that Ctrl-C may cancel while it waits for the kernel to start."""
        self._work = asyncio.create_task(work)
        try:
            await self._work
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            self._tell_stop()
        finally:
            self._work = None

    async def _take(self, piece: Piece) -> None:
        if not piece.text.strip():
            return
        try:
            if piece.is_command:
                await self._wait_for_kernel()
                await obey(self, piece.text)
            else:
                await self._run(piece, echo=not self.reader.is_person or has_several_lines(piece.text))
                if self.study is not None and (nudge := self.study.meant_to_answer(piece.text)):
                    self.out.say(nudge)
        except (Refused, SessionError) as problem:
            self._failed = True
            self.out.fault(str(problem))
        await self.reader.ran()

    async def _open(self, study: Study) -> None:
        from tutor.repl.study import arrive

        await self._wait_for_kernel()
        self.study = study
        if self.session.state != "dead":
            await arrive(self)

    @property
    def commands(self) -> tuple[Command, ...]:
        """What can be asked for now: a lesson has commands of its own, which come first."""
        if self.study is None:
            return COMMANDS
        from tutor.repl.lesson import COMMANDS as OF_LESSONS

        taken = {command.name for command in OF_LESSONS}
        return (*OF_LESSONS, *(command for command in COMMANDS if command.name not in taken))

    async def silently(self, source: str) -> Run:
        """Run a lesson's own code in an empty namespace."""
        self._silent = True
        try:
            await self.session.reset()
            self._afresh = True
            run = await self.session.execute(source, filename="setup", display="none")
            self._past = after_setup(run.steps)
            return run
        finally:
            self._silent = False

    async def run_whole(self, source: str, name: str) -> Run | None:
        """Run the code of a step, with each note beside its line."""
        return await self._run(Piece(source), echo=True, name=name)

    async def _run(self, piece: Piece, *, echo: bool, name: str = "") -> Run | None:
        await self._wait_for_kernel()
        if self._is_hopeless():
            return None
        if self.session.state == "dead":
            self._failed = True
            self.out.fault(say("There is no kernel to run this: :restart starts one."))
            return None
        if self.reader.is_person or name or self._past.entry.name:
            self._past = self._past.begin(Entry(name, piece.line - 1, numbered=bool(name)))
        else:  # all that is read is one script
            self._past = self._past.go_on(piece.line - 1)
        before = self.session.snapshot
        self._telling = Telling(self.out, self._stream, piece, before, self._past, echo=echo)
        try:
            # Checks look at the steps of a lesson's code.
            run = await self.session.execute(piece.text, keep=self.study is not None)
            self._failed = self._failed or not (run.ok or self.study)  # in a lesson, errors are for learning
            said = f"{run.error.type}: {run.error.message}" if run.error is not None else ""
            place = self.study.walk.key if self.study is not None else ""
            self.ran.append(Ran(piece.text, said, place, self._afresh))
            self._afresh = False
            self._telling.ended(run)
            self._stop_told = self._stop_told or said.startswith("KeyboardInterrupt:")
            if self.study is not None and not name:
                self.study.heard(piece, run)
            return run
        finally:
            self._telling = None
            await self._ask_no_more()

    # ── the kernel's life ────────────────────────────────────────────────────

    async def _begin(self, start: Coroutine[Any, Any, Ready], *, greet: bool) -> None:
        """Wait for a kernel, and say why it does not come, if so."""
        try:
            info = await start
        except SessionError as error:
            self._failed = True
            if self.reader.is_person:
                more = say(":restart tries again, :device NAME changes the device.")
                self.out.fault(f"{error} {more}")
            else:
                print(error, file=sys.stderr)
            return
        self._greeting = info if greet else None

    async def _wait_for_kernel(self) -> None:
        starting = self._starting
        if starting is None:
            return
        if not starting.done() and self.reader.is_person:
            self.out.say(say("Waiting for torch …"))
        await asyncio.shield(starting)
        self._starting = None
        info, self._greeting = self._greeting, None
        if info is not None and self.reader.is_person:
            self.out.say(
                say("torch {version} on {device}.", version=info.torch, device=device_named(info.device))
            )
        elif info is not None and is_simulated(info.device):
            self.out.line(f"# {device_named(info.device)}: {say(SIMULATED_MEANS)}")
        if info is not None and info.preamble is not None:
            self.out.line(clean(info.preamble))

    async def restart(self, device: str | None = None) -> None:
        """A new kernel, on `device` if given."""
        self._restart(device)
        await self._wait_for_kernel()
        if self.study is not None and self.session.state != "dead":
            from tutor.repl.study import prepare

            await prepare(self)

    def _restart(self, device: str | None) -> None:
        self.out.say(say("The kernel restarts; its namespace is empty."))
        self._past = Past()
        self._starting = asyncio.create_task(
            self._begin(self.session.restart(device), greet=device is not None)
        )

    # ── what the session tells ───────────────────────────────────────────────

    def _hear(self, event: Event) -> None:
        try:
            self._tell(event)
        except Exception:  # an error of ours must not keep the run from ending
            _log.exception("This could not be shown: %r", event)

    def _tell(self, event: Event) -> None:
        if self._silent and not isinstance(event, Died | StateChanged):
            return
        match event:
            case Output(text=text, skipped=skipped):
                self._stream.feed(text, skipped)
            case StepStarted(end_line=end_line) if self._telling is not None:
                self._telling.started(end_line)
            case StepFinished(step=step) if self._telling is not None:
                self.last = step
                self.replayable = step if step.backwards else self.replayable
                self._telling.finished(step)
                self._hint()
            case InputAsked(prompt=prompt, hidden=hidden):
                self._answering = asyncio.create_task(self._answer(prompt, hidden=hidden))
            case Died(sentence=sentence) if self._starting is None or self._starting.done():
                self._stream.finish()
                told = self._telling.placed(sentence) if self._telling is not None else sentence
                self.out.fault(f"{told} {say(':restart starts a new one.')}")
            case StateChanged(state="stuck"):
                self._offer_restart()

    def _hint(self) -> None:
        """Which rule spoke last; the first time, say to a person how more can be had."""
        rule = self._telling.rule if self._telling is not None else ""
        if rule and not self.explained and self.reader.is_person:
            self.out.say(say(":why tells the idea behind this."))
        self.explained = rule or self.explained

    def _offer_restart(self) -> None:
        if not self.reader.is_person:
            self.session.kill()
            return
        self._stream.finish()
        self.out.say(say("The code does not stop: press ctrl+c again to restart the kernel, or wait."))

    async def _ask_no_more(self) -> None:
        """A question of code that has ended lets go of the terminal before the next prompt takes it."""
        answering, self._answering = self._answering, None
        if answering is not None:
            answering.cancel()
            await asyncio.wait([answering])

    async def _answer(self, prompt: str, *, hidden: bool) -> None:
        shown = self._stream.take_open()
        if not shown:
            self.out.fresh()
        prompt = "\n".join(map(clean, prompt.split("\n")))
        try:
            self.session.reply(await self.reader.answer(prompt, shown, hidden=hidden))
        except Stopped:
            self._interrupt()

    # ── Ctrl-C ───────────────────────────────────────────────────────────────

    @contextlib.contextmanager
    def _interrupts(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._on_signal)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _on_signal(self) -> None:
        if self.reader.is_person and self._work is not None:
            self.out.echoed(len("^C"))
        self._interrupt()

    def _interrupt(self) -> None:
        """Stop what runs; when it is stuck, restart; where nothing runs, tell the reader."""
        state = self.session.state
        if self._work is None:
            self.reader.stop()
            return
        if not self.reader.is_person:
            self._interrupted = True
        if state == "stuck":
            self._restart(None)
        elif state in ("busy", "stopping"):
            self.session.interrupt()
        elif state in ("starting", "idle"):  # the code has not begun
            self._work.cancel()
