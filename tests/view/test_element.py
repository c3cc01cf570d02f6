"""The selected element: keys that lead to others, windows that hold it, and where it is drawn."""

from __future__ import annotations

import re
from itertools import product
from math import isfinite, nan, prod

import pytest
import torch
from facts.truth import Followed
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from tutor.facts import Overview, Shape, Snapshot, TensorFacts, Values
from tutor.kernel.values import preview
from tutor.view.detail import Known, detail_lines
from tutor.view.element import beside, element_at, moved, number_of
from tutor.view.grading import STRONGEST, Grading
from tutor.view.grid import ELEMENT, LINES_LIT, Light, grid_lines
from tutor.view.kept_values import LIMITS, NOT_KEPT, values_at
from tutor.view.layouts import formula, layout_words
from tutor.view.marks import metas_of
from tutor.view.palette import ANSI, INK, PAPER, Palette
from tutor.view.places import Focus, all_here, position, spot
from tutor.view.sheet import CELL, LIT
from tutor.view.strips import storage_strips
from tutor.view.windows import indices, is_in_sight, place_in

from .build import snapshot, storage, tensor

unhurried = settings(deadline=None)
SHAPES = st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple)
STEPS = ["left", "right", "up", "down", "pageup", "pagedown", "home", "end", "first", "last"]


# ── keys ─────────────────────────────────────────────────────────────────────


@given(SHAPES, st.data())
def test_keys_lead_to_elements_that_are_there(shape: Shape, data: st.DataObject) -> None:
    everything = list(product(*map(range, shape)))
    index = data.draw(st.sampled_from(everything))
    per_line = data.draw(st.integers(1, 8))
    there = {step: moved(shape, index, step, per_line) for step in STEPS}  # type: ignore[arg-type]
    assert set(there.values()) <= set(everything)
    at = everything.index(index)
    assert there["right"] == everything[min(at + 1, len(everything) - 1)]
    assert there["left"] == everything[max(at - 1, 0)]
    assert (there["first"], there["last"]) == (everything[0], everything[-1])
    if len(shape) > 1:
        for step in ("up", "down", "pageup", "pagedown"):
            assert there[step][-1] == index[-1]
        assert there["home"] == (*index[:-1], 0)
        assert there["end"] == (*index[:-1], shape[-1] - 1)
        rows = list(product(*map(range, shape[:-1])))
        row = rows.index(index[:-1])
        assert there["down"][:-1] == rows[min(row + 1, len(rows) - 1)]
        assert there["pageup"][:-1] == rows[max(row - 10, 0)]
        assert there["pagedown"][:-1] == rows[min(row + 10, len(rows) - 1)]


def test_a_scalar_and_nothing_have_no_way_on() -> None:
    assert moved((), (), "right") == ()
    assert moved((0, 3), (0, 0), "right") == (0, 0)


# ── windows ──────────────────────────────────────────────────────────────────


@unhurried
@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.data())
def test_a_window_that_is_asked_for_holds_the_element_and_its_neighbours(shape: list[int], data) -> None:
    value = torch.arange(prod(shape)).reshape(shape)
    facts = tensor("x", 1, tuple(shape), dtype="int64")
    index = tuple(data.draw(st.integers(0, size - 1)) for size in shape)
    known = preview({"x": value}, 1, "x", (2, 4, 4))
    if not is_in_sight(facts, known, index):
        known = preview({"x": value}, 1, "x", (2, 4, 4), index)
    assert is_in_sight(facts, known, index)
    assert number_of(known, index) == str(value[index].item())
    for dimension, size in enumerate(shape):
        for by in (-1, 1):
            near = list(index)
            near[dimension] += by
            single = known.window[dimension] < 3
            assert single or not 0 <= near[dimension] < size or place_in(known, tuple(near)) is not None


