"""Where the learner is, and that it is remembered."""

from __future__ import annotations

import pytest

from tutor.course.schema import Ask, Lesson, PredictStep, QuizChoice, QuizStep, ReadStep
from tutor.course.store import Store
from tutor.course.study import Walk
from tutor.facts import ErrorFacts, Evaluated, Run


def walk(store: Store, *choices: object) -> Walk:
    ask = PredictStep("ask", "?", "x = 1", Ask("x", tuple(choices)))  # type: ignore[arg-type]
    return Walk(Lesson(1, "made", "Made", "T", (ReadStep("look", "Look."), ask)), store)


def test_walk_ends_at_the_last_step(store: Store) -> None:
    w = walk(store, 1, 2)
    assert not w.back()
    assert w.forward()
    assert w.must_choose
    assert not w.forward()
    assert w.complete
    assert w.back()
    assert w.step.id == "look"


def test_another_walk_goes_on_where_this_one_was(store: Store) -> None:
    w = walk(store, 1, 2)
    w.forward()
    w.arrive()
    w.choose(1)
    w.answered(Evaluated(1, "2", 2, None))
    w.ran(Run("x = 1 / 0", "ask.py", (), ErrorFacts("ZeroDivisionError", "", 1), 0.1))
    assert not walk(store, 1, 2).work.done
    w.ran(Run("x = 1", "ask.py", (), None, 0.1))
    later = walk(store, 1, 2)
    assert later.step.id == "ask"
    assert later.work.choice == 1
    assert later.work.done
    assert store.progress("made")["look"].done, "there was nothing to run in it"


def test_prediction_is_remembered_by_what_was_chosen_not_by_its_place(store: Store) -> None:
    w = walk(store, 5, 7)
    w.forward()
    w.arrive()
    w.choose(1)
    assert walk(store, 7, 9).work.choice == 0
    assert walk(store, 1, 2).work.choice is None


@pytest.mark.parametrize(
    ("choices", "typed"),
    [
        ((0, 1, 4), {"1": 1, "0": 0, "4": 2, "b": 1, "C": 2, "2": None, "d": None}),
        ((3.0, 300.0), {"3": 0, "1": 0, "2": 1, "300": 1}),
        ((2, 4, 8), {"2": 0, "a": 0, "8.0": 2, "1": None}),
        (([2, 5], [5]), {"1": 0, "(2, 5)": 0, "2": 1, "[5]": 1, "b": None}),
    ],
)
def test_a_choice_is_said_by_its_mark_or_by_what_it_is(
    store: Store, choices: tuple[object, ...], typed: dict[str, int | None]
) -> None:
    w = walk(store, *choices)
    w.forward()
    assert {text: w.choice_meant(text) for text in typed} == typed


def test_what_the_answer_was_is_recorded(store: Store) -> None:
    w = walk(store, 5, 7)
    w.forward()
    w.choose(1)
    w.answered(Evaluated(1, "5", 5, None))
    assert store.progress("made")["ask"].right is False
    w.answered(Evaluated(1, "7", 7, None))
    assert store.progress("made")["ask"].right is True


def test_step_that_is_no_more_leads_to_the_first(store: Store) -> None:
    store.set_setting("step/made", "removed since")
    assert walk(store, 1, 2).step.id == "look"


@pytest.mark.parametrize(
    ("choices", "chosen", "answer", "right", "said"),
    [
        ((0.0, 9.0), 0, Evaluated(1, "9.0", 9.0, None), False, "you said 0.0, it is 9.0"),
        ((0.0, 9.0), 1, Evaluated(1, "9.0", 9.0, None), True, "you said 9.0, and it is 9.0"),
        ((0.0, 9.0), 1, Evaluated(1, "7.0", 7.0, None), False, "you said 9.0, it is 7.0"),
        ((True, 1), 0, Evaluated(1, "1", 1, None), False, "you said True, it is 1"),
        (
            ("works", "raises"),
            0,
            Evaluated(1, "'raises'", "raises", None),
            False,
            "you said works, it raises",
        ),
        (
            (1, 2),
            0,
            Evaluated(1, "", None, ErrorFacts("NameError", "no x", 1)),
            False,
            "you said 1; x raised NameError: no x",
        ),
    ],
)
def test_verdict(store, choices, chosen, answer, right, said) -> None:
    w = walk(store, *choices)
    w.forward()
    w.work.choice = chosen
    w.work.answer = answer
    assert w.was_right is right
    assert w.verdict() == said


def test_a_choice_is_remembered_in_whatever_language_it_was_made(store: Store) -> None:
    quiz = QuizStep("ask", "?", (QuizChoice("one"), QuizChoice("two"), 3), answer=1)
    korean = QuizStep(
        "ask", "?", (QuizChoice("하나", value="one"), QuizChoice("둘", value="two"), 3), answer=1
    )
    for first, later in ((quiz, korean), (korean, quiz)):
        for index in range(3):
            w = Walk(Lesson(1, "made", "Made", "T", (first,)), store)
            w.choose(index)
            assert Walk(Lesson(1, "made", "Made", "T", (later,)), store).work.choice == index
