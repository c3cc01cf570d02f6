"""Values, relations and facts of the selected tensor."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from tutor.facts import Origin, Overlap, TensorFacts, Values
from tutor.view.detail import Known, detail_lines, fact_lines, fact_pairs, wrapped
from tutor.view.grid import LINES, grid_lines
from tutor.view.marks import named_in
from tutor.view.palette import INK
from tutor.view.reach import common
from tutor.view.relations import PAIRS, relation_words, relations, unsettled

from .build import lesson_run, snapshot, storage, tensor

#: The machine may be busy with other things.
unhurried = settings(deadline=None)


STATE = lesson_run().steps[-1].snapshot


def grid(window: tuple[int, ...], shape: tuple[int, ...], room: int = 45, first: str = "0.") -> list[str]:
    texts = (first, *(f"{n}." for n in range(1, prod(window))))
    values = Values(1, "x", window, texts[: prod(window)])
    return [line.plain.rstrip() for line in grid_lines(values, tensor("x", 1, shape), INK, room)]


def test_a_matrix_is_rows_and_columns() -> None:
    rows = grid((2, 3), (2, 3))
    assert [row.split() for row in rows] == [
        ["[0]", "[1]", "[2]"],
        ["[0]", "0.", "1.", "2."],
        ["[1]", "3.", "4.", "5."],
    ]
    assert {row.rindex(end) + len(end) for row, end in zip(rows, ("[2]", "2.", "5."), strict=True)} == {
        len(rows[0])
    }


def test_what_is_left_out_is_counted() -> None:
    rows = grid((4, 8), (100, 3000), room=24)
    assert rows[0].endswith("…")
    assert rows[-1].startswith("… ")
    assert "more columns" in rows[-1]
    assert "96 more rows" in grid((4, 8), (100, 3000), room=80)[-1]
    assert grid((5,), (1_000,))[-1] == "… 995 more elements"
    assert "6 more slices" in grid((4, 2, 2), (10, 2, 2), room=60)[-1]


def test_slices_are_named() -> None:
    rows = grid((2, 1, 2), (2, 1, 2))
    assert [row for row in rows if ":" in row] == ["[0, :, :]", "[1, :, :]"]
    assert rows[-1].split() == ["[0]", "2.", "3."]


@unhurried
@given(st.lists(st.integers(1, 30), max_size=5), st.integers(12, 90))
def test_a_grid_stays_in_its_bounds(shape: list[int], room: int) -> None:
    bounds = (2, 2, 4, 9, 8)[5 - len(shape) :]
    window = tuple(map(min, shape, bounds))
    rows = grid(window, tuple(shape), room)
    assert all(cell_len(row) <= room for row in rows)
    slices = prod(window[:-2])
    assert len(rows) <= LINES + 2 + max(0, 3 * slices)


def test_a_scalar_nan_and_nothing() -> None:
    assert grid((), (), first="3.5") == ["3.5"]
    values = Values(1, "x", (2,), ("nan", "1."))
    (line,) = grid_lines(values, tensor("x", 1, (2,)), INK, 40)
    assert any(INK.error in str(span.style) for span in line.spans)
    assert grid_lines(Values(1, "x", (0,)), tensor("x", 1, (0,)), INK, 40)[0].plain == "no elements"
    why = Values(1, "x", reason="a meta tensor\x1b has none")
    assert grid_lines(why, tensor("x", 1, (2,)), INK, 40)[0].plain == "no values: a meta tensor␛ has none"


# ── memory ───────────────────────────────────────────────────────────────────

VIEWS = st.tuples(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=3),
    st.integers(0, 20),
    st.sampled_from(["uint8", "int32", "float64"]),
)


def places(view) -> set[frozenset[int]]:
    """Bytes of each element."""
    dimensions, offset, dtype = view
    size = {"uint8": 1, "int32": 4, "float64": 8}[dtype]
    starts = {
        size * (offset + sum(i * step for i, (_, step) in zip(at, dimensions, strict=True)))
        for at in product(*(range(count) for count, _ in dimensions))
    }
    return {frozenset(range(start, start + size)) for start in starts}


def facts_of(name: str, view) -> TensorFacts:
    dimensions, offset, dtype = view
    shape, stride = tuple(n for n, _ in dimensions), tuple(s for _, s in dimensions)
    size = {"uint8": 1, "int32": 4, "float64": 8}[dtype]
    facts = {"shape": shape, "stride": stride, "offset": offset, "dtype": dtype, "itemsize": size}
    return TensorFacts(name, "tensor", "Tensor", hash(name), numel=prod(shape), block=1, storage=1, **facts)


@unhurried
@given(VIEWS, VIEWS)
def test_common_elements_are_counted_exactly(one, other) -> None:
    block = storage(1, 4096, ("a", "b"), dtype="uint8", start=0)
    mine, theirs = places(one), places(other)
    held = frozenset().union(*theirs)
    found = common(facts_of("a", one), facts_of("b", other), block, 10_000)
    assert found == (sum(not held.isdisjoint(element) for element in mine), len(mine))


@unhurried
@given(VIEWS, VIEWS)
def test_what_is_too_long_to_list_is_exact_or_unknown(one, other) -> None:
    assume(places(one))
    block = storage(1, 4096, ("a", "b"), dtype="uint8", start=0)
    mine, held = places(one), frozenset().union(*places(other))
    found = common(facts_of("a", one), facts_of("b", other), block, 3)
    assert found in (None, (sum(not held.isdisjoint(element) for element in mine), len(mine)))


def test_relations_say_overlap_apart_from_same_storage() -> None:
    state = snapshot(
        tensor("x", 1, (6,)),
        tensor("whole", 1, (2, 3)),
        tensor("half", 1, (3,), stride=(2,)),
        tensor("rest", 1, (3,), stride=(2,), offset=1),
        tensor("array", 1, (6,), kind="ndarray", storage=None),
        tensor("alone", 2, (6,)),
    )
    found, more = relations("half", state, {})
    said = {relation.name: relation_words(relation) for relation in found}
    assert more == 0
    assert said == {
        "x": ("shares all 3 elements with ", ", same storage"),
        "whole": ("shares all 3 elements with ", ", same storage"),
        "rest": ("same storage as ", ", no element in common"),
        "array": ("shares all 3 elements with ", ", same memory"),
    }
    words = [relation_words(relation)[0] for relation in relations("x", state, {})[0]]
    assert words == [
        "shares all 6 elements with ",
        *["shares 3 of 6 elements with "] * 2,
        "shares all 6 elements with ",
    ]
    assert relations("alone", state, {}) == ([], 0)
    assert relations("gone", state, {}) == ([], 0)


def test_the_kernel_is_asked_only_for_what_the_facts_do_not_tell() -> None:
    far = tensor("a", 1, (200, 200), stride=(400, 2))
    near = tensor("b", 1, (200, 200), stride=(400, 2), offset=1)
    state = snapshot(far, near, tensor("c", 1, (80_000,)), storage(1, 80_000, ("a", "b", "c")))
    found, _ = relations("a", state, {})
    assert unsettled(found) == ["b", "c"]
    assert relation_words(found[0]) == ("same storage as ", ", cannot tell which elements they share")
    answers = {"b": Overlap(1, True, True, False)}
    assert relation_words(relations("a", state, answers)[0][0]) == (
        "same storage as ",
        ", no element in common",
    )
    answers = {"b": Overlap(1, True, True, True)}
    assert relation_words(relations("a", state, answers)[0][0])[0] == "shares elements with "


def test_many_relations_are_counted() -> None:
    state = snapshot(*(tensor(f"v{n}", 1, (2,)) for n in range(50)))
    found, more = relations("v0", state, {})
    assert (len(found), more) == (PAIRS, 49 - PAIRS)
    assert any(f"and {more} more" in line.plain for line in detail_lines("v0", state, Known(), INK, 45))


# ── facts ────────────────────────────────────────────────────────────────────


def test_all_facts_are_there() -> None:
    facts = tensor(
        "h", 4, (2, 3), offset=1, is_contiguous=False, retains_grad=True, version=3, layout="strided"
    )
    said = dict(fact_pairs(facts, "written"))
    assert said["stride"] == "(3, 1)"
    assert (said["offset"], said["contiguous"], said["elements"], said["bytes"]) == ("1", "no", "6", "24")
    assert (said["storage"], said["retains_grad"], said["version"]) == ("D", "yes", "3")
    assert said["this run"] == "written"
    odd = TensorFacts("o", "unreadable", "Hostile", 1, unread="its shape\x1b raises")
    assert dict(fact_pairs(odd)) == {"kind": "unreadable", "type": "Hostile", "not read": "its shape␛ raises"}


@unhurried
@given(
    st.lists(
        st.tuples(
            st.text("abcdefghijkl_", min_size=1, max_size=13), st.text("0123 x(),", min_size=1, max_size=60)
        )
    ),
    st.integers(20, 100),
)
def test_facts_are_aligned_within_the_width_and_none_is_lost(pairs, room: int) -> None:
    pairs = [(label, value.strip() or "0") for label, value in pairs]
    drawn = fact_lines(pairs, INK, room)
    assert all(line.cell_len <= room for line in drawn)
    together = "".join("".join(line.plain.split()) for line in drawn)
    for label, value in pairs:
        assert label in together
        assert "".join(value.split()) in together


@pytest.mark.parametrize(("room", "columns"), [(43, 2), (64, 2), (90, 3), (20, 1)])
def test_facts_stand_in_columns(room: int, columns: int) -> None:
    lines = fact_lines(fact_pairs(STATE.tensors["w"]), INK, room)
    first = lines[0].plain
    assert first.startswith("shape")
    assert sum(word in first for word in ("shape", "stride", "offset")) == columns


@unhurried
@given(st.text("ab é\u4e2d", max_size=50), st.integers(3, 20))
def test_wrapping_keeps_the_words_and_the_width(text: str, room: int) -> None:
    pieces = wrapped(Text(text), room)
    assert all(piece.cell_len <= room for piece in pieces)
    assert "".join("".join(piece.plain.split()) for piece in pieces) == "".join(text.split())


def test_names_of_relations_can_be_chosen() -> None:
    lines = detail_lines("y", STATE, Known(), INK, 45)
    assert [name for line in lines for name in named_in(line)] == ["x"]
    assert detail_lines("nobody", STATE, Known(), INK, 45) == []


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (Origin(3, "a.py", 6, "x.T.reshape(6)", "reshape"), "made in line 6: x.T.reshape(6)"),
        (Origin(3, "<cell 4>", 1, "x + 1", "add"), "made at the prompt: x + 1"),
        (
            Origin(3, "a.py", 9, "o.step()", "zeros_like", "SGD.step"),
            "made in line 9 inside SGD.step: o.step()",
        ),
        (Origin(3, "setup", 2, "t = load()", ""), "bound in the setup, line 2: t = load()"),
    ],
)
def test_where_it_was_made_is_told(origin, words):
    found = snapshot(tensor("x", 1, (2,), origin=origin))
    lines = [line.plain for line in detail_lines("x", found, Known(), INK, 80)]
    assert words in lines


@pytest.mark.parametrize(("passes", "words"), [(1, "1 backward pass"), (3, "3 backward passes")])
def test_what_a_gradient_adds_up_is_told(passes, words):
    found = snapshot(tensor("w", 1, (2,), grad=(2,), passes=passes))
    assert f"its gradient adds up {words}" in [r.plain for r in detail_lines("w", found, Known(), INK, 80)]
