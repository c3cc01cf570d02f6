"""Predictions that are typed, predictions that code raises, and what is remembered of the first."""

from __future__ import annotations

import msgspec
import pytest

from tests.tui.conftest import Play, Player
from tutor.course.progress import Predictions, lesson_progress
from tutor.course.schema import Lesson
from tutor.course.store import Store


@pytest.fixture
def lesson() -> Lesson:
    ask = {"kind": "predict", "prompt": "# Look\n\nHere.\n\n> What is it?", "after": "Said after."}
    shape = {"expr": "y.shape", "form": "shape"}
    steps = [
        {
            "id": "shape",
            "code": "y = torch.zeros(2, 3).t()",
            "ask": shape,
            **ask,
        },
        {
            "id": "raises",
            "code": "y = torch.zeros(2) + torch.zeros(3)",
            "ask": shape,
            "raises": {"type": "RuntimeError"},
            **ask,
        },
        {
            "id": "choice",
            "code": "torch.zeros(2).view(3)",
            "ask": {"expr": "'works'", "choices": ["works", "raises RuntimeError", "raises TypeError"]},
            "raises": {"type": "RuntimeError"},
            **ask,
        },
        {"id": "truth", "code": "b = True", "ask": {"expr": "b", "form": "boolean"}, **ask},
    ]
    document = {
        "schema": 1,
        "id": "made",
        "title": "Made",
        "track": "T",
        "setup": "import torch",
        "steps": steps,
    }
    return msgspec.convert(document, Lesson)


def test_what_was_predicted_stands_beside_the_outcome(play: Play, lesson: Lesson, store: Store) -> None:
    async def story(p: Player) -> None:
        await p.see("What is it?", "a shape such as (2, 3)")
        await p.press("ctrl+r")
        await p.see("Type your prediction first")
        await p.burst(*"so?", "enter")
        await p.see("Write a shape such as")
        p.bench.guess.value = ""
        await p.burst(*"(2, 3)", "enter")
        await p.see("chosen, ^r to run")
        await p.run()
        await p.see("✗ (2, 3)   you said", "✓ (3, 2)   it is", "Said after.")
        assert store.progress("made")["shape"].first_right is False
        # a second try is told of, and does not make the first one right
        p.bench.action_reset_code()
        await p.burst(*"3x2", "enter")
        await p.run()
        await p.see("it is, as you said: 3x2")
        known = store.progress("made")["shape"]
        assert (known.right, known.first_right, known.done) == (True, False, True)

        await p.go_to("raises")
        await p.burst(*"raises RuntimeError", "enter")
        await p.run()
        await p.see("✓ raises RuntimeError   it is, as you said", "and it raises RuntimeError")
        assert store.progress("made")["raises"].done

        await p.go_to("choice")
        await p.press("3")
        await p.run()
        await p.see("✓ 2  raises RuntimeError", "✗ 3  raises TypeError")
        await p.go_to("truth")
        await p.press("1")
        await p.run()
        await p.see("✓ 1  True")
        assert lesson_progress(lesson, store.progress("made")).predictions == Predictions(2, 4)

    async def later(p: Player) -> None:
        while p.bench.walk is not None and p.bench.walk.step.id != "raises":
            await p.press("f7")
        await p.see("raises RuntimeError")

    play(story, (80, 24), lesson=lesson)
    play(later, (80, 24), lesson=lesson)
