"""How far the learner is: the map of tracks and lessons, in numbers and in words."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from tutor.course.loader import is_bundled
from tutor.course.schema import Lesson, PredictStep
from tutor.course.store import Store
from tutor.course.store.records import StepProgress
from tutor.translation import translated

#: Moments that no calendar has begin here.
_END = 253_000_000_000


class Predictions(Struct, frozen=True):
    """How many predictions were right, of those whose outcome is known."""

    right: int = 0
    of: int = 0

    def __add__(self, other: Predictions) -> Predictions:
        return Predictions(self.right + other.right, self.of + other.of)


class LessonProgress(Struct, frozen=True):
    """One lesson. `last` is when the learner was there, in seconds since 1970, where that is known."""

    id: str
    title: str
    track: str
    state: Literal["new", "begun", "done"]
    steps: int
    done: int
    last: int | None
    predictions: Predictions
    hints: int
    solutions_shown: int


class CourseProgress(Struct, frozen=True):
    """All lessons, in the order in which they are taught."""

    lessons: tuple[LessonProgress, ...]
    #: Where lessons lie that did not come with torchtutor, by id.
    files: dict[str, str] = {}

    @property
    def predictions(self) -> Predictions:
        """Those of all lessons."""
        return sum((each.predictions for each in self.lessons), Predictions())

    def tracks(self) -> dict[str, list[LessonProgress]]:
        """The lessons under their tracks."""
        found: dict[str, list[LessonProgress]] = {}
        for lesson in self.lessons:
            found.setdefault(lesson.track, []).append(lesson)
        return found


def course_progress(store: Store, lessons: Iterable[Lesson]) -> CourseProgress:
    """What the store knows of these lessons, and below them of lessons from elsewhere that were begun."""
    here = [lesson_progress(lesson, store.progress(lesson.id)) for lesson in lessons]
    ids = {each.id for each in here}
    others = [
        (found, known)
        for name, known in sorted(store.all_progress().items())
        if name not in ids and (found := _recalled(store, name)) is not None
    ]
    files = {found.id: found.file for found, _ in others}
    return CourseProgress((*here, *(lesson_progress(*each) for each in others)), files)


class Outline(Struct, frozen=True):
    """What the map needs to know of a lesson; `steps` says by id which ask for a prediction."""

    id: str
    title: str
    track: str
    steps: dict[str, bool]
    file: str = ""


def _outline(lesson: Lesson, file: str = "") -> Outline:
    steps = {step.id: isinstance(step, PredictStep) for step in lesson.steps}
    return Outline(lesson.id, lesson.title, lesson.track, steps, file)


def remember(store: Store, lesson: Lesson, path: Path | None) -> None:
    """Keep what the map needs of a lesson from elsewhere: its file may be gone when the map is drawn."""
    if path is not None and not is_bundled(path):
        found = _outline(lesson, str(path.resolve()))
        store.set_setting(f"outline/{lesson.id}", msgspec.json.encode(found).decode())


def _recalled(store: Store, name: str) -> Outline | None:
    kept = store.setting(f"outline/{name}", "")
    try:
        return msgspec.json.decode(kept, type=Outline) if kept else None
    except msgspec.DecodeError:
        return None


def lesson_progress(lesson: Lesson | Outline, known: Mapping[str, StepProgress]) -> LessonProgress:
    """What is known of one lesson; steps that it has no more do not count."""
    lesson = lesson if isinstance(lesson, Outline) else _outline(lesson)
    found = {step: known[step] for step in lesson.steps if step in known}
    done = sum(each.done for each in found.values())
    firsts = [found[step] for step, predicts in lesson.steps.items() if predicts and step in found]
    # Whoever has seen the outcome can predict it: the first prediction counts, where it is known.
    judged = [each.right if each.first_right is None else each.first_right for each in firsts]
    predictions = Predictions(sum(each is True for each in judged), sum(each is not None for each in judged))
    state: Literal["new", "begun", "done"] = "begun" if found else "new"
    if done == len(lesson.steps):
        state = "done"
    last = max((each.at for each in found.values()), default=0)
    hints = sum(each.hints for each in found.values())
    solutions = sum(each.solution_shown for each in found.values())
    return LessonProgress(
        lesson.id,
        lesson.title,
        lesson.track,
        state,
        len(lesson.steps),
        done,
        last if 0 < last < _END else None,
        predictions,
        hints,
        solutions,
    )


# ── in words ─────────────────────────────────────────────────────────────────


def since(then: int | None, now: float) -> str:
    """How long ago, as people say it; empty where it is not known."""
    if then is None:
        return ""
    today = dt.datetime.fromtimestamp(now).astimezone().date()
    days = (today - dt.datetime.fromtimestamp(then).astimezone().date()).days
    if days < 2:
        return translated("today" if days < 1 else "yesterday")
    if days < 14:
        return translated("{count} days ago").format(count=days)
    if days < 60:
        return translated("{count} weeks ago").format(count=days // 7)
    if days < 365:
        return translated("{count} months ago").format(count=days // 30)
    years = days // 365
    return translated("1 year ago" if years == 1 else "{count} years ago").format(count=years)


def state_words(lesson: LessonProgress) -> str:
    """`done`, `3 of 8`, or how many steps there are."""
    if lesson.state == "done":
        return translated("✓ done")
    if lesson.state == "begun":
        return translated("{done} of {steps}").format(done=lesson.done, steps=lesson.steps)
    return translated("1 step" if lesson.steps == 1 else "{steps} steps").format(steps=lesson.steps)


def calibration(predictions: Predictions) -> str:
    """How good the learner's predictions were, in a sentence."""
    if not predictions.of:
        return translated("No predictions yet.")
    template = translated("You were right in {right} of {of} predictions.")
    return template.format(right=predictions.right, of=predictions.of)


def total_words(course: CourseProgress) -> str:
    """What the map comes to."""
    done = sum(each.state == "done" for each in course.lessons)
    template = translated("{done} of {count} lessons done.")
    return f"{template.format(done=done, count=len(course.lessons))} {calibration(course.predictions)}"


def as_text(course: CourseProgress, now: float) -> str:
    """The whole map as lines of text."""
    width = max((_columns(each.title) for each in course.lessons), default=0)
    lines = []
    for track, lessons in course.tracks().items():
        lines.append(track)
        for each in lessons:
            state = _padded(state_words(each), 9)
            words = f"  {_padded(each.title, width)}  {state}  {since(each.last, now)}"
            lines.append(words.rstrip())
        lines.append("")
    lines.append(total_words(course))
    return "\n".join(lines)


def _columns(text: str) -> int:
    """What the text takes on a terminal: letters of Korean take two columns."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))


def as_data(course: CourseProgress) -> dict[str, object]:
    """The same for programs; moments are ISO 8601, in UTC."""
    lessons = []
    for each in course.lessons:
        last = None if each.last is None else _iso(each.last)
        predictions = {"right": each.predictions.right, "of": each.predictions.of}
        lessons.append(
            {**msgspec.structs.asdict(each), "last": last, "predictions": predictions},
        )
    total = course.predictions
    return {"lessons": lessons, "predictions": {"right": total.right, "of": total.of}}


def _iso(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
