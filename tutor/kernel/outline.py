"""A graph's structure in columns: what is needed to open it, read as quickly as torch allows."""

from __future__ import annotations

from typing import Any

from tutor.facts import GraphOutline
from tutor.kernel import raw
from tutor.kernel.graph import ACCUMULATE, find_root, name_of, reach
from tutor.kernel.labels import Labels, hooks_of, read_labels
from tutor.kernel.nodes import number
from tutor.kernel.saved import fields_of, saved_hooks_possible, trouble


def outline_graph(
    namespace: dict[str, object], name: str, limit: int, labels: Labels | None = None
) -> GraphOutline | None:
    """The outline of the graph behind tensor `name`, at most `limit` nodes; None where it has no grad_fn.

    Keeps no tensor and no node alive.
    """
    with raw.Reading():
        root = find_root(namespace, name)
        if root is None:
            return None
        labels = labels if labels is not None else read_labels(namespace, [name])[0]
        nodes, followers = reach(root)
        total = len(nodes)
        if total > limit:
            del nodes[limit:]
            followers = [[to for to in each if to < limit] for each in followers[:limit]]
        return _read(nodes, followers, total, labels)


def _read(nodes: list[Any], followers: list[list[int]], total: int, labels: Labels) -> GraphOutline:
    groups: dict[int, list[int]] = {}
    for at, node in enumerate(nodes):  # a type lives as long as its nodes do
        groups.setdefault(id(type(node)), []).append(at)
    kinds: dict[str, int] = {}
    kind = [0] * len(nodes)
    numbers = list(map(number, nodes))
    out = GraphOutline(kind=kind, numbers=numbers, followers=followers, total=total)
    for group in groups.values():
        name, custom = name_of(nodes[group[0]])
        index = kinds.setdefault(name, len(kinds))
        for at in group if index else ():
            kind[at] = index
        if name == ACCUMULATE:
            _read_leaves(nodes, group, labels, out)
        else:
            _find_troubles(nodes, group, custom, out)
    out.kinds.extend(kinds)
    made = labels.made
    out.tensors.update((at, tuple(made[own])) for at, own in enumerate(numbers) if own in made)
    hooks = labels.hooks_at(numbers[at] for at in out.tensors)
    out.hooks.update((at, hooks[numbers[at]]) for at in out.tensors if numbers[at] in hooks)
    return out


def _read_leaves(nodes: list[Any], group: list[int], labels: Labels, out: GraphOutline) -> None:
    for at in group:
        leaf = nodes[at].variable
        if (path := labels.leaf(leaf)) is not None:
            out.variables[at] = path
        if hooks := hooks_of(leaf):
            out.hooks[at] = hooks


def _find_troubles(nodes: list[Any], group: list[int], custom: bool, out: GraphOutline) -> None:
    """Which nodes of one type are freed or overwritten."""
    suspects = group
    if not custom:
        read = fields_of(type(nodes[group[0]])).read_tensors
        if read is None:
            return
        if not saved_hooks_possible():
            suspects = [at for at in group if not _reads(read, nodes[at])]
    for at in suspects:
        freed, overwritten = trouble(nodes[at], custom)
        if freed:
            out.freed.append(at)
        if overwritten:
            out.overwritten.append(at)


def _reads(read: raw.Getter, node: Any) -> bool:
    try:
        read(node)
    except Exception:
        return False
    return True
