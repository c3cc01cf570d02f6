"""Dimensions that are not there, named twice, or named in the wrong number, in every form of a call."""

from __future__ import annotations

import pytest

RANGE = [
    ("rows = torch.ones(5, 4)\nrows.mean(dim=2)", ("`rows` is [5, 4]", "`dim` is 2", "0 or 1", "is 1, or")),
    ("v = torch.ones(7)\ntorch.softmax(v, 1)", ("`v` is [7]", "has 1 dimension", "must be 0 or -1")),
    ("nn.LogSoftmax(-3)(torch.ones(2, 3))", ("is [2, 3]", "LogSoftmax layer with `dim=-3`")),
    ("def f(t, n):\n    return t.max(n)\nf(torch.ones(3), 1)", ("`t` is [3]", "`n`, which is 1")),
    ("x = torch.ones(2, 3)\nx.transpose(1, 2)", ("`dim1` is 2",)),
    ("x = torch.ones(2, 3, 4)\nx.permute(0, 3, 1)", ("`dims` is (0, 3, 1)", "from 0 to 2")),
    ("x = torch.ones(2, 3, 4)\nx.permute((0, 1, 4))", ("`dims` is (0, 1, 4)",)),
    ("x = torch.ones(2, 3)\nx.sum(axis=(0, -3))", ("(0, -3)",)),
    ("a = torch.ones(2, 3)\ntorch.cat([a, a], dim=2)", ("`[a, a]`", "[2, 3]", "`dim` is 2")),
    ("x = torch.ones(2, 3)\nx.unsqueeze(3)", ("new dimension", "from 0 to 2")),
    ("loss = torch.tensor(1.)\ntorch.unbind(loss, 0)", ("a single number", "that has a dimension")),
    ("x = torch.ones(2, 3)\ntorch.fft.fft(x, dim=2)", ("`dim` is 2",)),
    ("v = torch.ones(3)\ntorch.diagonal(v)", ("`v` is [3]", "No `dim2` is given, so `diagonal` takes 1")),
    ("torch.fft.fft(torch.tensor(1.))", ("No `dim` is given", "a single number")),
    ("v = torch.ones(3)\ntorch.roll(v, 1, 1)", ("`dims` is 1", "`v` is [3]")),
    ("x = torch.ones(2, 3)\nn = x.size(2)", ("`x` is [2, 3]", "`dim` is 2")),
    ("net = nn.Sequential(nn.Flatten(2))\nnet(torch.ones(2, 3))", ("`start_dim=2`", "[2, 3]", "`net[0]`")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words"), RANGE, ids=[code.split("\n")[-1] for code, _ in RANGE])
def test_a_dimension_that_is_not_there(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("dimension-range")
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


REPEATED = [
    ("x = torch.ones(2, 3)\nx.sum(dim=(0, 0))", ("dimension 0 more than once", "`dim` is (0, 0)")),
    ("x = torch.ones(2, 3)\ntorch.amax(x, (1, -1))", ("1 and -1 are the same one",)),
    ("x = torch.ones(2, 3, 4)\nx.permute(0, 1, 1)", ("`dims` is (0, 1, 1)",)),
    ("x = torch.ones(2, 3)\nx.flip((0, 0))", ("named twice",)),
    ("x = torch.ones(2, 3)\ntorch.diagonal(x, dim1=1, dim2=-1)", ("`dim1` is 1", "`dim2` is -1")),
    ("x = torch.ones(2, 3)\nx.movedim((0, 0), (0, 1))", ("`source` is (0, 0)",)),
    ("x = torch.ones(2, 3, 4)\nx.flatten(2, 1)", ("`start_dim` is 2", "`end_dim` is 1")),
]


@pytest.mark.parametrize(("code", "words"), REPEATED, ids=[code.split("\n")[-1] for code, _ in REPEATED])
def test_a_dimension_that_is_named_twice(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("dimension-repeated")
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


def test_an_order_that_leaves_dimensions_out(learner) -> None:
    error = learner.run("images = torch.ones(8, 28, 28, 3)\nimages.permute(2, 0, 1)").only("dimension-order")
    assert "each of 0, 1, 2, 3 must be named once" in error.text
    assert "(2, 0, 1)" in error.text
    assert learner.run("x = torch.ones(2, 3)\ntorch.permute(x, (0,))").of("dimension-order")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "x = torch.ones(2, 3)\nn = x.shape[2]",
            ("`x.shape` has 2 sizes", "`x.shape[2]`", "the last one is 1"),
        ),
        ("x = torch.ones(3)\nk = 1\nx.size()[k]", ("`x.size()` has 1 sizes",)),
        ("loss = torch.ones(2).sum()\nn = loss.shape[0]", ("a single number", "`loss.shape` is empty")),
        ("img = torch.ones(3, 8, 8)\nb, c, h, w = img.shape", ("[3, 8, 8]", "4 names", "gives 3")),
        (
            "def f(img):\n    c, h, w = img.size()\nf(torch.ones(1, 3, 8, 8))",
            ("`img` is [1, 3, 8, 8]", "3 names"),
        ),
    ],
)
def test_a_size_that_a_shape_does_not_have(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("shape-position")
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.ones(2, 3)\nx.sum(dim=-2)\nx.transpose(1, 1)\nx.unsqueeze(2)\nx.mean(dim=(0, 1))",
        "x = torch.ones(2, 3)\nraise IndexError('Dimension out of range')",
        "xs = (1, 2)\nxs[2]",
        "a, b = [1, 2, 3]",
        "x = torch.ones(2, 3)\nx.sum(dim='rows')",
    ],
)
def test_the_rules_about_dimensions_stay_silent(learner, code: str) -> None:
    found = learner.run(code).rules
    assert not found & {"dimension-range", "dimension-repeated", "dimension-order", "shape-position"}
