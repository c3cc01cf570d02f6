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
#: Nodes that all graphs of one call show together: many names on one chain must not cost their square.
MAX_SHOWN = 1_000_000
_next_functions = torch._C._FunctionBase.next_functions
_FUNCTION = torch._C._FunctionBase
_torch_names: dict[int, str] = {}


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
        left = MAX_SHOWN
        graphs: dict[str, GraphFacts] = {}
        for item, node in roots:
            if wanted is None or item.path in wanted:
                found = graphs[item.path] = table.graph(node, min(limit, left))
                left -= len(found.nodes)
        return graphs


def _named_tensors(namespace: dict[str, object], names: Collection[str] | None) -> list[Named]:
    variables = Variables(namespace, frozenset())
    looked_at = variables.look([name.partition(".")[0].partition("[")[0] for name in names or ()])
    named = ((name, value) for name, value in zip(*looked_at, strict=True) if variables.is_variable(name))
    items = [item for item in learner_names.Collector().collect(named) if raw.is_tensor(item.value)]
    if names is None:  # only names of their own: a list of a thousand losses is not a thousand graphs
        return [item for item in items if not item.holder]
    # A leaf's own name says more than its place in a list of parameters.
    return sorted(items, key=lambda item: item.holder != "")


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
        self._ids: list[str] = []
        self._next: dict[int, list[int]] = {}
        self._facts: dict[int, NodeFacts] = {}
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
        truncated = len(order) > len(shown)
        within = set(shown) if truncated else self._next
        edges = [
            (self._ids[index], self._ids[follower])
            for index in shown
            for follower in self._next.get(index, ())
            if follower in within
        ]
        nodes = tuple(map(self._describe, shown))
        return GraphFacts(nodes=nodes, edges=tuple(edges), truncated=truncated, total_nodes=len(order))

    def _reach(self, root: int) -> list[int]:
        order, seen = [root], {root}
        known = self._next
        for index in order:  # grows while it is walked
            followers = known.get(index)
            if followers is None:
                followers = known[index] = self._followers(self._nodes[index])
            for follower in followers:
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
            self._ids.append(f"n{index}")
        return index

    def _followers(self, node: Any) -> list[int]:
        own = id(type(node)) in _torch_names or not raw.is_a(node, _FUNCTION)
        pairs = node.next_functions if own else _next_functions.__get__(node)
        return [self._add(follower) for follower, _ in pairs if follower is not None]

    def _describe(self, index: int) -> NodeFacts:
        facts = self._facts.get(index)
        if facts is None:
            node = self._nodes[index]
            name = _name(node)
            saved, freed = read_saved(node)
            facts = self._facts[index] = NodeFacts(
                self._ids[index],
                name,
                self._variables.get(id(node.variable)) if name == "AccumulateGrad" else None,
                tuple(self._made.get(id(node), ())),
                saved,
                freed,
            )
        return facts


def _name(node: Any) -> str:
    """`node_name`, remembered for torch's own types, which never die and have one name each."""
    kind = type(node)
    name = _torch_names.get(id(kind))
    if name is None:
        name = node_name(node)
        if not raw.is_a(node, _FUNCTION) and raw.type_name(node) == name:
            _torch_names[id(kind)] = name
    return name
