"""Classes of tensors that are called."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("y = torch.Tensor([1, 2], dtype=torch.int64)", "y.dtype == torch.int64 and y.tolist() == [1, 2]"),
        ("def f(rows):\n    return torch.FloatTensor(rows, requires_grad=True)\ny = f([[1.0]])", None),
        ("rows = [[1.5, 2.0]]\ny = torch.Tensor(rows, requires_grad=True) * 2", "y.grad_fn is not None"),
    ],
)
def test_the_function_is_named_and_written(learner, code, meaning):
    told = learner.run(code)
    explanation = told.only("tensor-class")
    assert "`torch.tensor" in explanation.text
    if meaning is None:
        assert explanation.fix == "return torch.tensor(rows, requires_grad=True)"
    else:
        assert learner.run_fixed(told, explanation).run.ok
        assert learner.value(meaning)


def test_sizes_are_told_from_data(learner):
    explanation = learner.run("y = torch.Tensor(2, 3, dtype=torch.float64)").only("tensor-class")
    assert "`torch.zeros`" in explanation.text
    assert explanation.fix is None


def test_what_the_class_does_take_is_left_to_others(learner):
    assert "tensor-class" not in learner.run("y = torch.Tensor('abc')").rules
