"""Outlines equal the graph told node by node; backward fails where they say so, and nowhere else."""

from __future__ import annotations

import gc
import weakref
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from operators import OPERATORS, samples_of
from torch import nn
from torch.utils.checkpoint import checkpoint

from tutor.facts import GraphOutline, outline_of
from tutor.kernel.graph import describe_graphs, describe_nodes
from tutor.kernel.history import GraphSteps
from tutor.kernel.labels import hooks_of
from tutor.kernel.namespace import Snapshots
from tutor.kernel.outline import outline_graph


def outline(namespace: dict[str, object], name: str = "out", limit: int = 100_000) -> GraphOutline:
    """By the labels of a snapshot, as the kernel does it."""
    snapshots = Snapshots(namespace, frozenset())
    snapshots.take()
    found = outline_graph(namespace, name, limit, snapshots.labels())
    assert found is not None
    return found


def independent(root) -> tuple[Counter, Counter]:
    """Edges of a graph by the names of both ends and the output, found by recursion over objects."""
    seen, edges, names = {}, Counter(), Counter()

    def visit(node):
        if node in seen:
            return
        seen[node] = node.name().rpartition("::")[2]
        names[seen[node]] += 1
        for follower, _ in node.next_functions:
            if follower is not None:
                visit(follower)
                edges[seen[node], seen[follower]] += 1

    visit(root)
    return names, edges


class Halve(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x / 2

    @staticmethod
    def backward(ctx, gradient):
        ctx.saved_tensors  # noqa: B018 - as a learner's own would read it
        return gradient / 2


MOVES = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "exp": lambda x, y: (x * 0.1).exp(),
    "matmul": lambda x, y: x @ y,
    "cat": lambda x, y: torch.cat([x, y])[1:3],
    "chunk": lambda x, y: sum(x.unbind()) + y,
    "in place": lambda x, y: (x * 1).mul_(2) if x.is_leaf else x.add_(1),
    "view": lambda x, y: (x * 1).t().reshape(2, 2),
    "custom": lambda x, y: Halve.apply(x),
}
steps = st.lists(st.tuples(st.sampled_from(list(MOVES)), st.integers(0, 9)), min_size=1, max_size=25)


def program(choices):
    """A random program over a growing list of square matrices."""
    made = [torch.randn(2, 2, requires_grad=True), torch.randn(2, 2, requires_grad=True)]
    for name, pick in choices:
        made.append(MOVES[name](made[pick % len(made)], made[(pick * 7 + 3) % len(made)]))
    return made


@given(steps)
@settings(max_examples=60, deadline=None)
def test_an_outline_equals_an_independent_walk(choices):
    made = program(choices)
    out = sum(tensor.sum() for tensor in made)
    found = outline({"out": out, "first": made[0], "made": made})
    names, edges = independent(out.grad_fn)
    assert Counter(map(found.name, range(len(found.kind)))) == names
    pairs = ((at, to) for at, following in enumerate(found.followers) for to in following)
    assert Counter((found.name(at), found.name(to)) for at, to in pairs) == edges
    assert found.total == names.total()
    assert "first" in found.variables.values()


@given(steps)
@settings(max_examples=80, deadline=None)
def test_backward_fails_exactly_where_the_outline_says(choices):
    made = program(choices)
    outs = [tensor for tensor in made if not tensor.is_leaf]
    for at, out in enumerate(outs):
        found = outline({"out": out})
        try:
            out.sum().backward()
            failed = False
        except RuntimeError:
            failed = True
        foretold = bool(found.freed or found.overwritten)
        # Torch does not tell whether the node inside of a CopySlices is freed.
        assert failed == foretold or (failed and "CopySlices" in found.kinds), (at, found)


@given(steps, st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_an_outline_has_the_columns_of_the_whole_graph(choices, limit):
    made = program(choices)
    namespace = {"out": sum(tensor.sum() for tensor in made), "first": made[0]}
    for most in (limit, 10_000):
        whole = outline_of(describe_graphs(namespace, ["out"], most)["out"])
        found = outline(namespace, limit=most)
        assert found.numbers == whole.numbers
        assert [found.name(i) for i in range(len(found.kind))] == [
            whole.name(i) for i in range(len(whole.kind))
        ]
        assert (found.followers, found.total) == (whole.followers, whole.total)
        assert (found.variables, found.tensors) == (whole.variables, whole.tensors)
        assert (sorted(found.freed), sorted(found.overwritten)) == (whole.freed, whole.overwritten)


SAMPLED = [op for op in OPERATORS if op.supports_autograd and torch.float32 in op.supported_dtypes("cpu")]
UNSTEADY = ("sparse", "nested", "jiterator", "_refs", "linalg.lstsq", "torch.ops.aten._")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "op", [op for op in SAMPLED if not op.name.startswith(UNSTEADY)], ids=lambda op: op.name
)
def test_troubles_are_foretold_for_every_operation(op):
    """The first sample of each operation: nothing is foretold before backward, and after it the truth."""
    sample = next(samples_of(op, torch.float32, 1, requires_grad=True))
    result = op(sample.input, *sample.args, **sample.kwargs)
    results = result if isinstance(result, (tuple, list)) else [result]
    outs = [each for each in results if isinstance(each, torch.Tensor) and each.grad_fn is not None]
    if not outs:
        return
    out = sum(each.abs().sum() for each in outs)
    before = outline({"out": out})
    if runs(out):
        assert not before.freed
        assert not before.overwritten
        after = outline({"out": out})
        assert runs(out) == (not after.freed) or "CopySlices" in after.kinds


