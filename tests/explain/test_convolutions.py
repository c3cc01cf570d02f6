"""Convolutions that get another input than they take; fixes are run, and their meaning checked."""

from __future__ import annotations

import pytest

F = "import torch.nn.functional as F\n"


@pytest.mark.parametrize(
    ("code", "fix", "meaning"),
    [
        (
            "c = nn.Conv2d(3, 4, 3)\nx = torch.rand(2, 9, 8, 3)\ny = c(x)",
            "y = c(x.permute(0, 3, 1, 2))",
            "torch.equal(y, c(x.movedim(-1, 1)))",
        ),
        (
            "c = nn.Conv2d(3, 4, 3)\npic = torch.rand(9, 8, 3)\ny = c(pic * 2)",
            "y = c((pic * 2).permute(2, 0, 1))",
            "torch.equal(y, c((pic * 2).movedim(-1, 0)))",
        ),
        (
            F + "w, x = torch.rand(4, 6, 3), torch.rand(2, 20, 6)\ny = F.conv1d(x, w)",
            "y = F.conv1d(x.transpose(1, 2), w)",
            "y.shape == (2, 4, 18)",
        ),
        (
            "c = nn.Conv2d(1, 4, 3)\nbatch = torch.rand(5, 9, 9)\nfor i in range(1):\n    y = c(input=batch)",
            "    y = c(input=batch.unsqueeze(1))",
            "torch.equal(y[2], c(batch[2:3]))",
        ),
        (
            "c = nn.Conv2d(1, 4, 3)\ndigit = torch.rand(9, 9)\ny = c(digit)",
            "y = c(digit.unsqueeze(0))",
            "y.shape == (4, 7, 7)",
        ),
        (
            "c = nn.ConvTranspose2d(3, 4, 2)\nx = torch.rand(2, 9, 8, 3)\ny = c(x)",
            "y = c(x.permute(0, 3, 1, 2))",
            "y.shape == (2, 4, 10, 9)",
        ),
    ],
)
def test_channels_in_another_place(learner, code: str, fix: str, meaning: str) -> None:
    told = learner.run(code)
    error = told.only("conv-input")
    assert error.fix is not None
    assert fix in error.fix
    assert learner.run_fixed(told, error).run.ok
    assert learner.value(meaning) is True


NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.Conv2d(8, 4, 3))
    def forward(self, v):
        return self.body(v)
