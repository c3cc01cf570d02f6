"""The app: themes, the lesson's workbench beside a scratch one, and a calm end whatever happens."""

from __future__ import annotations

import asyncio
import gc
import os
import select
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.text import Text
from textual import events, on
from textual.filter import LineFilter

from tutor.course.errors import LessonError
from tutor.course.loader import load_lesson
from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.explain import load_rules
from tutor.language import current_language
from tutor.session import Session
from tutor.translation import read_all, say
from tutor.tui.altkeys import read_alt_by
from tutor.tui.clipboard import Copying
from tutor.tui.colourless import Colourless
from tutor.tui.messages import StoreTrouble
from tutor.tui.themes import choices, suitable, themes
from tutor.tui.workbench import Workbench
from tutor.view.palette import INK

#: Seconds between looks at whether the terminal is still there.
HANGUP_PAUSE = 1.0


class TutorApp(Copying):
    """Up to two workbenches, each over a session of its own: one for lessons, one to try things."""

    TITLE = "torchtutor"
    COMMAND_PALETTE_BINDING = "ctrl+o"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = set()
    # Textual does not load the style sheet of a default screen.
    CSS_PATH = ["workbench.tcss", "editing/editing.tcss"]

    def __init__(
        self,
        session: Session,
        store: Store,
        lesson: Lesson | None,
        *,
        path: Path | None = None,
        greet: bool = False,
        theme: str | None = None,
    ) -> None:
        super().__init__()
        read_alt_by(self.driver_class)
        self.session = session
        self.store = store
        #: Sessions of benches that were opened later.
        self.siblings: list[Session] = []
        self._greets = greet
        self._colourless = (Colourless(),)
        self._first = Workbench(session, store, lesson, path)
        self._second: Workbench | None = None
        for own in themes():
            self.register_theme(own)
        wanted = theme or store.setting("theme", "")
        self.theme = suitable(self.console.color_system, self.no_color, wanted)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that are not ours."""
        return {
            "rule": INK.rule,
            "label": INK.label,
            "muted": INK.muted,
            "faint": INK.muted,
            "cursor": INK.background,
        }

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, which make greys of colours, are not what NO_COLOR asks for."""
        return self._colourless if self.no_color else super().get_line_filters()

    def get_default_screen(self) -> Workbench:
        """The workbench is the first screen, so nothing is drawn before it."""
        return self._first

    @property
    def workbench(self) -> Workbench:
        """The bench that is seen, or that lies under a list."""
        return next(s for s in reversed(self.screen_stack) if isinstance(s, Workbench))

    def on_mount(self) -> None:
        """Listen to the store from now on; greet whoever is here for the first time."""
        # Once the lesson is there: it begins with an empty output.
        self.call_after_refresh(self.store.listen, self._hear_trouble)
        prepare = partial(_prepare, stays=not self.is_headless)
        self.call_after_refresh(self.run_worker, prepare, thread=True)  # while torch is imported
        if not self.is_headless:
            self.set_interval(HANGUP_PAUSE, self._look_for_terminal)
        if self._greets:
            from tutor.tui.welcome import Welcome

            self.push_screen(Welcome(self.session), self._welcomed)

    def _look_for_terminal(self) -> None:
        """Without a terminal there is nobody to work for: Textual alone would read from it for ever."""
        poll = select.poll()
        poll.register(sys.__stdin__.fileno() if sys.__stdin__ is not None else 0, 0)
        if any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0)):
            self.workbench.keep_code()
            self.store.flush()
            self.exit(0)

    def _hear_trouble(self, sentence: str) -> None:
        """Called in the store's own thread."""
        self.post_message(StoreTrouble(sentence))

    async def _welcomed(self, choice: str | None) -> None:
        self.store.set_setting("welcomed", True)
        if choice is not None:
            await self.run_action(choice)

    @on(StoreTrouble)
    def tell_trouble(self, message: StoreTrouble) -> None:
        """What cannot be kept on disk is said once; the work goes on."""
        self.workbench.out.say(message.sentence, "warning")

    def on_app_focus(self, event: events.AppFocus) -> None:
        """Another window may have been at work."""
        self.store.refresh()

    # ── benches ──────────────────────────────────────────────────────────────

    async def action_switch_bench(self) -> None:
        """From the lesson to the scratch page and back; each keeps running what it runs."""
        if self.workbench is self._first:
            if self._first.walk is None and self._second is None:
                await self.action_lessons()
                return
            if self._second is None:
                self._second = self._open_bench(None)
            await self.push_screen("second")
        else:
            self.pop_screen()

    def _open_bench(self, lesson: Lesson | None, path: Path | None = None) -> Workbench:
        session = self.session.sibling()
        session.spawn()
        self.siblings.append(session)
        bench = Workbench(session, self.store, lesson, path)
        bench.beside, self._first.beside = self._first, bench
        self.install_screen(bench, "second")
        return bench

    async def action_lessons(self) -> None:
        """Choose a lesson; broken ones say what is wrong with them."""
        from tutor.tui.chooser import Chooser
        from tutor.tui.lessons import lesson_items

        bench = self._lesson_bench
        if bench is not None and bench.refuse_while_busy():
            return
        current = bench.walk.lesson.id if bench is not None and bench.walk is not None else ""
        await self.push_screen(Chooser(say("lessons"), lesson_items(self.store), current), self._open)

    async def action_progress(self) -> None:
        """How far the learner is, in all lessons."""
        from tutor.tui.progress import ProgressScreen

        bench = self._lesson_bench
        if bench is not None and bench.refuse_while_busy():
            return
        current = bench.walk.lesson.id if bench is not None and bench.walk is not None else ""
        await self.push_screen(ProgressScreen(self.store, current), self._open)

    @property
    def _lesson_bench(self) -> Workbench | None:
        return next((b for b in (self._first, self._second) if b is not None and b.walk is not None), None)

    async def _open(self, key: str | None) -> None:
        if key is None:
            return
        path = Path(key)
        try:
            lesson = load_lesson(path, current_language())
        except LessonError as error:
            self.workbench.tell_fault(str(error))
            return
        bench = self._lesson_bench
        if bench is None:
            self._second = bench = self._open_bench(lesson, path)
            await self.push_screen("second")
            return
        bench.open(lesson, path)
        if bench is not self.workbench:
            await self.action_switch_bench()

    # ── themes, keys, faults ─────────────────────────────────────────────────

    async def action_switch_theme(self) -> None:
        """Choose the colours; the choice is remembered."""
        from tutor.tui.chooser import Chooser, Item

        items = [Item(name, name, what) for name, what in choices(self.no_color)]
        await self.push_screen(Chooser(say("theme"), items, self.theme), self.wear)

    def wear(self, theme: str | None) -> None:
        """Use and remember a theme."""
        if theme is not None and not self.no_color:
            self.theme = theme
            self.store.set_setting("theme", theme)

    def action_command_palette(self) -> None:
        """Search the commands; in words of ours, where Textual's own are English."""
        from tutor.tui.searching import CommandSearch

        if not isinstance(self.screen, CommandSearch):
            self.push_screen(CommandSearch())

    async def action_keys(self) -> None:
        """All keys."""
        from tutor.tui.help import HelpScreen

        await self.push_screen(HelpScreen())

    def _fatal_error(self) -> None:
        """A fault of ours: a sentence on the screen, the traceback in a file."""
        place = _log(traceback.format_exc())
        said = say("torchtutor ended by a fault of its own.")
        if place is not None:
            said = say("torchtutor ended by a fault of its own; the details are in {place}.", place=place)
        self._exit_renderables.append(Text(said))
        self._close_messages_no_wait()


