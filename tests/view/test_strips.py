"""Storage strips: values, who covers what, what was written."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from tutor.facts import Snapshot
from tutor.view.palette import ANSI, INK, Palette
from tutor.view.places import Focus, spot
from tutor.view.strips import BLOCKS, CELLS, NAMES, Strips, storage_strips, written_by

from .build import lesson_run, snapshot, storage, tensor


def drawn(state: Snapshot, width: int = 45, palette: Palette = INK, **more) -> list[str]:
    return [line.rstrip() for line in storage_strips(state, palette, width, True, **more).plain.split("\n")]


def style_at(text: Text, word: str) -> str:
    start = text.plain.index(word)
    return next(str(span.style) for span in text.spans if span.start <= start < span.end)


def test_the_picture() -> None:
    steps = lesson_run().steps
    assert drawn(steps[-1].snapshot, written=written_by(steps))[:12] == [
        "A         0    1    2    3    4    5",
        "          0.   9.   2.   3.   4.   5.",
        "x       ━━━━ ━━━━ ━━━━ ━━━━ ━━━━ ━━━━",
        "y       ╌╌╌╌ ━━━━ ╌╌╌╌ ╌╌╌╌ ━━━━ ╌╌╌╌",
        "",
        "B         1.   1.   1.   3 × f32, 12 B",
        "w       ━━━━ ━━━━ ━━━━",
        "",
        "C        33.  134. 75.   3 × f32, 12 B",
        "w.grad  ━━━━ ━━━━ ━━━━",
        "",
        "D                   2 × f32, 8 B",
    ]


def test_a_run_writes_what_it_changed_not_what_it_made() -> None:
    steps = lesson_run().steps
    assert written_by(steps) == {1: ((1, 2),), 3: ((0, 3),)}
    made = snapshot(tensor("x", 1, (4,)), storage(1, 4, ("x",), written=((0, 4),)))
    step = steps[1]
    later = type(step)(**{name: getattr(step, name) for name in step.__struct_fields__} | {"snapshot": made})
    assert written_by([later]) == {}
    assert written_by([later], made) == {1: ((0, 4),)}


def test_what_was_drawn_before_changes_no_drawing() -> None:
    states = [Snapshot(), *(step.snapshot for step in lesson_run().steps)]
    foci = [Focus(), Focus("w"), Focus("x"), Focus("x", spot("x", (0, 1), states[-1]))]
    rooms = ((INK, 45), (INK, 30), (ANSI, 45))
    writes = (None, {1: ((1, 2),)}, {1: ((1, 2), (4, 5))})
    ways = list(product(rooms, foci, [*states, *reversed(states)], writes))
    # The same states one after the other in all ways, and all states in the same way.
    ways += [
        (room, focus, state, written) for state, written, focus, room in product(states, writes, foci, rooms)
    ]
    strips = Strips()
    for (palette, width), focus, state, written in ways:
        known = strips.lines(state, palette, width, True, written=written, focus=focus)
        anew = storage_strips(state, palette, width, True, written=written, focus=focus)
        assert Text("\n", end="").join(known) == anew


def test_bright_cells_are_the_written_ones() -> None:
    steps = lesson_run().steps
    text = storage_strips(steps[-1].snapshot, INK, 45, True, written=written_by(steps))
    assert style_at(text, "9.") == f"bold {INK.background} on {INK.hue(1)}"
    assert "bold" not in style_at(text, "0.  ")
    last_step_alone = storage_strips(steps[-1].snapshot, INK, 45, True)
    assert "bold" not in style_at(last_step_alone, "9.")
    assert "bold" in style_at(last_step_alone, "33.")


def test_tints_need_true_colour_and_sixteen_colours_use_reverse() -> None:
    state = lesson_run().steps[-1].snapshot
    assert INK.tint(2, 0.22) in style_at(storage_strips(state, INK, 45, True), "1.  ")
    assert style_at(storage_strips(state, INK, 45, False), "1.  ") == f"{INK.foreground} on {INK.panel}"
    assert "reverse" in style_at(storage_strips(state, ANSI, 45, True), "33.")


def test_a_wrapped_storage_keeps_to_rows_of_the_matrix() -> None:
    values = tuple(f"{i}.125" for i in range(12))
    state = snapshot(tensor("o", 1, (4, 3)), storage(1, 12, ("o",), values=values))
    assert drawn(state, 40) == [
        "A       12 × f32, 48 B",
        "     0   0.125  1.125  2.125",
        "     3   3.125  4.125  5.125",
        "     6   6.125  7.125  8.125",
        "     9   9.125  10.125 11.125",
        "o       ━━━━━━ ━━━━━━ ━━━━━━",
    ]


def test_wrapped_rows_name_only_who_reaches_them() -> None:
    x, y = tensor("x", 1, (12,)), tensor("y", 1, (2,))
    lines = drawn(snapshot(x, y, storage(1, 12, ("x", "y"), values=("0.",) * 12)), 40)
    assert [line[0] for line in lines if line[:1] in ("x", "y")] == ["x", "y", "x"]


def test_other_dtypes_are_shown_by_their_bytes() -> None:
    x, d = tensor("x", 1, (4,)), tensor("d", 1, (1,), dtype="float64", offset=1)
    lines = drawn(snapshot(x, d, storage(1, 4, ("x", "d"))))
    assert lines[3] == "d       ╌╌╌╌ ╌╌╌╌ ━━━━ ━━━━ f64"


def test_an_array_that_starts_inside_the_block() -> None:
    a = tensor("a", 1, (4,), kind="ndarray", storage=None)
    t = tensor("t", 1, (2,), data_ptr=a.data_ptr + 8, offset=0)
    assert drawn(snapshot(a, t, storage(1, 4, ("a", "t"))))[3] == "t       ╌╌╌╌ ╌╌╌╌ ━━━━ ━━━━"


def test_a_big_storage_is_drawn_to_scale() -> None:
    x = tensor("x", 1, (1000, 1000))
    half = tensor("half", 1, (500, 1000), offset=500_000)
    column = tensor("column", 1, (1000,), stride=(1000,), offset=3)
    big = storage(1, 1_000_000, ("x", "half", "column"), written=((0, 250_000),))
    assert drawn(snapshot(x, half, column, big), 45) == [
        "A       1,000,000 × f32, 4.0 MB",
        "        ████▁▁▁▁▁▁▁▁▁▁▁▁",
        "x       ━━━━━━━━━━━━━━━━ 0…999,999",
        "half    ╌╌╌╌╌╌╌╌━━━━━━━━ 500,000…999,999",
        "column  ━━━━━━━━━━━━━━━━ 3…999,003 strided",
    ]


def test_the_last_element_that_gets_a_cell() -> None:
    assert "▁" not in "".join(drawn(snapshot(tensor("x", 1, (CELLS,)))))
    assert "▁" in "".join(drawn(snapshot(tensor("x", 1, (CELLS + 1,)))))


def test_empty_memory_and_wide_names() -> None:
    assert drawn(snapshot(tensor("e", 1, (0,)))) == ["A       0 × f32, 0 B", "e"]
    assert drawn(snapshot(tensor("가나", 1, (1,))))[1] == "가나    ━━━━"


def test_many_names_and_many_blocks_are_counted() -> None:
    names = tuple(f"v{i}" for i in range(NAMES + 3))
    crowded = snapshot(*(tensor(name, 1, (2,)) for name in names))
    assert drawn(crowded)[-1] == "… and 3 more names"
    many = snapshot(*(tensor(f"t{i}", i, (1,)) for i in range(1, BLOCKS + 6)))
    lines = drawn(many, written={1: ((0, 1),)})
    assert lines[-1] == "… and 5 more"
    assert any(line.startswith("t1 ") for line in lines)
    assert not any(line.startswith("t2 ") for line in lines)


@given(
    st.integers(20, 90),
    st.integers(0, 130),
    st.text(alphabet="ab가\x1b[", min_size=1, max_size=30),
    st.sampled_from(["1.", "-0.12345", "x" * 40, "가"]),
)
def test_lines_fit_the_width(width: int, count: int, name: str, value: str) -> None:
    names = (tensor(name, 1, (count,)), tensor(name + "2", 1, (count // 2,), stride=(2,)))
    state = snapshot(*names, storage(1, count, (name, name + "2"), values=(value,) * count))
    text = storage_strips(state, INK, width, True)
    assert "\x1b" not in text.plain
    for line in text.split("\n"):
        line.rstrip()
        assert line.cell_len <= width


@pytest.mark.parametrize("palette", [INK, ANSI], ids=lambda palette: palette.name)
def test_nothing_is_drawn_of_nothing(palette: Palette) -> None:
    assert storage_strips(Snapshot(), palette, 45, True).plain == ""
