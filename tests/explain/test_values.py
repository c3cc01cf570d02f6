"""Explanations of values that a parameter does not take, alone or together with another."""

from __future__ import annotations

import pytest

from tests.explain.applying import runs_repaired, told_unrepaired

F = "import torch.nn.functional as F\n"
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(2, eps=-1.)
    def forward(self, x):
        return self.norm(x)
Net()(torch.ones(3, 2))"""


@pytest.mark.parametrize(
    ("code", "rule", "words", "meaning"),
    [
        (
            F + "y = F.mse_loss(torch.ones(2), torch.zeros(2), reduction='avg')",
            "value-choice",
            ('"avg"', '"none", "mean" and "sum"'),
            "y == 1",
        ),
        (
            "y = nn.Conv2d(1, 1, 3, padding='smae')",
            "value-choice",
            ('Is "same" meant?',),
            "y.padding == 'same'",
        ),
        (
            F + "for _ in range(1):\n    y = F.gelu(torch.zeros(1), approximate='tan')",
            "value-choice",
            ('"tanh"',),
            "y == 0",
        ),
        (
            "m = torch.tensor([1, 0])\ny = torch.ones(2).masked_fill(m, 5)",
            "mask-dtype",
            ("`m` is [2] int64", "`m.bool()`"),
            "y.tolist() == [5., 1.]",
        ),
        (
            "y = nn.LSTM(2, 3, batch_first=1)",
            "argument-type",
            ("True or False", "`True`"),
            "y.batch_first is True",
        ),
        ("y = nn.GRU(2, 3, bias='False')", "argument-type", ("as `bias`", "`False`"), "y.bias is False"),
    ],
)
def test_a_value_with_one_right_repair(
    learner, code: str, rule: str, words: tuple[str, ...], meaning: str
) -> None:
    runs_repaired(learner, code, rule, words, titled=True)
    assert learner.value(f"bool({meaning})") is True


@pytest.mark.parametrize(
    ("code", "rule", "words"),
    [
        ("nn.Dropout(50)", "value-range", ("`p`", "from 0 to 1", "it is 50")),
        (F + "rate = -.1\nF.dropout(torch.ones(2), rate)", "value-range", ("`rate`, which is -0.1",)),
        ("n = 2 - 5\ntorch.zeros(n, 2)", "value-range", ("`n`, which is -3", "`size`")),
        ("torch.ones((2, -3))", "value-range", ("(2, -3)", "0 or greater")),
        ("nn.Linear(-1, 2)", "value-range", ("`in_features`",)),
        ("nn.RNN(4, 0)", "value-range", ("`hidden_size`", "greater than 0")),
        ("torch.linspace(0, 1, -5)", "value-range", ("`steps`",)),
        ("torch.arange(0, 5, 0)", "value-range", ("`step`", "other than 0")),
        ("torch.quantile(torch.ones(3), 95)", "value-range", ("`q`", "from 0 to 1")),
        (
            NET,
            "value-range",
            ("`self.norm`", "`eps` -1.0"),
        ),
        (
            "l = nn.MSELoss(reduction='average')\nl(torch.ones(2), torch.ones(2))",
            "value-choice",
            ("`l`", '"mean"'),
        ),
        ("torch.div(torch.ones(2), 2, rounding_mode='up')", "value-choice", ('"trunc" and "floor"',)),
        (
            "torch.hann_window(3) if 0 else torch.signal.windows.hann(3, dtype=torch.int64)",
            "value-choice",
            ("float64",),
        ),
        (
            "p = torch.tensor([2., -1.])\nnn.BCELoss()(p, torch.ones(2))",
            "values-inside",
            ("`p`", "-1 to 2", "sigmoid"),
        ),
        (F + "F.one_hot(torch.tensor([0, -1]))", "values-inside", ("-1 to 0",)),
        ("torch.multinomial(torch.tensor([-1., 2.]), 1)", "values-inside", ("-1 to 2", "weights")),
        ("torch.bernoulli(torch.tensor([2.]))", "values-inside", ("probabilities",)),
        ("torch.arange(5, 0)", "values-together", ("from 5 to 0", "negative")),
        ("torch.randint(10, 5, (2,))", "values-together", ("`low` the value 10", "`high` the value 5")),
        (
            "torch.multinomial(torch.tensor([.5, .5]), 3)",
            "weights-to-draw",
            ("at most 2", "replacement=True"),
        ),
        ("w = torch.zeros(3)\nw.multinomial(1)", "weights-to-draw", ("`w`", "all are 0")),
        (
            "w = torch.eye(2) * torch.tensor([1., 0.])\ntorch.multinomial(w, 1)",
            "weights-to-draw",
            ("some row",),
        ),
        (
            "w = torch.tensor([1., float('inf')])\ntorch.multinomial(w, 1)",
            "weights-to-draw",
            ("isfinite(w)",),
        ),
        ("torch.arange(0, float('inf'), 2)", "value-range", ("`end`", "finite")),
        (
            F + "t = torch.ones(2, 3)\nF.cross_entropy(torch.ones(2, 3), t, ignore_index=0)",
            "ignored-class",
            ("`t` is [2, 3]", "probability"),
        ),
        ("nn.MultiheadAttention(10, 3)", "values-together", ("`embed_dim` (10)", "1, 2, 5 and 10")),
        ("nn.Embedding(5, 2, padding_idx=7)", "values-together", ("from 0 to 4",)),
    ],
)
def test_a_value_that_may_be_meant_otherwise(learner, code: str, rule: str, words: tuple[str, ...]) -> None:
    told_unrepaired(learner, code, rule, words, titled=True)


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('dropout probability has to be between 0 and 1, but got 1.5')",
        "nn.Conv2d(3, 4, 3)(torch.ones(1, 2, 8, 8))",
        "nn.Dropout(0.5)(torch.ones(2)) @ torch.ones(3)",
        "torch.ones(2, 3).view(-1, 5)",
        "torch.arange(5)[7]",
    ],
)
def test_other_errors_are_not_told_as_values(learner, code: str) -> None:
    ours = {"value-range", "value-choice", "values-inside", "values-together", "mask-dtype"}
    assert not learner.run(code).rules & ours
