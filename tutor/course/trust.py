"""A lesson from elsewhere: what it would run, and the name under which the learner's answer is kept."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec.structs import replace

from tutor.course.overlay import rewrite
from tutor.course.schema import Graded, Lesson, PredictStep, Step
from tutor.course.walk import prologue, step_code
from tutor.translation import later, say

RISK = later(
    "It did not come with torchtutor, and its code can do on this machine whatever you can. "
    "Run it only if you trust where it came from."
)


def trust_key(lesson: Lesson) -> str:
    """The setting that remembers the answer: for all that may run, whatever is said around it.

    So that a lesson is asked about once, in whichever language it is read and wherever the file lies."""
    return f"trusted/{hashlib.sha256(msgspec.json.encode(_without_prose(lesson))).hexdigest()}"


def _without_prose(lesson: Lesson) -> Lesson:
    bare = rewrite(lesson, lambda key, where, text: "")
    return replace(bare, steps=tuple(map(_without_lists, bare.steps)))


def _without_lists(step: Step) -> Step:
    """Without what may be there in one language only, or in another number."""
    if isinstance(step, PredictStep):
        return replace(step, ask=replace(step.ask, labels=()))
    return replace(step, hints=()) if isinstance(step, Graded) else step


def lesson_code(lesson: Lesson) -> str:
    """All code that the lesson itself would run, in its order."""
    parts = [f"# {say('before each step')}\n{prologue(lesson).strip()}"]
    parts += [f"# {step.id}\n{code.strip()}" for step in lesson.steps if (code := step_code(step))]
    return "\n\n".join(parts)
