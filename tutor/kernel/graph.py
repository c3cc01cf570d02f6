"""The autograd graphs behind named tensors, walked without recursion."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import torch

from tutor.facts import GraphFacts, NodeFacts
from tutor.kernel import names as learner_names
from tutor.kernel import raw
from tutor.kernel.saved import read_saved, watch_saved_tensor_hooks
from tutor.kernel.tensors import Named, node_name
from tutor.kernel.variables import Variables

__all__ = ["describe_graphs", "watch_saved_tensor_hooks"]

#: Nodes that are counted beyond the limit.
MAX_COUNTED = 2_000_000
_next_functions = torch._C._FunctionBase.next_functions
_FUNCTION = torch._C._FunctionBase


def describe_graphs(
    namespace: dict[str, object], names: Collection[str] | None, limit: int
) -> dict[str, GraphFacts]:
    """The graph behind each named tensor that has a grad_fn: of `names` (paths), or of all if None.

    Node ids are shared by all graphs of one call. Beyond `limit` nodes a graph is truncated and its nodes
    are only counted. Keeps no tensor and no node alive.
    """
    with raw.Reading():
        items = _named_tensors(namespace, names)
        roots = [(item, node) for item in items if (node := _grad_fn(item.value)) is not None]
        table = _Table(items, roots)
        wanted = None if names is None else frozenset(names)
        return {
            item.path: table.graph(node, limit)
            for item, node in roots
            if wanted is None or item.path in wanted
        }


def _named_tensors(namespace: dict[str, object], names: Collection[str] | None) -> list[Named]:
    variables = Variables(namespace, frozenset())
    looked_at = variables.look([name.partition(".")[0].partition("[")[0] for name in names or ()])
    named = ((name, value) for name, value in looked_at.items() if variables.is_variable(name))
    return [item for item in learner_names.Collector().collect(named) if raw.is_tensor(item.value)]


def _grad_fn(tensor: Any) -> Any:
    try:
        return raw.grad_fn(tensor)
    except Exception:  # a view that an in-place change under no_grad made stale
        return None


class _Table:
    """Every node met in one call, by index. Holds the nodes, so that one node stays one object."""

    def __init__(self, items: Iterable[Named], roots: Iterable[tuple[Named, Any]]) -> None:
        self._index: dict[int, int] = {}
        self._nodes: list[Any] = []
        self._next: list[tuple[int, ...] | None] = []
        self._facts: list[NodeFacts | None] = []
        self._variables: dict[int, str] = {}
        for item in items:
            self._variables.setdefault(id(item.value), item.path)
        self._made: dict[int, list[str]] = {}
        for item, node in roots:
            self._made.setdefault(id(node), []).append(item.path)

    def graph(self, root: Any, limit: int) -> GraphFacts:
        """Breadth first from `root`, so that a truncated graph keeps what is nearest."""
        order = self._reach(self._add(root))
        shown = order[:limit]
        within = set(shown) if len(order) > len(shown) else None
        identifiers = {index: f"n{index}" for index in shown}
        edges = [
            (identifiers[index], identifiers[follower])
            for index in shown
            for follower in self._followers(index)
            if within is None or follower in within
        ]
        return GraphFacts(
            nodes=tuple(map(self._describe, shown)),
            edges=tuple(edges),
            truncated=within is not None,
            total_nodes=len(order),
        )

    def _reach(self, root: int) -> list[int]:
        order, seen = [root], {root}
        for index in order:  # grows while it is walked
            for follower in self._followers(index):
                if follower not in seen:
                    seen.add(follower)
                    order.append(follower)
            if len(order) >= MAX_COUNTED:
                break
        return order

    def _add(self, node: Any) -> int:
        index = self._index.get(id(node))
        if index is None:
            index = self._index[id(node)] = len(self._nodes)
            self._nodes.append(node)
            self._next.append(None)
            self._facts.append(None)
        return index

    def _followers(self, index: int) -> tuple[int, ...]:
        followers = self._next[index]
        if followers is None:
            node = self._nodes[index]
            custom = raw.is_a(node, _FUNCTION)
            pairs = _next_functions.__get__(node) if custom else node.next_functions
            followers = tuple([self._add(follower) for follower, _ in pairs if follower is not None])
            self._next[index] = followers
        return followers

    def _describe(self, index: int) -> NodeFacts:
        facts = self._facts[index]
        if facts is None:
            node = self._nodes[index]
            name = node_name(node)
            saved, freed = read_saved(node)
            facts = self._facts[index] = NodeFacts(
                id=f"n{index}",
                name=name,
                variable=self._variables.get(id(node.variable)) if name == "AccumulateGrad" else None,
                tensors=tuple(self._made.get(id(node), ())),
                saved=saved,
                freed=freed,
            )
        return facts
