"""Graphs in columns, so that twenty thousand nodes open at once; and how graphs were at past moments."""

from __future__ import annotations

from itertools import islice

from msgspec import Struct, field, structs

from tutor.facts.records import GraphFacts, GraphStep, NodeFacts, Snapshot, Step

#: Nodes that a history keeps, a kilobyte or so each; the oldest go first.
MAX_KEPT = 30_000


class GraphOutline(Struct, frozen=True, omit_defaults=True, gc=False):
    """Structure and names of a graph, by index of its nodes; the first is the root, breadth first.

    What each node saved is asked for where it is looked at.
    """

    #: Names of nodes, each once; `kind` is the index of each node's name.
    kinds: list[str] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    #: One entry for each edge, in the order of `next_functions`, None left out.
    followers: list[list[int]] = field(default_factory=list)
    #: Paths of the leaves that AccumulateGrad nodes fill, and of live tensors that nodes made.
    variables: dict[int, str] = field(default_factory=dict)
    tensors: dict[int, tuple[str, ...]] = field(default_factory=dict)
    hooks: dict[int, tuple[str, ...]] = field(default_factory=dict)
    #: Nodes whose saved tensors are freed, and nodes with one that was changed in place.
    freed: list[int] = field(default_factory=list)
    overwritten: list[int] = field(default_factory=list)
    #: All nodes, those among them that are not here.
    total: int = 0

    @property
    def truncated(self) -> bool:
        return self.total > len(self.kind)

    def name(self, index: int) -> str:
        return self.kinds[self.kind[index]]


def outline_of(graph: GraphFacts) -> GraphOutline:
    """The columns of a graph that was told node by node; its nodes have numbers, or get their index."""
    index = {node.id: at for at, node in enumerate(graph.nodes)}
    kinds: dict[str, int] = {}
    kind = [kinds.setdefault(node.name, len(kinds)) for node in graph.nodes]
    followers: list[list[int]] = [[] for _ in graph.nodes]
    for start, end in graph.edges:
        if start in index and end in index:
            followers[index[start]].append(index[end])
    nodes = list(enumerate(graph.nodes))
    return GraphOutline(
        list(kinds),
        kind,
        [at if node.number is None else node.number for at, node in nodes],
        followers,
        {at: node.variable for at, node in nodes if node.variable is not None},
        {at: node.tensors for at, node in nodes if node.tensors},
        {at: node.hooks for at, node in nodes if node.hooks},
        [at for at, node in nodes if node.freed],
        [at for at, node in nodes if node.overwritten],
        max(graph.total_nodes, len(graph.nodes)),
    )


class GraphHistory:
    """How graphs were after each statement, put together from what each of them did."""

    def __init__(self) -> None:
        self._kernels: dict[int, _Kernel] = {}

    def add(self, step: GraphStep) -> None:
        """A statement ended. Statements of one kernel come in order."""
        self._kernels.setdefault(step.kernel, _Kernel()).add(step)

    def outline(self, name: str, step: Step) -> GraphOutline | None:
        """The graph behind `name` as it was after `step`; None where that is not known.

        A truncated outline has a `total` that is a least count.
        """
        facts = step.snapshot.tensors.get(name)
        kernel = self._kernels.get(step.graphs.kernel) if step.graphs is not None else None
        if kernel is None or step.graphs is None or facts is None or facts.node is None:
            return None
        return kernel.outline(facts.node, step.snapshot, step.graphs.moment)

    def nodes(self, numbers: list[int], step: Step) -> tuple[NodeFacts, ...]:
        """Facts of nodes as they were after `step`, as far as they are known."""
        kernel = self._kernels.get(step.graphs.kernel) if step.graphs is not None else None
        if kernel is None or step.graphs is None:
            return ()
        names = _Names(step.snapshot)
        found = (kernel.node(number, names, step.graphs.moment) for number in numbers)
        return tuple(node for node in found if node is not None)


