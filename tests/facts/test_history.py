"""Past graphs are as they were: at each statement the same as a walk at that statement would have found."""

from __future__ import annotations

import contextlib
import gc
import weakref
from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.facts import GraphHistory, Snapshot, apply, graphs
from tutor.kernel import history
from tutor.kernel.history import GraphSteps
from tutor.kernel.namespace import Snapshots
from tutor.kernel.outline import outline_graph

STATEMENTS = [
    "a = w.exp()",
    "b = (a * w).sum()",
    "c = [a + 1, w.sin()]",
    "b.backward()",
    "b.backward(retain_graph=True)",
    "a.add_(1)",
    "a = a.detach()",
    "b = (b * b).tanh()",
    "del a",
    "loss = b + a.sum()",
    "w.register_hook(print)",
    "b.retain_grad()",
    "w = torch.ones(3, requires_grad=True)",
    "v = w",
]


class Followed:
    """A namespace in which statements run, with all that is recorded of it."""

    def __init__(self) -> None:
        self.namespace: dict[str, object] = {"w": torch.full((3,), 0.5, requires_grad=True)}
        self.snapshots = Snapshots(self.namespace, frozenset())
        self.steps = GraphSteps(self.namespace, self.snapshots)
        self.snapshot = Snapshot()
        self.history = GraphHistory()

    def run(self, statement: str):
        """A step: all that `GraphHistory` looks at of it."""
        with contextlib.suppress(RuntimeError, NameError, AttributeError):
            exec(statement, {"torch": torch, "print": print}, self.namespace)
        self.snapshot = apply(self.snapshot, self.snapshots.take(["w", "a", "b", "c", "loss", "v"]))
        step = SimpleNamespace(snapshot=self.snapshot, graphs=self.steps.take())
        self.history.add(step.graphs)
        return step


@given(st.lists(st.sampled_from(STATEMENTS), min_size=2, max_size=14))
@settings(max_examples=80, deadline=None)
def test_every_past_moment_is_as_it_was(statements):
    followed = Followed()
    moments = []
    for statement in statements:
        step = followed.run(statement)
        labels = followed.snapshots.labels()
        names = [name for name, facts in followed.snapshot.tensors.items() if facts.node is not None]
        now = {name: outline_graph(followed.namespace, name, 10_000, labels) for name in names}
        moments.append((step, now))
    for step, then in moments:
        for name, expected in then.items():
            found = followed.history.outline(name, step)
            assert found is not None
            assert found.numbers == expected.numbers
            assert found.followers == expected.followers
            assert (found.variables, found.tensors) == (expected.variables, expected.tensors)
            assert sorted(found.freed) == sorted(expected.freed)
            assert sorted(found.overwritten) == sorted(expected.overwritten)
            assert found.hooks == expected.hooks
            assert found.total == expected.total
            nodes = followed.history.nodes(found.numbers, step)
            assert [node.number for node in nodes] == found.numbers
            assert [node.name for node in nodes] == [found.name(at) for at in range(len(nodes))]


def test_what_the_budget_left_out_is_not_claimed(monkeypatch):
    monkeypatch.setattr(history, "MAX_VISITED", 10)
    followed = Followed()
    step = followed.run("a = w\nfor _ in range(100): a = a + 1")
    found = followed.history.outline("a", step)
    assert step.graphs.cut
    assert found.truncated
    assert len(found.kind) == 10


def test_nodes_are_sent_once():
    followed = Followed()
    first = followed.run("a = w.exp()")
    second = followed.run("b = a.sin()")
    assert (len(first.graphs.nodes), len(second.graphs.nodes)) == (2, 1)
    assert followed.run("x = 1").graphs.nodes == ()


def test_of_another_kernel_nothing_is_claimed():
    followed, other = Followed(), Followed()
    step = followed.run("a = w.exp()")
    other.run("a = w.sin()")
    assert other.history.outline("a", step) is None
    assert other.history.nodes([1], step) == ()


def test_a_history_keeps_nothing_alive():
    followed = Followed()
    followed.run("a = w.exp()")
    gone = weakref.ref(followed.namespace["a"]), weakref.ref(followed.namespace["w"])
    gc.disable()
    try:
        followed.namespace.clear()
        assert [each() for each in gone] == [None, None]
    finally:
        gc.enable()


def test_of_what_a_full_history_dropped_nothing_is_claimed(monkeypatch):
    followed = Followed()
    monkeypatch.setattr(graphs, "MAX_KEPT", 4)
    first = followed.run("a = w.exp()")
    later = followed.run("b = a.sin().cos().tan().sum()")
    assert followed.history.outline("a", first) is None
    found = followed.history.outline("b", later)
    assert found.name(0) == "SumBackward0"
    assert found.truncated
