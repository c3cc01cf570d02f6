"""Positions, masks and index tensors in brackets; the fixes and what they mean."""

from __future__ import annotations

import pytest

GRID = "x = torch.arange(12.).view(4, 3)\n"
RULES = {"index-range", "index-count", "mask-shape", "index-tensors", "write-shape"}

RANGE = [
    (
        GRID + "x[4]",
        ("dimension 0 has size 4", "from 0 to 3", "asks for position 4", "the last position is 3"),
    ),
    (GRID + "x[-5]", ("position -5", "from -4 to -1")),
    (GRID + "x[1, 3]", ("dimension 1 has size 3", "position 3")),
    (GRID + "x[:, 5]", ("dimension 1 has size 3", "position 5")),
    (GRID + "x[..., 3]", ("dimension 1 has size 3",)),
    (GRID + "x[None, :, 7]", ("its dimension 1 has size 3", "position 7")),
    (GRID + "for i in range(9):\n    y = x[i].sum()", ("`i` is 4",)),
    (GRID + "i = torch.tensor([0, 9])\nx[i]", ("`i` holds values from 0 to 9",)),
    (GRID + "i = torch.tensor([0, 9])\nx[0:2, i]", ("its dimension 1 has size 3", "position 9")),
    (GRID + "x[torch.tensor(6)]", ("`torch.tensor(6)` holds 6",)),
    (GRID + "x[[0, 7]]", ("from 0 to 7", "from 0 to 3")),
    (GRID + "k = 3\nx[:, k] = 1.", ("`k` is 3", "dimension 1 has size 3")),
    (GRID + "x[x > 50][0]", ("is [0]", "no position in it at all", "found nothing")),
    ("ds = torch.utils.data.TensorDataset(torch.ones(3, 2))\nds[5]", ("A tensor inside of `ds` is [3, 2]",)),
    ("def last(rows, n):\n    return rows[n]\nlast(torch.ones(3), 3)", ("`rows` is [3]", "`n` is 3")),
    ("rows = [torch.ones(2)]\nys = [r[2] for r in rows]", ("`r` is [2]",)),
]


@pytest.mark.parametrize(("code", "words"), RANGE, ids=[code.split("\n")[-1] for code, _ in RANGE])
def test_a_position_that_is_not_there(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("index-range")
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (GRID + "x[0, 1, 2]", ("has 2 dimensions", "at most 2", "gives 3")),
        (GRID + "x[:, :, 0] = 1.", ("at most 2", "gives 3")),
        (GRID + "m = x > 3\nx[m, 0]", ("A mask counts for as many",)),
        ("loss = torch.tensor(2.)\nloss[1]", ("a single number", "takes no index")),
    ],
)
def test_more_positions_than_dimensions(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("index-count")
    assert error.fix is None
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize("code", ["y = loss[0]", "if True:\n    y = (loss * 1)[0]", "y = 0 + loss[0]"])
def test_a_loss_that_is_indexed_gives_its_value(learner, code: str) -> None:
    told = learner.run(f"loss = torch.tensor(2.5)\n{code}")
    fixed = learner.run_fixed(told, told.only("index-count"))
    assert fixed.run.ok
    assert learner.value("type(y) is float and y == 2.5") is True


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("m = torch.tensor([True, False, True])\ny = x[m]", "y.tolist() == x[:, [0, 2]].tolist()"),
        ("y = x[x.sum(0) > 20]", "y.tolist() == x[:, [1, 2]].tolist()"),
        ("for c in range(1):\n    y = x[[True, False, False]] * 1", "y.tolist() == x[:, :1].tolist()"),
        ("x[torch.tensor([False, False, True])] = 0.", "x[:, 2].sum().item() == 0 and x.sum().item() == 40"),
    ],
)
def test_a_mask_of_the_columns_is_put_in_their_place(learner, code: str, meaning: str) -> None:
    told = learner.run(GRID + code)
    error = told.only("mask-shape")
    assert "[4], and not [3]" in error.text
    assert learner.run_fixed(told, error).run.ok
    assert learner.value(meaning) is True


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            GRID + "m = torch.tensor([True, False])\nx[:, m]",
            ("dimension 1 that it stands for: [3], and not [2]",),
        ),
        (GRID + "m = torch.ones(4, 2) > 0\nx[m] = 0", ("the 2 dimensions", "[4, 3], and not [4, 2]")),
    ],
)
def test_a_mask_of_another_shape(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("mask-shape")
    assert error.fix is None
    for word in words:
        assert word in error.text


def test_index_tensors_that_do_not_fit_together(learner) -> None:
    text = learner.run(GRID + "r, c = [0, 1], [0, 1, 2]\nx[r, c]").only("index-tensors").text
    assert "shapes [2], [3]" in text
    assert "`x[r][:, c]`" in text
    learner.run(GRID + "block = x[[0, 1]][:, [0, 1, 2]]")
    assert learner.value("block.tolist() == x[:2, :3].tolist()") is True


@pytest.mark.parametrize("code", ["x[x > 5] = torch.ones(5)", "m = x > 5\nx[m] = torch.ones(5) * 2"])
def test_values_that_do_not_fit_the_places_of_a_mask(learner, code: str) -> None:
    error = learner.run(GRID + code).only("write-shape")
    assert "[6]" in error.text
    assert "[5]" in error.text


@pytest.mark.parametrize(
    "code",
    [
        GRID + "x[3], x[-4], x[:, -1], x[[0, 3]], x[x > 3], x[..., 2], x[None, 3, 2], x[0:99]",
        "xs = [1, 2]\nxs[5]",
        GRID + "x['a']",
        GRID + "x[1.5]",
        GRID + "raise IndexError('index 5 is out of bounds for dimension 0 with size 4')",
    ],
)
def test_the_rules_about_indexing_stay_silent(learner, code: str) -> None:
    assert not learner.run(code).rules & RULES
