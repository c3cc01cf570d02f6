"""`cat`, `stack` and their kin; fixes are applied, run, and their meaning is checked."""

from __future__ import annotations

import pytest

PAIR = "a = torch.arange(6.).view(2, 3)\nb = torch.arange(8.).view(2, 4)\n"


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (PAIR + "c = torch.cat([a, b])", "c.tolist() == [[0, 1, 2, 0, 1, 2, 3], [3, 4, 5, 4, 5, 6, 7]]"),
        (PAIR + "parts = [a, b]\nc = torch.cat(parts, dim=0) * 1", "list(c.shape) == [2, 7]"),
        (
            PAIR + "def join(*xs):\n    return torch.concat(xs)\nc = torch.cat((b, a), 0)",
            "list(c.shape) == [2, 7]",
        ),
        (PAIR + "c = torch.cat([a, a[0]])", "c.tolist() == [[0, 1, 2], [3, 4, 5], [0, 1, 2]]"),
        (PAIR + "c = torch.cat((b, a[:, 0] + 0.5), dim=1)", "c[:, 4].tolist() == [0.5, 3.5]"),
        ("xs = [torch.tensor(1.), torch.tensor(2.)]\nc = torch.cat(xs)", "c.tolist() == [1, 2]"),
    ],
)
def test_the_one_way_to_join_is_the_fix(learner, code: str, meaning: str) -> None:
    told = learner.run(code)
    fixed = learner.run_fixed(told, told.only("cat-shapes"))
    assert fixed.run.ok
    assert learner.value(meaning) is True


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (PAIR + "torch.cat([a, b.T])", ("`a` is [2, 3] and `b.T` is [4, 2]", "in dimension 1, 3 meets 2")),
        (PAIR + "torch.cat([a, a, b], dim=-2)", ("`b` is [2, 4]", "dimension 0")),
        (PAIR + "xs = [a[i] for i in range(2)] + [b]\ntorch.cat(xs)", ("`xs[2]`", "`b` is [2, 4]")),
        ("torch.vstack([torch.ones(3), torch.ones(4)])", ("[3], taken as [1, 3]",)),
        ("torch.hstack((torch.ones(2, 3), torch.ones(3, 2)))", ("in dimension 0, 2 meets 3",)),
        ("outs = []\ntorch.cat(outs)", ("`outs` is an empty list", "at least one tensor")),
        ("torch.cat([torch.ones(2, 2), torch.tensor(1.)])", ("`torch.tensor(1.)` is a single number",)),
    ],
)
def test_tensors_that_cannot_be_joined(learner, code: str, words: tuple[str, ...]) -> None:
    told = learner.run(code)
    error = told.only("cat-shapes")
    assert error.kind == "error"
    if "xs[2]" not in words[0]:
        assert all(word in f"{error.title} {error.text}" for word in words), error.text
    else:
        assert any(word in error.text for word in words), error.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "rows = [torch.ones(3), torch.ones(4)]\ntorch.stack(rows)",
            ("`rows[0]` is [3]", "`rows[1]` is [4]", "pad"),
        ),
        (PAIR + "torch.stack((a, b), dim=1)", ("`a` is [2, 3]", "`b` is [2, 4]", "the same shape")),
        (PAIR + "def f(p, q):\n    return torch.stack([p, q])\nf(a, a[0])", ("`p` is [2, 3]", "`q` is [3]")),
    ],
)
def test_tensors_that_cannot_be_stacked(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("stack-shapes")
    assert error.fix is None
    for word in words:
        assert word in error.text, error.text


def test_an_empty_stack(learner) -> None:
    assert "needs at least one tensor" in learner.run("ys = []\ntorch.stack(ys)").only("cat-shapes").text


@pytest.mark.parametrize(
    "code",
    [
        PAIR + "torch.cat([a, b], 1), torch.stack([a, a]), torch.cat([a, torch.empty(0)])",
        PAIR + "torch.cat([a, None])",
        PAIR + "torch.stack(a, b)",
    ],
)
def test_the_rules_about_joining_stay_silent(learner, code: str) -> None:
    assert not learner.run(code).rules & {"cat-shapes", "stack-shapes"}