Net()(torch.ones(4, 3, 28, 28))"""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (NET, ("`self.body[2]` takes 8 channels, and its input has 6", "What reaches it is [4, 6, 24, 24]")),
        (
            "c = nn.Conv2d(3, 8, 3)\nc(torch.ones(1, 1, 9, 9))",
            ("`c` is a Conv2d", "`nn.Conv2d(1, …)`", "3 channels"),
        ),
        (
            F + "w = torch.ones(8, 3, 3, 3)\nF.conv2d(torch.ones(1, 4, 9, 9), w)",
            ("[8, 3, 3, 3]", "takes 3 channels"),
        ),
        ("nn.Conv2d(4, 8, 3, groups=2)(torch.ones(1, 2, 9, 9))", ("4 channels", "in 2 groups")),
        ("c = nn.Conv2d(3, 8, 5)\nc(torch.ones(1, 3, 4, 9))", ("5 × 5", "4 × 9", "none may be smaller")),
        ("c = nn.Conv1d(3, 8, 3, padding=1, dilation=3)\nc(torch.ones(3, 4))", ("makes 7", "are 6")),
        ("c = nn.Conv2d(3, 8, 3)\nc(torch.ones(28, 28))", ("3 or 4 dimensions", "[28, 28]")),
        (
            "c = nn.Conv3d(3, 8, 3)\nc(torch.ones(1, 1, 3, 9, 9, 9))",
            ("takes 4 or 5 dimensions", "6 dimensions"),
        ),
        (F + "w = torch.ones(8, 2)\nF.conv1d(torch.ones(1, 2, 9), w)", ("`w` is [8, 2]", "3 dimensions")),
        (
            F + "w = torch.ones(8, 2, 3)\nF.conv1d(torch.ones(1, 6, 9), w, groups=3)",
            ("multiple of `groups`",),
        ),
        ("c = nn.ConvTranspose1d(16, 8, 2)\nc(torch.ones(1, 8, 4))", ("takes 16 channels", "[1, 8, 4]")),
    ],
)
def test_an_input_that_a_convolution_does_not_take(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("conv-input")
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize(
    "code",
    [
        "nn.Conv2d(3, 4, 3)(torch.ones(3, 9, 9)), nn.Conv1d(2, 2, 3, padding='same')(torch.ones(2, 2))",
        "nn.Conv2d(3, 4, 3)(torch.ones(1, 3, 9, 9).long())",
        "nn.Conv2d(3, 4)",
        "nn.Conv2d(3, 4, 3)(None)",
    ],
)
def test_the_rule_about_convolutions_stays_silent(learner, code: str) -> None:
    assert not learner.run(code).of("conv-input")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            F + "x = torch.ones(1, 2, 8)\nF.max_pool1d(x, 3, padding=2)",
            ("`padding` is 2", "at most 1", "[1, 2, 8]"),
        ),
        ("pool = nn.AvgPool2d(2, stride=0)\npool(torch.ones(1, 4, 4))", ("`stride` is 0", "`pool`")),
        (F + "w = torch.ones(4, 1, 3)\nF.conv1d(torch.ones(1, 2, 9), w, groups=-1)", ("`groups` is -1",)),
        (F + "F.conv1d(torch.ones(1, 2, 9), torch.ones(4, 2, 3), dilation=(0,))", ("`dilation` is (0,)",)),
        ("nn.Conv2d(3, 8, 3, groups=2)", ("`in_channels` is 3", "`groups=2`")),
    ],
)
def test_settings_that_no_window_can_have(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("window-settings")
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


LIKE = "net = nn.Sequential({}, nn.Flatten())\n"


@pytest.mark.parametrize(
    ("rule", "code", "fix", "meaning"),
    [
        (
            "conv-input",
            LIKE.format("nn.Conv2d(1, 2, 3)") + "pics = torch.rand(5, 9, 9)\ny = net(pics)",
            "y = net(pics.unsqueeze(1))",
            "torch.equal(y[:1], net(pics[None, :1]))",
        ),
        (
            "conv-input",
            LIKE.format("nn.Conv2d(3, 2, 3)")
            + "pics = torch.rand(5, 9, 9, 3)\nwith torch.no_grad():\n    y = net(pics)",
            "    y = net(pics.permute(0, 3, 1, 2))",
            "y.shape == (5, 98)",
        ),
        (
            "matmul-shapes",
            "net = nn.Sequential(nn.Linear(12, 2), nn.ReLU())\nx = torch.rand(5, 3, 4)\ny = net(x)",
            "y = net(x.flatten(1))",
            "torch.equal(y, net(x.reshape(5, 12)))",
        ),
        (
            "matmul-shapes",
            "line = nn.Linear(1, 1)\nx = torch.linspace(0, 1, 10)\ny = line(x)",
            "y = line(x.unsqueeze(1))",
            "y.shape == (10, 1)",
        ),
    ],
)
def test_what_the_model_was_given_is_changed_where_it_reaches_the_layer(
    learner, rule: str, code: str, fix: str, meaning: str
) -> None:
    told = learner.run(code)
    error = told.only(rule)
    assert error.fix is not None
    assert fix in error.fix
    assert learner.run_fixed(told, error).run.ok
    assert learner.value(meaning) is True


def test_what_another_layer_made_is_not_taken_for_what_the_model_was_given(learner) -> None:
    code = LIKE.format("nn.Conv2d(1, 1, 1), nn.Conv2d(3, 2, 3)") + "pics = torch.rand(5, 1, 9, 3)\nnet(pics)"
    error = learner.run(code).only("conv-input")
    assert "What reaches it is [5, 1, 9, 3]" in error.text
    assert error.fix is None
