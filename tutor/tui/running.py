"""The screen's side of running code: what is started, what comes back, where it is shown."""

from __future__ import annotations

import time
from collections import deque

from rich.cells import cell_len
from textual import on

from tutor.course.device import device_for
from tutor.course.schema import Lesson
from tutor.course.store import Stamp, Store
from tutor.explain import Past
from tutor.facts import SIMULATED, Snapshot, is_simulated
from tutor.session import (
    Died,
    InputAsked,
    Output,
    Paused,
    Progressed,
    Session,
    StateChanged,
    StepFinished,
    StepStarted,
)
from tutor.translation import say, translated
from tutor.tui import status
from tutor.tui.commands import key_for
from tutor.tui.explaining import Explaining
from tutor.tui.lines import palette_of
from tutor.tui.messages import (
    InputEnded,
    KernelEvent,
    LineEntered,
    Prepared,
    RunFinished,
    RunStarted,
    Waits,
)
from tutor.tui.remarks import plain_lines
from tutor.tui.runner import Outcome, Place
from tutor.view.words import SIMULATED_FACT, device_named

#: Seconds between updates of the running time, and between those of a running entry on disk.
TICK, KEEP_PAUSE = 0.1, 0.5


class Running(Explaining):
    """What the workbench does with a kernel. All that the kernel says arrives as a message, in order."""

    def __init__(self, session: Session, store: Store, lesson: Lesson | None) -> None:
        super().__init__(session, store, lesson)
        self._asked = ""
        self._fault = ""
        self._alive = False
        self._refused = False
        #: The store's name for the newest run.
        self._stamp: Stamp | None = None
        self._kept_at = 0.0
        #: Lines of the prompt that wait for their turn.
        self._lines: deque[str] = deque()
        #: The lesson's own code may run.
        self.trusted = True

    def ask_for_trust(self) -> None:
        """The workbench asks whether the lesson's code may run."""

    def begin(self) -> None:
        """Take hold of the session; wait for its kernel without holding up anything."""
        self._ticker = self.set_interval(TICK, self._tick, pause=True)
        self.run_worker(self._start(), group="start")

    def _tick(self) -> None:
        """While code runs: for how long, and what it wrote is kept."""
        self.show_state()
        self.inspector.show_elapsed(time.monotonic() - self.began)
        if self._stamp is not None and time.monotonic() - self._kept_at > KEEP_PAUSE:
            self._keep_run()

    async def _start(self) -> None:
        fault = await self.runner.start()
        self._alive = not fault
        if fault:
            keys = {"again": key_for("restart"), "device": key_for("device")}
            told = say("{fault} {again} tries again, {device} changes the device.", fault=fault, **keys)
            self.tell_fault(told)
        self.greet()
        self.show_state()

    def greet(self) -> None:
        """What stands above all runs: the line that made a chosen accelerator torch's default, or a fault."""
        if self._fault and not self.out.has_entries:
            self.out.say(self._fault, "error")
        info = self.runner.session.info
        if info is not None and info.preamble is not None and not self.out.has_entries:
            self.out.begin("›", info.preamble)
        if info is not None and self.walk is not None and not self.out.has_entries:
            from tutor.course.requires import unmet

            if sentence := unmet(self.walk.lesson, info.torch):
                self.out.say(sentence, "warning")

    def tell_fault(self, sentence: str) -> None:
        """Say what went wrong, once: not again without what was said of the way out of it."""
        if sentence and self._fault.startswith(sentence):
            return
        if sentence:
            self.out.say(sentence, "error")
        self._fault = sentence

    def refuse_while_busy(self) -> bool:
        """Where code runs, say so and how to stop it, once a run."""
        if self.runner.busy and not self._refused:
            self._refused = True
            self.out.remark("notice", say("The code is still running; {key} stops it.", key=key_for("stop")))
        return self.runner.busy

    # ── starting ─────────────────────────────────────────────────────────────

    def action_run(self) -> None:
        """Run the code in the editor."""
        if self.may_run():
            self._busy_from_now()
            self.run_worker(self._run_step(self.editor.text), group="run")

    def may_run(self) -> bool:
        """Whether the editor's code can run now; where something comes first, say so."""
        if self.refuse_while_busy():
            return False
        if self.walk is not None and self.walk.must_choose:
            typed = say("Type your prediction first, then {key} runs the code.", key=key_for("run"))
            chosen = say("Choose your prediction first, then {key} runs the code.", key=key_for("run"))
            self.out.say(typed if self.walk.form else chosen)
            self.question_pane.focus()
            return False
        if not self.trusted:
            self.ask_for_trust()
            return False
        return bool(self.editor.text.strip()) or self.walk is not None

    def _busy_from_now(self) -> None:
        self.runner.busy = True
        self._refused = False
        self._fault = ""
        self.began = time.monotonic()
        self._ticker.resume()
        self.refresh_bindings()

    async def _run_step(self, source: str, *, check: bool = False, stepwise: bool = False) -> None:
        def begin(before: Snapshot, past: Past) -> None:
            self.post_message(RunStarted("step", source, before, past, self.runner.recording))

        where = None
        if self.walk is not None:
            step = self.walk.step
            where = Place(self.walk.lesson, step, self.walk.expression, self.walk.graded if check else None)
        outcome = await self.runner.step(source, self.filename, where, begin, stepwise=stepwise)
        self.post_message(RunFinished(outcome))

    @on(LineEntered)
    def enter_line(self, message: LineEntered) -> None:
        """Answer `input()`, or run the line."""
        if message.answer and self.repl.asking:
            self.out.echo(f"{self._asked}{'' if self.repl.hides else message.text}\n")
            self._stop_asking()
            self.runner.session.reply(message.text)
        elif message.answer:
            self.repl.take_back(message.text)
        else:
            self._lines.append(message.text)
            self._next_line()

    def _next_line(self) -> None:
        """Run the next of the lines that were entered; those entered meanwhile wait their turn."""
        if self._lines and not self.runner.busy:
            self._busy_from_now()
            self.run_worker(self._run_line(self._lines.popleft()), group="run")
        self._show_sign()

    def _show_sign(self) -> None:
        if not self.repl.asking:
            self.sign.update(say("{count} waiting", count=len(self._lines)) + " › " if self._lines else "› ")

    def _return_lines(self) -> None:
        """What waits is not run: it stands at the prompt again."""
        if self._lines:
            self.repl.take_back("\n".join(self._lines) + "\n" * bool(self.repl.text))
            self._lines.clear()
        self._show_sign()

    async def _run_line(self, source: str) -> None:
        def begin(before: Snapshot, past: Past) -> None:
            self.post_message(RunStarted("line", source, before, past, self.runner.recording))

        self.post_message(RunFinished(await self.runner.line(source, begin)))

    @on(RunStarted)
    def show_start(self, message: RunStarted) -> None:
        """A new entry; the old notes go."""
        self.begin_moment()
        self.began = time.monotonic()
        if message.kind == "step":
            mark, title, source = "▸", self.filename, message.source
            self.editor.begin(message.source)
        else:
            mark, title = "›", (source := message.source.rstrip())
        told = self.follow_run(message, title, message.source)
        told.entry = self.out.begin(
            mark, title, source=source, place=self._place, recording=message.recording
        )
        self._stamp = None
        self._keep_run()

    def _keep_run(self) -> None:
        """Bring what has come of the newest run so far to the store."""
        entry = self.out.record()
        if entry is None:
            return
        if self._stamp is None:
            self._stamp = self.store.add_entry(entry)
        else:
            self.store.update_entry(self._stamp, entry)
        self._kept_at = time.monotonic()

    def prepare_step(self) -> None:
        """Give the current step its namespace, so that the prompt can be used before the first run."""
        self.forget_selection()
        self.follow_nothing()
        self.run_worker(self._prepare(), group="prepare")

    async def _prepare(self) -> None:
        walk = self.walk if self.trusted else None
        where = Place(walk.lesson, walk.step) if walk is not None else None
        self.post_message(Prepared(await self.runner.prepare(where)))

    @on(Prepared)
    def show_prepared(self, message: Prepared) -> None:
        """What the setup made, or why it did not."""
        if message.fault and self.runner.session.state != "dead":
            self.tell_fault(message.fault)
        if not self.runner.busy:
            self.show_facts(self.runner.session.snapshot, (), {})
            self.look()

    # ── coming back ──────────────────────────────────────────────────────────

    @on(KernelEvent)
    def hear(self, message: KernelEvent) -> None:
        """Events of the run under way, and of the kernel's life."""
        match message.event:
            case Output(text=text, skipped=skipped):
                self.out.feed(text, skipped)
            case StepStarted(line=line, end_line=end_line):
                if self.following.kind == "step":
                    self.editor.mark_running(line, end_line)
            case StepFinished(step=step):
                self.follow_step(step)
            case Progressed() as event:
                self.follow_progress(event)
            case Paused() as paused:
                self.post_message(Waits(paused))
            case InputAsked(prompt=prompt, hidden=hidden):
                self._ask(prompt, hidden=hidden)
            case Died(sentence=sentence) if self._alive:  # a refusal to start has been told already
                self._alive = False
                way = say("{key} restarts it; your code stays.", key=key_for("restart"))
                self.tell_fault(f"{sentence} {way}")
                self.editor.outdate()
            case StateChanged():
                self.show_state()

    @on(RunFinished)
    def show_end(self, message: RunFinished) -> None:
        """Results, warnings, the error, then the prediction beside the answer."""
        outcome = message.outcome
        self._ticker.pause()
        self.inspector.show_live(None)
        self.end_steps()
        self._stop_asking()
        self.repl.forget_ahead()
        self.editor.mark_running(0, 0)
        if outcome.fault:
            self.tell_fault(outcome.fault)
        if outcome.run is not None:
            self.follow()
            following = self.following
            notes = following.facts_told() if following.kind == "line" else ()
            fact = status.duration(outcome.run.elapsed)
            explained = following.explained()
            told = [each.explanation for each in explained]
            self.out.finish(outcome.run, fact, notes, told, elsewhere=following.kind == "step")
            if outcome.kind == "step":
                self.last_run = outcome.run
                if outcome.run.error is not None:
                    self.editor.reveal(outcome.run.error.line)
            self.tell_explained(explained)
            if self.runner.session.state == "dead":
                self.editor.outdate()
            if outcome.kind == "step":
                self.judge(outcome)
            self._keep_run()
        self.show_state()
        self.look()
        if outcome.run is None or outcome.run.cut_short:
            self._return_lines()
        self._next_line()

    def end_steps(self) -> None:
        """A run that was taken step by step is over."""

    def judge(self, outcome: Outcome) -> None:
        """What running the step's code means for the lesson."""

    # ── input, choices ───────────────────────────────────────────────

    def _ask(self, prompt: str, *, hidden: bool) -> None:
        *above, self._asked = prompt.split("\n")
        sign = "".join(line.plain for line in plain_lines(self._asked, palette_of(self.app.theme)))
        if above:
            self.out.echo("\n".join(above) + "\n")
        if cell_len(sign) > self.size.width // 3:  # the answer needs the room
            self.out.echo(self._asked)
            self._asked = sign = ""
        self.repl.ask(True, hidden=hidden)
        self.sign.update(sign or f"{say('input')} › ")
        self.repl.focus()

    def _stop_asking(self) -> None:
        if self.repl.asking:
            self.repl.ask(False)
            self._show_sign()

    @on(InputEnded)
    def end_input(self) -> None:
        """End of file for the code that waits."""
        self.out.echo(f"{self._asked}^D\n")
        self._stop_asking()
        self.runner.session.reply(None)

    # ── the kernel's life ────────────────────────────────────────────────────

    def action_stop(self) -> None:
        """Stop the running code."""
        self._stop_asking()
        self.runner.session.interrupt()

    def action_restart(self) -> None:
        """A fresh kernel; code and output stay."""
        self.run_worker(self._restart(None), group="restart", exclusive=True)

    async def _restart(self, device: str | None) -> None:
        self._fault = ""
        fault = await self.runner.restart(device)
        self._alive = not fault
        self.editor.outdate()
        if fault:
            self.tell_fault(fault)
        else:
            info = self.runner.session.info
            told = say("The kernel was restarted; its namespace is empty.")
            if device is not None and info is not None:
                told = say(
                    "The kernel was restarted on {device}; its namespace is empty.",
                    device=device_named(info.device),
                )
            self.out.say(told)
            if info is not None and info.preamble is not None:
                self.out.begin("›", info.preamble)
            self.prepare_step()
        self.show_state()

    def suit_device(self) -> None:
        """Have the kernel on the device that the lesson asks for, unless the learner chose one by name."""
        session = self.runner.session
        lesson = self.walk.lesson if self.walk is not None else None
        wanted = device_for(lesson, session.chosen)
        if wanted != session.device:
            self.runner.unsettle()
            self.run_worker(self._move(wanted), group="restart", exclusive=True)

    async def _move(self, device: str) -> None:
        self._fault = ""
        fault = await self.runner.restart(device)
        self._alive = not fault
        if fault:
            told = say(
                "This lesson is for {device}. {fault} {key} changes the device.",
                device=device,
                fault=fault,
                key=key_for("device"),
            )
            self.tell_fault(told)
        self.show_state()

    def action_device(self) -> None:
        """Choose among the devices that are there."""
        from tutor.tui.chooser import Chooser, Item

        info = self.runner.session.info
        devices = info.available if info is not None else ("cpu",)
        items = [Item("auto", "auto", say("the best that is there"))]
        items += [Item(name, name) for name in devices if not is_simulated(name)]
        items.append(Item(SIMULATED, SIMULATED, translated(SIMULATED_FACT), current_for=f"{SIMULATED}:0"))

        def chosen(device: str | None) -> None:
            if device is not None:
                self.runner.session.chosen = device
                self.run_worker(self._restart(device), group="restart", exclusive=True)

        current = info.device if info is not None else ""
        self.app.push_screen(Chooser(say("device"), items, current), chosen)