def runs(out) -> bool:
    try:
        out.backward()
    except RuntimeError:
        return False
    return True


def test_a_functions_own_saved_tensor_that_was_overwritten_is_foretold():
    w = torch.ones(2, requires_grad=True)
    x = w * 1
    out = Halve.apply(x).sum()
    assert outline({"out": out}).overwritten == []
    x.add_(1)
    found = outline({"out": out})
    assert [found.name(at) for at in found.overwritten] == ["HalveBackward"]
    with pytest.raises(RuntimeError, match="inplace"):
        out.backward()


def test_hooks_are_told_and_not_called():
    called = []

    def clip(gradient):
        called.append(1)

    w = torch.ones(2, requires_grad=True)
    w.register_hook(clip)
    w.register_post_accumulate_grad_hook(lambda p: called.append(2))
    out = w * 2
    out.retain_grad()
    found = outline({"w": w, "out": out})
    assert found.hooks == {0: ("retain_grad",), 1: ("hook clip", "post-accumulate-grad hook <lambda>")}
    graph = describe_graphs({"w": w, "out": out}, ["out"], 10)["out"]
    assert [node.hooks for node in graph.nodes] == [found.hooks[0], found.hooks[1]]
    assert called == []
    assert hooks_of(torch.ones(1)) == ()


def test_asked_nodes_are_told_in_full():
    w = torch.ones(2, 3, requires_grad=True)
    namespace: dict[str, object] = {"w": w, "out": (w**2.5).sum()}
    numbers = outline(namespace).numbers
    total, power, leaf = describe_nodes(namespace, "out", numbers)
    assert power.saved["exponent"] == 2.5
    assert (total.outputs, power.outputs, leaf.outputs) == (((),), ((2, 3),), ((2, 3),))
    assert describe_nodes(namespace, "out", [numbers[1]]) == (power,)
    assert describe_nodes(namespace, "gone", numbers) == ()


def test_an_outline_keeps_nothing_alive():
    w = torch.ones(2, requires_grad=True)
    namespace: dict[str, object] = {"w": w, "out": (w * w).sum()}
    snapshots = Snapshots(namespace, frozenset())
    snapshots.take()
    gone = weakref.ref(w)
    gc.disable()
    try:
        found = outline_graph(namespace, "out", 100, snapshots.labels())
        nodes = describe_nodes(namespace, "out", found.numbers, labels=snapshots.labels())
        namespace.clear()
        del w
        assert gone() is None
    finally:
        gc.enable()
    assert nodes[-1].variable == "w"


def test_the_outline_of_a_module_names_its_parameters():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    namespace: dict[str, object] = {"params": list(model.parameters()), "model": model}
    namespace["out"] = model(torch.ones(1, 2))
    assert set(outline(namespace).variables.values()) == {
        "model[0].weight", "model[0].bias", "model[2].weight", "model[2].bias",
    }  # fmt: skip


def test_no_unpack_hook_and_no_checkpointed_block_is_run():
    ran = []
    layer = nn.Linear(2, 2)

    def block(x):
        ran.append("block")
        return Halve.apply(layer(x).relu())

    x = torch.ones(1, 2, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: ran.append("unpacked") or t):
        hooked = Halve.apply(x.exp())
    out = (
        checkpoint(block, x, use_reentrant=False) + checkpoint(block, x, use_reentrant=True) + hooked
    ).sum()
    ran.clear()
    namespace: dict[str, object] = {"x": x, "layer": layer, "out": out}
    found = outline(namespace)
    assert describe_nodes(namespace, "out", found.numbers)
    snapshots = Snapshots(namespace, frozenset())
    snapshots.take()
    steps = GraphSteps(namespace, snapshots)
    assert len(steps.take().nodes) == len(found.kind)
    steps.take()
    assert ran == []
    assert (found.freed, found.overwritten) == ([], [])


def test_nothing_of_the_learners_function_is_called_or_read_for_a_node():
    class Shy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.metadata_ = 1
            ctx.name = ctx._sequence_nr = ctx.register_hook = "mine"
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            raise AssertionError

    w = torch.ones(2, requires_grad=True)
    namespace: dict[str, object] = {"w": w, "out": Shy.apply(w)}
    found = outline(namespace)
    assert found.name(0) == "ShyBackward"
    nodes = describe_nodes(namespace, "out", found.numbers, origin_of=lambda number: None)
    assert [node.name for node in nodes] == ["ShyBackward", "AccumulateGrad"]
