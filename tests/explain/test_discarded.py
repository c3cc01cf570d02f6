"""Results that nobody keeps, methods without a call, settings that set nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tutor.explain import explain_step

#: Code whose last statement throws a result away, words, and what holds once the fix ran.
UNUSED = {
    "add": ("x = torch.tensor([1, 2])\nx.add(1)\nz = 1", "`x.add_(1)`", "x.tolist() == [2, 3]"),
    "to": ("x = torch.ones(2)\nx.to(torch.float64)\nz = 1", "still [2] float32", "x.dtype == torch.float64"),
    "same device": ("x = torch.ones(2)\nx.to('cpu')\nz = 1", "on another device", "x.sum().item() == 2"),
    "reshape": ("t = torch.ones(2, 3)\nt.view(3, 2)\nz = 1", "still [2, 3]", "t.shape == (3, 2)"),
    "masked_fill": (
        "s = torch.zeros(3)\ns.masked_fill(s == 0, -1.0)\nz = 1",
        "`s.masked_fill_(s == 0, -1.0)`",
        "s.tolist() == [-1, -1, -1]",
    ),
    "in a loop": (
        "for v in [torch.ones(2)]:\n    v.mul(3)\nz = 1",
        "`v.mul_(3)`",
        None,
    ),
    "in a function": (
        "def scaled(t):\n    t.div(2)\n    return t\nout = scaled(torch.ones(3))",
        "line 2",
        None,
    ),
    "a leaf": ("w = torch.ones(2, requires_grad=True)\nw.sub(1)\nz = 1", "`w.sub_(1)`", None),
    "two names": ("x = torch.ones(4)\nv = x[:2]\nx.clamp(0, 0.5)\nz = 1", "every other name", None),
    "parameter": ("lin = nn.Linear(2, 2)\nlin.weight.clamp(-1, 1)\nz = 1", "`lin.weight`", None),
}


@pytest.mark.parametrize("case", UNUSED)
def test_a_result_that_nobody_keeps(learner, case: str) -> None:
    code, words, meaning = UNUSED[case]
    told = learner.run(code)
    found = told.only("result-unused")
    assert found.kind == "warning"
    assert words in found.text
    if meaning is None:
        return
    assert found.fix is not None
    lines = code.split("\n")
    lines[-2] = found.fix
    assert not learner.run("\n".join(lines)).of("result-unused")
    assert learner.value(meaning) is True


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.ones(2)\nx.add(1)",  # shown, as the last expression of an input
        "x = torch.ones(2)\nx.add_(1)\nz = 1",
        "x = torch.ones(2)\ny = x.add(1)",
        "x = torch.ones(2)\nprint(x.add(1))",
        "x = torch.ones(2)\ntry:\n    x.view(5)\nexcept RuntimeError:\n    pass",
        "x = torch.ones(2)\ntry:\n    x.view(2, 1)\nexcept RuntimeError:\n    pass",
        "import time\nx = torch.ones(2)\nfor _ in range(2):\n    start = time.perf_counter()\n    x.add(1)",
        "lin = nn.Linear(2, 2)\nlin.to('cpu')\nlin.double()\nz = 1",
        "w = torch.ones(2)\nw.requires_grad_()\nz = 1",
        "x = [torch.ones(2)]\nx.append(torch.ones(2))\nz = 1",
    ],
)
def test_a_result_that_is_shown_kept_or_of_no_matter(learner, code: str) -> None:
    told = learner.run(code)
    assert told.run.ok
    assert not told.of("result-unused")


@pytest.mark.parametrize(
    ("code", "fix", "meaning"),
    [
        (
            "w = torch.ones(2, requires_grad=True)\nloss = w.sum()\nloss.backward",
            "loss.backward()",
            "w.grad.tolist() == [1, 1]",
        ),
        (
            "w = torch.ones(2, requires_grad=True)\no = torch.optim.SGD([w], lr=1)\no.zero_grad\nz = 1",
            "o.zero_grad()",
            "True",
        ),
        ("m = nn.Linear(1, 1)\nm.eval", "m.eval()", "m.training is False"),
        ("x = torch.ones(1)\nx.requires_grad_", "x.requires_grad_()", "x.requires_grad"),
        (
            "m = nn.Linear(1, 1)\nfor _ in range(2):\n    m(torch.ones(1)).sum().backward",
            None,
            None,
        ),
        (
            "m = nn.Dropout()\nfor _ in range(2):\n    m.eval",
            "for _ in range(2):\n    m.eval()",
            "not m.training",
        ),
    ],
)
def test_a_method_that_is_named_and_not_called(
    learner, code: str, fix: str | None, meaning: str | None
) -> None:
    told = learner.run(code)
    if fix is None:
        assert not told.of("not-called")
        return
    found = told.only("not-called")
    assert (found.kind, found.fix) == ("warning", fix)
    assert learner.run(code.replace(fix.replace("()", "") if "\n" not in fix else fix[:-2], fix)).run.ok
    assert learner.value(meaning or "") is True


def test_a_module_has_no_requires_grad_of_its_own(learner) -> None:
    code = "net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))\nnet.requires_grad = False"
    found = learner.run(code).only("module-requires-grad")
    assert found.fix == "net.requires_grad_(False)"
    assert "its 4 parameters" in found.text
    learner.run(code.split("\n", maxsplit=1)[0] + "\n" + found.fix)
    assert learner.value("any(p.requires_grad for p in net.parameters())") is False


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.ones(2)\nx.requires_grad = True",
        "net = nn.Linear(2, 3)\nnet.weight.requires_grad = False",
        "net = nn.Linear(2, 3)\nnet.requires_grad_(False)",
        "net = nn.Linear(2, 3)\nfor p in net.parameters():\n    p.requires_grad = False",
    ],
)
def test_requires_grad_where_it_belongs(learner, code: str) -> None:
    assert not learner.run(code).of("module-requires-grad")


def test_a_context_that_nobody_enters(learner) -> None:
    told = learner.run("w = torch.ones(2, requires_grad=True)\ntorch.no_grad()\ny = w * 2")
    found = told.only("context-unused")
    assert (found.kind, "`with torch.no_grad():`" in found.text) == ("warning", True)
    assert learner.value("y.requires_grad") is True


@pytest.mark.parametrize(
    "code",
    ["with torch.no_grad():\n    y = 1", "torch.set_grad_enabled(True)", "@torch.no_grad()\ndef f(): pass",
     "c = torch.no_grad()"],
)  # fmt: skip
def test_a_context_that_is_entered(learner, code: str) -> None:
    assert not learner.run(code).of("context-unused")


@pytest.mark.parametrize(
    ("code", "fix", "meaning"),
    [
        ("w.require_grad = True", "w.requires_grad = True", "w.requires_grad"),
        (
            "for p in m.parameters():\n    p.require_grad = False",
            "for p in m.parameters():\n    p.requires_grad = False",
            "not m.weight.requires_grad",
        ),
    ],
)
def test_an_attribute_that_is_spelled_almost_right(learner, code: str, fix: str, meaning: str) -> None:
    start = "w, m = torch.ones(2), nn.Linear(2, 2)\n"
    assert learner.run(start + code).only("misspelled-attribute").fix == fix
    assert not learner.run(start + fix).of("misspelled-attribute")
    assert learner.value(meaning) is True


@pytest.mark.parametrize(("code", "speaks"), [("x.add(1)\nz = 1", True), ("z = 1\nx.add(1)", False)])
def test_a_value_shown_in_the_middle_of_a_file_is_thrown_away_all_the_same(learner, code, speaks) -> None:
    """`inspect` shows the value of every statement; only the last one's is what the file is for."""
    told = learner.run(f"x = torch.ones(2)\n{code}")
    step = next(each for each in told.run.steps if "add" in each.source)
    found = explain_step(replace(step, result="tensor([2., 2.])"), told.run.steps[0].snapshot)
    assert ("result-unused" in {each.rule for each in found}) is speaks
