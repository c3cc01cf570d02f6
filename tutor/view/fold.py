"""Repeating runs in an autograd graph: a loop's thousand equal nodes are one pattern and a count."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tutor.facts import GraphFacts

#: The longest pattern that is looked for, and how often it must occur.
LONGEST = 32
REPEATS = 3
#: A branch is a side branch while it runs to its leaf in so many nodes (a transposed weight, say).
SIDE = 3


@dataclass(frozen=True)
class Fold:
    """`period` nodes that occur `repeats` times more than they were shown; `after` is what follows."""

    period: int
    repeats: int
    after: str | None
    hidden: frozenset[str]


class GraphShape:
    """Children of each node, and the runs that repeat along the way from a node to its leaves."""

    def __init__(self, graph: GraphFacts) -> None:
        self.nodes = {node.id: node for node in graph.nodes}
        self.children: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
        self._parents: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
        for start, end in graph.edges:
            if start in self.nodes and end in self.nodes:
                self.children[start].append(end)
                self._parents[end].append(start)

    def spine(self, node: str, seen: Collection[str]) -> list[str]:
        """The nodes from `node` on, while exactly one unseen child leads on."""
        spine = [node]
        passed = {node}
        while True:
            onward = {c for c in self.children[spine[-1]] if c not in seen and self._side(c) is None}
            if len(onward) != 1 or (step := onward.pop()) in passed:
                return spine
            spine.append(step)
            passed.add(step)

    def folds(self, spine: Sequence[str]) -> dict[str, Fold]:
        """Folds by the node at which the second showing of a pattern would begin."""
        numbers: dict[object, int] = {}
        marks = [numbers.setdefault(self._signature(node), len(numbers)) for node in spine]
        folds = {}
        at = 0
        while at < len(marks):
            period, repeats = _pattern(marks, at)
            if repeats:
                start, stop = at + period, at + period * repeats
                after = spine[stop] if stop < len(spine) else None
                hidden = self._with_sides(spine[start:stop])
                folds[spine[start]] = Fold(period, repeats - 1, after, hidden)
                at = stop
            else:
                at += 1
        return folds

    def _side(self, node: str) -> tuple[str, ...] | None:
        """Ids of a side branch from `node` to its leaf; None where more hangs on it."""
        branch = [node]
        while len(branch) <= SIDE:
            below = self.children[branch[-1]]
            if not below:
                return tuple(branch)
            if len(below) > 1:
                return None
            branch.append(below[0])
        return None

    def _signature(self, node: str) -> object:
        """Nodes of one signature look alike; a node with a named tensor is like no other."""
        facts = self.nodes[node]
        if facts.tensors:
            return node
        sides = (self._side(child) for child in self.children[node])
        return facts.name, tuple(tuple(self.nodes[n].name for n in side) if side else None for side in sides)

    def _with_sides(self, run: Sequence[str]) -> frozenset[str]:
        """The run and its side branches, except for what is reached from elsewhere too."""
        hidden = set(run)
        sides = [side for node in run for child in self.children[node] if (side := self._side(child))]
        for node in (node for side in sides for node in side):
            if hidden.issuperset(self._parents[node]):
                hidden.add(node)
        return frozenset(hidden)


def _pattern(marks: Sequence[int], at: int) -> tuple[int, int]:
    """The shortest pattern that starts at `at` and occurs REPEATS times or more: its length and count."""
    for period in range(1, min(LONGEST, (len(marks) - at) // REPEATS) + 1):
        if marks[at] != marks[at + period]:
            continue
        pattern = marks[at : at + period]
        count = 1
        while marks[at + count * period : at + (count + 1) * period] == pattern:
            count += 1
        if count >= REPEATS:
            return period, count
    return 0, 0
