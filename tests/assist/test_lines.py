"""Whole lines: indented, commented, and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tutor.assist.brackets import matching
from tutor.assist.code import masked
from tutor.assist.indentation import dedent, deepened, indent, stop_before, toggle_comment
from tutor.assist.search import Match, find_all, nearest

LINES = st.lists(
    st.text(st.sampled_from(" \t#ab:'값()"), max_size=12) | st.sampled_from(["    x = 1", "# y", "\tz"]),
    min_size=1,
    max_size=6,
)


def is_comment(line: str) -> bool:
    return line.lstrip(" \t").startswith("#")


@given(LINES)
def test_toggling_comments_twice_is_as_if_never(lines: list[str]) -> None:
    written = [line for line in lines if line.strip(" \t")]
    once = toggle_comment(lines)
    if all(map(is_comment, written)):
        assert not any(a == b for a, b in zip(lines, once, strict=True) if a.strip(" \t"))
    else:
        assert all(is_comment(line) for line in once if line.strip(" \t"))
        assert toggle_comment(once) == lines


@given(LINES)
def test_dedenting_takes_back_indenting(lines: list[str]) -> None:
    deeper = indent(lines)
    again = dedent(deeper)
    assert [line for line in again if line.strip(" \t")] == [line for line in lines if line.strip(" \t")]
    assert len(again) == len(lines)


@given(LINES)
def test_dedenting_takes_away_space_only(lines: list[str]) -> None:
    for before, after in zip(lines, dedent(lines), strict=True):
        assert before.endswith(after)
        assert not before[: len(before) - len(after)].strip(" \t")


def test_stops_and_depths() -> None:
    assert [stop_before(" " * n) for n in (0, 1, 4, 5, 8, 9)] == [0, 0, 0, 4, 4, 8]
    assert stop_before("  a ") == 3
    assert deepened("  for x in y:  ") == "      "
    assert deepened("\tx") == "\t"


def pair(text: str, cursor: tuple[int, int]):
    lines = text.split("\n")
    return matching(lambda row: masked(lines[row]), len(lines), cursor)


def test_brackets_find_each_other_from_both_ends() -> None:
    text = "f(a[0],\n  {1: ')'}) # ("
    for opened, closed in (((0, 1), (1, 10)), ((0, 3), (0, 5)), ((1, 2), (1, 9))):
        assert pair(text, opened) == (opened, closed)
        assert pair(text, closed) == (closed, opened)
    assert pair(text, (1, 7)) is None


def test_what_does_not_match_has_no_partner() -> None:
    assert pair("(]", (0, 0)) is None
    assert pair("(", (0, 0)) is None
    assert pair(")", (0, 1)) is None
    assert pair("x", (0, 0)) is None


@given(st.lists(st.text(st.sampled_from("()[]{}'\"#x "), max_size=10), min_size=1, max_size=4), st.data())
def test_pairs_are_mutual(lines: list[str], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(lines) - 1))
    found = matching(
        lambda r: masked(lines[r]), len(lines), (row, data.draw(st.integers(0, len(lines[row]))))
    )
    if found is not None:
        first, second = found
        assert {lines[first[0]][first[1]], lines[second[0]][second[1]]} in (
            {"(", ")"},
            {"[", "]"},
            {"{", "}"},
        )
        assert matching(lambda r: masked(lines[r]), len(lines), second) == (second, first)


def test_search_minds_capitals_only_where_there_are_some() -> None:
    lines = ["Loss loss", "값 손실 값"]
    assert find_all(lines, "loss") == [Match(0, 0, 4), Match(0, 5, 9)]
    assert find_all(lines, "Loss") == [Match(0, 0, 4)]
    assert find_all(lines, "값") == [Match(1, 0, 1), Match(1, 5, 6)]
    assert find_all(lines, "") == find_all(lines, "a.b") == []
    assert nearest(find_all(lines, "값"), (1, 1)) == 1
    assert nearest(find_all(lines, "값"), (1, 6)) == 0
