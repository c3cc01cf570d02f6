"""What goes wrong in training without an error: stale gradients, parameters that nobody moves."""

from __future__ import annotations

import pytest

START = """torch.manual_seed(0)
import torch.nn.functional as F
model, x, y = nn.Linear(3, 2), torch.randn(8, 3), torch.randn(8, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""
STALE = {
    "loop": "for _ in range(3):\n    loss = model(x).sum()\n    loss.backward()\n    optimizer.step()",
    "many layers": (
        "model = nn.Sequential(*[nn.Linear(3, 3) for _ in range(8)])\n"
        "optimizer = torch.optim.Adam(model.parameters())\n"
        "for _ in range(40):\n    model(x).sum().backward()\n    optimizer.step()"
    ),
    "function": (
        "def round_of_training(a, b):\n    F.mse_loss(model(a), b).backward()\n    optimizer.step()\n"
        "for a, b in zip(x.split(4), y.split(4)):\n    round_of_training(a, b)"
    ),
    "statement by statement": (
        "model(x).sum().backward()\noptimizer.step()\nmodel(x).sum().backward()\noptimizer.step()"
    ),
    "zero in the wrong place": (
        "for epoch in range(2):\n    optimizer.zero_grad()\n    for part in x.split(4):\n"
        "        model(part).sum().backward()\n        optimizer.step()"
    ),
    "by hand": (
        "w = torch.ones(2, requires_grad=True)\nfor _ in range(3):\n    (w * w).sum().backward()\n"
        "    with torch.no_grad():\n        w -= 0.1 * w.grad"
    ),
    "by hand through data": (
        "for _ in range(3):\n    model(x).sum().backward()\n    for p in model.parameters():\n"
        "        p.data -= 0.1 * p.grad.data"
    ),
}


@pytest.mark.parametrize("case", STALE)
def test_gradients_that_were_used_before(learner, case: str) -> None:
    told = learner.run(START + STALE[case])
    found = told.only("stale-gradients")
    assert found.kind == "warning"
    assert "2 backward passes, although 1 of them was" in found.text
    assert [one.rule for one in told.explanations if one.kind != "note"] == ["stale-gradients"]


def test_setting_to_zero_mends_it(learner) -> None:
    told = learner.run(START + STALE["loop"])
    fixed = learner.run_fixed(told, told.only("stale-gradients"))
    assert fixed.run.ok
    assert not fixed.of("stale-gradients")
    got = learner.value("model.weight.tolist()")
    right = STALE["loop"].replace("    loss.back", "    optimizer.zero_grad()\n    loss.back")
    learner.run(START + right)
    assert learner.value("model.weight.tolist()") == got


@pytest.mark.parametrize(
    "code",
    [
        (
            "for i in range(8):\n    model(x).sum().backward()\n    if i % 4 == 0:\n"
            "        optimizer.step()\n        optimizer.zero_grad()"
        ),
        (
            "for i in range(70):\n    model(x).sum().backward()\n    if i % 32 == 0:\n"
            "        optimizer.step()\n        optimizer.zero_grad()"
        ),
        (
            "for _ in range(3):\n    optimizer.zero_grad()\n    for part in x.split(2):\n"
            "        model(part).sum().backward()\n    optimizer.step()"
        ),
        (
            "for _ in range(3):\n    model(x).sum().backward()\n    optimizer.step()\n"
            "    for p in model.parameters():\n        p.grad = None"
        ),
        (
            "for _ in range(3):\n    model(x).sum().backward()\n    optimizer.step()\n"
            "    for p in model.parameters():\n        p.grad.zero_()"
        ),
        (
            "other = torch.optim.SGD([model.bias], lr=1)\nfor _ in range(3):\n    other.zero_grad()\n"
            "    model(x).sum().backward()\n    other.step()\n    model(x).sum().backward()"
        ),
        (
            "w = torch.ones(2, requires_grad=True)\nfor _ in range(3):\n    (w * w).sum().backward()\n"
            "    with torch.no_grad():\n        w -= 0.1 * w.grad\n        w.grad.zero_()"
        ),
    ],
)
def test_gradients_that_are_added_up_on_purpose(learner, code: str) -> None:
    told = learner.run(START + code)
    assert told.run.ok
    assert not told.of("stale-gradients")


@pytest.mark.parametrize(
    "body",
    [
        "model(x).sum().backward()\n    optimizer.zero_grad()\n    optimizer.step()",
        "optimizer.zero_grad()\n    optimizer.step()\n    model(x).sum().backward()",
        "model(x).sum().backward()\n    optimizer.zero_grad(set_to_none=False)\n    optimizer.step()",
    ],
)
def test_steps_without_gradients(learner, body: str) -> None:
    told = learner.run(START + "start = model.weight.tolist()\nfor _ in range(3):\n    " + body)
    found = told.only("nothing-to-step")
    assert found.kind == "warning"
    assert "all 2 parameters" in found.text
    assert [one.rule for one in told.explanations if one.kind != "note"] == ["nothing-to-step"]
    assert learner.value("model.weight.tolist() == start") is True


@pytest.mark.parametrize(
    "body",
    [
        "optimizer.zero_grad()\n    model(x).sum().backward()\n    optimizer.step()",
        "optimizer.step()\n    optimizer.zero_grad()\n    model(x).sum().backward()",
        "model(x).sum().backward()\n    optimizer.step()\n    optimizer.zero_grad()",
    ],
)
def test_steps_with_gradients(learner, body: str) -> None:
    told = learner.run(START + "for _ in range(3):\n    " + body)
    assert not [one for one in told.explanations if one.kind != "note"]
