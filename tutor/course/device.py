"""Which device a lesson's kernel starts with."""

from __future__ import annotations

from tutor.course.schema import Lesson


def device_for(lesson: Lesson | None, chosen: str) -> str:
    """The device for a lesson; one that the learner chose by name comes before the lesson's."""
    if lesson is None or lesson.device == "any" or chosen != "auto":
        return chosen
    return lesson.device


def proven_on(lesson: Lesson) -> str:
    """The device that the lesson is proven on: the one that it names, else the CPU, which all have."""
    return "cpu" if lesson.device == "any" else lesson.device
