"""What a learner may type as a prediction, and when it is right."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.course.claims import Raises
from tutor.course.predictions import (
    EXAMPLES,
    PredictionError,
    Raised,
    choice_of_key,
    fits_raised,
    fits_value,
    index_meant,
    marks_of,
    read_prediction,
    read_raised,
)
from tutor.course.schema import Ask, PredictStep

sizes = st.lists(st.integers(0, 10**6), max_size=6)


def right(typed: str, form: str, value: Any) -> bool:
    return fits_value(read_prediction(typed, form), typed, value)


@given(shape=sizes, other=sizes)
def test_a_shape_is_what_it_is_however_it_is_written(shape: list[int], other: list[int]) -> None:
    ways = [str(shape), str(tuple(shape)), f"torch.Size({shape})", f" {shape} ."]
    if shape:
        ways.append(", ".join(map(str, shape)) + ",")
    if len(shape) > 1:
        ways += ["x".join(map(str, shape)), " × ".join(map(str, shape)), " ".join(map(str, shape))]
    for way in ways:
        assert right(way, "shape", shape), way
        assert right(way, "shape", tuple(shape)), way
        assert right(way, "shape", other) is (other == shape)


@given(number=st.integers(-(10**12), 10**12) | st.floats(allow_nan=False))
def test_a_number_is_right_as_exactly_as_it_was_typed(number: float) -> None:
    assert right(repr(number), "number", number)
    assert not right(
        repr(number), "number", number + max(1.0, abs(number) / 10) if math.isfinite(number) else 0.0
    )
    assert not right("1", "number", True)


@pytest.mark.parametrize(
    ("typed", "value", "holds"),
    [
        ("0.33", 1 / 3, True),
        ("0.34", 1 / 3, False),
        ("0.3", 1 / 3, False),
        ("1/3", 1 / 3, True),
        ("0", 0.4, False),
        ("3", 3.0, True),
        ("+3", 3, True),
        ("1e3", 1000, True),
        ("1_000", 1000, True),
        (".5", 0.5, True),
        ("nan", math.nan, True),
        ("nan", 1.0, False),
        ("-inf", -math.inf, True),
        ("0.4390", 0.439, True),
        ("0.1+0.2", 0.30000000000000004, True),
        ("2**-3", 0.125, True),
        ("-(1 - 1/4)", -0.75, True),
        ("１．５", 1.5, True),
        ("−3", -3, True),
        ("-infinity", -math.inf, True),
        ("1e-10", 2e-10, False),
        ("1e-10", 0.0, False),
        ("0", 1e-17, True),
        ("1e-8", 9.99999993922529e-09, True),
        ("16777217", 16777216.0, False),
        ("1000001", 1_000_000, False),
    ],
)
def test_rounded_numbers(typed: str, value: float, holds: bool) -> None:
    assert right(typed, "number", value) is holds


@pytest.mark.parametrize(
    ("typed", "name", "holds"),
    [
        ("raises RuntimeError", "RuntimeError", True),
        ("raises a RuntimeError.", "RuntimeError", True),
        ("it raises RuntimeError", "RuntimeError", True),
        ("Raises runtimeerror", "RuntimeError", True),
        ("RuntimeError", "RuntimeError", True),
        ("raises", "ValueError", True),
        ("raises an error", "ValueError", True),
        ("error", "ValueError", True),
        ("raises LookupError", "IndexError", True),
        ("raises IndexError", "LookupError", False),
        ("raises torch.cuda.OutOfMemoryError", "OutOfMemoryError", True),
        ("ValueError 발생", "ValueError", True),
        ("RuntimeError 오류가 납니다", "RuntimeError", True),
        ("오류", "ValueError", True),
        ("IndexError 발생", "ValueError", False),
        ("raises ValueError", "RuntimeError", False),
    ],
)
def test_that_code_raises_can_be_said_in_every_form(typed: str, name: str, holds: bool) -> None:
    for form in ("shape", "number", "text"):
        predicted = read_prediction(typed, form)
        assert isinstance(predicted, Raised)
        assert fits_raised(predicted, name) is holds
        assert not fits_value(predicted, typed, [1])


@pytest.mark.parametrize(
    "typed", ["2X3", "2*3", "(2 3)", "[2 x 3]", "Size([2, 3])", "（２，３）", "２　３", "[2,3]", "( 2 , 3 )"]
)
def test_a_shape_may_be_typed_on_any_keyboard(typed: str) -> None:
    assert right(typed, "shape", (2, 3))
    assert not right(typed, "shape", (3, 2))


@pytest.mark.parametrize(
    "typed", ["runtimeerror", "it fails", "throws", "오류!", "에러가 발생합니다", "RuntimeError가 난다"]
)
def test_a_number_is_never_meant_by_words_for_errors(typed: str) -> None:
    for form in ("shape", "number"):
        predicted = read_prediction(typed, form)
        assert isinstance(predicted, Raised)
        assert fits_raised(predicted, "RuntimeError")


def test_the_name_of_an_error_is_a_text_where_a_text_is_the_answer() -> None:
    assert right("ValueError", "text", "ValueError")
    assert not right("ValueError", "text", "TypeError")
    assert right("raises", "text", "raises")


@pytest.mark.parametrize("typed", ["float32", "torch.float32", "'float32'", "Float32", " float32 "])
def test_a_text_is_its_letters(typed: str) -> None:
    assert right(typed, "text", "float32")
    assert right(typed, "text", "torch.float32")
    assert not right(typed, "text", "float64")


@given(typed=st.text(max_size=30), form=st.sampled_from(["shape", "number", "text"]))
def test_whatever_is_typed_is_a_prediction_or_one_sentence(typed: str, form: str) -> None:
    try:
        predicted = read_prediction(typed, form)
    except PredictionError as error:
        assert str(error).startswith(f"Write {EXAMPLES[form]}")
    else:
        fits_value(predicted, typed, [2, 3])
        fits_value(predicted, typed, math.nan)


def test_a_class_above_means_the_error_and_the_nearest_choice_is_taken() -> None:
    bases = ("RuntimeError", "Exception", "BaseException")
    assert fits_raised(Raised("runtimeerror"), "_LinAlgError", bases)
    assert fits_raised(Raised("LinAlgError"), "_LinAlgError")
    assert not fits_raised(Raised("ValueError"), "_LinAlgError", bases)
    ask = Ask("x", ("raises", "raises RuntimeError", "raises _LinAlgError"))
    assert ask.index_of_error("_LinAlgError", bases) == 2
    assert ask.index_of_error("OutOfMemoryError", bases) == 1


def test_choices_may_say_that_the_code_raises() -> None:
    named = Ask("x", ("works", "raises", "raises IndexError"))
    assert [named.index_of_error(name) for name in ("IndexError", "TypeError")] == [2, 1]
    assert Ask("x", ("raises KeyError", 1)).index_of_error("TypeError") is None
    takes = [
        PredictStep("p", "P", "x = 1", ask, raises=wanted).takes_error
        for wanted in (None, Raises())
        for ask in (named, Ask("x", (1, 2)), Ask("x", form="shape"), Ask("x", ("works", "raises")))
    ]
    assert takes == [True, False, True, False, True, False, True, True]
    assert Ask("x", form="boolean").offered == (True, False)
    assert read_raised("raised hand") is None
    assert read_raised(3) is None


@pytest.mark.parametrize(
    ("choices", "marks"),
    [
        (("works", "raises"), "12"),
        (("1", "2", "3", "5"), "1234"),
        (("1", "4", "[1, 1]"), "123"),
        (("(4,)", "(4, 1)", "(4, 4)", "an error"), "abcd"),
        (("(2, 2)", "(2,)", "(4,)"), "123"),
        (("0", "1", "4"), "abc"),
        (("2", "4", "8"), "abc"),
        (("3.0", "300.0", "200.0"), "abc"),
        (("0.5", "nan", "inf"), "123"),
        ((), ""),
    ],
)
def test_a_choice_is_named_by_what_is_no_other_choice(choices: tuple[str, ...], marks: str) -> None:
    assert "".join(marks_of(choices)) == marks


def test_a_key_chooses_by_mark_or_by_all_that_a_choice_says() -> None:
    assert [choice_of_key(key, ("0", "1", "4")) for key in "abc0142d"] == [0, 1, 2, 0, 1, 2, None, None]
    assert [choice_of_key(key, ("works", "raises")) for key in ("1", "2", "3", "a")] == [0, 1, None, None]


@pytest.mark.parametrize(
    ("shown", "typed", "meant"),
    [
        (["none", "u", "v", "u and v"], ["only v", "V.", "`v`"], 2),
        (["none", "u", "v", "u and v"], ["u, v"], 3),
        (["[1.0, 1.0]", "[3.0, 3.0]", "an error"], ["RuntimeError", "raises TypeError", "it raises"], 2),
        (["[1.0, 1.0]", "[3.0, 3.0]"], ["[3., 3.]", "tensor([3., 3.])", "3 and 3", "3, 3."], 1),
        (["(3, 2), (2, 3)", "(3, 2), (2,)"], ["(3,2),(2,3)", "[3, 2], [2, 3]", "(3, 2) and (2, 3)"], 0),
        (["both", "only z", "neither"], ["z", "just z", "z only"], 1),
        (["works", "raises"], ["it works", "Works."], 0),
        (["yes", "no"], ["No.", "it is no"], 1),
        (["a copy", "the very object t"], ["not a copy", "the", "it is", "?"], None),
        (["raises TypeError", "raises ValueError"], ["raises", "KeyError"], None),
        (["in both", "only in training"], ["not in training", "in", "x3"], None),
    ],
)
def test_a_choice_may_be_typed_in_other_words(shown: list[str], typed: list[str], meant: int | None) -> None:
    for text in typed:
        assert index_meant(text, shown, shown) == meant, text


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5, unique=True))
def test_whatever_is_typed_is_one_choice_or_none(text: str, shown: list[str]) -> None:
    assert index_meant(text, shown, shown) in (None, *range(len(shown)))
