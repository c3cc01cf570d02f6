"""Predictions that are typed, predictions that code raises, and what is remembered of the first."""

from __future__ import annotations

import msgspec
import pytest

from tests.tui.conftest import Play, Player
from tutor.course.progress import Predictions, lesson_progress
from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.tui.predict import Choices


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
        await p.see("✓ raises RuntimeError   it is, as you said")
        assert p.bench.focused is p.bench.editor
        await p.press("f8")
        await p.see("✓ 2  raises RuntimeError", "✗ 3  raises TypeError   you said", "Said after.")
        p.bench.action_reset_code()
        await p.see("choose before you run")
        await p.press("f7", "f7")
        await p.see("3x2", "✓ (3, 2)   it is, as you said")

    play(story, (80, 24), lesson=lesson)
    play(later, (80, 24), lesson=lesson)


def test_after_an_answer_the_keys_go_on_without_tab(play: Play, lesson: Lesson, one_step) -> None:
    async def predicted(p: Player) -> None:
        await p.go_to("choice")
        await p.press("3")
        assert p.bench.focused is p.bench.choices, "it can still be another one"
        await p.press("2")
        await p.run()
        assert p.bench.focused is p.bench.editor
        await p.press("#", "ctrl+r")
        await p.settle()
        assert p.bench.editor.text.startswith("#")
        await p.press("f8", "1", "ctrl+r")
        await p.settle()
        await p.see("✓ 1  True")

    async def answered(p: Player) -> None:
        await p.press("2")
        await p.see("not that one, choose again")
        await p.press("1")
        await p.see("✓ 1  one   right")
        assert p.bench.focused is p.bench.repl
        await p.burst(*"1 + 1", "enter")
        await p.settle()
        await p.see("2")

    play(predicted, (80, 24), lesson=lesson)
    choices = [{"text": "one", "why": "It is."}, {"text": "two", "why": "No."}]
    play(answered, (80, 24), lesson=one_step(kind="quiz", choices=choices, answer=0))


def test_what_came_of_code_that_the_lesson_has_changed_is_not_shown(play: Play, one_step) -> None:
    ask = {"kind": "predict", "ask": {"expr": "b", "form": "boolean"}}

    async def answer(p: Player) -> None:
        await p.press("1")
        await p.run()
        await p.see("✓ 1  True")

    async def kept(p: Player) -> None:
        await p.see("✓ 1  True   it is, as you said")

    async def changed(p: Player) -> None:
        await p.see("chosen, ^r to run")

    play(answer, (80, 24), lesson=one_step(code="b = True", **ask))
    play(kept, (80, 24), lesson=one_step(code="b = True", **ask))
    play(changed, (80, 24), lesson=one_step(code="b = False", **ask))


def test_the_row_of_the_cursor_is_of_one_ground_in_the_terminals_colours(play: Play, lesson: Lesson) -> None:
    async def story(p: Player) -> None:
        await p.press("f8", "f8")
        await p.see("raises TypeError")
        await p.press("down")
        choices = p.bench.query_one(Choices)
        assert choices.has_focus
        row = choices.render_line(1)
        assert "raises RuntimeError" in row.text
        grounds = {
            part.style.color.name for part in row if part.style and part.style.reverse and part.style.color
        }
        assert len(grounds) == 1, grounds

    play(story, lesson=lesson, theme="ansi")
