"""Graphs equal an independent walk of grad_fn; what nodes saved is read without running unpack hooks."""

from __future__ import annotations

import gc
import weakref
from collections import Counter

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from tutor.facts import GraphFacts
from tutor.kernel import graph, saved
from tutor.kernel.graph import describe_graphs


def walk(root) -> tuple[dict[object, str], Counter]:
    """Nodes (as Python objects, kept alive) with names, and edges with how often they occur."""
    names, edges, pending = {}, Counter(), [root]
    while pending:
        node = pending.pop()
        if node in names:
            continue
        names[node] = node.name().rsplit("::")[-1]
        for follower, _ in node.next_functions:
            if follower is not None:
                edges[node, follower] += 1
                pending.append(follower)
    return names, edges


def assert_same(graph: GraphFacts, root) -> None:
    """Match the graph to the walk from the root on, following edges in order."""
    names, edges = walk(root)
    described = {node.id: node for node in graph.nodes}
    followers: dict[str, list[str]] = {}
    for start, end in graph.edges:
        followers.setdefault(start, []).append(end)
    matched = {graph.nodes[0].id: root}
    pending = [graph.nodes[0].id]
    while pending:
        identifier = pending.pop()
        node = matched[identifier]
        assert described[identifier].name == names[node]
        real = [follower for follower, _ in node.next_functions if follower is not None]
        assert len(real) == len(followers.get(identifier, []))
        for claimed, follower in zip(followers.get(identifier, []), real, strict=True):
            if claimed in matched:
                assert matched[claimed] is follower
            else:
                matched[claimed] = follower
                pending.append(claimed)
    assert len(matched) == len(graph.nodes) == len(names) == graph.total_nodes
    assert len(graph.edges) == edges.total()
    assert not graph.truncated


class Cube(torch.autograd.Function):
    name = "not the node's name"

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * gradient


def perceptron():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    return {"model": model, "out": model(torch.randn(3, 4)).mean()}


def convolution():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 1)
    )
    return {"model": model, "out": model(torch.randn(2, 1, 4, 4)).sum()}


def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    return {"model": model, "out": model(torch.randn(2, 3, 8))}


def recurrent():
    model = nn.LSTM(3, 4)
    return {"model": model, "out": model(torch.randn(5, 1, 3))[0].sum()}


def custom():
    w = torch.ones(2, requires_grad=True)
    return {"w": w, "out": Cube.apply(w).sum()}


def repeated():
    w = torch.ones(2, requires_grad=True)
    y = w.exp()
    return {"w": w, "y": y, "out": y + y}


def shared():
    w = torch.ones(2, requires_grad=True)
    y = w * w
    return {"w": w, "out": torch.stack([y, y.exp(), y * w]).sum()}


def in_place():
    w = torch.ones(4, requires_grad=True)
    y = w * 1
    y[1:].mul_(2)
    return {"w": w, "out": y}


def freed():
    w = torch.ones(2, requires_grad=True)
    out = (w * w).sum()
    out.backward()
    return {"w": w, "out": out}


def retained():
    w = torch.ones(2, requires_grad=True)
    out = (w * w).sum()
    out.backward(retain_graph=True)
    return {"w": w, "out": out}


def second_order():
    w = torch.ones(2, requires_grad=True)
    (out,) = torch.autograd.grad((w**3).sum(), w, create_graph=True)
    return {"w": w, "out": out}


MODELS = [perceptron, convolution, encoder, recurrent, custom, repeated]
MODELS += [shared, in_place, freed, retained, second_order]


@pytest.mark.parametrize("make", MODELS)
def test_the_graph_equals_an_independent_walk(make):
    namespace = make()
    graph = describe_graphs(namespace, None, 50_000)["out"]
    assert_same(graph, namespace["out"].grad_fn)


@pytest.mark.parametrize("make", [perceptron, convolution, encoder])
def test_every_leaf_has_its_path(make):
    namespace = make()
    graph = describe_graphs(namespace, ["out"], 50_000)["out"]
    found = {node.variable for node in graph.nodes if node.name == "AccumulateGrad"}
    assert found == {spelled(name) for name, _ in namespace["model"].named_parameters()}


def spelled(name: str) -> str:
    """A parameter's path as the learner would write it."""
    return "model" + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in name.split("."))


def test_a_leaf_without_a_name_has_none():
    graph = describe_graphs({"y": torch.ones(1, requires_grad=True) * 2}, None, 100)["y"]
    assert [node.variable for node in graph.nodes] == [None, None]


def test_ids_are_shared_by_the_graphs_of_one_call():
    graphs = describe_graphs(repeated(), None, 100)
    assert {node.id for node in graphs["y"].nodes} < {node.id for node in graphs["out"].nodes}
    assert graphs["y"].nodes[0].tensors == ("y",)
    assert graphs["out"].nodes[0].tensors == ("out",)


def test_only_the_asked_names_are_described():
    namespace = repeated()
    assert set(describe_graphs(namespace, None, 100)) == {"y", "out"}
    assert set(describe_graphs(namespace, ["y", "w", "missing"], 100)) == {"y"}


def test_repeated_edges_are_kept():
    graph = describe_graphs(repeated(), ["out"], 100)["out"]
    assert graph.edges[0] == graph.edges[1]


