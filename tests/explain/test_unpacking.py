"""What is taken apart into the wrong number of names."""

from __future__ import annotations

import pytest

CASES = [
    (
        "x = torch.ones(4, 6)\na, b = x.split(2, dim=1)",
        ("3 pieces", "2 names", "`chunk(2, dim=1)`", "`x` is [4, 6]"),
    ),
    ("x = torch.ones(5)\na, b = torch.chunk(x, 3)", ("3 pieces of 2, the last one smaller",)),
    ("x = torch.ones(3, 2)\nr, g = x", ("3 entries", "`x` is [3, 2]", "`.T`")),
    ("def f(p):\n    a, b, c = p[0]\nf(torch.ones(2, 4))", ("`p[0]` is [4]", "3 names")),
    ("x = torch.ones(3, 2)\na, b = x.unbind(dim=0)", ("3 pieces", "dimension 0")),
    ("fc = nn.Linear(2, 3)\nout, h = fc(torch.ones(5, 2))", ("`fc` gives one tensor", "a Linear layer")),
]


@pytest.mark.parametrize(("code", "words"), CASES, ids=[code.split("\n")[-1] for code, _ in CASES])
def test_another_number_of_names(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("unpack-count")
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize("code", ["out, h, c = lstm(x)", "for i in range(1):\n    out, h, c = lstm(x)"])
def test_the_pair_of_an_lstm_gets_its_parentheses(learner, code: str) -> None:
    told = learner.run(f"lstm, x = nn.LSTM(3, 4), torch.ones(5, 2, 3)\n{code}")
    error = told.only("unpack-count")
    assert error.fix is not None
    assert "out, (h, c) = lstm(x)" in error.fix
    assert learner.run_fixed(told, error).run.ok
    assert learner.value("out.shape == (5, 2, 4) and h.shape == c.shape == (1, 2, 4)") is True


@pytest.mark.parametrize(
    "code",
    [
        "a, b = torch.ones(2, 3)",
        "a, b = [1, 2, 3]",
        "x = torch.ones(3)\na, *b = x",
        "def f(): return 1, 2, 3\na, b = f()",
        "x = torch.ones(3)\na, b = x, x\nraise ValueError('too many values to unpack (expected 2)')",
    ],
)
def test_the_rule_about_names_stays_silent(learner, code: str) -> None:
    assert not learner.run(code).of("unpack-count")
