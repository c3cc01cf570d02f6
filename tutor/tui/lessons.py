"""The lessons that come with torchtutor, as items of a list."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tutor.course.errors import LessonError
from tutor.course.loader import bundled_lessons, load_lesson
from tutor.tui.chooser import Item


def lesson_items(paths: Iterable[Path] | None = None) -> list[Item]:
    """One item a lesson, keyed by its path; a broken one carries the sentence that says where and why."""
    return [_item(path) for path in (bundled_lessons() if paths is None else paths)]


def _item(path: Path) -> Item:
    try:
        lesson = load_lesson(path)
    except LessonError as error:
        return Item(str(path), path.stem, str(error), usable=False)
    steps = "1 step" if len(lesson.steps) == 1 else f"{len(lesson.steps)} steps"
    return Item(str(path), lesson.title, f"{lesson.track} · {steps}")
