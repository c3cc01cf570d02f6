"""What a lesson runs, step by step."""

from __future__ import annotations

from tutor.course.schema import Graded, Lesson, Step


def prologue(lesson: Lesson, step: Step | None = None, seed: int | None = None) -> str:
    """What runs in an empty namespace before a step's own code.

    The seed (another one if given), the setup, then the solutions of the steps that `step` needs.
    """
    chosen = lesson.seed if seed is None else seed
    parts = [f"__import__('torch').manual_seed({chosen})", lesson.setup.rstrip("\n")]
    parts += [needed.solution.rstrip("\n") for needed in needed_steps(lesson, step)]
    return "\n".join(parts) + "\n"


def needed_steps(lesson: Lesson, step: Step | None) -> list[Graded]:
    """The steps that `step` builds on, and those that they build on, in the order of the lesson."""
    graded = {each.id: each for each in lesson.steps if isinstance(each, Graded)}
    needed: set[str] = set()
    pending = list(step.needs) if isinstance(step, Graded) else []
    while pending:
        name = pending.pop()
        if name in graded and name not in needed:
            needed.add(name)
            pending += graded[name].needs
    return [each for each in graded.values() if each.id in needed]


def step_code(step: Step) -> str:
    """The code that shows what `step` is about, an exercise's solution; empty where there is none to run."""
    code = step.solution if isinstance(step, Graded) else step.code
    return code if code.strip() else ""


def step_title(step: Step) -> str:
    """What a step is called: its heading, else the beginning of its text."""
    line = next((line for line in step.prompt.splitlines() if line.strip()), "")
    return line.lstrip("# ").strip().replace("`", "")


def lesson_script(lesson: Lesson) -> list[tuple[str, str]]:
    """`(step id, source)` of every step that has code, in order; each source stands on its own."""
    return [
        (step.id, f"{prologue(lesson, step)}{code}") for step in lesson.steps if (code := step_code(step))
    ]
