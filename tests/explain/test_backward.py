"""Backward passes that cannot run: which earlier one, which cut, and fixes that were run."""

from __future__ import annotations

import pytest

LEAF = "w = torch.tensor([1., 2., 3.], requires_grad=True)\n"
LOOP = "for k in range(3):\n"
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
    def forward(self, v):
        {}
net = Net()
"""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "q = w.exp().sum()\nq.backward()\nprint(1)\nq.backward()",
            ("in line 3 already", "computed in line 2"),
        ),
        (
            "hid = w.tanh()\na, b = hid.sum(), hid.prod()\na.backward()\nb.backward()",
            ("the backward in line 4 both go back through `hid`, computed in line 2",),
        ),
        ("hid = w.exp()\n" + LOOP + "    (hid * k).sum().backward()", ("`hid` is computed once, in line 2",)),
        (
            "s = torch.zeros(3)\n" + LOOP + "    s = (s + w).sin()\n    s.sum().backward()",
            ("`s` comes from the round before (line 4)", "slower with every round"),
        ),
        (
            "t = 0\n" + LOOP + "    t = t + (w ** 2).sum()\n    t.backward()",
            ("`t` comes from the round before (line 4)",),
        ),
        (
            "acc = torch.zeros(())\n" + LOOP + "    acc += (w ** 2).sum()\n    acc.backward()",
            ("`acc` adds up what all rounds computed (line 4)", "`.item()`"),
        ),
        (
            "def go(m):\n    e = m.exp()\n    for _ in '12':\n        e.mean().backward()\ngo(w)",
            ("`e` is computed once, in line 3",),
        ),
        ("base = w.exp()\ndef go():\n    base.sum().backward()\ngo()\ngo()", ("`base`", "line 2")),
    ],
)
def test_the_earlier_backward_is_named(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(LEAF + code).only("second-backward")
    assert "hint `retain_graph=True` would" in error.text
    for word in words:
        assert word in error.text


def test_state_that_a_module_keeps_is_named(learner) -> None:
    code = NET.format("self.s = self.inner(v).tanh() + getattr(self, 's', 0)\n        return self.s")
    code = code.replace("getattr(self, 's', 0)", "self.s").replace(
        "        self.inner", "        self.s = 0\n        self.inner"
    )
    error = learner.run(code + LOOP + "    net(torch.ones(1, 2)).sum().backward()").only("second-backward")
    assert "`forward` keeps `self.s` from one call to the next" in error.text


@pytest.mark.parametrize(
    ("code", "fix", "check", "value"),
    [
        (
            "q = (w ** 2).sum()\nq.backward()\nq.backward()",
            "q = (w ** 2).sum()\nq.backward()",
            "w.grad[0].item()",
            4.0,
        ),
        (
            "s = w.detach()\n" + LOOP + "    s = s * w\n    s.sum().backward()",
            LOOP + "    s = s * w\n    s.sum().backward()\n    s = s.detach()",
            "s.tolist()",
            [1.0, 16.0, 81.0],
        ),
    ],
)
def test_fixes_of_a_second_backward(learner, code: str, fix: str, check: str, value: object) -> None:
    told = learner.run(LEAF + code)
    error = told.only("second-backward")
    assert error.fix == fix
    assert learner.run_fixed(told, error).run.ok
    assert learner.value(check) == value


@pytest.mark.parametrize(
    "code",
    [
        "q = (w + 1).sum()\nq.backward()\nq.backward()",
        LOOP + "    q = w.exp().sum()\n    q.backward()",
        "s = w.detach()\n" + LOOP + "    s = (s * w).detach()\n    (s * w).sum().backward()",
    ],
)
def test_backward_again_where_that_is_fine(learner, code: str) -> None:
    told = learner.run(LEAF + code)
    assert told.run.ok
    assert not [e for e in told.explanations if e.kind != "note"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "with torch.no_grad():\n    a = w * 2\nb = a.sum()\nb.backward()",
            "`a` was computed under `with torch.no_grad():` (line 2)",
        ),
        (
            "with torch.inference_mode():\n    a = w * 2\n    a.sum().backward()",
            "`with torch.inference_mode():` (line 2)",
        ),
        (
            "torch.set_grad_enabled(False)\na = w.sum()\na.backward()",
            "`torch.set_grad_enabled(False)` (line 2)",
        ),
        (
            "@torch.no_grad()\ndef half(v):\n    return v / 2\na = half(w)\na.sum().backward()",
            "`@torch.no_grad()` (line 2)",
        ),
        ("a = w.detach()\nb = a + 1\nc = b.sum()\nc.backward()", "`a` was cut off: `w.detach()` in line 2"),
        ("a = (w.data * 3).sum()\na.backward()", "`w.data` in line 2 reads the numbers"),
        ("a = torch.tensor([v.item() for v in w]).sum()\na.backward()", "in line 2"),
        ("a = torch.from_numpy(w.detach().numpy()).sum()\na.backward()", "`w.detach()` in line 2"),
        ("a = (w.round() == 2).float().sum()\na.backward()", "`w.round() == 2` in line 2 compares"),
        (
            "def lose(v):\n    u = v.detach()\n    return u.sum()\na = lose(w)\na.backward()",
            "`v.detach()` in line 3",
        ),
        ("def fit(v):\n    e = v.data.sum()\n    e.backward()\nfit(w)", "`v.data` in line 3"),
        ("a = torch.ones(3)\nb = a * 2\nb.sum().backward()", "computed from `a` (line 2)"),
    ],
)
def test_where_the_history_was_cut_off(learner, code: str, words: str) -> None:
    error = learner.run(LEAF + code).only("no-grad-fn")
    assert words in error.text


def test_a_cut_inside_a_module_is_found(learner) -> None:
    code = NET.format("with torch.no_grad():\n            z = self.inner(v)\n        return z + 1")
    error = learner.run(code.strip() + "\nout = net(torch.ones(1, 2)).sum()\nout.backward()").only(
        "no-grad-fn"
    )
    assert "`z` was computed under `with torch.no_grad():` (line 6)" in error.text


@pytest.mark.parametrize("code", ["w.prod().detach().backward()", "w.prod().data.backward()"])
def test_a_cut_in_the_statement_itself_is_taken_out(learner, code: str) -> None:
    told = learner.run(LEAF + code)
    error = told.only("no-grad-fn")
    assert error.fix == "w.prod().backward()"
    assert learner.run_fixed(told, error).run.ok
    assert learner.value("w.grad.tolist()") == [6.0, 3.0, 2.0]


def test_a_cut_inside_another_method_is_found(learner) -> None:
    code = """
    class Fit:
        def __init__(self):
            self.net = nn.Linear(2, 1)
        def look(self, v):
            return self.net(v).detach()
        def run(self, v):
            out = self.look(v)
            out.sum().backward()
    Fit().run(torch.ones(3, 2))
    """
    error = learner.run(code).only("no-grad-fn")
    assert "`self.net(v).detach()` in line 5" in error.text


def test_an_update_that_lost_the_leaf_is_named(learner) -> None:
    code = "w.sum().backward()\nwith torch.no_grad():\n    w = w - w.grad\n(w * 2).sum().backward()"
    error = learner.run(LEAF + code).only("no-grad-fn")
    assert "Under `with torch.no_grad():` (line 3)" in error.text
    assert "with `-=`" in error.text
