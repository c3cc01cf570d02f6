"""The failed call of an error: name, form, arguments in the learner's words, and what torch asks for."""

from __future__ import annotations

import textwrap

import pytest

from tutor.facts import Argument, FailedCall

HEAD = "import torch\nimport numpy as np\nfrom torch import nn\nimport torch.nn.functional as F\n"


@pytest.fixture
def failed(driver):
    """Runs code that raises, and gives the failed call."""

    def run(code: str, **options: object) -> FailedCall | None:
        driver.run(HEAD)
        error = driver.run(textwrap.dedent(code).strip("\n"), **options).error
        assert error is not None
        return error.failed

    return run


def texts(call: FailedCall) -> list[tuple[str, str]]:
    return [(one.parameter, one.text) for one in call.arguments]


def argument(call: FailedCall, parameter: str) -> Argument:
    return next(one for one in call.arguments if one.parameter == parameter)


PAIR = "a = torch.ones(2, 3)\nb = torch.ones(2, 3)\n"

FORMS = [
    ("torch.matmul(a, b)", "torch.matmul", "function", [("input", "a"), ("other", "b")]),
    ("a @ b", "torch.matmul", "operator", [("input", "a"), ("other", "b")]),
    ("a.matmul(b)", "torch.Tensor.matmul", "method", [("self", "a"), ("other", "b")]),
    ("torch.mm(input=a, mat2=b)", "torch.mm", "function", [("input", "a"), ("mat2", "b")]),
    ("a.T.mm(b.T)", "torch.Tensor.mm", "method", [("self", "a.T"), ("mat2", "b.T")]),
    ("a + b[0, :2]", "torch.add", "operator", [("input", "a"), ("other", "b[0, :2]")]),
    ("a += b.T", "torch.Tensor.add_", "operator", [("self", "a"), ("other", "b.T")]),
    ("a.view(4, -1)", "torch.Tensor.view", "method", [("self", "a"), ("size", "4"), ("size", "-1")]),
    ("a[2, 0]", "torch.Tensor.__getitem__", "index", [("", "a"), ("", "2, 0")]),
    ("a[0] = b", "torch.Tensor.__setitem__", "assignment", [("", "a"), ("", "0"), ("", "b")]),
    ("torch.cat([a, b[0]], dim=1)", "torch.cat", "function", [("tensors", "[a, b[0]]"), ("dim", "1")]),
    ("bool(a)", "torch.Tensor.__bool__", "function", [("", "a")]),
    ("float(a)", "torch.Tensor.__float__", "function", [("", "a")]),
    ("a.item()", "torch.Tensor.item", "method", [("self", "a")]),
    ("torch.tensor([[1, 2], [3]])", "torch.tensor", "function", [("data", "[[1, 2], [3]]")]),
    ("F.linear(a, b.T)", "torch.nn.functional.linear", "function", [("input", "a"), ("weight", "b.T")]),
    ("torch.linalg.inv(a)", "torch.linalg.inv", "function", [("A", "a")]),
    ("a.sum(axs=0)", "torch.Tensor.sum", "method", [("self", "a"), ("", "0")]),
    ("torch.optim.SGD([], lr=0.1)", "torch.optim.SGD", "class", [("params", "[]"), ("lr", "0.1")]),
    ("nn.Linear(3)", "torch.nn.Linear", "class", [("in_features", "3")]),
    ("np.add(a.numpy(), np.ones(2))", "numpy.add", "function", [("", "a.numpy()"), ("", "np.ones(2)")]),
]


@pytest.mark.parametrize(
    "where",
    [
        "{}",
        "def f():\n    {}\nf()",
        "for i in range(2):\n    if i == 1:\n        {}",
        "class C:\n    def run(self):\n        {}\nC().run()",
        "with torch.no_grad():\n    {}",
    ],
    ids=["top", "function", "loop", "method", "with"],
)
def test_every_form_is_told_by_its_public_name_and_the_learners_words(driver, where: str) -> None:
    for code, name, form, expected in FORMS:
        driver.run(HEAD + PAIR)
        before = "a = torch.ones(2, 3); b = torch.ones(2, 3); " if "f()" in where or "run" in where else ""
        error = driver.run(where.format(before + code)).error
        call = error.failed
        assert call is not None, (code, error.message)
        assert (call.name, call.form, texts(call)) == (name, form, expected), code
        assert call.expression == code
