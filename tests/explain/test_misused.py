"""Explanations of tensors in the hands of Python's own tools: calls, formats, JSON, range, elements."""

from __future__ import annotations

import pytest

from tests.explain.applying import told_unrepaired

X = "x = torch.tensor([[1., 2., 3.], [4., 5., 6.]])\n"


@pytest.mark.parametrize(
    ("code", "rule", "words", "meaning"),
    [
        (X + "y = x.T()", "not-callable", ("`x.T`", "brackets"), "y.shape == (3, 2)"),
        (X + "y = x.shape()[0]", "not-callable", ("torch.Size",), "y == 2"),
        (X + "def rows(t):\n    return t.shape(0)\ny = rows(x)", "not-callable", ("`t.shape[0]`",), None),
        (X + "y = round(x / 3, 1)", "round-of-tensor", ("decimals=1",), "abs(y[0, 0] - .3) < .01"),
        (
            X + "y = []\nfor i in range(len(x) / 2):\n    y.append(i)",
            "range-of-float",
            ("`len(x) // 2`",),
            "y == [0]",
        ),
        (X + "x[0] = [7, 8, 9]\ny = x", "element-value", ("is a list",), "y[0].tolist() == [7., 8., 9.]"),
        (X + "y = x[:len(x) / 2]", "slice-of-float", ("`len(x) // 2`",), "y.shape == (1, 3)"),
        ("xs = [1, 2, 3, 4]\ny = xs[len(xs) / 2:]", "slice-of-float", ("whole numbers",), "y == [3, 4]"),
        ("v = (1, 2)\ny = v + torch.ones(2)", "operand-type", ("`v` is a tuple",), "y.tolist() == [2., 3.]"),
        ("b = '1'\ny = torch.ones(2) + b", "operand-type", ("`int(b)`",), "y.tolist() == [2., 2.]"),
        (X + "for i in range(1):\n    y = x[i / 2]", "index-dtype", ("`i // 2`",), "y.shape == (3,)"),
        ("y = nn.Parameter([1., 2.])", "argument-type", ("takes a tensor", "is a list"), "y.requires_grad"),
        (
            "y = torch.take(torch.arange(3), torch.tensor([2.]))",
            "index-dtype",
            ("positions",),
            "y.tolist() == [2]",
        ),
        (
            "y = torch.ones(2, requires_grad=True)\ny.backward(gradient=2)",
            "gradient-argument",
            ("`torch.full_like(y, 2)`",),
            "y.grad.tolist() == [2., 2.]",
        ),
        (
            "s = torch.tensor([[0., 9.]])\nt = torch.tensor([1])\ny = nn.CrossEntropyLoss()(t, s)",
            "loss-target-dtype",
            ("the wrong way round", "`t` comes first"),
            "round(y.item(), 2) == 0.0",
        ),
    ],
)
def test_what_has_one_right_repair(
    learner, code: str, rule: str, words: tuple[str, ...], meaning: str | None
) -> None:
    told = learner.run(code)
    error = told.only(rule)
    for word in words:
        assert word in f"{error.title} {error.text}", error
    assert error.fix is not None
    if meaning is None:  # the fix is of the statement in the function
        assert error.fix in told.code.replace(".shape(0)", ".shape[0]")
        return
    fixed = learner.run_fixed(told, error)
    assert fixed.run.ok, (error.fix, fixed.run.error)
    assert learner.value(f"bool({meaning})") is True


@pytest.mark.parametrize(
    ("code", "rule", "words"),
    [
        (X + "x(0)", "not-callable", ("`x` is a tensor [2, 3]", "`x[0]`")),
        (X + "print(f'loss {x:.3f}')", "format-of-many", ("`x` is [2, 3]", "`.3f`")),
        (X + "'{:.2f}'.format(x)", "format-of-many", ("[2, 3]",)),
        (X + "import json\njson.dumps({'a': x})", "json-of-tensor", (".tolist()",)),
        (X + "n = len(x) / 2\nrange(n)", "range-of-float", ("`n` is a float", "`int(n)`")),
        (X + "x[0, 0] = None", "element-value", ("nan",)),
        (X + "x[0, 0] = 'a'", "element-value", ("text (str)",)),
        (
            X + "best = x.max(dim=1)\nbest + 1",
            "pair-of-results",
            ("`best`", "`x.max(dim=1)`", "`best.values`"),
        ),
        (X + "x.sort(1) + 2", "pair-of-results", (".values",)),
        (X + "x - x.min(dim=0)", "operand-type", ("a pair of values and indices", ".values`")),
        (X + "x > 'a'", "operand-type", ("`>`", "text (str)")),
        (X + "x ** None", "operand-type", ("`**`", "None")),
        (X + "torch.sum(x, 0, 1)", "argument-type", ("`keepdim`", "dim=(0, 1)")),
        ("nn.LSTM(input_size=3)", "argument-missing", ("`hidden_size`", "torch.nn.LSTM")),
        ("nn.MSELoss()(torch.ones(2), None)", "argument-type", ("`target`", "None")),
        (X + "x['a'] = 1", "index-dtype", ("text",)),
        (X + "e = 1.5\nx[:e]", "slice-of-float", ("`e` is a float",)),
        (
            "torch.allclose(torch.ones(2), torch.ones(2).double())",
            "dtype-mismatch",
            ("float64", "Choose one"),
        ),
        (
            "w = torch.ones(2, requires_grad=True)\nwith torch.no_grad():\n    v = w[:1]\nv *= 2",
            "view-across-no-grad",
            ("`v`", "`v *= 2`"),
        ),
    ],
)
def test_what_depends_on_intent(learner, code: str, rule: str, words: tuple[str, ...]) -> None:
    told_unrepaired(learner, code, rule, words, titled=True)


@pytest.mark.parametrize(
    "code",
    [
        "raise TypeError(\"'Tensor' object is not callable\")",
        "n = 3\nn()",
        "round('a')",
        "(1, 2) + 3",
        "range(1.5)" + " if False else int('a')",
    ],
)
def test_other_errors_are_not_told_so(learner, code: str) -> None:
    ours = {"not-callable", "round-of-tensor", "pair-of-results", "range-of-float", "element-value"}
    assert not learner.run(code).rules & ours
