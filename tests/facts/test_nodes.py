"""Numbers of autograd nodes: one for a node as long as it lives, never a second time, holding nothing."""

import gc
import weakref

import torch

from tutor.kernel.identity import Identities
from tutor.kernel.names import Collector
from tutor.kernel.nodes import known_number, number
from tutor.kernel.raw import Reading
from tutor.kernel.tensors import describe, describe_all


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.note = "learner's own"
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


def accumulate_grad(y):
    return y.grad_fn.next_functions[0][0]


def test_a_number_outlasts_the_python_object_of_its_node():
    w = torch.ones(2, requires_grad=True)
    y = w.exp()
    first, leaf = number(y.grad_fn), number(accumulate_grad(y))
    gc.collect()
    assert (number(y.grad_fn), number(accumulate_grad(y))) == (first, leaf)
    assert known_number(accumulate_grad(y)) == leaf
    z = w.sin()
    assert number(accumulate_grad(z)) == leaf
    assert number(z.grad_fn) not in (first, leaf)


def test_a_number_is_the_same_after_backward():
    w = torch.ones(2, requires_grad=True)
    y = (Double.apply(w) * 3).sum()
    chain = [y.grad_fn]
    while chain[-1].next_functions:
        chain.append(chain[-1].next_functions[0][0])
    before = [number(node) for node in chain]
    y.backward(retain_graph=True)
    y.backward()
    assert [number(node) for node in chain] == before
    assert len(set(before)) == 4


def test_numbers_are_never_used_again():
    w = torch.ones(2, requires_grad=True)
    seen = []
    for _ in range(500):
        y = w * 2
        assert known_number(y.grad_fn) is None
        seen.append(number(y.grad_fn))
    assert seen == sorted(set(seen))


def test_a_number_keeps_nothing_alive():
    w = torch.ones(2, requires_grad=True)
    y = w.exp()
    number(y.grad_fn)
    number(accumulate_grad(y))
    gone = weakref.ref(w), weakref.ref(y)
    gc.disable()
    try:
        del w, y
        assert [reference() for reference in gone] == [None, None]
    finally:
        gc.enable()


def test_facts_of_a_tensor_have_the_number_of_its_node():
    w = torch.ones(2, requires_grad=True)
    y = Double.apply(w.to_sparse().to_dense())
    namespace = {"w": w, "y": y, "s": w.to_sparse(), "z": y + 1, "plain": torch.ones(2)}
    with Reading():
        items = Collector().collect(namespace.items())
        together = describe_all(items, range(len(items)), Identities())
        alone = [describe(item, 0, Identities()) for item in items]
    for facts in ([f for f, _ in together], [f for f, _ in alone]):
        nodes = {each.name: each.node for each in facts}
        expected = {name: number(t.grad_fn) if t.grad_fn else None for name, t in namespace.items()}
        assert nodes == expected
