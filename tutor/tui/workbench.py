"""The one screen: a step of the lesson, or a scratch page, and the commands."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from textual import on
from textual.binding import Binding

from tutor.course.loader import is_bundled
from tutor.course.progress import remember
from tutor.course.schema import Lesson
from tutor.course.store import Store, draft_key
from tutor.course.study import Walk
from tutor.course.trust import trust_key
from tutor.session import Session
from tutor.translation import say
from tutor.tui.commands import CommandProvider, bindings, key_for
from tutor.tui.editing.commands import EditingCommands
from tutor.tui.messages import CommandChosen
from tutor.tui.pane import Pane
from tutor.tui.studying import Studying
from tutor.tui.trust import TrustScreen

#: Seconds that keys wait for a command that was pressed before them, at most.
TURN = 0.5

#: Runs of earlier times that are shown.
EARLIER = 20


class Workbench(EditingCommands, Studying):
    """Shows one lesson, or a scratch page where there is none."""

    BINDINGS = [
        *bindings(),
        Binding("pageup", "scroll_prose(-1)", show=False, priority=True),
        Binding("pagedown", "scroll_prose(1)", show=False, priority=True),
    ]
    COMMANDS = {CommandProvider}

    def __init__(
        self, session: Session, store: Store, lesson: Lesson | None, path: Path | None = None
    ) -> None:
        super().__init__(session, store, lesson)
        #: The lesson's file; None for one that needs no question about where it came from.
        self.path = path
        self._dress()  # before the first paint, which a change of classes would make twice

    def on_mount(self) -> None:
        """Show the lesson at once; the kernel comes when it comes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.write_prose())
        for area in (self.editor, self.repl):
            area.complete_with(self.completer)
        self.begin()
        if self.walk is None:
            self.load_step()
        else:
            self.open(self.walk.lesson, self.path)

    def open(self, lesson: Lesson, path: Path | None = None) -> None:
        """Go to where the learner left the lesson; ask first whether code from elsewhere may run."""
        self.keep_code()
        self.path = path
        self.walk = Walk(lesson, self.store)
        self.trusted = path is None or is_bundled(path) or self.store.setting(trust_key(lesson), False)
        remember(self.store, lesson, path)
        self.suit_device()
        self.load_step()
        if not self.trusted:
            self.ask_for_trust()

    def reload(self, lesson: Lesson) -> None:
        """Show a lesson whose file has changed; a draft of code that is another now makes way."""
        self.keep_code()
        before = {} if self.walk is None else {step.id: step.code for step in self.walk.lesson.steps}
        for step in lesson.steps:
            if before.get(step.id, step.code) != step.code:
                self.store.reset_draft(draft_key(lesson.id, step.id))
        self._loaded, self._has_draft = self.editor.text, False  # it has been kept
        if self.walk is not None and self.walk.step.id not in [step.id for step in lesson.steps]:
            Walk.leave_at(lesson, self.store, self.walk.index)
        self.open(lesson, self.path)

    def ask_for_trust(self) -> None:
        """Show what a lesson from elsewhere would run, and ask whether it may."""
        if self.walk is None or self.path is None:
            return
        lesson = self.walk.lesson

        def answered(trusted: bool | None) -> None:
            if trusted:
                self.store.set_setting(trust_key(lesson), True)
                self.trusted = True
                self.prepare_step()

        self.app.push_screen(TrustScreen(lesson, self.path), answered)

    def load_step(self) -> None:
        """Show the current step with the learner's own code, in a fresh namespace."""
        self._forget_news()
        self.last_run = None
        if self.walk is not None:
            self.walk.arrive()
        self.show_code()
        self.guess.value = self.walk.work.typed if self.walk is not None else ""
        self.editor.forget()
        self.code_panel.heading.label = self.filename
        self.out.clear()
        self.out.restore(self.store.transcript(self._place, limit=EARLIER))
        self.greet()
        self._dress()
        self.write_prose()
        self.prose.scroll_home(animate=False)
        self.show_question()
        self.show_state()
        self.prepare_step()
        self.call_after_refresh(self._mind_focus)
        if self.walk is not None and self.walk.asks and not self.walk.is_answered:
            self.question_pane.focus()
        elif self.walk is None or not self.walk.has_code:
            self.repl.focus()
        else:
            self.editor.focus()

    def _dress(self) -> None:
        """What kind of step this is, as style classes."""
        walk = self.walk
        self.set_class(walk is None, "-scratch")
        self.set_class(walk is not None and not walk.has_code, "-code-free")
        self.set_class(walk is not None and walk.asks, "-asks")
        # Until the prediction is made the question needs the room more than the code.
        self.set_class(walk is not None and walk.must_choose, "-open")

    def action_versions(self) -> None:
        """Choose among the code that was set aside; what stands in the editor can be had back by undo."""
        from tutor.tui.chooser import Chooser
        from tutor.tui.versions import version_items

        backups = self.store.backups(self._place)

        def chosen(key: str | None) -> None:
            if key is not None:
                self.editor.replace(backups[int(key)].text, (0, 0), self.editor.document.end)
                self.editor.focus()

        self.app.push_screen(Chooser(say("earlier versions"), version_items(backups)), chosen)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a command is offered now."""
        if self.repl.has_focus and self.repl.asking and action in ("leave", "docs"):
            return False  # Escape and ^d end the input
        match action:
            case "in_turn":
                return self.check_action(str(parameters[0]), ())
            case "scroll_prose" | "read_on":
                return self.offers_turning(action) and not self.popup_is_open
            case "stop":
                return self.runner.busy
            case "earlier" | "later" | "first" | "now" | "leave":
                return not self.popup_is_open and self.offers_moment(action)
            case "find" | "comment" | "docs":
                return self.offers_editing(action)
            case "previous" | "next" | "reset_code" | "take_lesson":
                return self.walk is not None
            case "check" | "solution" | "hint":
                return self.walk is not None and self.walk.graded is not None
            case "versions":
                return bool(self.store.backups(self._place))
            case _:
                return super().check_action(action, parameters)

    async def action_in_turn(self, action: str) -> None:
        """Run a command after the keys that were pressed before it, and before those pressed after it.

        The app waits here, so that the next keys go to what has the focus then."""
        chosen = CommandChosen(action)
        if self.focused is not None:
            # In the focused widget's own time: what it told the screen comes first.
            self.focused.call_later(self.post_message, chosen)
        else:
            self.post_message(chosen)
        with suppress(TimeoutError):
            await asyncio.wait_for(chosen.obeyed.wait(), TURN)

    @on(CommandChosen)
    async def obey(self, message: CommandChosen) -> None:
        """A click in the key bar does what the key does; behind what lies over the bench, nothing happens."""
        try:
            if self.is_active or isinstance(self.app.screen, Workbench):
                await self.run_action(message.action)
        finally:
            message.obeyed.set()

    def action_next(self) -> None:
        """Go on; after the last step say what that means."""
        if self.walk is None or self.refuse_while_busy():
            return
        self.keep_code()
        if self.walk.forward():
            self.load_step()
        else:
            way = say("{key} shows the lessons.", key=key_for("lessons"))
            self.out.say(f"{self.walk.ending} {way}")

    def action_previous(self) -> None:
        """Go back one step."""
        if self.walk is None or self.refuse_while_busy():
            return
        self.keep_code()
        if self.walk.back():
            self.load_step()
        else:
            self.out.say(say("This is the first step."))

    def action_steps(self) -> None:
        """Go to any step; nothing has to be done before it."""
        from tutor.tui.chooser import Chooser
        from tutor.tui.lessons import step_items

        walk = self.walk
        if walk is None or self.refuse_while_busy():
            return

        def chosen(step: str | None) -> None:
            if step is not None:
                self.keep_code()
                walk.go_to(step)
                self.load_step()

        items = step_items(walk.lesson, self.store)
        self.app.push_screen(Chooser(say("steps"), items, walk.step.id), chosen)

    def action_reset_code(self) -> None:
        """Put the step's own code back; the editor's undo brings the learner's back."""
        if self.walk is None or self.refuse_while_busy():
            return
        self.keep_code()
        self.walk.reset()
        self.guess.value = ""
        self.store.reset_draft(self._place)
        self._loaded, self._has_draft = self.own_code, False
        self.editor.replace(self.own_code, (0, 0), self.editor.document.end)
        self.go_to_gap()
        self.editor.forget()
        self.last_run = None
        self.write_prose()
        self.show_question()
        if self.walk.asks:
            self.question_pane.focus()
        self.show_state()

    def action_inspector(self) -> None:
        """Wide: show or hide the inspector. Narrow: turn the page to it and back."""
        if self.has_class("-narrow"):
            self.toggle_class("-inspect")
            if self.has_class("-inspect"):
                self._came_from = self.focused or self.editor
                self.inspector.table.focus()
            else:
                self._came_from.focus()
        else:
            self.toggle_class("-hide-inspector")
            if self.focused is not None and self.inspector in self.focused.ancestors:
                self.editor.focus()

    def action_leave(self) -> None:
        """From the editor to the prompt, and back."""
        (self.repl if self.focused is self.editor else self.editor).focus()

    def action_clear_output(self) -> None:
        """Empty the output."""
        self.out.clear()
        self.greet()

    async def action_palette(self) -> None:
        """Search the commands."""
        await self.app.run_action("command_palette")

    async def action_lessons(self) -> None:
        """Choose a lesson."""
        await self.app.run_action("lessons")

    async def action_progress(self) -> None:
        """How far the learner is."""
        await self.app.run_action("progress")

    def action_take_lesson(self) -> None:
        """Write the lesson to a file."""
        from tutor.tui.taking import take_lesson

        self.keep_code()
        self.run_worker(take_lesson(self), group="export", exclusive=True)

    def action_take_session(self) -> None:
        """Write what ran to a file."""
        from tutor.tui.taking import take_session

        self.run_worker(take_session(self), group="export", exclusive=True)

    async def action_theme(self) -> None:
        """The other theme."""
        await self.app.run_action("switch_theme")

    async def action_help(self) -> None:
        """All keys."""
        await self.app.run_action("keys")

    async def action_scratch(self) -> None:
        """To the scratch page and back."""
        await self.app.run_action("switch_bench")

    def action_go(self) -> None:
        """Go to a pane by its number."""
        from tutor.tui.go import GoScreen

        self.app.push_screen(GoScreen(self.panes()), self._go_to)

    def panes(self) -> list[Pane]:
        """What F6 can go to, in the order of the page."""
        found = [Pane(say("text"), self.prose)] if self.walk is not None else []
        if self.has_class("-asks"):
            found.append(Pane(say("predict"), self.question_pane))
        if not self.has_class("-code-free"):
            found.append(Pane(say("code"), self.editor))
        found += [Pane(say("output"), self.out), Pane(say("prompt"), self.repl)]
        return found + self.inspector.panes()

    def _go_to(self, pane: Pane | None) -> None:
        if pane is None:
            return
        if self.has_class("-narrow"):
            self.set_class(self.inspector in pane.widget.ancestors, "-inspect")
        elif self.inspector in pane.widget.ancestors:
            self.remove_class("-hide-inspector")
        pane.widget.focus()

    async def action_quit(self) -> None:
        """End the app."""
        self.keep_code()
        self.app.exit(0)
