"""Backward from several elements: what it starts from, what the weights should be."""

from __future__ import annotations

import pytest

W = "w = torch.tensor([1., 2., 3.], requires_grad=True)\n"
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
    def learn(self, v):
        per = self.inner(v).abs()
        per.backward()
Net().learn(torch.ones(1, 2))
"""


@pytest.mark.parametrize(
    ("code", "start", "shape"),
    [
        (W + "y = w * 2\ny.backward()", "y", "[3], 3 elements"),
        ("m = torch.eye(2, requires_grad=True)\nq = m @ m\nq.backward()", "q", "[2, 2], 4 elements"),
        (W + "-w.backward()", "w", "[3], 3 elements"),
        (W + "(w.exp() / 3)[:2].backward()", "(w.exp() / 3)[:2]", "several elements"),
        (W + "(w / 3).backward()", "w / 3", "[3], 3 elements"),
        (W + "w[1:].backward()", "w[1:]", "[2], 2 elements"),
        (W + "y = w * 2\ntorch.autograd.grad(y, w)", "y", "[3], 3 elements"),
        (W + "y = w * 2\ng = torch.autograd.grad(outputs=y, inputs=[w])", "y", "[3], 3 elements"),
        (W + "torch.autograd.backward([w.sum(), w * 2])", "w * 2", "[3], 3 elements"),
        (W + "a, b = w.mean(), w * w\ntorch.autograd.backward((a, b))", "b", "[3], 3 elements"),
        (W + "d = {'loss': w * 2}\nd['loss'].backward()", "d['loss']", "[3], 3 elements"),
        (W + "def per(a):\n    return a ** 2\nper(w).backward()", "per(w)", "several elements"),
        (W + "def f():\n    y = w * 2\n    y.backward()\nf()", "y", "[3], 3 elements"),
        (W + "def f(): y = w * 2; y.backward(); return y\nf()", "y", "[3], 3 elements"),
        (W + "for each in [w[0], w[1:]]:\n    each.backward()", "each", "[2], 2 elements"),
        (W + "[v.backward() for v in (w[0] * 1, w * 2)]", "v", "[3], 3 elements"),
        (NET, "per", "[1, 2], 2 elements"),
        ("net = nn.Linear(3, 2)\nout = net(torch.ones(4, 3))\nout.backward()", "out", "[4, 2], 8 elements"),
    ],
)
def test_what_has_several_elements(learner, code: str, start: str, shape: str) -> None:
    error = learner.run(code).only("non-scalar-backward")
    assert error.title == f"`{start}` is not a single number"
    assert shape in error.text


@pytest.mark.parametrize(
    "code",
    [
        "w = torch.ones(1, 1, requires_grad=True)\ny = w * 2\ny.backward()",
        W + "y = (w * 2).sum(dim=0, keepdim=True)\ny.backward()",
        W + "y = w * 2\ny.backward(torch.ones(3))",
        W + "y = w * 2\ntorch.autograd.grad(y, w, torch.ones_like(y))",
        "w = torch.ones(1, requires_grad=True)\ntorch.autograd.grad(w * 3, w)",
    ],
)
def test_one_element_and_fitting_weights_are_no_error(learner, code: str) -> None:
    told = learner.run(code)
    assert told.run.ok
    assert not told.rules & {"non-scalar-backward", "gradient-shape"}


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (W + "loss = nn.functional.mse_loss(w, torch.zeros(3), reduction='none')\nloss.backward()", 2),
        (W + "measure = nn.L1Loss(reduction='none')\n\nmeasure(w, torch.zeros(3)).backward()", 2),
        (W + "\nmeasure = nn.MSELoss(reduction='none')\nl = measure(w, torch.zeros(3))\nl.backward()", 3),
    ],
)
def test_a_loss_that_keeps_its_elements_apart_is_named(learner, code: str, line: int) -> None:
    text = learner.run(code).only("non-scalar-backward").text
    assert f'`reduction="none"` (line {line}) keeps one loss for each element' in text


@pytest.mark.parametrize(
    ("code", "given", "shape", "cure"),
    [
        (W + "y = w * 2\ny.backward(torch.ones(2))", "[2]", "[3]", "`torch.ones_like(y)`"),
        (W + "y = w * 2\nv = torch.ones(3, 1)\ny.backward(v)", "[3, 1]", "[3]", "`v.reshape(3)`"),
        (W + "y = w * 2\ny.backward(gradient=torch.ones(1))", "[1]", "[3]", "`torch.ones_like(y)`"),
        (W + "w.sum().backward(torch.ones(3))", "[3]", "[]", "`w.sum()` is a single number"),
        (W + "torch.autograd.grad(w * 2, w, torch.ones(4))", "[4]", "[3]", "`torch.ones_like(w * 2)`"),
        (
            W + "torch.autograd.backward([w * 2], [torch.ones(2)])",
            "[2]",
            "[3]",
            "`torch.ones_like(w * 2)`",
        ),
        (
            W + "def f(y):\n    y.backward(torch.ones(5))\nf(w * 2)",
            "[5]",
            "[3]",
            "`torch.ones_like(y)`",
        ),
    ],
)
def test_weights_of_another_shape(learner, code: str, given: str, shape: str, cure: str) -> None:
    error = learner.run(code).only("gradient-shape")
    assert f"of shape {given} do not fit" in error.title
    assert f"must have shape {shape} too" in error.text
    assert cure in error.text


@pytest.mark.parametrize(
    "code",
    [
        "w = torch.ones(3, requires_grad=True); y = w * 2; y.backward()",
        W + "w.sum().backward()\nw -= 0.1 * w.grad; w.grad = None",
        "a = 1; b = torch.ones(2, 3).t().view(6)",
        "i = torch.arange(3); i.requires_grad_(); j = 2",
        W + "w.fill_(1); print(w)",
    ],
)
def test_no_fix_is_offered_for_lines_that_hold_more_than_the_statement(learner, code: str) -> None:
    (error,) = (each for each in learner.run(code).explanations if each.kind == "error")
    assert error.fix is None


@pytest.mark.parametrize(
    "code",
    [
        "p = torch.ones(2, 3).t(); q = 1\nr = p.view(6)",
        "if True: p = torch.ones(2, 3).t(); q = p.view(6); r = 2",
        "p = torch.ones(2, 3).t()\nq = torch.ones(2, 4).t()\nr = (p.view(6), q.view(8), p.view(3, 2))",
        "p = torch.ones(2, 3).t()\nr = p.view(6) + p.view(-1)",
    ],
)
def test_a_fix_mends_every_refused_view_of_a_statement(learner, code: str) -> None:
    told = learner.run(code)
    error = told.only("view-incompatible")
    assert learner.run_fixed(told, error).run.ok
    assert "p.view(3, 2)" in (error.fix or "") or "view" not in (error.fix or "")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("h = w * 2\n[t.grad for t in (w, h)]", "h"),
        ("hs = [w, w * 2]\ngs = [t.grad for t in hs]", "hs[1]"),
        ("hs = {'a': w * 2}\ngs = {k: v.grad for k, v in hs.items()}", 'hs["a"]'),
        ("hs = [w * 2]\ngs = {i: h.grad for i, h in enumerate(hs)}", "hs[0]"),
        ("hs = [w * 2]\ngs = [h.grad for _, h in zip('ab', hs)]", "hs[0]"),
        ("hs = [w * 2]\ntotal = sum(h.grad.sum() for h in hs)", "hs[0]"),
    ],
)
def test_a_gradient_read_in_a_comprehension_is_told_by_a_name_outside(learner, code: str, name: str) -> None:
    explanation = learner.run(W + code).only("non-leaf-grad")
    assert explanation.title == f"`{name}` does not keep its gradient"
    assert "in line 2" in explanation.text
