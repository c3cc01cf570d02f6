"""Where the cursor stands, what the text says about names, and which fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.assist.code import state_after
from tutor.assist.place import expression_at, place_at
from tutor.assist.rank import rank
from tutor.assist.scan import scan
from tutor.view.documentation import render_documentation
from tutor.view.palette import INK


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("x.re", ("attribute", "re", "x")),
        ("y = x[:, 1].re", ("attribute", "re", "x[:, 1]")),
        ("return x.", ("attribute", "", "x")),
        ("print('a', x.T.", ("attribute", "", "x.T")),
        ("f(a, (b @ c).su", ("attribute", "su", "(b @ c)")),
        ("f(')').", ("attribute", "", "f(')')")),
        ("f'{x.re", ("attribute", "re", "x")),
        ("정답.크", ("attribute", "크", "정답")),
        ("from torch.nn import Li", ("attribute", "Li", "torch.nn")),
        ("from torch import nn, op", ("attribute", "op", "torch")),
        ("import torch.n", ("attribute", "n", "torch")),
        ("    wei", ("name", "wei", "")),
        ("if not wei", ("name", "wei", "")),
        ("f'{wei", ("name", "wei", "")),
        ("d['al", ("key", "al", "d")),
        ('a.b["al', ("key", "al", "a.b")),
        ("d['x']['", ("key", "", "d['x']")),
    ],
)
def test_places(before: str, expected: tuple[str, str, str]) -> None:
    place = place_at(before)
    assert place is not None
    assert (place.kind, place.word, place.expression) == expected


@pytest.mark.parametrize(
    "before",
    ["", "1.", "3.re", "x = 1e", "'abc", "# x.re", "x = 1  # wei", "def wei", "class Wei", "import wei",
     "as wei", "d['a']", "['a", "f('a", ").re", "in.re", "'x' + 'y", '"""wei', "2wei"],
)  # fmt: skip
def test_nothing_is_completed(before: str) -> None:
    assert place_at(before) is None


def test_a_string_that_began_above_is_still_a_string() -> None:
    assert place_at("x.re", state_after(['text = """'])) is None
    assert place_at('""" + x.re', state_after(['text = """'])) is not None


@given(st.text(st.sampled_from("ab.()[]{}'\"# ,=0f\\가"), max_size=30))
def test_a_place_is_what_stands_before_the_cursor(before: str) -> None:
    place = place_at(before)
    if place is not None:
        assert before.endswith(place.word)
        assert place.module or place.expression in before


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("torch.nn.Lin|ear(3)", "torch.nn.Linear"),
        ("torch.nn.Linear(3, |4)", "torch.nn.Linear"),
        ("F.softmax(|", "F.softmax"),
        ("f(x, g(1), |", "f"),
        ("f(x, g(|1), 2)", "g"),
        ("f([1, |2])", "f"),
        ("x.sum|()", "x.sum"),
        ("y = |", None),
        ("# f(|", None),
    ],
)
def test_expression_under_the_cursor_or_called(line: str, expected: str | None) -> None:
    found = expression_at(line.replace("|", ""), line.index("|"))
    assert (found[0] if found is not None else None) == expected


def test_unfinished_code_says_what_it_can() -> None:
    said = scan(
        [
            "import torch.nn as nn, os.path",
            "from torch.nn import functional as F, Linear",
            "x = nn.Linear(2,  # first",
            "w = torch.ones(3)  # values",
            "text = 'a; b # c'; n = 1",
            "if w == 2: print(w.shape",
            "'''",
            "hidden = 1",
        ]
    )
    assert said.imports["nn"] == "torch.nn"
    assert said.imports["os"] == "os"
    assert said.imports["F"] == "torch.nn.functional"
    assert said.imports["Linear"] == "torch.nn.Linear"
    assert said.values == {"w": "torch.ones(3)", "text": "'a; b # c'"}
    assert {"x", "w", "text"} <= said.names
    assert "shape" in said.attributes
    assert not {"hidden", "values", "first", "if"} & said.names
    assert said.about("y + w.T") == ({}, {"w": "torch.ones(3)"})


def test_what_is_nearest_to_the_word_comes_first() -> None:
    names = ["Reshape", "reshape", "rehash_pea", "shape", "_reshape", "res"]
    assert rank("resh", names) == ("reshape", "Reshape", "rehash_pea")
    assert rank("_", names) == ("_reshape",)
    assert rank("resh", names, {"rehash_pea"})[0] == "reshape"
    assert rank("re", ["real", "reshape"], {"reshape"}) == ("reshape", "real")
    assert rank("real", ["real"]) == ()
    assert rank("", ["b", "a", "_c"]) == ("a", "b")


def test_documentation_reads_without_its_markup() -> None:
    text = "Applies :math:`y = x`,\nsee :class:`~torch.nn.Linear` and ``x``.\n\n  - one\n  - two\n\x1b[31m"
    shown = render_documentation("f(a, b=1)", text, INK).plain
    assert shown.startswith("f(a, b=1)\n\nApplies y = x, see torch.nn.Linear and x.")
    assert "  - one\n  - two" in shown
    assert "\x1b" not in shown
