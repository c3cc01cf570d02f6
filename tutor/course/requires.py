"""Which torch a lesson needs, and whether this one is it."""

from __future__ import annotations

import operator
import re

from tutor.course.schema import Lesson
from tutor.translation import say

_COMPARE = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_BOUND = re.compile(r" *(>=|<=|==|!=|>|<) *([\d.]+) *")


def unmet(lesson: Lesson, torch: str) -> str:
    """Which torch the lesson is for, in a sentence, where the version `torch` is another; else ""."""
    wanted = lesson.requires.get("torch", "")
    if all(_holds(bound, torch) for bound in wanted.split(",") if bound.strip()):
        return ""
    return say(
        "This lesson is for torch {wanted}, and this is {torch}: what it says may not hold here.",
        wanted=wanted.strip(),
        torch=torch,
    )


def _holds(bound: str, version: str) -> bool:
    found = _BOUND.fullmatch(bound)
    return found is None or bool(_COMPARE[found[1]](*_numbers(found[2], version)))


def _numbers(bound: str, version: str) -> tuple[list[int], list[int]]:
    """The version's numbers and the bound's, as many of each."""
    one = [int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3]]
    other = [int(part) for part in bound.split(".") if part]
    length = max(len(one), len(other))
    return one + [0] * (length - len(one)), other + [0] * (length - len(other))
