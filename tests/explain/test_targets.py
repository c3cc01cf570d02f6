"""Losses: targets of another shape, classes that are not there; fixes are run, and their meaning checked."""

from __future__ import annotations

import pytest

START = "import torch.nn.functional as F\ntorch.manual_seed(0)\n"


@pytest.mark.parametrize(
    ("code", "fix", "meaning"),
    [
        (
            "p, t = torch.rand(4, 1), torch.tensor([0., 1., 1., 0.])\nloss = nn.BCELoss()(p, t)",
            "loss = nn.BCELoss()(p.squeeze(1), t)",
            "torch.equal(loss, F.binary_cross_entropy(p[:, 0], t))",
        ),
        (
            "p, t = torch.rand(4), torch.ones(4, 1)\nloss = F.binary_cross_entropy_with_logits(p, t)",
            "loss = F.binary_cross_entropy_with_logits(p, t.squeeze(1))",
            "torch.equal(loss, F.binary_cross_entropy_with_logits(p, t[:, 0]))",
        ),
        (
            "s, t = torch.rand(4, 3), torch.tensor([[0], [2], [1], [1]])\nloss = F.cross_entropy(s, t)",
            "loss = F.cross_entropy(s, t.squeeze(1))",
            "torch.equal(loss, F.cross_entropy(s, t[:, 0]))",
        ),
        (
            "s, t = torch.rand(2, 5, 3), torch.ones(2, 5).long()\nc = nn.CrossEntropyLoss()\nloss = c(s, t)",
            "loss = c(s.transpose(1, 2), t)",
            "torch.allclose(loss, c(s.reshape(10, 3), t.reshape(10)))",
        ),
        (
            "s, t = torch.rand(2, 5, 4, 3), torch.ones(2, 5, 4).long()\nloss = F.cross_entropy(s, t)",
            "loss = F.cross_entropy(s.permute(0, 3, 1, 2), t)",
            "torch.allclose(loss, F.cross_entropy(s.reshape(40, 3), t.reshape(40)))",
        ),
    ],
)
def test_the_one_way_to_fit_them_is_the_fix(learner, code: str, fix: str, meaning: str) -> None:
    told = learner.run(START + code)
    error = told.only("loss-shapes")
    assert error.fix == fix
    assert learner.run_fixed(told, error).run.ok
    assert learner.value(meaning) is True


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "s, y = torch.ones(2, 5), torch.tensor([1, 0, 2])\nF.cross_entropy(s, y)",
            ("2 predictions meet 3 targets", "`s` is [2, 5]", "2 rows with 5 scores each", "shape [2]"),
        ),
        (
            "s, y = torch.rand(2, 3, 5), torch.ones(2, 4).long()\nnn.CrossEntropyLoss()(s, y)",
            ("need [2, 5]", "classes in dimension 1", "`y` is [2, 4]"),
        ),
        (
            "s, y = torch.rand(3, 3), torch.eye(3).long()\nF.nll_loss(s, y)",
            ("`y.argmax(1)`", "shape [3]"),
        ),
        ("s, y = torch.rand(4, 3), torch.rand(4, 2)\nF.cross_entropy(s, y)", ("are probabilities", "[4, 2]")),
        (
            "p, y = torch.rand(4, 2), torch.ones(4)\nF.binary_cross_entropy(p, y)",
            ("`p` is [4, 2]", "`y` is [4]"),
        ),
        (
            "c = nn.CrossEntropyLoss(weight=torch.ones(2))\nc(torch.rand(4, 3), torch.ones(4).long())",
            ("[2] weights for 3 classes", "one number for each"),
        ),
        (
            "def f(a, b):\n    return F.nll_loss(a, b)\nf(torch.rand(4, 3), torch.ones(5).long())",
            ("`a`", "`b`"),
        ),
    ],
)
def test_targets_of_another_shape(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(START + code).only("loss-shapes")
    assert error.fix is None
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "s, y = torch.rand(3, 3), torch.tensor([0, 3, 1])\nF.cross_entropy(s, y)",
            ("from 0 to 2", "from 0 to 3"),
        ),
        ("s, y = torch.rand(2, 3), torch.tensor([1, 3])\nnn.NLLLoss()(s, y)", ("`y - 1`", "4 scores")),
        ("s = torch.rand(2, 3)\nF.nll_loss(s, torch.tensor([1, -1]))", ("`ignore_index=-1`", "class -1")),
        ("y = torch.tensor([0, 5])\nF.one_hot(y, num_classes=3)", ("`num_classes=6`", "`y` is [2]")),
        ("n = 2\nF.one_hot(torch.tensor([0, 2]), n)", ("from 0 to 1",)),
    ],
)
def test_a_class_that_is_not_there(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(START + code).only("class-range")
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize(
    "code",
    [
        "F.cross_entropy(torch.rand(2, 3), torch.tensor([0, -100]))",
        "F.cross_entropy(torch.rand(3), torch.tensor(1))",
        "F.cross_entropy(torch.rand(2, 3), torch.rand(2, 3)), F.one_hot(torch.tensor([0, 2]))",
        "F.cross_entropy(torch.rand(2, 3), torch.ones(2))",
        "F.binary_cross_entropy(torch.rand(2) + 2, torch.ones(2))",
    ],
)
def test_the_rules_about_losses_stay_silent(learner, code: str) -> None:
    assert not learner.run(START + code).rules & {"loss-shapes", "class-range"}
