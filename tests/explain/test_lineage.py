"""Who did it: the write that spoiled a saved value, and where mismatching tensors were made."""

from __future__ import annotations

import pytest

from tutor.explain.entries import SETUP, At, Entry

LEAF = "w = torch.tensor([1., 2., 3.], requires_grad=True)\n"
OVERWRITTEN = [
    ("h = w.exp()\nk = h * 2\nh += 1\nk.sum().backward()", "h", "w.exp()", "line 2", "Line 4, `h += 1`"),
    ("a = w * 2\nb = a ** 2\na.mul_(3)\nb.sum().backward()", "a", "a ** 2", "line 3", "Line 4, `a.mul_(3)`"),
    ("a = w * 2\nb = a.sin()\na[0] = 0\nb.sum().backward()", "a", "a.sin()", "line 3", "Line 4, `a[0] = 0`"),
    ("a = w.tanh()\nb = a.sum()\na.zero_()\nb.backward()", "a", "w.tanh()", "line 2", "Line 4, `a.zero_()`"),
    (
        "a = w.exp()\na.data.add_(1)\na.data[:2].mul_(2)\na.neg_()\na.sum().backward()",
        "a", "w.exp()", "line 2", "Line 5, `a.neg_()`",  # .data has a version of its own
    ),
    (
        "a = w * 1\nv = a[:2]\nb = (a * a).sum()\nv.add_(1)\nb.backward()",
        "a", "a * a", "line 4", "Line 5, `v.add_(1)`",
    ),
    (
        "def spoil(t):\n    t.clamp_(min=0)\nc = (w + 0).sigmoid()\nd = c * c\nspoil(c)\nd.sum().backward()",
        "c", "c * c", "line 5", "Line 3, `t.clamp_(min=0)`",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "name", "kept", "made", "wrote"), OVERWRITTEN)
def test_the_write_over_a_saved_value_is_named(learner, code, name, kept, made, wrote) -> None:
    error = learner.run(LEAF + code).only("saved-overwritten")
    assert f"`{kept}` ({made})" in error.text
    assert wrote in error.text
    assert f"`{name}`" in error.title
    assert "`retain_graph=True` does not help" in error.text


def test_an_optimizer_step_between_forward_and_backward_is_named(learner) -> None:
    code = """
        net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
        opt = torch.optim.SGD(net.parameters(), lr=0.1)
        loss = net(torch.ones(1, 2)).sum()
        loss.backward(retain_graph=True)
        opt.step()
        loss.backward()
    """
    error = learner.run(code).only("saved-overwritten")
    assert "Line 5, `opt.step()`" in error.text
    assert "before `step()`" in error.text


@pytest.mark.parametrize(
    ("code", "rule", "words"),
    [
        (
            "a = torch.ones(2, 3)\nb = torch.zeros(2, 3)\na @ b",
            "matmul-shapes",
            ("`a` was made in line 1, `torch.ones(2, 3)`", "`b` was made in line 2, `torch.zeros(2, 3)`"),
        ),
        (
            "p = torch.rand(8)\nq = p.view(2, 4).T\nt = torch.rand(3)\nq + t",
            "broadcast-shapes",
            ("`q` was made in line 2, `p.view(2, 4).T`", "`t` was made in line 3, `torch.rand(3)`"),
        ),
    ],
)
def test_mismatching_tensors_are_told_with_the_line_that_made_them(learner, code, rule, words) -> None:
    error = learner.run(code).only(rule)
    for word in words:
        assert word in error.text


def test_nothing_is_invented_where_the_write_was_not_seen(learner) -> None:
    code = (
        LEAF
        + "a = w * 1\nb = a.exp()\nimport threading\nt = threading.Thread(target=b.detach().add_, args=(1,))"
    )
    error = learner.run(code + "\nt.start(); t.join()\nb.sum().backward()").only("saved-overwritten")
    assert "by a write that was not recorded" in error.text
    assert "`a.exp()` (line 3)" in error.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (  # the trunk hides in a dictionary, which no reading of the code follows
            """parts = {}
def keep(k, t):
    parts[k] = t
    return t.sum()
keep('h', w.exp()).backward()
globals()['parts']['h'].mean().backward()""",
            ("`keep('h', w.exp()).backward()` in line 6", "`w.exp()` (line 6)"),
        ),
        (
            """fs = [lambda t=w.tanh(): t.sum()]
fs[0]().backward()
print()
fs[-1]().mul(2).backward()""",
            ("`fs[0]().backward()` in line 3", "`w.tanh()` (line 2)"),
        ),
    ],
)
def test_the_pass_that_freed_a_graph_is_named_from_the_record(learner, code, words) -> None:
    told = learner.run(LEAF + code)
    for word in words:
        assert word in told.only("second-backward").text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            """import types
box = types.SimpleNamespace()
def off(f):
    def g(*a):
        with torch.no_grad():
            return f(*a)
    return g
box.h = off(torch.exp)(w)
loss = vars(box)['h'].sum()
loss.backward()""",
            "ran where autograd does not record, although",
        ),
        (
            "h = [op(w) for op in [torch.Tensor.detach]][0]\nloss = (h * 2).sum()\nloss.backward()",
            "gives the same numbers without their history",
        ),
        (
            "pick = {'f': lambda t: t.argmax()}\nloss = pick['f'](w) + 0.\nloss.backward()",
            "only floating point and complex tensors can have gradients",
        ),
    ],
)
def test_the_place_where_the_history_was_lost_is_found_in_the_record(learner, code, words) -> None:
    assert words in learner.run(LEAF + code).only("no-grad-fn").text


def test_a_place_whose_line_is_not_known_is_named_without_quoting_nothing() -> None:
    """A line of a class that was entered before the statement that made an instance of it."""
    at = At(4, Entry(), over=True)
    assert str(at) == "an earlier input"
    assert at.with_code("torch.ones(2)") == "an earlier input, `torch.ones(2)`,"
    assert str(At(4, Entry(SETUP), over=True)) == "the setup"
