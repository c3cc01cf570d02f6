"""Code run statement by statement in this process, its backward passes recorded as a kernel does it."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
import torch

from tutor.facts import BackwardFacts, Snapshot, apply
from tutor.kernel.namespace import Snapshots
from tutor.kernel.replay import Replay
from tutor.kernel.source import Source
from tutor.kernel.trace.sites import Sites


class Recording:
    """A namespace, what ran in it, and what was recorded of it."""

    def __init__(self, **names: Any) -> None:
        self.namespace: dict[str, Any] = {"__name__": "__main__", "torch": torch, **names}
        self.snapshots = Snapshots(self.namespace, frozenset({"__builtins__"}))
        self.sites = Sites(self.namespace)
        self.replay = Replay(self.namespace, self.sites, self.snapshots)
        self.snapshot = Snapshot()
        #: The passes of the last code that ran, also where it failed.
        self.found: list[BackwardFacts] = []
        self._cells = 0

    def run(self, code: str, *, on: bool = True) -> list[BackwardFacts]:
        """Run all statements; the passes of all of them."""
        self._cells += 1
        source = Source(textwrap.dedent(code), f"<cell {self._cells}>", 0)
        self.found = found = []
        for node in source.statements:
            compiled = source.code(node)
            self.sites.enter(source, node, compiled)
            self.replay.start(on)
            try:
                eval(compiled, self.namespace)
            finally:
                found += self.replay.stop()
                self.snapshot = apply(self.snapshot, self.snapshots.take(compiled.co_names))
        return found

    def __getitem__(self, name: str) -> Any:
        return self.namespace[name]

    def passes(self, name: str) -> int | None:
        """How many passes the gradient of `name` holds, as the snapshot has it."""
        return self.snapshot.tensors[name].passes


@pytest.fixture
def recording() -> Recording:
    return Recording()
