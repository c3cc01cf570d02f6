"""Where tensors come from that no operation was seen to make: the backward pass or the statement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from msgspec import structs

from tutor.facts import BackwardFacts, Origin, SnapshotDelta, TensorFacts
from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.sequence import next_number
from tutor.kernel.trace.text import one_line

globals()["__builtins__"] = GENUINE

#: Told that an object has an origin.
Remember = Callable[[int, Origin], None]


class Bound:
    """One statement, as the origin of what it bound. `operation` is empty: none was seen to make it."""

    def __init__(self, filename: str, line: int, source: str, backwards: Sequence[BackwardFacts]) -> None:
        self._filename, self._line, self._source = filename, line, source
        self._backwards = backwards

    def complete(self, delta: SnapshotDelta, remember: Remember) -> None:
        """Give an origin to what is new in `delta` and has none, before anybody has seen it."""
        new = {change.name for change in delta.changes if change.kind in ("new", "rebound")}
        for facts in delta.tensors:
            if facts.origin is None and facts.name in new:
                origin = self._pass(facts) or self._statement
                structs.force_setattr(facts, "origin", origin)
                remember(facts.object, origin)

    def _pass(self, facts: TensorFacts) -> Origin | None:
        """The backward pass that filled this `.grad`."""
        for one in self._backwards:
            for leaf in one.leaves:
                made = leaf.storage_after is not None and leaf.storage_after != leaf.storage_before
                if made and leaf.storage_after == facts.storage:
                    return Origin(one.seq, one.filename, one.line, one.expression, one.call)
        return None

    @cached_property
    def _statement(self) -> Origin:
        return Origin(next_number(), self._filename, self._line, one_line(self._source), "")
