"""How the scalars of a running statement went, in a bounded number of evenly spaced samples."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tutor.facts import Number, ScalarFacts, ScalarSample

#: Samples that are kept of a scalar, at most; never fewer than half as many once there were so many.
KEPT = 256
#: Scalars of a statement that are followed.
MOST = 48


class History:
    """One scalar. When there are too many samples every second one goes, and every second new one."""

    def __init__(self, name: str, function: str = "") -> None:
        self._name, self._function = name, function
        self._values: list[Number] = []
        self._every = 1
        self._count = self._broken = 0
        self._first: Number = 0
        self._last: Number = 0
        self._low: Number | None = None
        self._high: Number | None = None

    def add(self, value: Number) -> None:
        """One sample more."""
        if self._count % self._every == 0:
            self._values.append(value)
            if len(self._values) > KEPT:
                del self._values[1::2]
                self._every *= 2
        if self._count == 0:
            self._first = value
        self._count += 1
        self._last = value
        if math.isfinite(value):
            self._low = value if self._low is None else min(self._low, value)
            self._high = value if self._high is None else max(self._high, value)
        else:
            self._broken += 1

    def facts(self) -> ScalarFacts:
        """All that is known of it."""
        return ScalarFacts(
            self._name,
            self._function,
            tuple(self._values),
            self._every,
            self._count,
            self._first,
            self._last,
            self._low,
            self._high,
            self._broken,
        )


class Histories:
    """The scalars of one statement, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], History] = {}

    def add(self, samples: Sequence[ScalarSample]) -> None:
        """What they are now."""
        for each in samples:
            key = (each.function, each.name)
            if key not in self._all:
                if len(self._all) >= MOST:
                    continue
                self._all[key] = History(each.name, each.function)
            self._all[key].add(each.value)

    def facts(self) -> tuple[ScalarFacts, ...]:
        """All of them."""
        return tuple(each.facts() for each in self._all.values())
