"""Every kind of check passes and fails for the right reason, against the real kernel."""

from __future__ import annotations

from typing import Any

import pytest
from course.learner import Class, classroom  # noqa: F401

X = "x = torch.arange(6.)"
W = "w = torch.ones(3, requires_grad=True)"
MODEL = "model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))"

# (setup, check, code that passes, {code that fails: the fact that it fails on})
FACTS: dict[str, tuple[str, dict[str, Any], list[str], dict[str, str]]] = {
    "exists": (X, {"var": "v", "exists": True}, ["v = None"], {"u = 1": "exists"}),
    "exists not": (X, {"var": "v", "exists": False}, ["u = 1"], {"v = 1": "exists"}),
    "shape": (
        X,
        {"var": "v", "shape": [2, 3]},
        ["v = x.view(2, 3)", "v = torch.zeros(2, 3).int()", "import numpy\nv = numpy.zeros((2, 3))"],
        {"v = x": "shape", "v = x.view(3, 2)": "shape", "v = [[1, 2, 3]] * 2": "type", "u = x": "exists"},
    ),
    "shape by names": (
        X,
        {"var": "v", "shape": ["n", "n"]},
        ["v = torch.zeros(4, 4)"],
        {"v = torch.zeros(4, 5)": "shape", "v = torch.zeros(4)": "shape"},
    ),
    "ndim": (X, {"var": "v", "ndim": 0}, ["v = x.sum()"], {"v = x": "ndim", "v = 1.0": "type"}),
    "dtype": (
        X,
        {"var": "v", "dtype": "int64"},
        ["v = x.long()"],
        {"v = x": "dtype", "v = x.int()": "dtype"},
    ),
    "device": (X, {"var": "v", "device": "cpu"}, ["v = x"], {"v = x.to('meta')": "device"}),
    "equals an expression": (
        X,
        {"var": "v", "equals": "x.view(2, 3)"},
        ["v = torch.arange(6.).reshape(2, 3)", "x += 1\nv = x.view(2, 3) - 1"],
        {
            "v = torch.arange(6).view(2, 3)": "equals",
            "v = x": "equals",
            "v = x.view(2, 3) + 1e-6": "equals",
            "v = x.tolist()": "type",
            "x += 1\nv = x.view(2, 3)": "equals",
        },
    ),
    "equals a number": (
        X,
        {"var": "v", "equals": "0.5"},
        ["v = 0.5", "v = (x[1] / 2).item()"],
        {"v = torch.tensor(0.5)": "type", "v = 0": "type", "v = 0.25": "equals"},
    ),
    "equals a list of the lesson": (
        X,
        {"var": "v", "equals": [0, 1]},
        ["v = x[:2]", "v = [0, 1]"],
        {"v = x[1:3]": "equals"},
    ),
    "close": (
        X,
        {"var": "v", "close": "x / 3"},
        ["v = x * (1 / 3)", "v = torch.stack([e / 3 for e in x])"],
        {"v = x / 3.1": "close", "v = (x / 3).double()": "close", "v = x[None] / 3": "close"},
    ),
    "close, loosely": (
        X,
        {"var": "v", "close": {"to": 1.0, "atol": 0.1}},
        ["v = 1.05", "v = torch.tensor(0.95)"],
        {"v = 1.2": "close"},
    ),
    "value": (
        X,
        {"var": "v", "value": 3},
        ["v = 3", "v = len(x) // 2"],
        {"v = torch.tensor(3)": "type", "v = 4": "value", "v = '3'": "type"},
    ),
    "all_finite": (
        X,
        {"var": "v", "all_finite": True},
        ["v = x"],
        {"v = x / 0": "all_finite", "v = x.log()": "all_finite"},
    ),
    "shares_memory": (
        X,
        {"var": "v", "shares_memory": "x"},
        [
            "v = x.view(2, 3)",
            "v = x[::2]",
            "v = x.numpy()",
            "v = x.detach()",
            "x = torch.arange(6.)\nv = x[1:]",
        ],
        {"v = x.clone()": "shares_memory", "v = 3": "type", "x = x.clone()\nv = x[:2]": "shares_memory"},
    ),
    "shares_memory with an array": (
        "import numpy\na = numpy.zeros(3, 'float32')",
        {"var": "s", "shares_memory": "a"},
        ["s = torch.from_numpy(a)", "s = torch.FloatTensor(a)"],
        {"s = torch.tensor(a)": "shares_memory"},
    ),
    "shares_memory is overlap": (
        X + "\nhead = x[:3]",
        {"var": "v", "shares_memory": "head"},
        ["v = x[2:]"],
        {"v = x[3:]": "shares_memory"},
    ),
    "same_storage": (
        X + "\nhead = x[:3]",
        {"var": "v", "same_storage": "head"},
        ["v = x[3:]"],
        {"v = x[3:].clone()": "same_storage"},
    ),
    "is_view_of": (
        X,
        {"var": "v", "is_view_of": "x"},
        ["v = x[1:]", "v = x.reshape(3, 2)"],
        {"v = x": "is_view_of", "v = x + 0": "is_view_of"},
    ),
    "contiguous": (X, {"var": "v", "contiguous": True}, ["v = x"], {"v = x.view(2, 3).t()": "contiguous"}),
    "stride": (X, {"var": "v", "stride": [1, 3]}, ["v = x.view(2, 3).t()"], {"v = x.view(3, 2)": "stride"}),
    "storage_offset": (X, {"var": "v", "storage_offset": 2}, ["v = x[2:]"], {"v = x[1:]": "storage_offset"}),
    "unchanged": (
        X,
        {"var": "x", "unchanged": True},
        ["y = x - 1", "y = x\ny = y - 1", "pass", "y = x.clone()\ny.zero_()"],
        {
            "x -= 1": "unchanged",
            "y = x\ny.sub_(1)": "unchanged",
            "x = x - 1": "unchanged",
            "x.data.fill_(1)": "unchanged",
            "x.numpy()[0] = 5": "unchanged",
            "x[2:][0] = 7\nx = None": "unchanged",
        },
    ),
    "unchanged of more": (
        "x = torch.zeros(40_000)",
        {"var": "x", "unchanged": True},
        ["y = x - 1", "x.data.mul_(1)"],
        {"x.data.fill_(1)": "unchanged", "y = x.numpy()\ny[0] = 5": "unchanged"},
    ),
    "mutated_in_place": (
        X,
        {"var": "x", "mutated_in_place": True},
        ["x -= 1", "x[x > 2] = 0", "x.clamp_(min=3)", "def f(t):\n    t.zero_()\nf(x)"],
        {
            "x = x - 1": "mutated_in_place",
            "x[x > 2].zero_()": "mutated_in_place",
            "y = x * 2": "mutated_in_place",
        },
    ),
    "requires_grad": (
        X,
        {"var": "v", "requires_grad": True},
        [f"{W}\nv = w * 2"],
        {"v = x * 2": "requires_grad"},
    ),
    "is_leaf": (W, {"var": "v", "is_leaf": True}, ["v = w", "v = w.detach()"], {"v = w * 2": "is_leaf"}),
    "grad": (
        W,
        {"var": "w", "grad": "torch.full((3,), 2.)"},
        ["(w * 2).sum().backward()", "w.grad = torch.full((3,), 2.)"],
        {"(w * 3).sum().backward()": "grad", "y = (w * 2).sum()": "grad_is_none"},
    ),
    "grad_is_none": (
        W,
        {"var": "w", "grad_is_none": True},
        ["y = w * 2"],
        {"w.sum().backward()": "grad_is_none"},
    ),
    "grad_is_none of a middle tensor": (
        W + "\nh = w * 2",
        {"var": "h", "grad_is_none": False},
        ["h.retain_grad()\nh.sum().backward()"],
        {"h.sum().backward()": "grad_is_none", "h.sum().backward()\nh.retain_grad()": "grad_is_none"},
    ),
    "grad_fn": (
        W,
        {"var": "v", "grad_fn": "MulBackward0"},
        ["v = w * 2", "v = w.mul(3)"],
        {"v = w + 2": "grad_fn", "v = w": "grad_fn"},
    ),
    "grad_fn at all": (
        W,
        {"var": "v", "grad_fn": True},
        ["v = w + 2"],
        {"v = w": "grad_fn", "v = w.detach()": "grad_fn"},
    ),
    "depends_on": (
        W + "\nx = torch.ones(3)",
        {"var": "y", "depends_on": "w"},
        ["y = (w * x).sum()", "h = w * 2\ny = torch.cat([h, h]).mean()", "y = w"],
        {
            "y = (w.detach() * x).sum()": "depends_on",
            "h = (w * 2).detach().requires_grad_()\ny = h.sum()": "depends_on",
            "with torch.no_grad():\n    y = w.view(3, 1)": "depends_on",
            "y = x.sum()": "depends_on",
            "y = 3": "type",
        },
    ),
    "graph_freed": (
        W,
        {"var": "y", "graph_freed": True},
        ["y = (w * w).sum()\ny.backward()"],
        {
            "y = (w * w).sum()": "graph_freed",
            "y = (w * w).sum()\ny.backward(retain_graph=True)": "graph_freed",
            "y = (w + 1).sum()\ny.backward()": "graph_freed",
        },
    ),
    "params by name": (
        "",
        {"var": "net", "params": ["weight", "bias"]},
        ["net = torch.nn.Linear(2, 2)"],
        {"net = torch.nn.Linear(2, 2, bias=False)": "params", "net = 3": "type"},
    ),
    "params by number": (
        "",
        {"var": "net", "params": 6},
        ["net = torch.nn.Linear(2, 2)"],
        {"net = torch.nn.Linear(3, 2)": "params"},
    ),
    "training": (
        MODEL,
        {"var": "model", "training": False},
        ["model.eval()", "model.train(False)"],
        {"model.train()": "training", "model[1].eval()": "training"},
    ),
    "state_changed": (
        MODEL,
        {"var": "model", "state_changed": True},
        ["with torch.no_grad():\n    model[0].weight.mul_(2)", "model(torch.rand(4, 2))"],
        {"model.eval()\nmodel(torch.rand(4, 2))": "state_changed"},
    ),
    "loss_decreases": (
        "",
        {"var": "losses", "loss_decreases": 0.5},
        [
            "losses = [4.0, 2.0, 1.0]",
            "losses = torch.tensor([4., 2., 1.])",
            "losses = list(range(100, 0, -1))",
        ],
        {
            "losses = [1., 2.]": "loss_decreases",
            "losses = [4., 3.]": "loss_decreases",
            "losses = [1., float('nan')]": "loss_decreases",
        },
    ),
    "raises": (
        X,
        {"raises": {"type": "RuntimeError", "match": "view size"}},
        ["x.view(2, 3).t().view(6)"],
        {"x.view(2, 3)": "raises", "x.view(7)": "raises", "x.viw(6)": "raises"},
    ),
    "raises of an expression": (
        "ds = None",
        {"var": "ds[3]", "raises": {"type": "IndexError"}},
        ["ds = [1, 2, 3]", "class D:\n    def __getitem__(self, i):\n        raise IndexError(i)\nds = D()"],
        {"ds = [1, 2, 3, 4]": "raises", "ds = {}": "raises"},
    ),
    "no_error": (X, {"no_error": True}, ["y = 1"], {"1 / 0": "raises"}),
    "warns": (W, {"warns": {"match": "not a leaf"}}, ["(w * 2).grad"], {"w.grad": "warns"}),
    "warns not": (W, {"warns": False}, ["w.grad"], {"(w * 2).grad": "warns"}),
    "stdout": (
        X,
        {"stdout": "6\n"},
        ["print(6)", "print(x.numel(), end='')"],
        {"print(7)": "stdout", "pass": "stdout"},
    ),
    "stdout parts": (X, {"stdout": ["a", "b"]}, ["print('b')\nprint('a')"], {"print('a')": "stdout"}),
    "uses": (
        X,
        {"uses": "view"},
        ["x.view(6)", "torch.Tensor.view(x, 6)"],
        {"x.reshape(6)  # view": "uses", "'view'": "uses"},
    ),
    "uses an operator": (X, {"uses": ["@"]}, ["x @ x"], {"x.dot(x)": "uses"}),
    "avoids": (
        X,
        {"avoids": ["for", "clone"]},
        ["y = x * 2"],
        {"y = [e for e in x]": "avoids", "y = x.clone()": "avoids", "for e in x: pass": "avoids"},
    ),
    "py": (
        X,
        {"py": "v.sum() == before.x.sum() + 1"},
        ["v = x + torch.eye(6)[0]"],
        {"v = x": "py", "u = 1": "exists"},
    ),
    "py with assert": (X, {"py": "n = 3\nassert v == n, 'it must be three'"}, ["v = 3"], {"v = 4": "py"}),
    "any": (
        X,
        {"any": [{"var": "v", "shape": [6]}, {"var": "v", "shape": [2, 3]}]},
        ["v = x", "v = x.view(2, 3)"],
        {"v = x.view(3, 2)": "any"},
    ),
    "not": (
        X,
        {"not": {"var": "v", "shares_memory": "x"}},
        ["v = x.clone()"],
        {"v = x[:2]": "shares_memory", "u = 1": "exists"},
    ),
}


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_holds_or_fails_for_its_reason(classroom: Class, fact: str) -> None:  # noqa: F811
    setup, check, passing, failing = FACTS[fact]
    for code in passing:
        results = classroom.check(setup, code, check)
        assert results, code
        assert all(each.ok for each in results), (code, results)
    for code, kind in failing.items():
        failed = [each for each in classroom.check(setup, code, check) if not each.ok]
        assert [each.kind for each in failed] == [kind], (code, failed)
        assert failed[0].sentence.endswith((".", "`", "y")), failed
        assert "{got}" not in failed[0].sentence
        assert "; expected is " not in failed[0].sentence
        assert "; expected requires" not in failed[0].sentence


