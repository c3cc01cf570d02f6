"""Lessons and sessions as files to take along: what stands in them, by the file's name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tutor.course.loader import LessonError, bundled_lessons, load_lesson
from tutor.course.notebook import ENDINGS, written
from tutor.course.ran import Ran
from tutor.course.schema import Lesson
from tutor.course.sheets import lesson_cells, ran, session_cells
from tutor.course.store import Store, draft_key
from tutor.export import ExportError
from tutor.translation import later, say, translated

_NOTHING = later("Nothing has run yet, so that there is nothing to write.")


def lesson_file(lesson: Lesson, store: Store, name: str, *, mine: bool) -> bytes:
    """A lesson as the file `name` would have it; with `mine`, the learner's code in steps that are done."""
    return written(lesson_cells(lesson, own_code(lesson, store) if mine else None), ending_of(name))


def session_file(store: Store, name: str, *, own: bool = True, more: Lesson | None = None) -> bytes:
    """What ran in this session, else in the last one, as the file `name` would have it.

    `more` is a lesson that did not come with torchtutor. ExportError where nothing ran."""
    runs = [ran(entry) for entry in store.session(own=own) if entry.source.strip()]
    if not runs:
        raise ExportError(translated(_NOTHING))
    known = {more.id: more} if more is not None else {}
    names = {each.place.partition("/")[0] for each in runs}
    for path in bundled_lessons():
        if path.stem in names:
            with suppress(LessonError):
                known[path.stem] = load_lesson(path)
    return written(session_cells(runs, known), ending_of(name))


def pieces_file(runs: Sequence[Ran], name: str, lesson: Lesson | None = None) -> bytes:
    """These pieces of code, run in a lesson if any, as the file `name` would have them.

    ExportError where there are none."""
    if not runs:
        raise ExportError(translated(_NOTHING))
    return written(session_cells(runs, {lesson.id: lesson} if lesson is not None else {}), ending_of(name))


def own_code(lesson: Lesson, store: Store) -> dict[str, str]:
    """The learner's code of the steps that are done, by their ids."""
    known = store.progress(lesson.id)
    done = [step.id for step in lesson.steps if step.id in known and known[step.id].done]
    drafts = {name: store.draft(draft_key(lesson.id, name)) for name in done}
    return {name: draft.text for name, draft in drafts.items() if draft is not None and draft.text.strip()}


def ending_of(name: str) -> str:
    """`.py` or `.ipynb`; a file without a name is a script. ExportError for another ending."""
    ending = Path(name).suffix.lower() if name else ".py"
    if ending not in ENDINGS:
        raise ExportError(
            say("{name}: the name ends in neither .py nor .ipynb, which are what can be written.", name=name)
        )
    return ending
