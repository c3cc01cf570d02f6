"""Why a `.grad` is None, each cause with its own answer."""

from __future__ import annotations

import pytest

LEAF = "w = torch.tensor([1., 2.], requires_grad=True)\n"


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (
            "h = w * 3\nh.sum().backward()\nprint(h.grad)",
            "warning",
            "computed by `mul` from other tensors in line 2",
        ),
        (
            "q = torch.zeros(2, requires_grad=True) + 1\nq.sum().backward()\nq.grad",
            "warning",
            "which has no name",
        ),
        ("w = w.clone()\nw.sum().backward()\nprint(w.grad)", "warning", "line 2, `w = w.clone()`, bound `w`"),
        (
            "h = w * 3\nh.sum().backward()\nh.retain_grad()\nprint(h.grad)",
            "warning",
            "`retain_grad()` (line 4)",
        ),
        (
            "def f(v):\n    u = v * 2\n    u.sum().backward()\n    return u.grad\nf(w)",
            "warning",
            "`u.grad` is None",
        ),
        (
            "w.sum().backward()\nw = w - w.grad\nw.grad.zero_()",
            "error",
            "line 3, `w = w - w.grad`, bound `w`",
        ),
    ],
)
def test_computed_tensors(learner, code: str, kind: str, words: str) -> None:
    told = learner.run(LEAF + code).only("non-leaf-grad")
    assert told.kind == kind
    assert words in told.text


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("w.grad.zero_()", "error", "no backward has run"),
        ("print(w.grad)", "note", "no backward has run"),
        ("torch.autograd.grad(w.sum(), w)\nw.grad", "note", "returns gradients and stores none"),
        ("v = w.detach().requires_grad_()\nw.sum().backward()\n-v.grad", "error", "backward (line 3)"),
        (
            "opt = torch.optim.SGD([w], 1.)\nw.sum().backward()\nopt.zero_grad()\nw.grad * 2",
            "error",
            "`opt.zero_grad()` in line 4",
        ),
        ("w.sum().backward()\nw.grad = None\nw.grad[0]", "error", "`w.grad = None` in line 3"),
        ("v = torch.ones(2)\nv.grad.norm()", "error", "has requires_grad False"),
        (
            "w.sum().backward()\nwith torch.no_grad():\n    w = w - w.grad\nw.grad.zero_()",
            "error",
            "Line 4 bound it to a new tensor",
        ),
    ],
)
def test_leaves(learner, code: str, kind: str, words: str) -> None:
    told = learner.run(LEAF + code).only("grad-none")
    assert told.kind == kind
    assert words in told.text


def test_an_update_by_assignment_is_turned_into_one_in_place(learner) -> None:
    told = learner.run(LEAF + "for _ in range(3):\n    (w ** 2).sum().backward()\n    w = w - 0.25 * w.grad")
    error = told.only("non-leaf-grad")
    assert error.fix is not None
    assert learner.run_fixed(told, error).run.ok
    assert learner.value("w.tolist()") == [0.125, 0.25]
    assert learner.value("w.is_leaf and w.requires_grad") is True


@pytest.mark.parametrize(
    "code",
    ["w.sum().backward()\nw.grad.zero_()", "if w.grad is not None:\n    w.grad.zero_()", "n = None\nn.grad"],
)
def test_silent(learner, code: str) -> None:
    assert not {e.rule for e in learner.run(LEAF + code).explanations} & {"grad-none", "non-leaf-grad"}
