"""Plain facts about results, argmax along the wrong dimension, loaders and schedulers."""

from __future__ import annotations

import pytest

SCORES = (
    "torch.manual_seed(0)\nm, x = nn.Linear(3, 4), torch.randn(4, 3)\nlabels = torch.tensor([3, 1, 2, 0])\n"
)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("hits = (m(x).argmax() == labels).float().mean()", "one position in the whole"),
        ("s = m(x).softmax(1)\nhits = torch.mean((labels == s.argmax()).float())", "`s` is [4, 4]"),
        ("s = m(x)\nhits = (s.argmax(dim=0) == labels).float().mean()", "goes down the columns"),
        ("def f(s):\n    return (s.argmax(0) == labels).float().mean()\nhits = f(m(x))", "down the columns"),
    ],
)
def test_argmax_along_the_wrong_dimension(learner, code: str, words: str) -> None:
    told = learner.run(SCORES + code)
    found = told.only("wrong-argmax")
    assert found.kind == "warning"
    assert words in found.text
    if found.fix is not None:
        assert not learner.run_fixed(told, found).of("wrong-argmax")
        assert learner.value("hits.item() == (m(x).argmax(dim=1) == labels).float().mean().item()") is True


def test_two_of_the_fixes_are_known(learner) -> None:
    code = "hits = (m(x).argmax() == labels).float().mean()"
    found = learner.run(SCORES + code).only("wrong-argmax")
    assert found.fix == "hits = (m(x).argmax(dim=1) == labels).float().mean()"


@pytest.mark.parametrize(
    "code",
    [
        "hits = (m(x).argmax(1) == labels).float().mean()",
        "hits = m(x).argmax(-1).eq(labels).sum()",
        "v = torch.tensor([1., 3., 2.])\nbest = v.argmax() == torch.arange(3)",
        "table = torch.rand(3, 3)\nrow = table.argmax(0) == torch.arange(3)",
    ],
)
def test_argmax_that_is_right_or_may_be(learner, code: str) -> None:
    assert not learner.run(SCORES + code).of("wrong-argmax")


#: Code, rule, words: all of them notes.
FACTS = {
    "promotion": (
        "c = torch.tensor([1, 2])\nw = torch.rand(2)\ny = c * w",
        "result-dtype",
        "`c` is int64 and `w`",
    ),
    "numpy's floats": (
        "a = torch.from_numpy(np.ones(3))\nb = torch.ones(3)\ny = a + b",
        "result-dtype",
        "twice the memory",
    ),
    "floor": ("n = torch.tensor([7, -7])\nq = n // 2", "result-dtype", "rounded down and not towards 0"),
    "quotient": ("n = torch.tensor([7, -7])\nq = n / 2", "result-dtype", "always gives floating point"),
    "no_grad": (
        "w = torch.ones(2, requires_grad=True)\nwith torch.no_grad():\n    y = w + 1",
        "not-recorded",
        "`w + 1` (line 3)",
    ),
    "mask": ("x = torch.arange(5)\ny = x[x > 2]", "gathered", "by a mask"),
    "list": ("x = torch.arange(5)\ny = x[[0, 2]]", "gathered", "A write into `y` does not reach `x`"),
    "positions": ("x, i = torch.arange(5), torch.tensor([1])\ny = x[i]", "gathered", "a tensor of positions"),
    "log of 0": ("p = torch.tensor([0., 1.])\nl = p.log()", "inf-born", "`p.log()` gave infinity"),
    "overflow": ("z = torch.exp(torch.tensor([1000.]))", "inf-born", "larger than the dtype can hold"),
    "last batch": (
        (
            "from torch.utils.data import DataLoader\nfor b in DataLoader(torch.ones(7, 2), batch_size=3):\n"
            "    s = b.sum()"
        ),
        "last-batch",
        "`b` was [3, 2] in the first round and [1, 2] in the last",
    ),
    "shuffled": (
        "from torch.utils.data import DataLoader\nval_loader = DataLoader(torch.ones(7), shuffle=True)",
        "judging-loader",
        "the order changes no result",
    ),
    "dropped": (
        "from torch.utils.data import DataLoader\ntest_data = DataLoader(torch.ones(7), 2, drop_last=True)",
        "judging-loader",
        "leaves out the samples",
    ),
}


@pytest.mark.parametrize("case", FACTS)
def test_plain_facts(learner, case: str) -> None:
    code, rule, words = FACTS[case]
    told = learner.run(code)
    found = told.only(rule)
    assert words in found.text
    assert {each.kind for each in told.explanations} == {"note"}


@pytest.mark.parametrize(
    "code",
    [
        "a = torch.ones(2) + torch.ones(2)",
        "a = torch.tensor([1, 2]) + 1",
        "x = torch.arange(5)\ny = x[1:3]",
        "x = torch.arange(5)\nx[[0, 1]] = 7",
        "w = torch.ones(2, requires_grad=True)\ny = w + 1",
        "with torch.no_grad():\n    y = torch.ones(2) + 1",
        "x = torch.zeros(2).masked_fill(torch.tensor([True, False]), float('-inf'))",
        "from torch.utils.data import DataLoader\ntrain_data = DataLoader(torch.ones(7), shuffle=True)",
        "from torch.utils.data import DataLoader\nfor b in DataLoader(torch.ones(6), 3):\n    b.sum()",
    ],
)
def test_nothing_is_told_where_there_is_nothing_to_tell(learner, code: str) -> None:
    new = {"result-dtype", "not-recorded", "gathered", "inf-born", "last-batch", "judging-loader"}
    assert not learner.run(code).rules & new


def test_a_scheduler_that_steps_first(learner) -> None:
    code = """m = nn.Linear(2, 1)
opt = torch.optim.SGD(m.parameters(), lr=0.1)
rate = torch.optim.lr_scheduler.StepLR(opt, 1)
for _ in range(2):
    {first}
    {second}
"""
    found = learner.run(code.format(first="rate.step()", second="opt.step()")).only("scheduler-first")
    assert (found.kind, "At line 5" in found.text) == ("warning", True)
    assert not learner.run(code.format(first="opt.step()", second="rate.step()")).of("scheduler-first")
