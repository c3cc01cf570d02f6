"""Our own code keeps working whatever the learner does to Python, and the learner's changes stay."""

from __future__ import annotations

import builtins
from operator import is_
from typing import Any


class Builtins:
    """Holds the genuine builtins; swaps them in around our own work when a learner changed them.

    The comparison runs by identity in C, so nothing of the learner's is called and an
    untouched module costs a few microseconds.
    """

    def __init__(self) -> None:
        self._dict = vars(builtins)
        self._genuine = dict(self._dict)
        self._values = list(self._genuine.values())
        self._theirs: dict[str, Any] | None = None

    def enter(self, all=all, map=map, is_=is_, len=len, dict=dict) -> None:
        """Our code begins."""
        current = self._dict
        if len(current) == len(self._values) and all(map(is_, current.values(), self._values)):
            return
        self._theirs = dict(current)
        self._replace(self._genuine)

    def leave(self) -> None:
        """The learner's code goes on."""
        if self._theirs is not None:
            theirs, self._theirs = self._theirs, None
            self._replace(theirs)

    def restore(self) -> None:
        """Forget what the learner changed."""
        self._theirs = None
        self._replace(self._genuine)

    def _replace(self, content: dict[str, Any]) -> None:
        self._dict.clear()
        self._dict.update(content)
