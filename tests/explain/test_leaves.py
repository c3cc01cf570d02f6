"""Explanations about gradients, each in several forms, and where they stay silent."""

from __future__ import annotations

import pytest

LEAF = "w = torch.tensor([1., 2., 3.], requires_grad=True)\n"


@pytest.mark.parametrize(
    ("code", "name", "made"),
    [
        (LEAF + "h = w * w\nh.sum().backward()\nprint(h.grad)", "h", "mul"),
        ("x = nn.Linear(2, 3)(torch.ones(1, 2))\nx.sum().backward()\nx.grad", "x", "addmm"),
        (LEAF + "z = w.exp()\nz.sum().backward()\nif z.grad is None:\n    pass", "z", "exp"),
    ],
)
def test_reading_the_gradient_of_a_computed_tensor(learner, code: str, name: str, made: str) -> None:
    told = learner.run(code)
    warning = told.only("non-leaf-grad")
    assert (warning.kind, warning.names, warning.fix) == ("warning", (name,), None)
    assert f"computed by `{made}`" in warning.text
    assert f"insert `{name}.retain_grad()`" in warning.text


def test_retain_grad_put_where_the_text_says_keeps_the_gradient(learner) -> None:
    told = learner.run(LEAF + "h = w * w\nh.retain_grad()\nh.sum().backward()\ng = h.grad")
    assert "non-leaf-grad" not in told.rules
    assert learner.value("g.tolist()") == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "code",
    [
        LEAF + "(w * w).sum().backward()\nw.grad",
        LEAF + "w.grad",
        "x = torch.ones(3)\ny = x * 2\ny.grad",
        LEAF + "h = w * w\ndef later():\n    return h.grad",
        LEAF + "h = w * w\nlook = lambda: h.grad",
        LEAF + "h = w * w\ng = h.grad if False else w.grad",
        LEAF + "h = w * w\nif False:\n    h.grad",
        LEAF + "h = w * w\nprint('h.grad')",
    ],
)
def test_gradients_that_may_be_read(learner, code: str) -> None:
    told = learner.run(code)
    assert told.run.ok
    assert not told.of("non-leaf-grad")


@pytest.mark.parametrize(
    ("code", "start"),
    [
        (LEAF + "loss = (w * w).sum()\nloss.backward()\nloss.backward()", "loss"),
        (LEAF + "h = w ** 2\nh.sum().backward()\n(h * 2).sum().backward()", "(h * 2).sum()"),
        (LEAF + "y = w.exp().sum()\ntorch.autograd.grad(y, w)\ntorch.autograd.grad(y, w)", "y"),
        (LEAF + "s = w.sum()\nfor _ in range(2):\n    s = s * w.sum()\n    s.backward()", "s"),
        ("def fit(w):\n    e = (w * w).sum()\n    e.backward()\n    e.backward()\n" + LEAF + "fit(w)", "e"),
    ],
)
def test_a_second_backward(learner, code: str, start: str) -> None:
    error = learner.run(code).only("second-backward")
    assert error.title == f"The graph of `{start}` was already used up"
    assert "hint `retain_graph=True` would" in error.text
    assert "keep all these values in memory" in error.text


def test_a_second_backward_on_what_is_computed_afresh_as_the_text_says(learner) -> None:
    told = learner.run(LEAF + "for _ in range(2):\n    loss = (w * w).sum()\n    loss.backward()")
    assert told.run.ok
    assert learner.value("w.grad.tolist()") == [4.0, 8.0, 12.0]


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError('backward through the graph a second time')",
        LEAF + "y = (w * w).sum()\ny.backward()\ny.grad_fn.next_functions[0][0]._saved_self",
        LEAF + "loss = (w * w).sum()\nloss.backward(retain_graph=True)\nloss.backward()",
    ],
)
def test_second_backward_stays_silent(learner, code: str) -> None:
    assert not learner.run(code).of("second-backward")


@pytest.mark.parametrize(
    ("code", "names", "words"),
    [
        (
            "x = torch.ones(3)\nloss = (x * 2).sum()\nloss.backward()",
            ("loss",),
            "computed from `x` (line 1), and nothing there requires grad",
        ),
        (
            LEAF + "out = (w * 2).sum().detach()\nout.backward()",
            ("out",),
            "`(w * 2).sum().detach()` in line 2",
        ),
        ("n = torch.arange(3).sum()\nn.backward()", ("n",), "dtype is int64"),
        (
            "lin = nn.Linear(2, 1)\nwith torch.no_grad():\n    e = lin(torch.ones(2))\ne.backward()",
            ("e",),
            "`e` was computed under `with torch.no_grad():` (line 2)",
        ),
        (
            LEAF + "acc = torch.tensor(w.sum().item())\ntorch.autograd.grad(acc, w)",
            ("acc",),
            "`w.sum().item()` in line 2 gives a plain Python number",
        ),
        (LEAF + "w.argmax().backward()", (), "`w.argmax()` gives whole numbers"),
    ],
)
def test_backward_from_what_was_not_recorded(learner, code: str, names: tuple[str, ...], words: str) -> None:
    error = learner.run(code).only("no-grad-fn")
    assert (error.kind, error.names, error.fix) == ("error", names, None)
    assert words in error.text
    assert "no other tensor would get a gradient" in error.text


