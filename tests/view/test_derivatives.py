"""Every formula is true: computed as an expression it is what autograd computes, on random numbers."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as fn
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.facts import NodeFacts
from tutor.kernel.graph import describe_nodes
from tutor.kernel.nodes import number
from tutor.view.derivatives import derivative
from tutor.view.derivatives.formula import fill, spell
from tutor.view.derivatives.rules import LETTERS

from .derivative_cases import MANY, POSITIVE, SIGNED, SMALL, TWO


def elementwise(function):
    """A function of torch that also takes a plain number."""
    return lambda value: function(torch.as_tensor(value, dtype=torch.float64))


ONE_BY_ONE = "exp log sqrt sin cos sinh cosh tanh sigmoid erf abs sign trunc floor digamma"
VOCABULARY = {name: elementwise(getattr(torch, name)) for name in ONE_BY_ONE.split(" ")}
VOCABULARY |= {
    "pi": math.pi, "on": lambda condition: condition.to(torch.float64), "where": torch.where,
    "zeros": lambda *sizes: torch.zeros(*sizes, dtype=torch.float64), "zeros_like": torch.zeros_like,
    "outer": torch.outer, "one_hot": fn.one_hot, "eye": torch.eye, "pad": fn.pad, "inv": torch.linalg.inv,
    "softplus": fn.softplus,
    "conv1d_input": torch.nn.grad.conv1d_input, "conv1d_weight": torch.nn.grad.conv1d_weight,
    "conv2d_input": torch.nn.grad.conv2d_input, "conv2d_weight": torch.nn.grad.conv2d_weight,
}  # fmt: skip


def saved_tensors(node) -> dict[str, object]:
    """What the node saved, as torch has it, by name."""
    names = [name[7:] for name in dir(node) if name.startswith("_saved_")]
    return {name: getattr(node, "_saved_" + name) for name in names}


def facts_of(out) -> NodeFacts:
    """Facts of the node that made `out`."""
    (facts,) = describe_nodes({"out": out}, "out", [number(out.grad_fn)])
    return facts


def check(out, *inputs):
    """Compare each formula of the node behind `out` with autograd; how many there were."""
    node = out.grad_fn
    facts = facts_of(out)
    rule = derivative(facts)
    assert rule is not None, facts.name
    g = torch.randn_like(out)
    known = saved_tensors(node) | VOCABULARY | {"g": g, "out": out.detach()}
    known |= dict(zip(LETTERS, inputs, strict=False))
    for name, expression in rule.lets:
        known[name] = eval(expression, known)
    for letter, expression in rule.gradients.items():
        x = known[letter]
        (truth,) = torch.autograd.grad(out, x, g, retain_graph=True)
        found = eval(expression, known)
        found = found.detach().to(truth.dtype).expand_as(truth + found * 0).sum_to_size(truth.shape)
        assert torch.allclose(found, truth, rtol=1e-5, atol=1e-7), (facts.name, letter, expression)
    return len(rule.gradients)


def real(*shape, low=0.3, high=1.6):
    """Random numbers, positive, so that logarithms and roots are defined."""
    values = torch.rand(*shape, dtype=torch.float64) * (high - low) + low
    return values.requires_grad_()


def signed(*shape):
    """Random numbers of either sign, none close to 0."""
    values = torch.randn(*shape, dtype=torch.float64)
    return (values + 0.1 * values.sign()).requires_grad_()


@pytest.mark.parametrize("name", POSITIVE)
def test_functions_of_positive_numbers(name):
    x = real(3, 4)
    if name == "det":
        x = real(3, 3)
        assert check(torch.linalg.det(x), x)
    else:
        assert check(POSITIVE[name](x), x)


@pytest.mark.parametrize("name", SMALL)
def test_functions_of_small_numbers(name):
    x = real(3, 4, low=0.2, high=0.8)
    assert check(SMALL[name](x), x)


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("shape", [(3, 4)])
def test_functions_of_one_tensor(name, shape):
    x = signed(*shape)
    out = SIGNED[name](x)
    if out.grad_fn.next_functions[0][0] is None:  # its input has the second place
        assert check(out, torch.ones(4), x)
    else:
        assert check(out, x)


@pytest.mark.parametrize("name", TWO)
def test_functions_of_two_tensors(name):
    x, y = real(3, 4), real(3, 4)
    if name == "bce":
        x, y = real(3, 4, low=0.1, high=0.9), real(3, 4, low=0.1, high=0.9)
        assert check(fn.binary_cross_entropy(x, y), x, y) == 2
    else:
        assert check(TWO[name](x, y), x, y) == 2


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "hypot", "where"])
def test_broadcast_inputs(name):
    x, y = real(3, 1), real(2, 1, 4)
    assert check(TWO[name](x, y), x, y) == 2


@pytest.mark.parametrize("name", MANY)
def test_products_and_layers(name):
    function, *shapes = MANY[name]
    inputs = [signed(*shape) for shape in shapes]
    out = function(*inputs)
    node = out.grad_fn.name()
    if name == "linear":
        inputs = [inputs[2], inputs[0], inputs[1]]
    tested = check(out, *inputs)
    assert tested == len(inputs) or node == "CatBackward0"


def test_a_formula_has_the_nodes_own_numbers_and_the_learners_names():
    w = torch.ones(3, requires_grad=True)
    rule = derivative(facts_of(w**2), ["w"], "loss")
    assert rule.formulas == ("∂L/∂w = g·2·w",)
    assert derivative(facts_of(w * 3), ["w"]).formulas == ("∂L/∂w = g·3",)
    assert derivative(facts_of(w.exp()), ["w"], "y").formulas == ("∂L/∂w = g·y",)
    assert derivative(facts_of(w.sum()), [""], "x").formulas == ("∂L/∂a = g.expand(3)",)
    assert derivative(facts_of(w.rsqrt()), ["g"]).formulas == ("∂L/∂g = -grad·out³ / 2",)
    leaf = NodeFacts("n1", "AccumulateGrad", "lin.weight")
    assert derivative(leaf).formulas == ("lin.weight.grad += g",)
    assert derivative(NodeFacts("n1", "LearnersOwnBackward")) is None


def test_only_inputs_that_ask_for_a_gradient_have_a_formula():
    w, c = torch.ones(3, requires_grad=True), torch.ones(3)
    assert list(derivative(facts_of(c * w)).gradients) == ["y"]
    assert list(derivative(facts_of(w * c)).gradients) == ["x"]


def test_every_rule_copes_with_a_node_that_saved_nothing():
    from tutor.view.derivatives.rules import RULES

    for name in RULES:
        for saved in ({}, {"self": {"freed": True}, "dim": 3, "self_sym_sizes": []}):
            made = derivative(NodeFacts("n1", name, saved=saved, slots=(0, 1)))
            assert made is None or made.words


expressions = st.recursive(
    st.sampled_from(["x", "y", "k", "2", "0", "1"]),
    lambda inner: st.tuples(st.just("("), inner, st.sampled_from("+-*/"), inner, st.just(")")).map(" ".join),
    max_leaves=8,
)


@given(expressions, st.integers(-3, 3))
@settings(max_examples=200, deadline=None)
def test_filling_in_changes_no_value(expression, k):
    known = {"x": 1.7, "y": -0.6}
    try:
        truth = eval(expression, known | {"k": k})
    except ZeroDivisionError:
        return
    assert eval(fill(expression, {"k": k}), dict(known)) == pytest.approx(truth)
    python = spell(expression, {}).replace("·", "*").replace("/", " / ")
    assert eval(python, known | {"k": k}) == pytest.approx(truth)
