"""What a backward pass stumbled over: nodes whose saved values were freed, or changed since."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from tutor.facts import Origin, Shape, SpoiledNode
from tutor.kernel import raw
from tutor.kernel.nodes import number
from tutor.kernel.saved import read_saved
from tutor.kernel.tensors import node_name

#: Nodes that are looked at, and those that are told.
MOST_VISITED = 5_000
MOST_TOLD = 8

_FUNCTION = torch._C._FunctionBase
_next_functions = _FUNCTION.next_functions.__get__
_order = _FUNCTION._sequence_nr
_MODIFIED = re.compile(r"\[[\w.]*Tensor \[([\d, ]*)\]\].*is at version (\d+); expected version (\d+)")

#: The operation that made the node of a sequence number, where that was seen.
OriginOf = Callable[[int], Origin | None]


def spoiled(roots: Iterable[Any], origin_of: OriginOf | None = None) -> tuple[SpoiledNode, ...]:
    """Nodes behind `roots`, nearest first, that a pass cannot go through. Call inside `raw.Reading()`."""
    found: list[SpoiledNode] = []
    for node in _reach(roots):
        saved, _, _ = read_saved(node)
        for name, value in saved.items():
            one = _spoiled(node, name, value, origin_of)
            if one is not None:
                found.append(one)
                break
        if len(found) >= MOST_TOLD:
            break
    return tuple(found)


def _spoiled(node: Any, name: str, value: Any, origin_of: OriginOf | None) -> SpoiledNode | None:
    if not isinstance(value, dict) or not (value.get("freed") or value.get("modified")):
        return None
    origin = origin_of(_sequence(node)) if origin_of is not None else None
    if value.get("freed"):
        return SpoiledNode(number(node), node_name(node), name, "freed", origin=origin)
    shape, version, expected = _versions(node, name)
    return SpoiledNode(number(node), node_name(node), name, "overwritten", shape, expected, version, origin)


def _versions(node: Any, name: str) -> tuple[Shape | None, int | None, int | None]:
    """What torch says of a changed value when it is asked for: its shape, its version, the expected one."""
    try:
        getattr(node, "_saved_" + name)
    except Exception as error:
        told = _MODIFIED.search(str(error))
        if told is not None:
            shape = tuple(int(size) for size in told[1].split(",") if size.strip())
            return shape, int(told[2]), int(told[3])
    return None, None, None


def _reach(roots: Iterable[Any]) -> Iterator[Any]:
    order = [root for root in roots if root is not None]
    seen = set(order)
    for node in order:  # grows while it is walked
        yield node
        if len(order) > MOST_VISITED:
            continue
        custom = raw.is_a(node, _FUNCTION)
        for follower, _ in _next_functions(node) if custom else node.next_functions:
            if follower is not None and follower not in seen:
                seen.add(follower)
                order.append(follower)


def _sequence(node: Any) -> int:
    return int(_order(node) if raw.is_a(node, _FUNCTION) else node._sequence_nr())
