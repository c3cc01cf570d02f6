"""`torchtutor preview`: a lesson as its learners will see it, shown anew whenever its file is saved."""

from __future__ import annotations

from pathlib import Path

from tutor.course.loader import LessonError, load_lesson
from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.course.trust import trust_key
from tutor.language import current_language
from tutor.session import Session
from tutor.translation import say
from tutor.tui.app import TutorApp, run

#: Seconds between looks at the file.
PAUSE = 0.3


class PreviewApp(TutorApp):
    """The app over one file. Its author has named it, so that nothing asks whether its code may run."""

    def __init__(self, session: Session, store: Store, lesson: Lesson, path: Path) -> None:
        store.set_setting(trust_key(lesson), True)
        super().__init__(session, store, lesson, path=path)
        self._file = path
        self._seen = _stamp(path)

    def on_mount(self) -> None:
        """Look at the file from now on."""
        self.set_interval(PAUSE, self._look)

    def _look(self) -> None:
        now = _stamp(self._file)
        bench = self._first
        if now is None or now == self._seen or bench.runner.busy or not bench.is_current:
            return  # later: it is being replaced, or code runs, or a list lies over the page
        self._seen = now
        try:
            lesson = load_lesson(self._file, current_language())
        except LessonError as error:
            bench.out.say(str(error), "error")
            return
        self.store.set_setting(trust_key(lesson), True)
        bench.reload(lesson)
        bench.out.say(say("{name} was saved: this is how it is now.", name=self._file.name))


def run_preview(session: Session, store: Store, lesson: Lesson, path: Path) -> int:
    """Run the preview on this terminal; the exit status."""
    return run(lambda: PreviewApp(session, store, lesson, path))


def _stamp(path: Path) -> tuple[int, int] | None:
    """When the file was last written, and its size; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
