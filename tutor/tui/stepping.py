"""Running the editor's code one statement at a time."""

from __future__ import annotations

import time

from textual import on

from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.session import Paused, Session
from tutor.translation import say
from tutor.tui.commands import Command, key_for
from tutor.tui.messages import LineEntered, RunStarted, Waits
from tutor.tui.running import Running

#: Seconds for which a statement may have run when a press of the key still counts for the next one.
QUICK = 1.0


class Stepping(Running):
    """The first press runs the first statement, each further one the next; run goes on to the end."""

    def __init__(self, session: Session, store: Store, lesson: Lesson | None) -> None:
        super().__init__(session, store, lesson)
        #: Before which statement the run waits; None where it does not.
        self.waits: Paused | None = None
        #: The run under way is taken step by step.
        self.steps = False
        self._step_began = 0.0

    def action_step(self) -> None:
        """Run the next statement of the editor's code, or the first."""
        if self.waits is not None:
            self.to_now()
            self._go_on(to_end=False)
        elif self.steps and self.runner.busy:
            if time.monotonic() - self._step_began < QUICK:
                self.runner.session.proceed()
        elif self.may_run():
            self.steps = True
            self._busy_from_now()
            self.run_worker(self._run_step(self.editor.text, stepwise=True), group="run")

    def action_run(self) -> None:
        """Run the code in the editor; code that waits runs on to its end."""
        if self.waits is not None:
            self.to_now()
            self._go_on(to_end=True)
        elif self.steps and self.runner.busy and self.runner.session.state == "busy":
            self.runner.session.proceed(to_end=True)
        else:
            super().action_run()

    def action_stop(self) -> None:
        """Stop the code, also where it waits."""
        self._waits_no_more()
        super().action_stop()

    def _go_on(self, *, to_end: bool) -> None:
        self._waits_no_more()
        self.steps = not to_end
        self.inspector.follow_steps(self.steps)
        self.runner.session.proceed(to_end=to_end)

    def _waits_no_more(self) -> None:
        self.waits = None
        self._step_began = time.monotonic()
        self._ticker.resume()
        self.show_state()

    @on(Waits)
    def show_wait(self, message: Waits) -> None:
        """The run waits before a statement: it is marked, and everything before it can be looked at."""
        if self.runner.session.state != "paused":
            return  # told too late: it goes on already
        self.waits = message.paused
        if self.chronicle.newest is not None:
            self.chronicle.newest.total = message.paused.total
        self._ticker.pause()
        self.inspector.show_live(None)
        self.inspector.follow_steps(True)
        self.editor.mark_running(message.paused.line, message.paused.end_line, waits=True)
        self.editor.reveal(message.paused.end_line)
        self.show_state()
        self.follow()
        self.look()

    def end_steps(self) -> None:
        """The run is over."""
        self.waits, self.steps = None, False

    def refuse_while_busy(self) -> bool:
        """Where the code waits, say how to go on or to stop."""
        if self.waits is None:
            return super().refuse_while_busy()
        self.out.remark("notice", say("{waiting}.", waiting=self._waiting_words()))
        return True

    def _waiting_words(self) -> str:
        line = self.waits.line if self.waits is not None else 0
        run, stop = key_for("run"), key_for("stop")
        return say(
            "The code waits before line {line}: {run} runs on to its end, {stop} stops it",
            line=line,
            run=run,
            stop=stop,
        )

    @on(LineEntered)
    def enter_line(self, message: LineEntered) -> None:
        """A line at the prompt would be a run inside of the run: it stays until that has ended."""
        if self.waits is not None and not message.answer:
            message.prevent_default()
            self.repl.take_back(message.text)
            self.out.remark(
                "notice", say("{waiting}, and then the prompt can be used.", waiting=self._waiting_words())
            )

    @on(RunStarted)
    def count_from_here(self) -> None:
        """A press right after this one counts for the second statement."""
        self._step_began = time.monotonic()

    def label(self, command: Command) -> str:
        """Where the code waits, running it is running on."""
        return say("Run on") if command.action == "run" and self.waits is not None else super().label(command)

    def _fact(self) -> str:
        """Before which statement the code waits, and how to go on."""
        if self.waits is None or self.chronicle.moment is not None:
            return super()._fact()
        waits = self.waits
        if self.editor.edited:
            return say(
                "edited, {n} of {count} ran · goes on as it was started", n=waits.index, count=waits.total
            )
        return say(
            "{n} of {count} ran · {step} next, {run} on",
            n=waits.index,
            count=waits.total,
            step=key_for("step"),
            run=key_for("run"),
        )
