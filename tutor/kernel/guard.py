"""Our own code keeps working whatever the learner does to Python, and the learner's changes stay."""

from __future__ import annotations

import builtins
import sys
from operator import is_
from typing import Any

#: The builtins as they were before any learner's code ran. A module that sets its `__builtins__` to this
#: keeps working while a learner's replacements are in place, in every thread.
GENUINE = dict(vars(builtins))
globals()["__builtins__"] = GENUINE


class Interpreter:
    """Holds the genuine builtins and imported modules; puts them back around our own work.

    The check runs by identity in C, so nothing of the learner's is called, and an untouched
    interpreter costs a few microseconds.
    """

    def __init__(self) -> None:
        self._dict = vars(builtins)
        self._genuine = dict(self._dict)
        self._values = list(self._genuine.values())
        self._theirs: dict[str, Any] | None = None
        self._modules = dict(sys.modules)
        self._imported = sys.modules

    def enter(self) -> None:
        """Our code begins."""
        current = self._dict
        if len(current) != len(self._values) or not all(map(is_, current.values(), self._values)):
            self._theirs = dict(current)
            self._replace(self._genuine)
        if len(self._imported) < len(self._modules):
            for name, module in self._modules.items():
                self._imported.setdefault(name, module)

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


class GenuineBuiltins:
    """Context manager inside of the learner's code: the standard library finds the genuine builtins."""

    def __enter__(self) -> None:
        current = vars(builtins)
        same = len(current) == len(GENUINE) and all(map(is_, current.values(), GENUINE.values()))
        self._theirs = None if same else dict(current)
        if self._theirs is not None:
            current.update(GENUINE)

    def __exit__(self, *_: object) -> None:
        if self._theirs is not None:
            vars(builtins).clear()
            vars(builtins).update(self._theirs)
