"""A lesson from elsewhere: what it would run, and the name under which the learner's answer is kept."""

from __future__ import annotations

import hashlib

import msgspec

from tutor.course.schema import Lesson
from tutor.course.walk import prologue, step_code
from tutor.translation import later, say

RISK = later(
    "It did not come with torchtutor, and its code can do on this machine whatever you can. "
    "Run it only if you trust where it came from."
)


def trust_key(lesson: Lesson) -> str:
    """The setting that remembers the answer: for these very contents, wherever the file lies."""
    return f"trusted/{hashlib.sha256(msgspec.json.encode(lesson)).hexdigest()}"


def lesson_code(lesson: Lesson) -> str:
    """All code that the lesson itself would run, in its order."""
    parts = [f"# {say('before each step')}\n{prologue(lesson).strip()}"]
    parts += [f"# {step.id}\n{code.strip()}" for step in lesson.steps if (code := step_code(step))]
    return "\n\n".join(parts)
