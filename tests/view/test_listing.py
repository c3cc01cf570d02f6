"""Which lines the tensor table has."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.view.listing import (
    FEW,
    GroupLine,
    Line,
    NameLine,
    Order,
    groups_around,
    lines,
    matching,
    segments,
    sort_key,
    tree,
)

from .build import snapshot, tensor

#: The machine may be busy with other things.
unhurried = settings(deadline=None)


PARTS = st.sampled_from(["a", "b", ".w", ".grad", "[0]", "[1]", ".x", '["k.]"]', "é"])
PATHS = st.lists(
    st.tuples(st.sampled_from(["m", "n", "x", "net"]), st.lists(PARTS, max_size=6)).map(
        lambda pair: pair[0] + "".join(part if part[0] in ".[" else "." + part for part in pair[1])
    ),
    unique=True,
    max_size=40,
)


def every(names: list[str], opened: dict[str, bool] | None = None, order: Order | None = None) -> list[Line]:
    return lines(tree(names), opened or {}, order or Order())


def shown(found: list[Line]) -> list[str]:
    return [line.name for line in found if isinstance(line, NameLine)]


def open_all(names: list[str]) -> dict[str, bool]:
    """What is open once everything closed that can be seen has been opened, again and again."""
    opened: dict[str, bool] = {}
    while True:
        closed = [line.path for line in every(names, opened) if isinstance(line, GroupLine) and not line.open]
        if not closed:
            return opened
        opened |= dict.fromkeys(closed, True)


@unhurried
@given(st.text(max_size=30))
def test_segments_are_the_whole_path(path: str) -> None:
    assert "".join(segments(path)) == path


def test_quoted_keys_are_one_segment() -> None:
    assert segments('batch["a.b]c"].grad') == ("batch", '["a.b]c"]', ".grad")
    assert segments("model[0].weight") == ("model", "[0]", ".weight")
    assert segments('o.state[m[0].w]["avg"]') == ("o", ".state", "[m[0].w]", '["avg"]')


@unhurried
@given(PATHS)
def test_every_name_is_reached_by_opening_and_stands_there_once(names: list[str]) -> None:
    assert sorted(shown(every(names, open_all(names)))) == sorted(names)


@unhurried
@given(PATHS)
def test_the_containers_around_a_name_lead_to_it(names: list[str]) -> None:
    parts = tree(names)
    for name in names:
        opened = dict.fromkeys(groups_around(parts, name), True)
        assert name in shown(lines(parts, opened, Order()))


@unhurried
@given(PATHS, st.booleans())
def test_a_gradient_stands_right_under_its_tensor(names: list[str], descending: bool) -> None:
    inside = set(names)
    bases = [
        name
        for name in names
        if not any("".join(segments(name)[:n]) in inside for n in range(1, len(segments(name))))
    ]
    grads = [f"{name}.grad" for name in bases if not name.endswith(".grad")]
    order = Order(len, descending)
    found = every([*grads, *bases], open_all([*grads, *bases]), order)
    rows = [line.name if isinstance(line, NameLine) else "" for line in found]
    for grad in grads:
        assert rows[rows.index(grad) - 1] == grad.removesuffix(".grad")


@unhurried
@given(PATHS, st.text("mnxw.0", max_size=4))
def test_a_filter_shows_what_fits_and_clearing_it_changes_nothing(names: list[str], typed: str) -> None:
    tensors = snapshot(*(tensor(name, n + 1, (2,)) for n, name in enumerate(names))).tensors
    parts, opened = tree(names), {"m": True, "net": False}
    before = lines(parts, opened, Order())
    fits = matching(tensors, typed)
    assert fits == (None if not typed.split() else {n for n in names if all(t in n for t in typed.split())})
    filtered = lines(parts, opened, Order(), fits)
    assert set(shown(filtered)) == (set(shown(before)) if fits is None else fits)
    assert lines(parts, opened, Order(), matching(tensors, "")) == before


@unhurried
@given(st.lists(st.text("abcd", min_size=1, max_size=5), unique=True), st.booleans())
def test_sorting_is_stable_and_puts_what_has_no_key_last(names: list[str], descending: bool) -> None:
    length = {name: len(name) % 3 or None for name in names}
    found = shown(every(names, order=Order(length.__getitem__, descending)))
    known = [name for name in found if length[name] is not None]
    assert found[len(known) :] == [name for name in names if length[name] is None]
    assert [length[name] for name in known] == sorted(map(length.__getitem__, known), reverse=descending)
    for key in set(length.values()):
        assert [n for n in found if length[n] == key] == [n for n in names if length[n] == key]


@unhurried
@given(PATHS)
def test_sorting_keeps_every_line(names: list[str]) -> None:
    opened = open_all(names)
    assert sorted(shown(every(names, opened, Order(len)))) == sorted(names)


def test_a_module_is_one_folded_line_and_a_small_one_is_open() -> None:
    big = [f"model[{i}].{part}" for i in range(3) for part in ("weight", "bias")]
    found = every(["x", *big, "lin.weight", "lin.bias", "one.weight", "one.weight.grad"])
    assert [type(line).__name__ + str(line.depth) for line in found] == [
        *("NameLine0", "GroupLine0", "GroupLine0", "NameLine1", "NameLine1", "NameLine0", "NameLine0")
    ]
    folded, small = found[1], found[2]
    assert isinstance(folded, GroupLine)
    assert isinstance(small, GroupLine)
    assert (folded.path, folded.tensors, folded.open, folded.names) == ("model", 6, False, tuple(big))
    assert (small.path, small.tensors, small.open) == ("lin", 2, True)
    assert small.tensors <= FEW


def test_a_deep_model_opens_level_by_level() -> None:
    names = [f"net.layers[{i}].{p}" for i in range(3) for p in "abcdef"] + ["net.head.weight"]
    top = every(names, {"net": True})
    assert [line.path for line in top if isinstance(line, GroupLine)] == ["net", "net.layers"]
    assert shown(top) == ["net.head.weight"]
    inner = every(names, {"net": True, "net.layers": True})
    assert [line.path for line in inner if isinstance(line, GroupLine)][2:] == [
        f"net.layers[{i}]" for i in range(3)
    ]


def test_a_long_chain_of_modules_has_lines() -> None:
    names = ["a" + ".next" * depth + ".w" for depth in range(500)]
    assert len(shown(every(names, open_all(names)))) == len(names)


@pytest.mark.parametrize(
    ("typed", "fitting"),
    [
        ("W", {"w", "w.grad"}),
        ("f64", {"big"}),
        ("float6", {"big"}),
        ("[2,3", {"x"}),
        ("[2, 3]", {"x"}),
        ("grad f32", {"w.grad"}),
        ("f", set()),
        ("nothing", set()),
    ],
)
def test_names_dtypes_and_shapes_are_matched(typed: str, fitting: set[str]) -> None:
    tensors = snapshot(
        tensor("x", 1, (2, 3), dtype="int64"),
        tensor("w", 2, (3,)),
        tensor("w.grad", 3, (3,)),
        tensor("big", 4, (9,), dtype="float64"),
    ).tensors
    assert matching(tensors, typed) == fitting


def test_columns_sort_as_people_expect() -> None:
    tensors = [
        tensor("x10", 2, (2, 3), grad_fn="MulBackward0", is_leaf=False),
        tensor("x9", 1, (100,), requires_grad=True),
        tensor("X1", 3, ()),
    ]

    def by(column: str) -> list[str]:
        keyed = [(sort_key(column, facts), facts.name) for facts in tensors]
        return [name for _, name in sorted(pair for pair in keyed if pair[0] is not None)]

    assert by("name") == ["X1", "x9", "x10"]
    assert by("shape") == ["X1", "x10", "x9"]
    assert by("") == ["x9", "x10", "X1"]
    assert by("grad") == ["x10", "x9"]
    assert by("stride") == ["x9", "x10"]
    huge = tensor("x" + "9" * 5000, 9, ())
    assert sort_key("name", huge) > sort_key("name", tensors[0])