@unhurried
@given(st.data())
def test_values_that_a_moment_holds_are_those_that_memory_holds(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([torch.float32, torch.int64, torch.bool, torch.uint8, torch.complex64]))
    base = (torch.arange(48) % 7 - 2).to(dtype)
    shape = data.draw(st.lists(st.integers(1, 4), max_size=3))
    stride = [data.draw(st.integers(0, 4)) for _ in shape]
    reach = sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    view = base.as_strided(shape, stride, data.draw(st.integers(0, 47 - reach)))
    view = view.conj() if data.draw(st.booleans()) else view
    view = view.imag if dtype.is_complex and data.draw(st.booleans()) else view
    f = Followed(base=base, x=view)
    f.take()
    found = values_at("x", f.snapshot)
    if found.reason is not None:
        return
    asked = preview(f.namespace, 1, "x", LIMITS)
    assert found.window == asked.window
    assert (found.texts, found.numbers) == (asked.texts, asked.numbers)


def test_a_lone_imaginary_part_of_a_conjugate_is_not_read_off_memory() -> None:
    f = Followed(x=torch.tensor([1 + 2j, 3 - 4j]).conj().imag)
    f.take()
    assert values_at("x", f.snapshot).reason == NOT_KEPT


# ── the grid ─────────────────────────────────────────────────────────────────


def drawn(lines: list[Text]) -> list[str]:
    return [line.plain.rstrip() for line in lines]


@unhurried
@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(20, 90), st.data())
def test_the_selected_element_is_always_among_those_drawn(shape: list[int], room: int, data) -> None:
    value = torch.arange(prod(shape)).reshape(shape)
    facts = tensor("x", 1, tuple(shape), dtype="int64")
    index = tuple(data.draw(st.integers(0, size - 1)) for size in shape)
    values = preview({"x": value}, 1, "x", (4, 12, 8), index)
    lines = grid_lines(values, facts, INK, room, light=Light(index))
    told = [meta[ELEMENT] for line in lines for meta in metas_of(line) if ELEMENT in meta]
    assert index in told
    assert sum("▸" in line.plain for line in lines) == 1
    (row,) = [line.plain for line in lines if "▸" in line.plain]
    assert row.partition("▸")[2].split()[0] == str(value[index].item())
    assert all(cell_len(line.plain) <= room for line in lines)
    assert len(lines) <= LINES_LIT + 6


def test_elements_on_the_same_memory_are_marked_too() -> None:
    rows = tensor("rows", 1, (3, 2), stride=(0, 1))
    block = storage(1, 2, ("rows",), values=("5.", "7."))
    state = snapshot(rows, block)
    light = Light((1, 1), spot("rows", (1, 1), state), block)
    lines = drawn(grid_lines(values_at("rows", state), rows, INK, 40, light=light))
    assert lines[1:4] == ["[0]   5. ▹7.", "[1]   5. ▸7.", "[2]   5. ▹7."]


def test_not_numbers_are_marked_and_counted() -> None:
    x = tensor("x", 1, (2,))
    values = Values(1, "x", (2,), ("nan", "1."), numbers=(nan, 1.0), overview=Overview(1.0, 1.0, 1, 2))
    lines = grid_lines(values, x, INK, 40)
    assert lines[-1].plain == "1 NaN and 2 inf of 2"
    assert any(INK.error in str(span.style) for span in lines[-1].spans)


# ── grading ──────────────────────────────────────────────────────────────────


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [INK, PAPER], ids=lambda palette: palette.name)
@pytest.mark.parametrize("block", range(1, 7))
def test_numbers_stay_readable_on_every_ground(palette: Palette, block: int) -> None:
    for bounds in ((-1.0, 1.0), (0.0, 1.0)):
        values = Values(1, "x", (2,), ("a", "b"), numbers=bounds)
        grading = Grading.of(values, block, palette)
        assert grading is not None
        for step in range(-10, 11):
            ground = grading.style(step / 10).bgcolor
            if ground is not None:
                assert contrast(palette.foreground, ground.name) >= 4.5
    assert STRONGEST > 0.2


FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(FLOATS, min_size=1, max_size=20), FLOATS, FLOATS)
def test_grounds_grow_with_the_values_and_tell_signs_apart(numbers: list[float], a: float, b: float) -> None:
    grading = Grading.of(Values(1, "x", (len(numbers),), (), numbers=tuple(numbers)), 1, INK)
    finite = [number for number in numbers if isfinite(number)]
    assert (grading is None) == (not finite)
    if grading is None:
        return
    low, high = min(finite), max(finite)
    for number in (a, b, *numbers):
        share = grading.share(number)
        assert -1 <= share <= 1
        if low < 0 < high and isfinite(number):
            assert share * number >= 0
    if isfinite(a) and isfinite(b) and a <= b:
        assert grading.share(a) <= grading.share(b)


@pytest.mark.parametrize("palette", [ANSI, INK])
def test_few_colours_have_no_grading(palette: Palette) -> None:
    from dataclasses import replace

    values = Values(1, "x", (2,), ("1.", "2."), numbers=(1.0, 2.0))
    few = palette if palette.native else replace(palette, flat=True)
    (line,) = grid_lines(values, tensor("x", 1, (2,)), few, 40)
    assert not any(" on " in str(span.style) for span in line.spans)


# ── storage ──────────────────────────────────────────────────────────────────


def strips(state: Snapshot, name: str, index: Shape, width: int = 60) -> Text:
    return storage_strips(state, INK, width, True, focus=Focus(name, spot(name, index, state)))


FAMILY = {
    "x": tensor("x", 1, (2, 3)),
    "t": tensor("t", 1, (3, 2), stride=(1, 3)),
    "y": tensor("y", 1, (2,), stride=(3,), offset=1),
    "e": tensor("e", 1, (4, 3), stride=(0, 1)),
    "b": tensor("b", 1, (12,), dtype="uint8", offset=4),
}
VALUES = ("0.", "1.", "2.", "3.", "4.", "5.")
STATE = snapshot(*FAMILY.values(), storage(1, 6, tuple(FAMILY), values=VALUES))


@pytest.mark.parametrize("name", FAMILY)
def test_the_cell_lights_up_and_so_do_all_names_that_have_it(name: str) -> None:
    facts = FAMILY[name]
    for index in product(*map(range, facts.shape or ())):
        lit = spot(name, index, STATE)
        assert lit is not None
        text = strips(STATE, name, index)
        cells = [
            (span.style.meta[CELL], LIT in span.style.meta)
            for span in text.spans
            if not isinstance(span.style, str) and CELL in span.style.meta
        ]
        assert [start // 4 for (_, start), is_lit in cells if is_lit] == list(lit.cells(4))
        marked = {line.split()[0] for line in text.plain.split("\n") if "▲" in line}
        assert marked == {each.name for each in all_here(lit, STATE)}


def test_where_rows_begin_and_what_is_not_shared() -> None:
    lines = strips(STATE, "x", (1, 0)).plain.split("\n")
    rows = {line.split()[0]: line for line in lines if line[:1].isalpha()}
    assert rows["x"].rstrip().endswith("x[1, 0]")
    assert rows["x"].count("┣") == 2
    assert rows["y"].split()[1:7] == ["╌╌╌╌", "━━━━", "╌╌╌╌", "╌╌╌╌", "━━━━", "╌╌╌╌"]
    assert rows["y"].endswith("offset 1, stride 3")
    assert "strides (3, 1): x[1, 0] is cell 3×1 + 0 = 3" in "\n".join(lines)
    thin = storage_strips(STATE, INK, 60, True, focus=Focus("y")).plain
    (x,) = [line for line in thin.split("\n") if line.startswith("x ")]
    assert x.split()[1:7] == ["────", "━━━━", "────", "────", "━━━━", "────"]


def test_a_big_storage_points_at_the_element_and_shows_its_neighbours() -> None:
    x = tensor("x", 1, (1000, 1000))
    column = tensor("column", 1, (1000,), stride=(1000,), offset=3)
    state = snapshot(x, column, storage(1, 10**6, ("x", "column")))
    lines = [line.rstrip() for line in strips(state, "column", (500,), 70).plain.split("\n")]
    assert any("▾ 500,003" in line for line in lines)
    assert [line for line in lines if "column[500]" in line]
    assert [line for line in lines if "x[500, 3]" in line]
    ruler = next(line for line in lines if "500003" in line and "500002" in line)
    marks = next(line for line in lines[lines.index(ruler) :] if line.startswith("column"))
    assert marks.count("▲") == 1
    assert "╌" in marks
    assert all(cell_len(line) <= 70 for line in lines)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(-5, 5)), max_size=4),
    st.integers(0, 6),
    st.data(),
)
def test_the_formula_adds_up_to_the_cell(dimensions, offset: int, data: st.DataObject) -> None:
    shape, stride = tuple(n for n, _ in dimensions), tuple(s for _, s in dimensions)
    lowest = sum(min(0, (n - 1) * s) for n, s in dimensions)
    facts = tensor("x", 1, shape, stride=stride, offset=offset - lowest)
    block = storage(1, 200, ("x",))
    index = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    said = formula(facts, block, index)
    start = position(facts, block, index)
    assert start is not None
    total = start // 4
    assert said.endswith(f" {total}")
    if " = " in said:
        sums = said.split(" is cell ")[1].split(" = ")[0]
        assert eval(sums.replace("×", "*").replace("−", "-")) == total
    general = formula(facts, block).split(" is cell ")[1].replace("−", "-").replace("×", "*")
    for letter, at in zip("ijklmn", index, strict=False):
        general = (
            re.sub(rf"(?<=[\d*]){letter}", f"*{at}", general).replace("**", "*").replace(letter, str(at))
        )
    assert eval(general) == total


