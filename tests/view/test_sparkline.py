"""Rows of numbers as bars, and how a running statement is told."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.facts import LoopFacts, ScalarFacts
from tutor.view.live import loop_lines, number_word, scalar_lines
from tutor.view.palette import INK
from tutor.view.sparkline import ASCII, BLOCKS, sparkline


def test_one_cell_a_value_where_there_is_room() -> None:
    assert sparkline(range(8), 20).text == "▁▂▃▄▅▆▇█"
    assert sparkline([7, 0], 20).text == "█▁"
    assert sparkline([], 20).text == sparkline([1, 2], 0).text == ""


def test_more_values_than_cells_are_averaged_evenly() -> None:
    assert sparkline([0, 0, 7, 7, 0, 0, 7, 7], 4).text == "▁█▁█"
    assert sparkline(range(1_000), 8).text == BLOCKS


@pytest.mark.parametrize("value", [0, 5, -3.5, 1e300])
def test_a_constant_row_is_flat_and_in_the_middle(value: float) -> None:
    assert sparkline([value] * 5, 5).text == "▄▄▄▄▄"


def test_nan_and_infinities_are_marked_and_do_not_flatten_the_rest() -> None:
    spark = sparkline([1, 2, math.nan, 3, math.inf], 5)
    assert spark.text == "▁▅×█×"
    assert spark.broken == (2, 4)
    assert sparkline([math.nan] * 3, 3).text == "×××"


def test_without_blocks_only_ascii_is_used() -> None:
    spark = sparkline([0, 1, 2, math.nan], 4, blocks=False)
    assert spark.text.isascii()
    assert spark.text[0] == ASCII[0]
    assert spark.text[2] == ASCII[-1]


@given(st.lists(st.floats() | st.integers(-(2**53), 2**53)), st.integers(0, 50), st.booleans())
def test_any_row_fits_and_greater_means_higher(values: list[float], width: int, blocks: bool) -> None:
    spark = sparkline(values, width, blocks=blocks)
    assert len(spark.text) == min(width, len(values))
    glyphs = BLOCKS if blocks else ASCII
    if len(values) <= width:
        drawn = [
            (value, glyphs.index(glyph))
            for value, glyph in zip(values, spark.text, strict=True)
            if math.isfinite(value)
        ]
        drawn.sort()
        assert [level for _, level in drawn] == sorted(level for _, level in drawn)
    assert spark.broken == tuple(at for at, glyph in enumerate(spark.text) if glyph not in glyphs)


def plain(lines: list) -> list[str]:
    return [line.plain for line in lines]


def test_a_loop_tells_its_value_and_how_far_it_is() -> None:
    loops = [LoopFacts(3, "epoch", "3", 4, 10), LoopFacts(5, "batch", "37", 38), LoopFacts(6, "x", "0.5")]
    first, second, third = plain(loop_lines(loops, INK, 60))
    assert first.startswith("epoch = 3  ━━━━━━──────────")
    assert first.endswith("4 of 10")
    assert second == "batch = 37  iteration 38"
    assert third == "x     = 0.5"


def test_a_scalar_tells_its_course_its_ends_and_what_is_no_number() -> None:
    facts = ScalarFacts("loss", "train", (4.0, 2.0, 1.0, math.nan), 1, 4, 4.0, math.nan, 1.0, 4.0, 1)
    course, told = plain(scalar_lines([facts], INK, 60))
    assert course.startswith("loss █")
    assert course.endswith("nan")
    assert told.strip() == "from 4  1 nan/inf  min 1  max 4  in train"


def test_losses_come_first_and_what_stays_comes_last() -> None:
    still = ScalarFacts("lr", "", (0.1, 0.1), 1, 2, 0.1, 0.1, 0.1, 0.1)
    moving = ScalarFacts("w", "", (0.1, 0.2), 1, 2, 0.1, 0.2, 0.1, 0.2)
    loss = ScalarFacts("val_loss", "", (0.1, 0.2), 1, 2, 0.1, 0.2, 0.1, 0.2)
    names = [line.split()[0] for line in plain(scalar_lines([still, moving, loss], INK, 60))[::2]]
    assert names == ["val_loss", "w", "lr"]


@given(st.text(min_size=1), st.integers(1, 70), st.lists(st.floats(), min_size=1, max_size=40))
def test_no_line_is_wider_than_its_room(name: str, room: int, values: list[float]) -> None:
    facts = ScalarFacts(name, name, tuple(values), 1, len(values), values[0], values[-1], -1e9, 1e300, 3)
    loops = [LoopFacts(1, name, "123456", 123_456, 1_000_000)]
    for blocks in (True, False):
        drawn = scalar_lines([facts], INK, room, blocks=blocks)
        lines = [*drawn, *loop_lines(loops, INK, room, blocks=blocks)]
        assert all(line.cell_len <= room for line in lines)
        assert all("\n" not in line.plain for line in lines)


def test_numbers_are_short() -> None:
    given = [0, 37, 1.0, 0.00710012, 123456789.0, 12345678901, math.nan, -math.inf]
    assert [number_word(each) for each in given] == [
        "0", "37", "1", "0.0071", "1.235e+08", "1.235e+10", "nan", "-inf",
    ]  # fmt: skip