def test_beyond_the_limit_nodes_are_only_counted():
    total = torch.zeros(1, requires_grad=True)
    for _ in range(500):
        total = total + 1
    graph = describe_graphs({"total": total}, None, 100)["total"]
    assert graph.truncated
    assert (len(graph.nodes), graph.total_nodes) == (100, 501)
    shown = {node.id for node in graph.nodes}
    assert all(start in shown and end in shown for start, end in graph.edges)
    assert len(graph.edges) == 99


def test_a_very_long_chain_needs_no_recursion():
    total = torch.zeros(1, requires_grad=True)
    for _ in range(20_000):
        total = total * 1.0
    graph = describe_graphs({"total": total}, None, 50_000)["total"]
    assert len(graph.nodes) == graph.total_nodes == 20_001


def test_a_view_made_stale_has_no_graph():
    base = torch.zeros(2, 2)
    with torch.no_grad():
        view = base[0]
    base.mul_(torch.ones(2, 2, requires_grad=True))
    assert set(describe_graphs({"base": base, "view": view}, None, 100)) == {"base"}


def root_of(**namespace):
    return describe_graphs(namespace, ["out"], 100)["out"].nodes[0]


def test_saved_tensors_are_given_by_shape_and_scalars_as_they_are():
    w = torch.ones(2, 3, requires_grad=True)
    power = root_of(out=w**2.5)
    assert power.saved == {"exponent": 2.5, "self": {"shape": [2, 3], "dtype": "float32"}}
    assert root_of(out=w.sum(dim=1)).saved["dim"] in ([1], [2**64 - 1], [-1])
    assert root_of(out=w.clamp(min=float("-inf"))).saved["min"] == "-inf"


def test_freed_and_modified_buffers_are_told():
    w = torch.ones(2, requires_grad=True)
    out = w.exp()
    assert root_of(out=out).saved == {"result": {"shape": [2], "dtype": "float32"}}
    node = out.grad_fn
    out.add_(1)
    graph = describe_graphs({"out": out}, None, 100)["out"]
    assert next(n for n in graph.nodes if n.name == "ExpBackward0").saved == {"result": {"modified": True}}
    fresh = w.exp()
    fresh.sum().backward()
    facts = root_of(out=fresh)
    assert facts.freed
    assert facts.saved == {"result": {"freed": True}}
    del node


def test_a_function_of_the_learners_tells_only_how_much_it_saved():
    w = torch.ones(2, requires_grad=True)
    out = Cube.apply(w)
    facts = root_of(out=out)
    assert (facts.name, facts.saved, facts.freed) == ("CubeBackward", {"tensors": 1}, False)
    out.sum().backward()
    assert root_of(out=out).freed


@pytest.fixture(params=[False, True], ids=["not watching", "watching"])
def watching(request, monkeypatch):
    """With and without watching for hooks; torch's functions are put back afterwards."""
    autograd = torch._C._autograd
    monkeypatch.setattr(
        autograd, "_push_saved_tensors_default_hooks", autograd._push_saved_tensors_default_hooks
    )
    monkeypatch.setattr(autograd.SavedTensor, "register_hooks", autograd.SavedTensor.register_hooks)
    monkeypatch.setattr(saved._Hooks, "watched", False)
    monkeypatch.setattr(saved._Hooks, "possible", True)
    if request.param:
        saved.watch_saved_tensor_hooks()


@pytest.mark.usefixtures("watching")
def test_hooked_tensors_are_not_unpacked():
    unpacked = []
    w = torch.ones(2, requires_grad=True)
    plain = w.exp()
    assert root_of(out=plain).saved == {"result": {"shape": [2], "dtype": "float32"}}
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: unpacked.append(t) or t):
        hooked = w.exp()
    assert root_of(out=hooked).saved == {"result": {"hooked": True}}
    single = w.sin()
    single.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: unpacked.append(t) or t)
    assert root_of(out=single).saved == {"self": {"hooked": True}}
    assert unpacked == []
    assert root_of(out=plain).saved == {"result": {"shape": [2], "dtype": "float32"}}


@pytest.mark.usefixtures("watching")
def test_a_checkpointed_block_is_not_run_again():
    runs = []
    layer = nn.Linear(2, 2)

    def block(x):
        runs.append(1)
        return layer(x).relu()

    out = checkpoint(block, torch.ones(1, 2, requires_grad=True), use_reentrant=False)
    describe_graphs({"out": out, "layer": layer}, None, 100)
    assert len(runs) == 1


def test_nothing_is_kept_alive():
    w = torch.ones(2, requires_grad=True)
    out = (w * w).sum()
    gone = weakref.ref(w)
    gc.disable()
    try:
        graphs = describe_graphs({"w": w, "out": out}, None, 100)
        del w, out
        assert gone() is None
    finally:
        gc.enable()
    assert graphs["out"].nodes[-1].variable == "w"


def test_many_names_on_one_chain_share_a_budget(monkeypatch):
    monkeypatch.setattr(graph, "MAX_SHOWN", 25)
    namespace: dict[str, object] = {"y0": torch.ones(1, requires_grad=True) * 1}
    for index in range(1, 10):
        namespace[f"y{index}"] = namespace[f"y{index - 1}"] + 1
    found = describe_graphs(namespace, None, 1_000)
    assert sum(len(each.nodes) for each in found.values()) == 25
    assert [each.total_nodes for each in found.values()] == list(range(2, 12))
    assert not found["y0"].truncated
    assert found["y9"].truncated