def test_words_for_layouts() -> None:
    assert layout_words(tensor("y", 1, (2,), stride=(3,), offset=1)) == "offset 1, stride 3"
    assert layout_words(tensor("x", 1, (2, 3))) == "strides (3, 1)"
    assert layout_words(tensor("s", 1, (), offset=2)) == "offset 2"
    assert layout_words(tensor("e", 1, (0,))) == ""
    assert formula(tensor("b", 1, (4,), dtype="uint8"), storage(1, 4, ("b",))) == ""


# ── lines and neighbours ─────────────────────────────────────────────────────


def lines_of(name: str, index: Shape, room: int = 60) -> str:
    return "\n".join(drawn(detail_lines(name, STATE, Known(index=index), INK, room)))


def test_the_number_in_full_its_place_and_its_other_names() -> None:
    text = lines_of("x", (1, 1))
    assert "x[1, 1] = 4.  cell 4 of A, bytes 16…19" in text
    assert "also t[1, 1], y[1], b[0] +3" not in text  # b ends before
    assert "also t[1, 1], y[1]" in text
    assert "4 elements of e lie here" in lines_of("e", (2, 1))
    assert "also x[0, 1], t[1, 0], y[0], b[0] +3" in lines_of("e", (2, 1))
    assert "b[0]  in cell 1 of A, bytes 4…4" in lines_of("b", (0,))
    exact = Values(1, "x", (2, 3), VALUES, exact=("0.1234567890123",) * 6)
    assert number_of(exact, (0, 0)) == "0.1234567890123"


def test_along_memory_from_cell_to_cell() -> None:
    assert beside("t", None, STATE, 1) == (0, 0)
    order = [(0, 0)]
    while (index := beside("t", order[-1], STATE, 1)) is not None:
        order.append(index)
    assert order == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    assert beside("y", (1,), STATE, -1) == (0,)
    assert beside("y", (1,), STATE, 1) is None
    assert element_at(FAMILY["y"], STATE, 16) == (1,)
    assert element_at(FAMILY["y"], STATE, 12) is None


def test_windows_know_their_indices() -> None:
    values = Values(1, "x", (1, 2), ("a", "b"), start=(3, 4))
    assert indices(values) == [(3, 4), (3, 5)]
    assert [place_in(values, index) for index in ((3, 4), (3, 5), (2, 4), (3,))] == [0, 1, None, None]


def test_facts_without_strides_have_no_light() -> None:
    unknown = TensorFacts("n", "nested", "Tensor", 1, block=1)
    state = Snapshot(tensors={"n": unknown}, storages={1: storage(1, 4, ("n",))})
    assert spot("n", (0,), state) is None
    assert "┄" in storage_strips(state, INK, 60, True, focus=Focus("n")).plain