def _prepare(*, stays: bool) -> None:
    """What the first explanation needs. Where the app `stays` as long as its process, Python's collector,
    which keeps keys waiting while it looks, need not go through what is there by now again and again."""
    try:
        load_rules()
        read_all()
        if stays:
            gc.freeze()
    finally:
        gc.enable()


def _log(details: str) -> Path | None:
    from platformdirs import user_log_path

    home = os.environ.get("TORCHTUTOR_HOME")
    try:
        folder = Path(home).expanduser() if home else user_log_path("torchtutor")
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / "fault.txt"
        place.write_text(details, encoding="utf-8")
    except OSError:
        return None
    return place


def run_app(
    session: Session, store: Store, lesson: Lesson | None, *, path: Path | None = None, greet: bool = False
) -> int:
    """Run the app on this terminal; the exit status. The session's child is to have been spawned already."""
    return run(lambda: TutorApp(session, store, lesson, path=path, greet=greet))


def run(make: Callable[[], TutorApp]) -> int:
    """Run an app that is made inside of its loop, until it ends; the exit status."""

    async def live() -> int:
        app = make()
        try:
            result = await app.run_async()
            return app.return_code or result or 0
        finally:
            app.store.listen(None)
            for each in (app.session, *app.siblings):
                await each.close()

    return asyncio.run(live())
