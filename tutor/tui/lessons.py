"""The lessons that come with torchtutor, as items of a list, by track."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tutor.course.errors import LessonError
from tutor.course.loader import bundled_lessons, load_lesson
from tutor.course.schema import STEP_KINDS, Lesson, Step
from tutor.course.store import StepProgress, Store
from tutor.course.walk import step_title
from tutor.language import current_language
from tutor.translation import say, translated
from tutor.tui.chooser import Item

_KINDS = {kind: name for name, kind in STEP_KINDS.items()}


def lesson_items(store: Store, paths: Iterable[Path] | None = None) -> list[Item]:
    """One item a lesson under its track's heading; a broken one carries the sentence that says why."""
    found: dict[str, list[Item]] = {}
    broken: list[Item] = []
    for path in bundled_lessons() if paths is None else paths:
        try:
            lesson = load_lesson(path, current_language())
        except LessonError as error:
            broken.append(Item(str(path), path.stem, str(error), usable=False))
        else:
            item = Item(str(path), lesson.title, progress_text(lesson, store), current_for=lesson.id)
            found.setdefault(lesson.track, []).append(item)
    items: list[Item] = []
    for track, lessons in found.items():
        items += [Item(f"track/{track}", track, heading=True), *lessons]
    return items + broken


def progress_text(lesson: Lesson, store: Store) -> str:
    """How far the learner is: `✓ done`, `3 of 8 done`, or how many steps there are."""
    known = store.progress(lesson.id)
    total = len(lesson.steps)
    done = sum(known[step.id].done for step in lesson.steps if step.id in known)
    if done == total:
        return say("✓ done")
    if known:
        return say("{done} of {total} done", done=done, total=total)
    return say("1 step") if total == 1 else say("{steps} steps", steps=total)


def step_items(lesson: Lesson, store: Store) -> list[Item]:
    """One item a step: its heading, and whether it is done, was seen, or needed its solution."""
    known = store.progress(lesson.id)
    return [
        Item(step.id, f"{number:>2}  {step_title(step)}", _step_fact(step, known.get(step.id)))
        for number, step in enumerate(lesson.steps, 1)
    ]


def _step_fact(step: Step, known: StepProgress | None) -> str:
    if known is None or not (known.visited or known.done):
        return translated(_KINDS[type(step)])
    if not known.done:
        return say("{kind}, begun", kind=translated(_KINDS[type(step)]))
    return say("✓ done, solution seen") if known.solution_shown else say("✓ done")
