"""NaN where it is born, losses that run away, histories and fractions that are lost, writes into copies."""

from __future__ import annotations

import pytest

BORN = {
    "log": (
        "p = torch.tensor([0.5, -1])\nq = p.log()",
        "`p.log()` gave the first NaN",
        "element of `p` is below 0",
    ),
    "sqrt": ("v = torch.tensor([-4.])\nr = torch.sqrt(v)", "`torch.sqrt(v)`", "element of `v` is below 0"),
    "division": ("a = torch.zeros(2)\nb = a / a.sum()", "`a / a.sum()`", "where `a.sum()` is 0"),
    "mean of nothing": ("e = torch.ones(3)[3:]\nm = e.mean()", "`e.mean()`", "`e` has no elements"),
    "spread of one": ("s = torch.ones(1).std()", "`torch.ones(1).std()`", "correction=0"),
    "infinities": (
        "z = torch.zeros(2)\nl = torch.log(z)\nd = l - l",
        "`l - l`",
        "since `torch.log(z)` at line 2: infinity less infinity",
    ),
    "zero times infinity": (
        "p = torch.tensor([0., 1.])\nh = -(p * p.log()).sum()",
        "`p * p.log()`",
        "0 times infinity",
    ),
    "a row that is masked": (
        (
            "s = torch.zeros(2, 2).masked_fill(torch.tensor([[True, True], [True, False]]), -torch.inf)\n"
            "w = s.softmax(dim=1)"
        ),
        "`s.softmax(dim=1)`",
        "a whole row is minus infinity",
    ),
    "in a function": (
        "def norm(t):\n    return t / t.sum()\nfor t in [torch.ones(2), torch.zeros(2)]:\n    n = norm(t)",
        "`t / t.sum()`",
        "line 2",
    ),
    "a layer": (
        "m = nn.Linear(2, 2)\nbad = torch.tensor([[1., float('inf')]])\nout = m(bad) - m(bad)",
        "NaN",
        "infinit",
    ),
}


@pytest.mark.parametrize("case", BORN)
def test_where_the_first_nan_was_born(learner, case: str) -> None:
    code, title, words = BORN[case]
    found = learner.run(code).only("nan-born")
    assert found.kind == "warning"
    assert title in found.title
    assert words in found.text


def test_what_comes_of_nan_is_not_its_birth(learner) -> None:
    told = learner.run("x = torch.tensor([-1.])\ny = x.sqrt()\nz = y + 1\nw = z.sum()")
    assert told.only("nan-born").title == "`x.sqrt()` gave the first NaN"


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.tensor([0., 1.])\ny = x.log()",
        "x = torch.tensor([float('nan'), 1.])\ny = x.sum()",
        "a = torch.zeros(2)\nb = torch.nan_to_num(a / a)",
        "e = torch.empty(1000)\nn = torch.empty_like(e)",
        "x = torch.full((2,), float('inf'))\ny = torch.minimum(x, torch.ones(2))",
    ],
)
def test_where_no_nan_is_born_unseen(learner, code: str) -> None:
    assert not learner.run(code).of("nan-born")


def test_a_loss_that_runs_away(learner) -> None:
    told = learner.run("""
        m = nn.Linear(1, 1, bias=False)
        with torch.no_grad():
            m.weight.fill_(1)
        opt = torch.optim.SGD(m.parameters(), lr=0.5)
        x = torch.full((4, 1), 10.)
        for _ in range(60):
            opt.zero_grad()
            loss = nn.functional.mse_loss(m(x), torch.zeros(4, 1))
            loss.backward()
            opt.step()
    """)
    found = told.only("diverged")
    assert found.kind == "warning"
    assert "`nn.functional.mse_loss(m(x), torch.zeros(4, 1))`" in found.text
    assert "The gradient of `m.weight` had norm 200 in pass 1" in found.text


W = "w = torch.ones(3, requires_grad=True)\nh = w * 2\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("t = torch.tensor(h)", "use `h` itself, or `h.clone()`"),
        ("t = torch.tensor(h + 1)", "use `h + 1` itself, or `(h + 1).clone()`"),
        ("t = torch.tensor(h, requires_grad=True)", "that of no parameter"),
        ("t = torch.tensor([h.sum(), h.mean()])", "`h.sum()` and `h.mean()` require grad"),
        ("t = h.new_tensor(h)", "`h.new_tensor(h)` makes a new tensor"),
    ],
)
def test_histories_that_are_dropped(learner, code: str, words: str) -> None:
    found = learner.run(W + code).only("history-dropped")
    assert found.kind == "warning"
    assert words in found.text


