"""Positions that functions and Embedding layers are given; fixes are run, and their meaning checked."""

from __future__ import annotations

import pytest

GRID = "import torch.nn.functional as F\nx = torch.arange(6.).view(2, 3)\n"
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(3, 2)
    def forward(self, t):
        return self.words(t + 1)
Net()(torch.tensor([0, 2]))"""
RULES = {"embedding-range", "lookup-shape", "lookup-range", "slice-range", "top-count"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "table = nn.Embedding(10, 4)\nids = torch.tensor([[1, 5, 10]])\ntable(ids)",
            (
                "`table` has 10 rows",
                "`ids` holds numbers from 1 to 10",
                "from 0 to 9",
                "`nn.Embedding(11, 4)`",
            ),
        ),
        (
            GRID + "w = torch.ones(5, 2)\nF.embedding(torch.tensor([-1]), w)",
            ("holds -1", "do not count from the end"),
        ),
        (
            "m = nn.Sequential(nn.Embedding(5, 2), nn.Flatten())\nm(torch.tensor([[1, 7]]))",
            ("`m[0]` is an Embedding", "What reaches it", "row 7"),
        ),
        (
            NET,
            ("`self.words`", "`t + 1` holds numbers from 1 to 3"),
        ),
        ("bag = nn.EmbeddingBag(3, 2)\nbag(torch.tensor([[1, 3]]))", ("`bag` is an EmbeddingBag", "row 3")),
    ],
)
def test_a_row_that_the_table_does_not_have(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("embedding-range")
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize(
    ("code", "fix", "meaning"),
    [
        (
            "i = torch.tensor([2, 0])\ny = x.gather(1, i)",
            "y = x.gather(1, i.unsqueeze(1))",
            "y.flatten().tolist() == x[[0, 1], [2, 0]].tolist()",
        ),
        (
            "y = torch.gather(input=x, dim=0, index=torch.tensor([1, 0, 1]))",
            "y = torch.gather(input=x, dim=0, index=torch.tensor([1, 0, 1]).unsqueeze(0))",
            "y[0].tolist() == [3., 1., 5.]",
        ),
        (
            "i = torch.tensor([2, 0])\nfor k in range(1):\n    y = x.gather(-1, i + 0).sum()",
            "    y = x.gather(-1, (i + 0).unsqueeze(1)).sum()",
            "y.item() == 5",
        ),
    ],
)
def test_one_position_for_each_row(learner, code: str, fix: str, meaning: str) -> None:
    told = learner.run(GRID + code)
    error = told.only("lookup-shape")
    assert error.fix is not None
    assert fix in error.fix
    assert learner.run_fixed(told, error).run.ok
    assert learner.value(meaning) is True


@pytest.mark.parametrize(
    ("rule", "code", "words"),
    [
        ("lookup-shape", "x.gather(1, torch.zeros(3, 2).long())", ("in dimension 0, 3 meets 2",)),
        ("lookup-shape", "x.scatter_(1, torch.tensor([0, 1]), 1.)", ("has 1 dimension", "`x` is [2, 3]")),
        ("lookup-shape", "x.index_select(1, torch.tensor([[0]]))", ("takes a list of positions", "[1, 1]")),
        (
            "lookup-range",
            "x.gather(1, torch.tensor([[3], [0]]))",
            ("holds numbers from 0 to 3", "from 0 to 2"),
        ),
        ("lookup-range", "i = torch.tensor([2])\ntorch.index_select(x, 0, i)", ("`i` holds 2", "0 or 1")),
        (
            "lookup-range",
            "x.scatter_(1, torch.tensor([[-1]]), 1.)",
            ("do not count from the end in `scatter`",),
        ),
        ("lookup-range", "torch.take(x, torch.tensor([6]))", ("holds 6",)),
        ("slice-range", "x.select(0, 4)", ("size 2", "`index` is 4")),
        ("slice-range", "n = 4\nx.narrow(1, 2, n)", ("ends at 6", "size 3")),
        ("slice-range", "torch.narrow(x, 1, 5, 1)", ("`start` is 5", "from 0 to 3")),
        ("top-count", "x.topk(5)", ("`k` must be from 0 to 3", "dimension 1")),
        ("top-count", "torch.topk(x, 3, dim=0)", ("`k` is 3", "dimension 0")),
        ("top-count", "x.kthvalue(4)", ("from 1 to 3",)),
    ],
)
def test_positions_that_do_not_fit(learner, rule: str, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(GRID + code).only(rule)
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize(
    "code",
    [
        "x.gather(1, torch.tensor([[0]])), x.index_select(0, torch.tensor([1, 0])), x.topk(3)",
        "x.narrow(1, 1, 2), x.select(0, -1)",
        "F.embedding(torch.tensor([0.5]), x)",
        "x.gather(1, torch.tensor([[0.5]]))",
        "x.topk('a')",
        "raise IndexError('index out of range in self')",
    ],
)
def test_the_rules_about_positions_stay_silent(learner, code: str) -> None:
    assert not learner.run(GRID + code).rules & RULES
