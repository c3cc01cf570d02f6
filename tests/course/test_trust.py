"""A lesson from elsewhere is asked about once, in whatever language, and again once its code has changed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tutor.course.loader import bundled_lessons, load_lesson
from tutor.course.overlay import rewrite
from tutor.course.schema import Lesson
from tutor.course.trust import trust_key

STEPS: list[dict[str, Any]] = [
    {
        "id": "p",
        "kind": "predict",
        "code": "x = 1",
        "ask": {"expr": "x", "choices": [1, "raises E"]},
    },
    {"id": "q", "kind": "quiz", "choices": [{"text": "a", "why": "b"}, "c"], "answer": 0},
    {
        "id": "e",
        "kind": "exercise",
        "checks": [{"var": "v", "equals": "2", "else": "No."}, {"py": "v == 2"}],
        "solution": "v = 2",
        "hints": ["Two."],
    },
]


def lesson(*, setup: str = "s = 1", **changes: Any) -> Lesson:
    steps = [{"prompt": "Do.", **step, **changes.get(step["id"], {})} for step in STEPS]
    made = {"schema": 1, "id": "a", "title": "A", "track": "T", "setup": setup, "steps": steps}
    return msgspec.convert(made, Lesson)


def test_other_words_are_no_other_code() -> None:
    known = trust_key(lesson())
    spoken = rewrite(lesson(), lambda key, where, text: f"{text} 말")
    assert trust_key(spoken) == known
    other = lesson(q={"prompt": "Other.", "after": "Said."}, e={"hints": ["Three.", "Four."]})
    assert trust_key(other) == known


@pytest.mark.parametrize(
    "change",
    [
        {"setup": "s = 2"},
        {"p": {"code": "x = 2"}},
        {"p": {"ask": {"expr": "x + 1", "choices": [1, "raises E"]}}},
        {"e": {"solution": "v = 3"}},
        {"e": {"checks": [{"var": "v", "equals": "3", "else": "No."}, {"py": "v == 2"}]}},
        {"e": {"checks": [{"var": "v", "equals": "2", "else": "No."}, {"py": "v == 3"}]}},
    ],
    ids=str,
)
def test_other_code_is_asked_about(change: dict[str, Any]) -> None:
    assert trust_key(lesson(**change)) != trust_key(lesson())


def test_every_lesson_is_one_in_both_languages() -> None:
    for path in bundled_lessons():
        assert trust_key(load_lesson(path)) == trust_key(load_lesson(path, "ko")), path.name