def test_the_hint_that_the_text_warns_of_does_what_the_text_says(learner) -> None:
    told = learner.run(LEAF + "out = (w * 2).sum().detach()\nout.requires_grad = True\nout.backward()")
    assert told.run.ok
    assert learner.value("w.grad is None") is True


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError('element 0 of tensors does not require grad and does not have a grad_fn')",
        LEAF + "loss = w.sum()\nloss.backward()",
        LEAF + "c = torch.ones(3)\nloss = w.sum()\ntorch.autograd.grad(loss, c)",
    ],
)
def test_no_grad_fn_stays_silent(learner, code: str) -> None:
    assert not learner.run(code).of("no-grad-fn")


@pytest.mark.parametrize(
    ("code", "name", "fix", "gradient"),
    [
        (LEAF + "y = w * w\ny.backward()", "y", "y.sum().backward()", [2.0, 4.0, 6.0]),
        (
            LEAF + "m = w.view(3, 1) * 3\nm.backward(retain_graph=True)",
            "m",
            "m.sum().backward(retain_graph=True)",
            [3.0] * 3,
        ),
        (LEAF + "é = w.exp(); é = é * 0\né.backward()", "é", "é.sum().backward()", [0.0] * 3),
        (LEAF + "y = w * 5\nif True:\n    y.backward()", "y", "if True:\n    y.sum().backward()", [5.0] * 3),
    ],
)
def test_backward_from_several_elements(
    learner, code: str, name: str, fix: str, gradient: list[float]
) -> None:
    told = learner.run(code)
    error = told.only("non-scalar-backward")
    assert (error.kind, error.names, error.fix) == ("error", (name,), fix)
    assert f"`{name}.mean().backward()`" in error.text
    assert "`gradient=`" in error.text
    fixed = learner.run_fixed(told, error)
    assert fixed.run.ok
    assert learner.value("w.grad.tolist()") == gradient


def test_several_elements_without_a_name(learner) -> None:
    told = learner.run(LEAF + "(w * 2).backward()")
    error = told.only("non-scalar-backward")
    assert "`(w * 2)` has shape [3], 3 elements" in error.text
    assert error.fix == "(w * 2).sum().backward()"
    assert learner.run_fixed(told, error).run.ok


@pytest.mark.parametrize(
    "code",
    [
        LEAF + "y = w * w\ny.backward(torch.ones(3))",
        LEAF + "y = (w * w).sum()\ny.backward()",
        "raise RuntimeError('grad can be implicitly created only for scalar outputs')",
        LEAF + "y = w * w\ny.backward(torch.ones(2))",
    ],
)
def test_non_scalar_backward_stays_silent(learner, code: str) -> None:
    assert not learner.run(code).of("non-scalar-backward")


@pytest.mark.parametrize(
    ("code", "names", "values"),
    [
        (LEAF + "w.sum().backward()\nw -= 0.5 * w.grad", ("w",), [0.5, 1.5, 2.5]),
        (
            LEAF + "w.sum().backward()\nfor i in range(2):\n    # a step\n    w -= w.grad  # down",
            ("w",),
            [-1.0, 0.0, 1.0],
        ),
        (LEAF + "w.fill_(7)", ("w",), [7.0] * 3),
        (LEAF + "w.sum().backward()\nw.sub_(w.grad)", ("w",), [0.0, 1.0, 2.0]),
        (LEAF + "head = w[:2]\nhead.zero_()", ("w", "head"), [0.0, 0.0, 3.0]),
    ],
)
def test_new_values_for_a_leaf(learner, code: str, names: tuple[str, ...], values: list[float]) -> None:
    told = learner.run(code)
    error = told.only("leaf-in-place")
    assert (error.kind, error.names) == ("error", names)
    fixed = learner.run_fixed(told, error)
    assert fixed.run.ok, fixed.run.error
    assert learner.value("w.tolist()") == values
    assert learner.value("w.is_leaf and w.requires_grad") is True


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (LEAF + "w += 1", ("w",)),
        (LEAF + "w[0] = 5", ("w",)),
        (LEAF + "v = w.view(3, 1)\nv *= 2", ("w", "v")),
        ("lin = nn.Linear(2, 2)\nlin.bias.add_(1)", ("lin.bias",)),
    ],
)
def test_a_change_of_a_leaf_that_may_mean_two_things(learner, code: str, names: tuple[str, ...]) -> None:
    error = learner.run(code).only("leaf-in-place")
    assert (error.names, error.fix) == (names, None)
    assert "torch.no_grad()" in error.text
    assert f"`changed = {names[0]}.clone()`" in error.text


@pytest.mark.parametrize(
    "code",
    [
        LEAF + "with torch.no_grad():\n    w -= 1",
        "x = torch.ones(3)\nx += 1",
        LEAF + "h = w * 2\nh += 1",
        LEAF
        + "raise RuntimeError('a leaf Variable that requires grad is being used in an in-place operation.')",
    ],
)
def test_leaf_in_place_stays_silent(learner, code: str) -> None:
    assert not learner.run(code).of("leaf-in-place")
