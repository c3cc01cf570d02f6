"""Questions to the kernel about the namespace as it is; none of them changes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from tutor.facts import (
    CompareMemory,
    Complete,
    Completions,
    DescribeGraphs,
    DescribeNodes,
    Document,
    Documentation,
    Evaluate,
    Evaluated,
    GraphFacts,
    GraphOutline,
    Graphs,
    NodeFacts,
    Nodes,
    Outlined,
    OutlineGraph,
    Overlap,
    Preview,
    Reply,
    Request,
    Shape,
    Values,
)


class Questions(ABC):
    """What a session can be asked while no statement runs; SessionError where no kernel can answer."""

    @abstractmethod
    async def _ask(self, make: Callable[[int], Request]) -> Reply:
        """The reply to the request that `make` makes of a number."""

    @abstractmethod
    def _require_free(self) -> None:
        """Raise SessionError unless the kernel is there and waits, for a request or for the next step."""

    async def evaluate(self, expression: str) -> Evaluated:
        """The value of an expression in the namespace as it is."""
        reply = await self._ask(lambda number: Evaluate(number, expression))
        assert isinstance(reply, Evaluated)
        return reply

    async def graphs(self, names: Sequence[str] | None = None, limit: int = 2_000) -> dict[str, GraphFacts]:
        """Autograd graphs of the named tensors, or of every named one that has a grad_fn."""
        chosen = None if names is None else tuple(names)
        reply = await self._ask(lambda number: DescribeGraphs(number, chosen, limit))
        assert isinstance(reply, Graphs)
        return reply.graphs

    async def outline(self, name: str, limit: int = 100_000) -> GraphOutline | None:
        """Structure and names of the graph behind a tensor; None where it has no grad_fn."""
        reply = await self._ask(lambda number: OutlineGraph(number, name, limit))
        assert isinstance(reply, Outlined)
        return reply.outline

    async def nodes(self, name: str, numbers: Sequence[int]) -> tuple[NodeFacts, ...]:
        """All facts of the nodes with these numbers in the graph behind a tensor."""
        wanted = tuple(numbers)
        reply = await self._ask(lambda number: DescribeNodes(number, name, wanted))
        assert isinstance(reply, Nodes)
        return reply.nodes

    async def compare(self, first: str, second: str) -> Overlap:
        """Exact memory relation of two names."""
        reply = await self._ask(lambda number: CompareMemory(number, first, second))
        assert isinstance(reply, Overlap)
        return reply

    async def preview(self, name: str, around: Shape = ()) -> Values:
        """A bounded window of the values under a name, near the element at `around`."""
        reply = await self._ask(lambda number: Preview(number, name, around=around))
        assert isinstance(reply, Values)
        return reply

    async def complete(
        self,
        expression: str = "",
        *,
        keys: bool = False,
        imports: dict[str, str] | None = None,
        values: dict[str, str] | None = None,
    ) -> tuple[str, ...]:
        """Variables, or attributes (or text keys) of an expression; no learner code runs for them."""
        self._require_free()
        reply = await self._ask(
            lambda number: Complete(number, expression, keys, imports or {}, values or {})
        )
        assert isinstance(reply, Completions)
        return reply.names

    async def document(
        self,
        expression: str,
        *,
        imports: dict[str, str] | None = None,
        values: dict[str, str] | None = None,
    ) -> Documentation:
        """Signature and documentation of what an expression stands for; no learner code runs for them."""
        self._require_free()
        said = imports or {}, values or {}
        reply = await self._ask(lambda number: Document(number, expression, *said))
        assert isinstance(reply, Documentation)
        return reply
