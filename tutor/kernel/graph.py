"""The autograd graphs behind named tensors, node by node, walked without recursion."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch

from tutor.facts import GraphFacts, NodeFacts, Origin, Shape
from tutor.kernel import raw
from tutor.kernel.labels import Labels, grad_fn, hooks_of, read_labels
from tutor.kernel.names import find
from tutor.kernel.nodes import number
from tutor.kernel.saved import read_saved, watch_saved_tensor_hooks
from tutor.kernel.tensors import node_name

__all__ = ["describe_graphs", "describe_nodes", "watch_saved_tensor_hooks"]

#: Nodes that are counted beyond the limit.
MAX_COUNTED = 2_000_000
#: Nodes that all graphs of one call show together: many names on one chain must not cost their square.
MAX_SHOWN = 1_000_000
ACCUMULATE = "AccumulateGrad"
_FUNCTION = torch._C._FunctionBase
_sequence_nr = _FUNCTION._sequence_nr
#: Names of torch's own types of node, which never die and have one name each, by the id of the type.
_torch_names: dict[int, str] = {}

#: From a node's sequence number to the operation that made it.
OriginOf = Callable[[int], Origin | None]


def describe_graphs(
    namespace: dict[str, object],
    names: Collection[str] | None,
    limit: int,
    *,
    origin_of: OriginOf | None = None,
) -> dict[str, GraphFacts]:
    """The graph behind each named tensor that has a grad_fn: of `names` (paths), or of all if None.

    A node has the same id in every graph, and as long as it lives. Beyond `limit` nodes a graph is truncated
    and its nodes are only counted. Keeps no tensor and no node alive.
    """
    with raw.Reading():
        labels, roots = read_labels(namespace, names)
        walk = _Walk(NodeReader(labels, origin_of))
        wanted = None if names is None else frozenset(names)
        left = MAX_SHOWN
        graphs: dict[str, GraphFacts] = {}
        for path, node in roots:
            if wanted is None or path in wanted:
                found = graphs[path] = walk.graph(node, min(limit, left))
                left -= len(found.nodes)
        return graphs


def describe_nodes(
    namespace: dict[str, object],
    name: str,
    numbers: Collection[int],
    *,
    labels: Labels | None = None,
    origin_of: OriginOf | None = None,
) -> tuple[NodeFacts, ...]:
    """All facts of those nodes behind tensor `name` that have these numbers."""
    with raw.Reading():
        root = find_root(namespace, name)
        if root is None:
            return ()
        labels = labels if labels is not None else read_labels(namespace, [name])[0]
        wanted = frozenset(numbers)
        reader = NodeReader(labels, origin_of, whole=True)
        reached = [(node, own) for node in reach(root)[0] if (own := number(node)) in wanted]
        return tuple(reader.read(node, own) for node, own in reached)


def find_root(namespace: dict[str, object], name: str) -> Any:
    """The grad_fn of the tensor at a path; None where there is none."""
    (tensor,) = find(namespace, [name])
    return grad_fn(tensor) if raw.is_tensor(tensor) else None


def find_roots(namespace: dict[str, object], paths: Sequence[str]) -> list[Any]:
    """The grad_fns of the tensors at paths, each once, of the last path first."""
    tensors = filter(raw.is_tensor, reversed(find(namespace, paths)))
    found = {id(node): node for tensor in tensors if (node := grad_fn(tensor)) is not None}
    return list(found.values())


def reach(root: Any) -> tuple[list[Any], list[list[int]]]:
    """All nodes behind `root`, breadth first, and for each the indices of those that follow it."""
    nodes = [root]
    index_of = {id(root): 0}
    find_index, add = index_of.get, nodes.append
    followers = []
    count = 1
    for node in nodes:  # grows while it is walked
        found = []
        for follower, _ in node.next_functions:
            if follower is None:
                continue
            to = find_index(id(follower))
            if to is None:
                index_of[id(follower)] = to = count
                add(follower)
                count += 1
            found.append(to)
        followers.append(found)
        if count >= MAX_COUNTED:
            break
    followers += [[] for _ in range(count - len(followers))]
    return nodes, followers


class NodeReader:
    """Reads single nodes, with the names that `labels` has for them."""

    def __init__(self, labels: Labels, origin_of: OriginOf | None = None, *, whole: bool = False) -> None:
        self._labels = labels
        self._origin_of = origin_of
        self._whole = whole
        self._hooks = labels.hooks_at(labels.made)

    def read(self, node: Any, own: int) -> NodeFacts:
        """All facts of `node`, whose number is `own`."""
        name, custom = name_of(node)
        variable = leaf = None
        hooks = self._hooks.get(own, ())
        if name == ACCUMULATE:
            filled = node.variable
            variable, hooks = self._labels.leaf(filled), hooks_of(filled)
            leaf = self._labels.number(filled) if self._labels.number is not None else None
        saved, freed, overwritten = read_saved(node, custom)
        origin = None
        if self._origin_of is not None and name != ACCUMULATE:
            origin = self._origin_of(int(_sequence_nr(node) if custom else node._sequence_nr()))
        made = self._labels.made.get(own)
        outputs, slots = (outputs_of(node), _slots(node)) if self._whole else ((), None)
        return NodeFacts(
            f"n{own}", name, variable, () if made is None else tuple(made), saved, freed,
            own, origin, overwritten, hooks, outputs, leaf, slots,
        )  # fmt: skip

    def hooks(self, node: Any, own: int) -> tuple[str, ...]:
        """What runs when a gradient passes `node`, as far as that can be told."""
        if name_of(node)[0] == ACCUMULATE:
            return hooks_of(node.variable)
        return self._hooks.get(own, ())


class _Walk:
    """Every node met in one call, by index. Holds the nodes, so that one node stays one object."""

    def __init__(self, reader: NodeReader) -> None:
        self._reader = reader
        self._index: dict[int, int] = {}
        self._nodes: list[Any] = []
        self._next: list[list[int] | None] = []
        self._facts: dict[int, NodeFacts] = {}

    def graph(self, root: Any, limit: int) -> GraphFacts:
        """Breadth first from `root`, so that a truncated graph keeps what is nearest."""
        order = self._reach(root)
        shown = order[:limit]
        nodes = tuple(map(self._describe, shown))
        ids = {at: node.id for at, node in zip(shown, nodes, strict=True)}
        edges = [(ids[at], ids[to]) for at in shown for to in self._next[at] or () if to in ids]
        return GraphFacts(nodes, tuple(edges), len(order) > len(shown), len(order))

    def _reach(self, root: Any) -> list[int]:
        """Indices of all nodes behind `root`, itself the first."""
        following, nodes = self._next, self._nodes
        start = self._add(root)
        order, seen = [start], {start}
        for at in order:  # grows while it is walked
            followers = following[at]
            if followers is None:
                pairs = nodes[at].next_functions
                followers = following[at] = [self._add(node) for node, _ in pairs if node is not None]
            for to in followers:
                if to not in seen:
                    seen.add(to)
                    order.append(to)
            if len(order) >= MAX_COUNTED:
                break
        return order

    def _add(self, node: Any) -> int:
        index = self._index.get(id(node))
        if index is None:
            index = self._index[id(node)] = len(self._nodes)
            self._nodes.append(node)
            self._next.append(None)
        return index

    def _describe(self, index: int) -> NodeFacts:
        facts = self._facts.get(index)
        if facts is None:
            node = self._nodes[index]
            facts = self._facts[index] = self._reader.read(node, number(node))
        return facts


def name_of(node: Any) -> tuple[str, bool]:
    """Name of a node, and whether it is of a Function written in Python."""
    kind = type(node)
    name = _torch_names.get(id(kind))
    if name is not None:
        return name, False
    name, custom = node_name(node), raw.is_a(node, _FUNCTION)
    if not custom and raw.type_name(node) == name:
        _torch_names[id(kind)] = name
    return name, custom


def _slots(node: Any) -> tuple[int, ...]:
    """Which inputs of the operation the edges lead to."""
    return tuple([at for at, (follower, _) in enumerate(node.next_functions) if follower is not None])


def outputs_of(node: Any) -> tuple[Shape | None, ...]:
    """Shapes of the tensors that `node` made; empty where torch does not tell."""
    try:
        return tuple([_shape(metadata) for metadata in node._input_metadata])
    except Exception:
        return ()


def _shape(metadata: Any) -> Shape | None:
    try:
        shape = tuple(metadata.shape)
    except Exception:  # nested tensors have none
        return None
    return shape if all(type(size) is int for size in shape) else None
