"""`torchtutor preview`: a lesson as its learners will see it, shown anew whenever its file is saved."""

from __future__ import annotations

from pathlib import Path

from tutor.course.loader import LessonError, load_lesson, read_overlay
from tutor.course.overlay import overlay_path
from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.course.trust import trust_key
from tutor.language import current_language
from tutor.session import Session
from tutor.translation import say
from tutor.tui.app import TutorApp, run

#: Seconds between looks at the file.
PAUSE = 0.3
#: Looks that find no file before it is told: an editor that saves takes the old file away for a moment.
PATIENCE = 5

_Stamp = tuple[int, int] | None


class PreviewApp(TutorApp):
    """The app over one file. Its author has named it, so that nothing asks whether its code may run."""

    def __init__(self, session: Session, store: Store, lesson: Lesson, path: Path) -> None:
        store.set_setting(trust_key(lesson), True)
        super().__init__(session, store, lesson, path=path)
        self._file = path
        self._overlay = overlay_path(path, current_language())
        self._seen = self._stamps()
        self._missed = 0

    def on_mount(self) -> None:
        """Look at the file from now on."""
        self.set_interval(PAUSE, self._look)

    def _look(self) -> None:
        now = self._stamps()
        bench = self._first
        if bench.runner.busy or not bench.is_current:
            return  # later: code runs, or a list lies over the page
        if now[0] is None:
            self._missed += 1
            if self._missed == PATIENCE:
                bench.out.say(say("{name} is gone: this is how it was.", name=self._file.name), "error")
            return
        if now == self._seen and self._missed < PATIENCE:
            return
        translated_anew = now[0] == self._seen[0] and now[1] != self._seen[1]
        self._seen, self._missed = now, 0
        try:
            lesson = load_lesson(self._file, current_language())
        except LessonError as error:
            bench.out.say(str(error), "error")
            return
        self.store.set_setting(trust_key(lesson), True)
        bench.reload(lesson)
        name = self._overlay.relative_to(self._file.parent) if translated_anew else self._file.name
        bench.out.say(say("{name} was saved: this is how it is now.", name=name))
        for trouble in read_overlay(self._file, current_language())[1]:
            bench.out.say(str(trouble), "error")

    def _stamps(self) -> tuple[_Stamp, _Stamp]:
        """Of the lesson's file, and of its translation into the language that is spoken."""
        return _stamp(self._file), _stamp(self._overlay) if current_language() != "en" else None


def run_preview(session: Session, store: Store, lesson: Lesson, path: Path) -> int:
    """Run the preview on this terminal; the exit status."""
    return run(lambda: PreviewApp(session, store, lesson, path))


def _stamp(path: Path) -> _Stamp:
    """When the file was last written, and its size; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
