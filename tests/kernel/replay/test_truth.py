"""Replayed gradients are those that torch gives when it is asked for them."""

from __future__ import annotations

import itertools
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel.replay.conftest import Recording
from kernel.replay.truth import said, words
from operators import OPERATORS as EVERY
from operators import samples_of
from torch.utils._pytree import tree_leaves

from tutor.facts import BackwardFacts

UNARY = ["{a}.tanh()", "{a}.relu()", "{a}.t()", "-{a}", "{a} * 2", "{a}.sigmoid().square()", "{a}.clone()"]
BINARY = ["{a} + {b}", "{a} * {b}", "{a} @ {b}", "{a} - {b}.sum(0, keepdim=True)", "torch.maximum({a}, {b})"]
BROAD = [
    "torch.cat([{a}, {b}])[:3]",
    "torch.stack([{a}, {b}]).mean(0)",
    "{a}.expand(2, 3, 3)[1] / (1 + {b} ** 2)",
]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Statements that make `t2`, `t3`, … of the leaves `t0` and `t1`, and a `loss` of them all."""
    lines = []
    count = draw(st.integers(1, 8))
    for at in range(2, 2 + count):
        names = st.sampled_from([f"t{i}" for i in range(at)])
        lines.append(
            f"t{at} = " + draw(st.sampled_from(UNARY + BINARY + BROAD)).format(a=draw(names), b=draw(names))
        )
    weights = [draw(st.sampled_from([0.5, 1.0, -2.0])) for _ in range(count)]
    total = " + ".join(f"({weight} * t{at + 2}).sum()" for at, weight in enumerate(weights))
    return "\n".join([*lines, f"loss = {total}"])


def leaves(seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(3, 3, generator=generator, requires_grad=True) for name in ("t0", "t1")}


@settings(max_examples=120, deadline=None)
@given(program=programs(), seed=st.integers(0, 5))
def test_what_reaches_each_tensor_is_its_gradient(program: str, seed: int) -> None:
    recording = Recording(**leaves(seed))
    recording.run(program)
    (backward,) = recording.run("loss.backward()")

    truth = dict(leaves(seed))
    names: dict[str, object] = {"torch": torch, **truth}
    exec(program, names)
    made = {
        name: value for name, value in names.items() if name[0] in "tl" and isinstance(value, torch.Tensor)
    }
    gradients = torch.autograd.grad(names["loss"], list(made.values()), allow_unused=True)  # type: ignore[arg-type]
    for (name, value), gradient in zip(made.items(), gradients, strict=True):
        found = [one for one in backward.nodes if one.variable == name]
        if gradient is None or (value.grad_fn is not None and value.grad_fn in earlier(made, name)):
            assert gradient is not None or not found
            continue
        assert said(found[0].incoming[value.output_nr]) == words(gradient), (name, program)
    for leaf in backward.leaves:
        assert leaf.name is not None
        given = recording[leaf.name].grad
        assert said(leaf.gradient) == said(leaf.holds) == words(given)


def earlier(made: dict[str, torch.Tensor], name: str) -> list[object]:
    """Nodes of tensors before this one: two names may be of one tensor."""
    return [value.grad_fn for value in itertools.takewhile(lambda v: v is not made[name], made.values())]


@settings(max_examples=60, deadline=None)
@given(program=programs(), seed=st.integers(0, 5))
def test_what_a_node_hands_on_is_what_the_next_ones_take_in_all(program: str, seed: int) -> None:
    recording = Recording(**leaves(seed))
    recording.run(program)
    (backward,) = recording.run("loss.backward()")
    given: dict[int, int] = {}
    for one in backward.nodes:
        for follower, gradient in zip(one.followers, one.outgoing, strict=False):
            if follower is not None and gradient is not None:
                given[follower] = given.get(follower, 0) + 1
    ran = [one.node for one in backward.nodes]
    assert len(ran) == len(set(ran))
    assert set(ran) == set(given) | set(backward.root_nodes)
    for at, one in enumerate(backward.nodes):  # nothing runs before all that it waits for
        assert all(ran.index(follower) > at for follower in one.followers if follower in given)


CHUNKS = 12
OPERATORS = [op for op in EVERY if op.supports_autograd and torch.float32 in op.supported_dtypes("cpu")]


def tensors(value: object) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def differentiate(op, sample, *, on: bool):
    """Gradients of a sample's inputs, the state of the generator after it, and what was recorded."""
    torch.default_generator.manual_seed(7)
    inputs = [t for t in tensors([sample.input, sample.args, sample.kwargs]) if t.requires_grad and t.is_leaf]
    for tensor in inputs:
        tensor.grad = None
    results = [
        t
        for t in tensors(op(sample.input, *sample.args, **sample.kwargs))
        if t.requires_grad and t.is_floating_point() and t.layout == torch.strided and not t.is_nested
    ]
    if not inputs or not results:
        return None
    recording = Recording(results=results)
    found = recording.run("torch.autograd.backward([r.sum() for r in results], retain_graph=True)", on=on)
    return [t.grad for t in inputs], torch.random.get_rng_state(), found


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_operators_give_the_same_bits_and_are_told_as_they_are(chunk: int) -> None:
    compared = 0
    for op in OPERATORS[chunk::CHUNKS]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for sample in samples_of(op, torch.float32, 2, requires_grad=True):
                try:
                    bare = differentiate(op, sample, on=False)
                except Exception:  # a sample that this build cannot differentiate
                    continue
                if bare is None:
                    continue
                seen = differentiate(op, sample, on=True)
                assert seen is not None
                same_bits(op.full_name, bare[0], seen[0])
                assert torch.equal(bare[1], seen[1]), op.full_name
                (backward,) = seen[2]
                assert (backward.unread, backward.error) == (None, None), op.full_name
                told_as_they_are(op.full_name, backward, seen[0])
                compared += 1
    assert compared > 30


def same_bits(name: str, bare: list, seen: list) -> None:
    for one, other in zip(bare, seen, strict=True):
        assert (one is None) == (other is None), name
        if one is not None and one.layout == torch.strided:
            assert (one.shape, one.stride()) == (other.shape, other.stride()), name
            assert torch.equal(bits(one), bits(other)), name


def bits(tensor: torch.Tensor) -> torch.Tensor:
    flat = tensor.detach().resolve_conj().resolve_neg().reshape(-1).contiguous()
    return flat.view(torch.uint8) if flat.numel() else flat


def told_as_they_are(name: str, backward: BackwardFacts, gradients: list) -> None:
    filled = [words(g) for g in gradients if g is not None and g.layout == torch.strided]
    told = [one.gradient.values for one in backward.leaves if one.gradient is not None]
    assert sorted(filter(None, filled)) == sorted(filter(None, told)), name
