"""Layers and operations that take other shapes than they are given: pooling, recurrence, demands."""

from __future__ import annotations

import pytest

START = "import torch.nn.functional as F\nx = torch.ones(2, 3)\n"
POOLS = "net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.MaxPool2d(2))\n"

CASES = [
    (
        "pool-input",
        POOLS + "net(torch.ones(1, 1, 4, 4))",
        ("`net[2]`", "2 × 2", "only 1 × 1", "[1, 2, 1, 1]"),
    ),
    ("pool-input", "nn.MaxPool2d(2)(x)", ("3 or 4 dimensions", "`x` is [2, 3]")),
    ("pool-input", "F.avg_pool2d(torch.ones(1, 3, 4, 4), 5)", ("`kernel_size=5`", "4 × 4")),
    ("pool-input", "F.max_pool1d(torch.ones(1, 3), kernel_size=2, dilation=3)", ("looks at 4", "only 3")),
    ("pool-input", "F.max_pool2d(torch.ones(1, 0, 4), 2)", ("dimension 1 has no entries",)),
    (
        "pool-input",
        "s = (3,)\nF.adaptive_avg_pool2d(torch.ones(1, 2, 4, 4), s)",
        ("one number or 2 of them",),
    ),
    (
        "pool-input",
        "F.max_unpool1d(torch.ones(1, 4), torch.zeros(1, 3).long(), 2)",
        ("[1, 3]", "the same shape"),
    ),
    ("pad-input", "nn.ReflectionPad2d(1)(x)", ("3 or 4 dimensions", "`x` is [2, 3]")),
    ("pad-input", "F.pad(x, (1, 1, 1))", ("`pad` is (1, 1, 1)", "even number")),
    ("pad-input", "p = (1, 1, 1, 1, 1, 1)\nF.pad(x, p)", ("at most two for each",)),
    (
        "recurrent-input",
        "r = nn.LSTM(10, 20)\nr(torch.ones(5, 3, 8))",
        ("`r`", "`input_size=10`", "`nn.LSTM(8, 20)`"),
    ),
    (
        "recurrent-input",
        "r = nn.GRU(3, 4)\nr(torch.ones(1, 2, 3, 3))",
        ("2 or 3 dimensions", "[length, batch,"),
    ),
    (
        "recurrent-input",
        "r, h = nn.GRU(3, 4, batch_first=True), torch.zeros(1, 2, 4)\nr(torch.ones(5, 2, 3), h)",
        ("shape [1, 5, 4]", "`h` is [1, 2, 4]"),
    ),
    (
        "recurrent-input",
        "r, h = nn.LSTM(3, 4, 2, bidirectional=True), torch.zeros(2, 5, 4)\nr(torch.ones(7, 5, 3), (h, h))",
        ("shape [4, 5, 4]", "each layer and direction"),
    ),
    ("recurrent-input", "c = nn.RNNCell(10, 20)\nc(torch.ones(3, 11))", ("takes 10 features", "has 11")),
    ("recurrent-input", "c = nn.GRUCell(3, 4)\nc(x, torch.ones(5, 4))", ("[2, 4]", "[5, 4]")),
    ("recurrent-input", "c = nn.RNNCell(3, 4)\nc(x, torch.ones(2, 1, 1, 4))", ("1 or 2 dimensions", "has 4")),
    ("feature-size", "a = nn.MultiheadAttention(8, 2)\na(x[:, None], x, x)", ("`embed_dim=8`", "gets 3")),
    ("feature-size", "b = nn.Bilinear(3, 4, 5)\nb(x, x)", ("`in2_features=4`", "`input2`", "`x` is [2, 3]")),
    (
        "feature-size",
        "q, k = torch.ones(1, 4, 8), torch.ones(1, 4, 6)\nF.scaled_dot_product_attention(q, k, q)",
        ("the last sizes of `query` and `key`", "`k` is [1, 4, 6]", "8 and 6"),
    ),
    ("shape-needed", "torch.ones(2, 2, 3).t()", ("at most 2 dimensions", "`transpose(dim0, dim1)`")),
    ("shape-needed", "torch.linalg.inv(x)", ("a square matrix", "are 2 and 3", "`x` is [2, 3]")),
    ("shape-needed", "x.det()", ("square",)),
    ("shape-needed", "torch.outer(x, x[0])", ("`input` must have 1 dimension",)),
    ("shape-needed", "torch.multinomial(torch.rand(2, 2, 2), 1)", ("1 or 2 dimensions",)),
    ("shape-needed", "nn.Upsample(scale_factor=2)(x)", ("3 or 4 or 5 dimensions",)),
    ("shape-needed", "x[0].triu()", ("at least 2 dimensions",)),
    ("shapes-alike", "F.triplet_margin_loss(x, x[0], x)", ("`x[0]` is [3]", "the same number of dimensions")),
    ("shapes-alike", "nn.TripletMarginLoss()(x, x, x[0])", ("`x[0]` is [3]",)),
    ("reduction-empty", "x[x > 5].max()", ("`x[x > 5]` is [0]", "no elements")),
    ("reduction-empty", "torch.argmin(torch.ones(2, 0), dim=1)", ("`dim` is 1", "has size 0")),
    ("sizes-equal", "y = torch.ones(4, 5)\ntorch.cdist(x, y)", ("`x` is [2, 3]", "`y` is [4, 5]", "3 and 5")),
    ("sizes-equal", "torch.repeat_interleave(x[0], torch.tensor([1, 2]))", ("number of repeats", "2 and 3")),
    ("sizes-equal", "F.prelu(x, torch.ones(4))", ("a slope of its own", "4 and 3")),
    ("counts-differ", "x.roll((1, 2), dims=0)", ("`shifts` is (1, 2)", "`dims` is 0", "as many")),
    ("counts-differ", "torch.movedim(x, (0, 1), (1,))", ("2 numbers", "1 number")),
    ("counts-differ", "torch.rot90(x, dims=(0,))", ("must name two",)),
]


@pytest.mark.parametrize(("rule", "code", "words"), CASES, ids=[code.split("\n")[-1] for _, code, _ in CASES])
def test_what_is_needed_and_what_is_given(learner, rule: str, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(START + code).only(rule)
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize(
    "code",
    [
        "x.t(), torch.linalg.det(x @ x.T), x.roll(1), x.roll((1, 1), (0, 1)), x.max(), F.pad(x, (1, 1))",
        "nn.MaxPool2d(2)(torch.ones(1, 2, 2)), nn.LSTM(3, 4)(x), nn.GRUCell(3, 4)(x, torch.ones(2, 4))",
        "torch.linalg.inv(torch.zeros(2, 2))",
        "torch.repeat_interleave(x, torch.tensor([1, 2, 3]), dim=0)",
        "F.prelu(x, torch.ones(1)), torch.cdist(x, x[:1]), F.linear(x, x, torch.ones(2))",
        "nn.LSTM(3, 4)(x.long())",
        "F.max_pool2d(torch.ones(1, 2, 2).long().bool(), 2)",
        "x.max(dim='a')",
    ],
)
def test_the_rules_about_demands_stay_silent(learner, code: str) -> None:
    assert not learner.run(START + code).rules & {rule for rule, _, _ in CASES}
