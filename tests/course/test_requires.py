"""Which torch a lesson is for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tutor.course.loader import find_lesson, load_lesson
from tutor.course.requires import unmet


@pytest.mark.parametrize(
    ("wanted", "torch", "holds"),
    [
        (">=2.4", "2.13.0+cpu", True),
        (">=2.4", "2.3.1", False),
        (">=2.4, <3", "2.13.0+cu126", True),
        (">=2.4, <2.10", "2.13.0", False),
        ("==2.13", "2.13.0", True),
        ("!=2.13.0", "2.13.0+cpu", False),
        (">2.9", "2.10.0a0+git12ab", True),
        ("", "1.0", True),
    ],
)
def test_bounds_are_compared_as_numbers(wanted: str, torch: str, holds: bool) -> None:
    lesson = load_lesson(find_lesson("view-reshape"))
    lesson = replace(lesson, requires={"torch": wanted} if wanted else {})
    sentence = unmet(lesson, torch)
    assert (sentence == "") is holds
    assert holds or (wanted in sentence and torch in sentence)