def test_what_is_too_large_to_be_compared_is_told_with_care(classroom: Class) -> None:  # noqa: F811
    for check in ({"unchanged": False}, {"mutated_in_place": True}):
        (told,) = classroom.check("x = torch.zeros(2_000_000)", "x.data[0] = 1", {"var": "x", **check})
        assert not told.ok
        assert "as far as torch counts writes" in told.sentence
        assert classroom.check("x = torch.zeros(2_000_000)", "x[0] = 1", {"var": "x", **check})[0].ok


def test_an_error_is_told_by_its_first_line_which_ends_once(classroom: Class) -> None:  # noqa: F811
    code = "raise ValueError('It is not so. \\nMore of it.')"
    (told,) = classroom.check("", code, {"var": "x", "exists": True})
    assert told.sentence == "Line 1 stopped with ValueError: It is not so."


def test_an_expression_that_cannot_be_read_is_told_with_the_shapes_in_it(classroom: Class) -> None:  # noqa: F811
    (told,) = classroom.check("", "share = torch.ones(4)", {"var": "float(share)", "value": 0.75})
    assert told.sentence.startswith("`float(share)` cannot be read: ")
    assert told.sentence.endswith(". `share` has shape (4,)")


def test_losses_that_are_texts_are_no_losses(classroom: Class) -> None:  # noqa: F811
    (told,) = classroom.check("", "losses = ['3.1', '0.1']", {"var": "losses", "loss_decreases": True})
    assert (told.ok, told.got) == (False, "texts")


def test_a_gradient_of_one_number_is_that_number_whatever_its_shape(classroom: Class) -> None:  # noqa: F811
    code = "w = torch.ones({}, requires_grad=True)\n(3 * w).sum().backward()"
    wanted = {"var": "w", "grad": 3.0}
    for shape in ("()", "1", "(1, 1)"):
        assert classroom.failures("", code.format(shape), wanted) == [], shape
    assert classroom.failures("", code.format(2), wanted) == ["grad"]
