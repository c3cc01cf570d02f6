"""The app: themes, the workbench, and a calm end whatever happens."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path

from rich.text import Text
from textual.app import App

from tutor.course.errors import LessonError
from tutor.course.loader import load_lesson
from tutor.course.schema import Lesson
from tutor.session import Session
from tutor.tui.themes import after, suitable, themes
from tutor.tui.workbench import Workbench
from tutor.view.palette import INK


class TutorApp(App[int]):
    """One workbench over one session."""

    TITLE = "torchtutor"
    COMMAND_PALETTE_BINDING = "ctrl+o"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = set()
    # Textual does not load the style sheet of a default screen.
    CSS_PATH = "workbench.tcss"

    def __init__(
        self, session: Session, lesson: Lesson | None, *, scratch: bool = False, theme: str | None = None
    ) -> None:
        super().__init__()
        self.session = session
        self._lesson = None if scratch else lesson
        for own in themes():
            self.register_theme(own)
        self.theme = suitable(self.console.color_system, self.no_color, theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that are not ours."""
        return {
            "rule": INK.rule,
            "label": INK.label,
            "muted": INK.muted,
            "faint": INK.muted,
            "cursor": INK.background,
        }

    def get_default_screen(self) -> Workbench:
        """The workbench is the first screen, so nothing is drawn before it."""
        return Workbench(self.session, self._lesson)

    @property
    def workbench(self) -> Workbench:
        """The screen that holds the lesson."""
        return next(s for s in reversed(self.screen_stack) if isinstance(s, Workbench))

    def action_lessons(self) -> None:
        """Choose a lesson; broken ones say what is wrong with them."""
        from tutor.tui.chooser import Chooser
        from tutor.tui.lessons import lesson_items

        if not self.workbench.refuse_while_busy():
            self.push_screen(Chooser("lessons", lesson_items()), self._open)

    def _open(self, key: str | None) -> None:
        if key is None:
            return
        try:
            lesson = load_lesson(Path(key))
        except LessonError as error:
            self.workbench.tell_fault(str(error))
            return
        self.workbench.open(lesson)

    def action_switch_theme(self) -> None:
        """Dark to light and back."""
        self.theme = after(self.theme, self.no_color)

    def action_keys(self) -> None:
        """All keys."""
        from tutor.tui.help import HelpScreen

        self.push_screen(HelpScreen())

    def _fatal_error(self) -> None:
        """A fault of ours: a sentence on the screen, the traceback in a file."""
        place = _log(traceback.format_exc())
        where = f"; the details are in {place}" if place is not None else ""
        self._exit_renderables.append(Text(f"torchtutor ended by a fault of its own{where}."))
        self._close_messages_no_wait()


def _log(details: str) -> Path | None:
    from platformdirs import user_log_path

    try:
        folder = user_log_path("torchtutor", ensure_exists=True)
        place = folder / "fault.txt"
        place.write_text(details, encoding="utf-8")
    except OSError:
        return None
    return place


def run_app(session: Session, lesson: Lesson | None, *, scratch: bool = False) -> int:
    """Run the app on this terminal; the exit status. The session's child is to have been spawned already."""

    async def run() -> int:
        app = TutorApp(session, lesson, scratch=scratch)
        try:
            result = await app.run_async()
            return app.return_code or result or 0
        finally:
            await session.close()

    return asyncio.run(run())
