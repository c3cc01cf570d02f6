"""The recorder by itself: nodes, what the learner's hooks do, hot code, and numbers that die."""

from __future__ import annotations

import time

import pytest
import torch
from kernel.trace.tracing import Traced, told

from tutor.kernel.identity import Identities
from tutor.kernel.trace import stack


@pytest.fixture
def tracer() -> Traced:
    tracer = Traced()
    tracer.run("import torch, torch.nn as nn, torch.nn.functional as F")
    return tracer


def made_by(tracer: Traced, node) -> str | None:
    origin = tracer.recorder.origin_of_node(node._sequence_nr())
    return None if origin is None else origin.expression


def test_each_node_is_known_by_the_operation_that_made_it(tracer: Traced):
    tracer.run("""
        x = torch.ones(2, 3, requires_grad=True)
        y = x * 2
        z = y.exp()
        with torch.no_grad(): x.sum()
        lin = nn.Linear(3, 1)
        loss = F.mse_loss(lin(z), torch.zeros(2, 1))
    """)
    found = []
    node = tracer["loss"].grad_fn
    while node is not None and node.name() != "torch::autograd::AccumulateGrad":
        found.append((node.name(), made_by(tracer, node)))
        inner = [each for each, _ in node.next_functions if each is not None]
        node = next((each for each in inner if not each.name().endswith("AccumulateGrad")), None)
    assert found == [
        ("MseLossBackward0", "F.mse_loss(lin(z), torch.zeros(2, 1))"),
        ("AddmmBackward0", "lin(z)"),
        ("ExpBackward0", "y.exp()"),
        ("MulBackward0", "x * 2"),
    ]


def test_nodes_of_a_loop_are_known_beyond_the_detail(tracer: Traced):
    tracer.run("x = torch.ones(1, requires_grad=True)\ny = x\nfor i in range(30): y = y * 1.5")
    node, seen = tracer["y"].grad_fn, []
    while node.name() == "MulBackward0":
        seen.append(made_by(tracer, node))
        node = node.next_functions[0][0]
    assert seen == ["y * 1.5"] * 30


def test_a_node_that_was_not_watched_is_unknown(tracer: Traced):
    y = torch.ones(1, requires_grad=True) * 2
    tracer.run("x = torch.ones(1)")
    assert tracer.recorder.origin_of_node(y.grad_fn._sequence_nr()) is None


def test_what_hooks_do_inside_of_backward(driver):
    run = driver.run("""
        import torch
        class Double(torch.autograd.Function):
            @staticmethod
            def forward(ctx, v): return v * 2
            @staticmethod
            def backward(ctx, g): return g * 2
        x = torch.ones(3, requires_grad=True)
        x.register_hook(lambda g: g + 1)
        Double.apply(x).sum().backward()
        y = x * 3
    """)
    assert run.ok, run.error
    ran = [(one.part, one.function) for one in run.steps[-2].operations]
    assert ran == [
        ("v * 2", "forward"),
        (".sum()", "<module>"),
        ("g * 2", "backward"),
        ("g + 1", "<lambda>"),
        (".backward()", "<module>"),
    ]
    assert [one.part for one in run.steps[-1].operations] == ["x * 3"]


def test_the_stack_is_as_it_was_after_hot_code_inside_of_backward(driver):
    run = driver.run("""
        import torch
        def hot(g):
            for i in range(300): g = g * 1.0
            return g
        x = torch.ones(3, requires_grad=True)
        x.register_hook(hot)
        for i in range(3): (x * 2).sum().backward()
        z = x.detach() + 1
    """)
    assert run.ok, run.error
    assert run.steps[-2].unwatched
    assert told_of(run.steps[-1]) == ["detach", "add"]
    assert driver.value("torch._C._len_torch_function_stack()") == 0


def told_of(step) -> list[str]:
    return [one.name for one in step.operations]


def test_a_hot_loop_in_c_is_left_alone_too(tracer: Traced):
    operations = tracer.run("""
        x = torch.ones(2)
        y = list(map(torch.relu, [x] * 3_000))
        z = x * 2
    """)
    mapped, after = tracer.seen[-2:]
    assert mapped.unwatched
    assert 128 <= mapped.counts[0].count < 3_000
    assert told(list(after.operations)) == [("x * 2", "new")]
    assert len(operations) == 1 + 8 + 1
    assert len(tracer["y"]) == 3_000


def test_hot_code_is_looked_at_again_after_a_while(tracer: Traced):
    tracer.namespace["clock"] = time.perf_counter
    operations = tracer.run("""
        x, end = torch.ones(2), clock() + 3
        while clock() < end:
            y = x + 1
            if clock() > end - 2.4:
                z = x * 2
    """)
    assert tracer.seen[-1].unwatched
    assert ("x * 2", "new") in told(operations)


def test_an_optimizers_questions_do_not_hide_the_first_step(tracer: Traced):
    operations = tracer.run("""
        layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(100))
        optimizer = torch.optim.SGD(layers.parameters(), 0.1)
        for step in range(2):
            optimizer.zero_grad()
            loss = layers[step](torch.ones(1, 2)).sum()
            loss.backward()
    """)
    names = [one.name for one in operations if one.within != "Linear.__init__"]
    assert names == ["ones", "linear", "sum", "backward"] * 2
    assert not tracer.seen[-1].unwatched


def test_functions_without_tensors_are_no_operations(tracer: Traced):
    assert told(tracer.run("d = torch.device('cpu'); torch.manual_seed(3); torch.get_num_threads()")) == []
    assert tracer.seen[-1].counts == ()


def test_a_detail_budget_for_a_whole_statement(tracer: Traced):
    lines = "\n".join(f"    x = x * {n}.5" for n in range(150))
    operations = tracer.run(f"x = torch.ones(1)\nfor i in range(20):\n{lines}")
    assert len(operations) == 1 + 1_000


def test_modes_below_are_device_contexts_only():
    class Mode(torch.overrides.TorchFunctionMode):
        pass

    ours, theirs = Mode(), Mode()
    with torch.device("cpu"), theirs:
        stack.insert(ours)
        depth = torch._C._len_torch_function_stack()
        found = [torch._C._get_function_stack_at(index) for index in range(depth)]
        assert found[1:] == [ours, theirs]
        assert isinstance(found[0], torch.utils._device.DeviceContext)
        assert stack.holds(ours)
        assert stack.remove(ours)
        assert not stack.remove(ours)
    assert torch._C._len_torch_function_stack() == 0


def test_deaths_of_what_came_after_the_mark_do_not_count():
    table = Identities()
    before = torch.ones(1)
    assert table.number(before) == 1
    table.mark()
    later = torch.ones(1)
    table.number(later)
    del later
    assert table.deaths == 0
    del before
    assert table.deaths == 1


def test_an_unchanged_namespace_is_still_recognised_after_operations(driver):
    driver.run("import torch\nxs = [torch.ones(2) for _ in range(3)]\nx = xs[0]")
    run = driver.run("s = float(x.sum() + (x * 2).sum())\nx.sum().item()")
    assert run.ok
    assert [step.changes for step in run.steps] == [(), ()]
