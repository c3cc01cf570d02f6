"""A recorder in the test's own process, for code that the test hands objects to."""

from __future__ import annotations

import textwrap
from typing import Any

from tutor.facts import OpFacts, Origin
from tutor.kernel.namespace import Snapshots
from tutor.kernel.source import Source
from tutor.kernel.trace.recorder import Recorder, Seen
from tutor.kernel.trace.sites import Sites


class Traced:
    """Runs code statement by statement, as the kernel does, and keeps what was seen."""

    def __init__(self, **variables: Any) -> None:
        self.namespace: dict[str, Any] = {"__name__": "__main__", **variables}
        self.snapshots = Snapshots(self.namespace, frozenset({"__builtins__"}))
        self.sites = Sites(self.namespace)
        self.recorder = Recorder(self.namespace, self.sites, self.snapshots)
        self.snapshots.origin_of = self.recorder.origin_of
        self.seen: list[Seen] = []
        self.cells = 0

    def run(self, text: str, watch: bool = True) -> list[OpFacts]:
        """The operations of a piece of code. An exception of its own comes through."""
        self.cells += 1
        source = Source(textwrap.dedent(text).strip("\n"), f"<cell {self.cells}>", 0)
        self.seen = []
        for node in source.statements:
            code = source.code(node)
            self.sites.enter(source, node, code)
            if watch:
                self.recorder.begin()
            try:
                exec(code, self.namespace)
            finally:
                seen = self.recorder.seen()
                self.seen.append(seen)
                assert not seen.trouble, seen.trouble
        return [operation for seen in self.seen for operation in seen.operations]

    def origin(self, name: str) -> Origin | None:
        """Where a variable's tensor came from."""
        facts = self.snapshots.take().tensors
        return next((one.origin for one in facts if one.name == name), None)

    def __getitem__(self, name: str) -> Any:
        return self.namespace[name]


def told(operations: list[OpFacts]) -> list[tuple[str, str]]:
    """Part and verdict of each."""
    return [(one.part, one.verdict) for one in operations]
