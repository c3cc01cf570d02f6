"""BatchNorm, LayerNorm, GroupNorm and their kin with inputs of other sizes."""

from __future__ import annotations

import pytest

F = "import torch.nn.functional as F\n"
NET = "net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.BatchNorm2d(8))\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            NET + "net(torch.ones(2, 1, 8, 8))",
            ("`net[2]` is a BatchNorm2d", "[2, 4, 6, 6]", "`nn.BatchNorm2d(4)`"),
        ),
        ("b = nn.BatchNorm1d(4)\nb(torch.ones(2, 3))", ("`num_features=4`", "there are 3")),
        (
            "b = nn.BatchNorm2d(4)\nx = torch.ones(2, 4)\nb(x)",
            ("`x` is [2, 4]", "4 dimensions", "`nn.BatchNorm1d`"),
        ),
        ("b = nn.BatchNorm1d(4)\nb(torch.ones(1, 4))", ("`.eval()`", "`drop_last=True`", "at least two")),
        (
            F + "m = torch.zeros(4)\nF.batch_norm(torch.ones(2, 5), m, torch.ones(4))",
            ("(`m`)", "there are 5"),
        ),
        ("nn.InstanceNorm2d(4)(torch.ones(2, 5))", ("3 or 4 dimensions", "has 2 dimensions")),
        (
            "norm = nn.LayerNorm(10)\nnorm(torch.ones(2, 5))",
            ("`norm`", "(10,)", "ends in [5]", "`nn.LayerNorm(5)`"),
        ),
        (F + "x = torch.ones(2, 5)\nF.layer_norm(x, (4,))", ("`x` is [2, 5]", "`normalized_shape=(4,)`")),
        (F + "w = torch.ones(4)\nF.layer_norm(torch.ones(2, 5), (5,), w)", ("must be [5]", "is [4]")),
        ("nn.LayerNorm((3, 4, 5))(torch.ones(4, 5))", ("fewer dimensions",)),
        ("nn.RMSNorm(6)(torch.ones(2, 5))", ("RMSNorm", "ends in [5]")),
        (
            "g = nn.GroupNorm(3, 6)\nx = torch.ones(2, 4, 3)\ng(x)",
            ("4 channels", "`num_groups` = 3", "`x` is [2, 4, 3]"),
        ),
        (F + "x = torch.ones(2, 7, 4)\nF.group_norm(x, 2)", ("7 channels are no multiple of 2",)),
        ("nn.GroupNorm(4, 6)", ("`num_channels` is 6", "`num_groups` is 4")),
    ],
)
def test_an_input_that_a_normalization_does_not_take(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("norm-input")
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize(
    "code",
    [
        "b = nn.BatchNorm1d(4).eval()\nb(torch.ones(1, 4)), nn.LayerNorm((4, 5))(torch.ones(2, 4, 5))",
        "nn.BatchNorm1d(4)(torch.ones(2, 4).long())",
        "nn.LayerNorm(4)(torch.ones(2, 4).long())",
    ],
)
def test_the_rules_about_normalization_stay_silent(learner, code: str) -> None:
    assert not learner.run(code).of("norm-input")
