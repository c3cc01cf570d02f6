"""Running the learner's code: the main module, interrupts, top-level await, input, warnings."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import getpass
import queue
import sys
import types
import warnings

# Without signal's wrapper, which looks up builtins that the learner may have replaced.
from _signal import signal as set_handler  # type: ignore[import-not-found]
from collections.abc import Callable
from inspect import CO_COROUTINE
from signal import SIGINT, default_int_handler, raise_signal
from types import CodeType
from typing import Any

from tutor.facts import WarningFacts
from tutor.kernel.errors import clean, shorten
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_MOST_WARNINGS = 100
_MESSAGE_LIMIT = 5_000


class Interrupts:
    """SIGINT stops the learner's code and nothing else.

    Inside `with interrupts:` the learner's own handler is in place (Python's default raises
    KeyboardInterrupt); outside, a signal is only remembered.
    """

    def __init__(self) -> None:
        self.pending = False
        #: Called by the signal, also in the middle of anything: may only do what a handler may.
        self.remembered: Callable[[], None] | None = None
        self._theirs: Any = default_int_handler
        set_handler(SIGINT, self._remember)

    def _remember(self, *_: object) -> None:
        self.pending = True
        if self.remembered is not None:
            self.remembered()

    def __enter__(self) -> None:
        set_handler(SIGINT, self._theirs)
        if self.pending:  # it came between two statements: now it reaches the learner's handler
            self.pending = False
            raise_signal(SIGINT)

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Take SIGINT back; keeps a handler that the learner installed for the next statement."""
        theirs = set_handler(SIGINT, self._remember)
        if theirs != self._remember:
            self._theirs = theirs

    def reset(self) -> None:
        self._theirs = default_int_handler
        self.pending = False


class MainModule:
    """The module `__main__` that the learner's statements run in."""

    def __init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self.namespace = self.module.__dict__
        self.clear()

    def clear(self) -> None:
        self.namespace.clear()
        self.namespace.update(
            __name__="__main__",
            __doc__=None,
            __package__=None,
            __loader__=None,
            __spec__=None,
            __builtins__=builtins,
        )
        sys.modules["__main__"] = self.module


class Loop:
    """One event loop for every top-level await of this kernel."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, code: types.CodeType, namespace: dict[str, Any]) -> object:
        """Evaluate `code`, awaiting it when it awaits."""
        if not code.co_flags & CO_COROUTINE:
            return eval(code, namespace)  # running the learner's code is what a kernel is for
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        task = self._loop.create_task(types.FunctionType(code, namespace)())
        try:
            return self._loop.run_until_complete(task)
        except KeyboardInterrupt:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
                self._loop.run_until_complete(task)
            raise

    def close(self) -> None:
        if self._loop is not None and not self._loop.is_running():
            self._loop.close()
        self._loop = None


class Warnings:
    """Collects the warnings of a statement, each with the learner's nearest line."""

    def __init__(self, namespace: dict[str, Any], over: Callable[[CodeType], bool]) -> None:
        self._namespace = namespace
        #: Whether code is from what was entered before what runs now.
        self._over = over
        self._seen: list[WarningFacts] = []
        self._omitted = 0
        self._filters: list[Any] = []

    def install(self) -> None:
        """Show every warning that Python would show at least once, at every occurrence."""
        warnings.simplefilter("always", append=True)
        self._filters = list(warnings.filters)
        self._show = warnings.showwarning = self._record

    def reset(self) -> None:
        warnings.filters[:] = self._filters  # type: ignore[index]
        warnings._filters_mutated() if hasattr(warnings, "_filters_mutated") else None
        warnings.showwarning = self._record
        self.take()

    def take(self) -> tuple[WarningFacts, ...]:
        """The warnings since the last call."""
        seen, omitted = self._seen, self._omitted
        self._seen, self._omitted = [], 0
        if omitted:
            seen.append(WarningFacts("Warning", f"… and {omitted:,} more warnings", seen[-1].line))
        return tuple(seen)

    def _record(
        self, message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        if len(self._seen) >= _MOST_WARNINGS:
            self._omitted += 1
            return
        text = shorten(clean(str(message)), _MESSAGE_LIMIT)
        self._seen.append(WarningFacts(category.__name__, text, self._learner_line(lineno)))

    def _learner_line(self, default: int) -> int:
        frame = sys._getframe(2)
        while frame is not None:
            if frame.f_globals is self._namespace and not self._over(frame.f_code):
                return frame.f_lineno
            frame = frame.f_back  # type: ignore[assignment]
        return default


class Inputs:
    """`input()` and `getpass()` answered by the session."""

    def __init__(self, ask: Callable[[str, bool], None]) -> None:
        self._ask = ask
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def install(self) -> None:
        builtins.input = self.input
        getpass.getpass = self.getpass

    def answer(self, text: str | None) -> None:
        self._answers.put(text)

    def input(self, prompt: object = "", /) -> str:
        """Read a string from the person at the tutor; EOFError when there is none."""
        return self._read(prompt, hidden=False)

    def getpass(self, prompt: object = "Password: ", stream: object = None) -> str:
        """Read a string that is not shown; a tutor's kernel has no terminal that could be asked."""
        return self._read(prompt, hidden=True)

    def _read(self, prompt: object, *, hidden: bool) -> str:
        while not self._answers.empty():  # an answer that came after an interrupt
            self._answers.get_nowait()
        self._ask(clean(str(prompt)), hidden)
        text = self._answers.get()
        if text is None:
            raise EOFError("EOF when reading a line")
        return text