@pytest.mark.parametrize(
    "code",
    ["t = h.clone()", "t = torch.stack([h.sum(), h.mean()])", "t = torch.tensor(h.tolist())",
     "t = h.detach().clone()", "t = torch.tensor(h.detach().numpy())", "t = h.new_tensor([1., 2.])"],
)  # fmt: skip
def test_histories_that_are_kept_or_left_on_purpose(learner, code: str) -> None:
    assert not learner.run(W + code).of("history-dropped")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "loss = torch.tensor(h.sum().item(), requires_grad=True)\nloss.backward()",
            "`h.sum().item()` gives plain",
        ),
        (
            "loss = h.detach().sum()\nloss.requires_grad = True\nloss.backward()",
            "`h.detach()` gives the same",
        ),
        ("loss = h.sum().detach().requires_grad_()\nloss.backward()", "`h.sum().detach()`"),
    ],
)
def test_backward_that_begins_at_a_leaf(learner, code: str, words: str) -> None:
    found = learner.run(W + code).only("backward-from-leaf")
    assert found.kind == "warning"
    assert words in found.text
    assert learner.value("w.grad is None") is True


@pytest.mark.parametrize(
    ("code", "words", "meaning"),
    [
        ("t = torch.tensor([1, 2, 3])\nt[0] = 2.7", "2.7 became 2", "abs(t[0].item() - 2.7) < 1e-6"),
        ("t = torch.zeros(3, dtype=torch.int32)\nt[:] = -0.5", "-0.5 became 0", "t.tolist() == [-0.5] * 3"),
        (
            "t = torch.arange(3)\nt[1:] = torch.rand(2)",
            "`torch.rand(2)`, which is float32",
            "t.dtype == torch.float32",
        ),
        (
            "t = torch.arange(2)\nv = torch.tensor([.5, 1])\nt.copy_(v)",
            "`v`, which is float32",
            "t.tolist() == [0.5, 1]",
        ),
        ("t = torch.arange(3)\nt.masked_fill_(t > 0, 0.5)", "0.5 became 0", "t.tolist() == [0, 0.5, 0.5]"),
    ],
)
def test_fractions_that_are_cut_off(learner, code: str, words: str, meaning: str) -> None:
    told = learner.run(code)
    found = told.only("cut-to-whole")
    assert found.kind == "warning"
    assert words in found.text
    assert learner.run_fixed(told, found).run.ok
    assert learner.value(meaning) is True


@pytest.mark.parametrize(
    ("code", "fix", "meaning"),
    [
        ("x[x < 0].zero_()", "x[x < 0] = 0", "x.tolist() == [0, 2, 0]"),
        ("x[[0, 1]].add_(1)", "x[[0, 1]] += 1", "x.tolist() == [0, 3, -3]"),
        ("x[torch.tensor([2])].fill_(5)", "x[torch.tensor([2])] = 5", "x.tolist() == [-1, 2, 5]"),
        (
            "for i in range(2):\n    x[[i]].mul_(2)",
            "for i in range(2):\n    x[[i]] *= 2",
            "x.tolist() == [-2, 4, -3]",
        ),
        ("x[[0, 1]][0] = 9", None, ""),
        ("x[x > 0].clamp_(max=1)", None, ""),
    ],
)
def test_writes_into_a_copy(learner, code: str, fix: str | None, meaning: str) -> None:
    start = "x = torch.tensor([-1., 2., -3.])\n"
    told = learner.run(start + code + "\nend = 0")
    found = told.only("write-lost")
    assert (found.kind, found.fix) == ("warning", fix)
    assert learner.value("x.tolist() == [-1, 2, -3]") is True
    if fix is not None:
        assert not learner.run(start + fix).of("write-lost")
        assert learner.value(meaning) is True


@pytest.mark.parametrize(
    "code",
    ["x[x < 0] = 0", "x[[0]] += 1", "x[0:2].zero_()", "y = x[[0]].zero_()", "y = x[x < 0]\ny.zero_()",
     "print(x[[0, 1]].mul_(2).sum())", "x[0].fill_(3)", "x[x > 0][0].item()"],
)  # fmt: skip
def test_writes_that_arrive_or_are_kept(learner, code: str) -> None:
    told = learner.run("x = torch.tensor([-1., 2., -3.])\n" + code)
    assert told.run.ok
    assert not told.of("write-lost")


def test_a_loss_that_ends_as_no_number_in_a_loop_too_hot_to_be_seen(learner) -> None:
    told = learner.run("""
        w = torch.full((1,), 2., requires_grad=True)
        opt = torch.optim.SGD([w], lr=0.6)
        for _ in range(900):
            opt.zero_grad()
            loss = (w ** 4).mean()
            loss.backward()
            opt.step()
    """)
    assert told.only("diverged").kind == "warning"
