"""Losses that are given what they do not expect, and pairs that broadcasting makes of them."""

from __future__ import annotations

import pytest

SETUP = """import torch.nn.functional as F
torch.manual_seed(1)
x, y = torch.randn(6, 3), torch.randn(6)
head, net = nn.Linear(3, 1), nn.Linear(3, 4)
labels, flags = torch.tensor([0, 1, 2, 3, 0, 1]), torch.tensor([0., 1, 1, 0, 1, 0])
"""
MODEL = """class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(3, 4)
        self.act = nn.Softmax(dim=1)
    def forward(self, v):
        return self.act(self.body(v))
model = Classifier()
"""

#: Code, rule, words of the text, and for a fix what must hold once the fixed code ran.
CASES = {
    "softmax function": (
        "loss = F.cross_entropy(F.softmax(net(x), dim=1), labels)",
        "scores-expected",
        "with 4 classes the loss cannot fall below 0.744",
        "torch.equal(loss, F.cross_entropy(net(x), labels))",
    ),
    "softmax method": (
        "out = net(x)\nloss = nn.CrossEntropyLoss()(out.softmax(dim=-1), labels)",
        "scores-expected",
        "`out.softmax(dim=-1)` (line 7)",
        "torch.equal(loss, F.cross_entropy(net(x), labels))",
    ),
    "softmax at the end of a model": (
        MODEL + "loss = nn.CrossEntropyLoss()(model(x), labels)",
        "scores-expected",
        "`self.act(self.body(v))`",
        None,
    ),
    "softmax in a sequence": (
        "model = nn.Sequential(nn.Linear(3, 4), nn.Softmax(1))\nloss = F.cross_entropy(model(x), labels)",
        "scores-expected",
        "`model(x)` (line 7)",
        None,
    ),
    "probabilities some statements ago": (
        "p = torch.softmax(net(x), 1)\nq = p.squeeze()\nloss = F.cross_entropy(q, labels)",
        "scores-expected",
        "line 6",
        None,
    ),
    "sigmoid": (
        "loss = F.binary_cross_entropy_with_logits(torch.sigmoid(head(x)).squeeze(1), flags)",
        "scores-expected",
        "no result can be below 0.5",
        "torch.equal(loss, F.binary_cross_entropy_with_logits(head(x).squeeze(1), flags))",
    ),
    "sigmoid layer": (
        "crit = nn.BCEWithLogitsLoss()\nact = nn.Sigmoid()\nloss = crit(act(head(x))[:, 0], flags)",
        "scores-expected",
        "applies the sigmoid",
        "torch.equal(loss, F.binary_cross_entropy_with_logits(head(x).squeeze(1), flags))",
    ),
    "scores for nll_loss": (
        "loss = F.nll_loss(net(x), labels)",
        "log-probabilities-expected",
        "raw scores",
        "torch.equal(loss, F.cross_entropy(net(x), labels))",
    ),
    "scores for the layer": (
        "crit = nn.NLLLoss()\nloss = crit(net(x).relu(), labels)",
        "log-probabilities-expected",
        "`NLLLoss`",
        None,
    ),
    "probabilities for nll_loss": (
        "loss = F.nll_loss(net(x).softmax(1), labels)",
        "log-probabilities-expected",
        "probabilities",
        None,
    ),
    "log_softmax over the batch": (
        "loss = F.nll_loss(F.log_softmax(net(x), dim=0), labels)",
        "softmax-over-batch",
        "across the 6 samples",
        "torch.equal(loss, F.cross_entropy(net(x), labels))",
    ),
    "a layer over the batch": (
        "out = nn.Sequential(nn.Linear(3, 4), nn.LogSoftmax(dim=0))\nloss = nn.NLLLoss()(out(x), labels)",
        "softmax-over-batch",
        "across the 6 samples",
        None,
    ),
    "softmax over the batch, read by rows": (
        "p = torch.softmax(net(x), 0)\nbest = p.argmax(1)",
        "softmax-over-batch",
        "`p.argmax(1)`",
        None,
    ),
    "no dim": (
        "p = F.softmax(torch.ones(2, 3, 4))",
        "implicit-dimension",
        "takes dimension 0",
        None,
    ),
    "arithmetic": (
        "loss = ((head(x) - y) ** 2).mean()",
        "square-broadcast",
        "`head(x)` is [6, 1] and `y` is [6]",
        "torch.equal(loss, F.mse_loss(head(x)[:, 0], y))",
    ),
    "a column of targets": (
        "t = y.unsqueeze(1)\np = head(x).squeeze()\nloss = (p - t).abs().sum()",
        "square-broadcast",
        "all 36 pairs",
        "torch.allclose(loss, F.l1_loss(head(x)[:, 0], y, reduction='sum'))",
    ),
    "a loss": (
        "loss = F.mse_loss(head(x), y)",
        "square-broadcast",
        "the mean over all 36 pairs",
        "torch.equal(loss, F.mse_loss(head(x)[:, 0], y))",
    ),
    "a layer in a function": (
        "crit = nn.L1Loss()\ndef train(a, b):\n    return crit(head(a), b)\nloss = train(x, y)",
        "square-broadcast",
        "`head(a).squeeze(1)`",
        None,
    ),
    "accuracy": (
        "t = labels.view(-1, 1)\ncorrect = (net(x).argmax(1) == t).sum().item()",
        "square-broadcast",
        "[6, 6]",
        "correct == (net(x).argmax(1) == labels).sum().item()",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_loss_is_given(learner, case: str) -> None:
    code, rule, words, meaning = CASES[case]
    told = learner.run(SETUP + code)
    found = told.only(rule)
    assert found.kind == "warning"
    assert words in found.text
    assert [one.rule for one in told.explanations if one.kind != "note"] == [rule]
    assert (found.fix is not None) == (meaning is not None)
    if meaning is not None:
        fixed = learner.run_fixed(told, found)
        assert fixed.run.ok, (found.fix, fixed.run.error)
        assert not fixed.of(rule)
        assert learner.value(meaning) is True, found.fix


@pytest.mark.parametrize(
    "code",
    [
        "loss = F.cross_entropy(net(x), labels)",
        "loss = F.cross_entropy(net(x), net(x).softmax(1))",
        "loss = F.nll_loss(F.log_softmax(net(x), dim=1), labels)",
        "loss = F.nll_loss(net(x).softmax(1).log(), labels)",
        "loss = F.kl_div(F.log_softmax(net(x), 1), F.softmax(net(x), 1), reduction='batchmean')",
        "loss = F.binary_cross_entropy(torch.sigmoid(head(x))[:, 0], flags)",
        "scores = F.softmax(net(x), dim=0)\nmixed = scores.T @ x",
        "loss = (head(x)[:, 0] - y).pow(2).mean()",
        "far = (y[:, None] - y).abs().mean()",
        "column = y.unsqueeze(1)\nkernel = ((column - y) ** 2).sum()",
        "grid = y.view(-1, 1) * torch.arange(6.)\ntotal = grid.sum()",
        "same = (labels.unsqueeze(1) == labels).float().mean()",
        "y_mean = (x - x.mean(1, keepdim=True)).sum()",
        "loss = F.mse_loss(head(x).squeeze(-1), y)",
        "p = F.softmax(net(x), dim=1)\nbest = p.max(1)",
    ],
)
def test_what_is_right_is_left_alone(learner, code: str) -> None:
    told = learner.run(SETUP + code)
    assert told.run.ok
    assert not [one for one in told.explanations if one.kind != "note"]
