"""What rules read of the failed call: one word for all forms, arguments in words, their place in the code."""

from __future__ import annotations

import ast

import pytest

from tutor.explain import calls
from tutor.explain.reading import failing

PAIR = "a = torch.ones(2, 3)\nb = torch.ones(2, 3)\n"


def failed(learner, code: str):
    step = learner.run(code).run.steps[-1]
    return step, calls.failed(step)


@pytest.mark.parametrize(
    ("code", "operation"),
    [
        ("a @ b", "matmul"),
        ("torch.matmul(a, b)", "matmul"),
        ("a.matmul(b)", "matmul"),
        ("a += torch.ones(5)", "add"),
        ("a.add_(torch.ones(5))", "add"),
        ("a[7]", "getitem"),
        ("a[0] = torch.ones(4)", "setitem"),
        ("nn.Linear(5, 2)(a)", "linear"),
        ("nn.functional.linear(a, torch.ones(2, 5))", "linear"),
        ("nn.functional.cross_entropy(a, torch.ones(5).long())", "cross_entropy"),
        ("nn.CrossEntropyLoss()(a, torch.ones(5).long())", "cross_entropy"),
        ("nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4))(a)", "batch_norm"),
        ("nn.Linear(5)", "Linear"),
        ("np.ones(2).reshape(3, 3)", "numpy.reshape"),
    ],
)
def test_one_word_for_every_form_of_an_operation(learner, code: str, operation: str) -> None:
    _, call = failed(learner, PAIR + code)
    assert calls.operation(call) == operation


def test_what_is_at_fault_inside_of_a_call_is_found(learner) -> None:
    step, _ = failed(learner, PAIR + "net = nn.Sequential(nn.Linear(5, 2))\nnet(a)")
    linear = calls.find(step, {"linear"})
    assert (linear.name, calls.setting(linear, "in_features")) == ("torch.nn.Linear", "5")
    stacked, _ = failed(
        learner, "for row in torch.utils.data.DataLoader([torch.ones(2), torch.ones(3)], batch_size=2): pass"
    )
    assert [one.shape for one in calls.tensors(calls.find(stacked, {"stack"}))] == [(2,), (3,)]
    assert calls.find(step, {"stack"}) is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("a.mm(b)", ["`a` is [2, 3] float32", "`b` is [2, 3] float32"]),
        ("n = 4\na.view(n, -1)", ["`a` is [2, 3] float32", "`n` is 4", "`-1`"]),
        ("torch.cat([a, b[0]])", ["`[a, b[0]]` is a list of 2 tensors: [2, 3], [3]"]),
        ("torch.add(a, None)", ["`a` is [2, 3] float32", "`None`"]),
        ("torch.cat(a, 'x')", ["`a` is [2, 3] float32", "`'x'`"]),
        ("nn.Linear(2, 2)(np.ones(2))", ["`np.ones(2)` is an array [2] float64"]),
    ],
)
def test_arguments_in_words(learner, code: str, words: list[str]) -> None:
    _, call = failed(learner, PAIR + code)
    assert [calls.said(one) for one in call.arguments] == words


@pytest.mark.parametrize(
    ("code", "parameter", "text"),
    [
        ("c = (a + 1) @ b", "other", "b"),
        ("if True:\n    for i in range(2):\n        a.mm(a * i)", "mat2", "a * i"),
        ("def f(x, y):\n    if True:\n        return x @ y, (x, y)\nf(a, b)", "other", "y"),
        ("ä = a; a @ ä; a @ a", "other", "ä"),
        ("ä = a; b @ b.T; c = torch.mm(\n    a,\n    b)", "mat2", "b"),
        ("print(a, b); torch.cat(\n  [a, b],\n    dim=7)", "dim", "7"),
        ("a.view(\n  2,\n  5)", "size", "2"),
    ],
)
def test_the_code_of_an_argument_is_found_for_a_fix(learner, code: str, parameter: str, text: str) -> None:
    step, call = failed(learner, PAIR + code)
    found = failing(step)
    argument = calls.argument(call, parameter)
    node = calls.node_of(found, call, argument)
    assert argument.text == text
    assert ast.get_source_segment(found.source, node) == text
