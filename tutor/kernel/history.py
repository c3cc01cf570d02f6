"""What each statement did to the graphs behind named tensors, so that past moments can be shown."""

from __future__ import annotations

import time
from typing import Any

from tutor.facts import GraphStep, NodeFacts
from tutor.kernel import raw
from tutor.kernel.graph import NodeReader, OriginOf, find_roots, name_of
from tutor.kernel.namespace import Snapshots
from tutor.kernel.nodes import number
from tutor.kernel.saved import trouble

#: Nodes that are visited after one statement, and seconds that this may take.
MAX_VISITED = 5_000
MAX_SECONDS = 0.05
_LOOK_AT_CLOCK = 256


class GraphSteps:
    """Remembers numbers of nodes only."""

    def __init__(self, namespace: dict[str, object], snapshots: Snapshots) -> None:
        self._namespace = namespace
        self._snapshots = snapshots
        self._kernel = time.time_ns()
        self._moment = 0
        self._sent: set[int] = set()
        self._freed: set[int] = set()
        self._overwritten: set[int] = set()
        self._hooks: dict[int, tuple[str, ...]] = {}

    def take(self, origin_of: OriginOf | None = None) -> GraphStep:
        """What is new since the last call. Call after `Snapshots.take`."""
        self._moment += 1
        with raw.Reading():
            labels = self._snapshots.labels()
            if not labels.made:
                return GraphStep(self._kernel, self._moment)
            reader = NodeReader(labels, origin_of, whole=True)
            roots = find_roots(self._namespace, [path for paths in labels.made.values() for path in paths])
            return self._walk(roots, reader)

    def _walk(self, nodes: list[Any], reader: NodeReader) -> GraphStep:
        fresh: list[NodeFacts] = []
        followers: list[tuple[int, ...]] = []
        troubles: dict[int, tuple[bool, bool]] = {}
        hooks: dict[int, tuple[str, ...]] = {}
        seen = set(map(number, nodes))
        until = time.perf_counter() + MAX_SECONDS
        cut = False
        for at, node in enumerate(nodes):  # grows while it is walked
            if at >= MAX_VISITED or (at % _LOOK_AT_CLOCK == 0 and time.perf_counter() > until):
                cut = True
                break
            own = number(node)
            after = [follower for follower, _ in node.next_functions if follower is not None]
            following = tuple(map(number, after))
            if own in self._sent:
                troubles[own] = trouble(node, name_of(node)[1])
            else:
                self._sent.add(own)
                facts = reader.read(node, own)
                fresh.append(facts)
                followers.append(following)
                troubles[own] = facts.freed, facts.overwritten
            if (found := reader.hooks(node, own)) != self._hooks.get(own, ()):
                hooks[own] = found
            for key, follower in zip(following, after, strict=True):
                if key not in seen:
                    seen.add(key)
                    nodes.append(follower)
        freed = {own for own, (is_freed, _) in troubles.items() if is_freed} - self._freed
        overwritten = {own for own, (_, is_overwritten) in troubles.items() if is_overwritten}
        overwritten -= self._overwritten
        self._freed |= freed
        self._overwritten |= overwritten
        self._hooks |= hooks
        return GraphStep(
            self._kernel,
            self._moment,
            tuple(fresh),
            tuple(followers),
            tuple(freed),
            tuple(overwritten),
            hooks,
            cut,
        )
