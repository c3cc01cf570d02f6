"""What a lesson runs, step by step."""

from __future__ import annotations

from tutor.course.schema import Lesson, Step


def prologue(lesson: Lesson) -> str:
    """What runs in an empty namespace before each step's own code: the seed, then the setup."""
    return f"__import__('torch').manual_seed({lesson.seed})\n{lesson.setup}"


def step_code(step: Step) -> str:
    """The code of `step`; empty where it has none to run."""
    return step.code if step.code.strip() else ""


def lesson_script(lesson: Lesson) -> list[tuple[str, str]]:
    """`(step id, source)` of every step that has code, in order; each source stands on its own."""
    before = prologue(lesson).rstrip("\n")
    return [(step.id, f"{before}\n{code}") for step in lesson.steps if (code := step_code(step))]