class _Names:
    """Names at nodes in one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.made: dict[int, tuple[str, ...]] = {}
        self.leaves: dict[int, str] = {}
        for name, facts in snapshot.tensors.items():
            if facts.node is not None:
                self.made[facts.node] = (*self.made.get(facts.node, ()), name)
            elif facts.requires_grad:
                self.leaves.setdefault(facts.object, name)


class _Kernel:
    """What is known of one kernel's nodes."""

    def __init__(self) -> None:
        self._nodes: dict[int, tuple[NodeFacts, tuple[int, ...]]] = {}
        #: Since which moment a node is freed or overwritten.
        self._freed: dict[int, int] = {}
        self._overwritten: dict[int, int] = {}
        self._hooks: dict[int, list[tuple[int, tuple[str, ...]]]] = {}

    def add(self, step: GraphStep) -> None:
        for node, followers in zip(step.nodes, step.followers, strict=True):
            if node.number is not None:
                self._nodes[node.number] = node, followers
        for number in step.freed:
            self._freed.setdefault(number, step.moment)
        for number in step.overwritten:
            self._overwritten.setdefault(number, step.moment)
        for number, hooks in step.hooks.items():
            self._hooks.setdefault(number, []).append((step.moment, hooks))
        for number in list(islice(self._nodes, max(0, len(self._nodes) - MAX_KEPT))):
            for table in (self._nodes, self._freed, self._overwritten, self._hooks):
                table.pop(number, None)

    def node(self, number: int, names: _Names, moment: int) -> NodeFacts | None:
        known = self._nodes.get(number)
        if known is None:
            return None
        node = known[0]
        variable = names.leaves.get(node.leaf) if node.leaf is not None else None
        return structs.replace(
            node,
            variable=variable,
            tensors=names.made.get(number, ()),
            freed=self._freed.get(number, moment + 1) <= moment,
            overwritten=self._overwritten.get(number, moment + 1) <= moment,
            hooks=self._hooks_at(number, moment),
        )

    def _hooks_at(self, number: int, moment: int) -> tuple[str, ...]:
        return next((hooks for since, hooks in reversed(self._hooks.get(number, ())) if since <= moment), ())

    def outline(self, root: int, snapshot: Snapshot, moment: int) -> GraphOutline | None:
        if root not in self._nodes:
            return None
        numbers, followers, unknown = self._reach(root)
        names = _Names(snapshot)
        kinds: dict[str, int] = {}
        kind, variables = [], {}
        for at, number in enumerate(numbers):
            node = self._nodes[number][0]
            kind.append(kinds.setdefault(node.name, len(kinds)))
            if node.leaf is not None and (name := names.leaves.get(node.leaf)) is not None:
                variables[at] = name
        each = list(enumerate(numbers))
        return GraphOutline(
            list(kinds),
            kind,
            numbers,
            followers,
            variables,
            {at: names.made[number] for at, number in each if number in names.made},
            {at: hooks for at, number in each if (hooks := self._hooks_at(number, moment))},
            [at for at, number in each if self._freed.get(number, moment + 1) <= moment],
            [at for at, number in each if self._overwritten.get(number, moment + 1) <= moment],
            len(numbers) + unknown,
        )

    def _reach(self, root: int) -> tuple[list[int], list[list[int]], int]:
        """Numbers of all known nodes behind `root`, indices that follow each, and how many are unknown."""
        numbers, index = [root], {root: 0}
        followers: list[list[int]] = []
        unknown: set[int] = set()
        for number in numbers:  # grows while it is walked
            found = []
            for follower in self._nodes[number][1]:
                if follower not in self._nodes:
                    unknown.add(follower)
                    continue
                to = index.get(follower)
                if to is None:
                    to = index[follower] = len(numbers)
                    numbers.append(follower)
                found.append(to)
            followers.append(found)
        return numbers, followers, len(unknown)
