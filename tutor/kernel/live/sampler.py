"""A thread that looks at the running statement 30 times a second and tells what changed.

It reads the frames of the main thread and plain numbers; it runs no code of the learner's, waits for no
device, and between two looks it holds nothing.
"""

from __future__ import annotations

import ast
import builtins
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from time import perf_counter
from types import CodeType, FrameType
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from tutor.facts import LoopFacts, Progress, Reply, ScalarSample
from tutor.kernel.guard import GENUINE
from tutor.kernel.live.locals import read_locals
from tutor.kernel.live.loops import MISSING, Lookup, Scope, function_at
from tutor.kernel.live.scalars import is_plain_tensor, number_of
from tutor.kernel.trace.sites import STAND_IN

globals()["__builtins__"] = GENUINE

#: Seconds between two looks.
INTERVAL = 1 / 30
#: How many times as long as a look took, with waiting for a processor, the learner's code is left alone:
#: on a busy machine there are fewer looks, but never fewer than one in so many seconds.
SHARE, LONGEST = 30, 0.1
#: Frames that are walked, functions of the learner's among them, loops and scalars that are told.
_DEEPEST, _MOST_FUNCTIONS, _MOST_LOOPS, _MOST_SCALARS = 300, 8, 4, 24
#: Names of a statement that are looked at.
_MOST_NAMES = 64
_current_frames = sys._current_frames
_encode = msgspec.msgpack.Encoder().encode
#: The builtins that the learner's code sees.
_BUILTINS = vars(builtins)


class Watched:
    """The statement that runs."""

    def __init__(self, request: int, index: int, node: ast.AST, code: CodeType) -> None:
        self.request, self.index = request, index
        self.node, self.code = node, code
        #: Loops and stored names of the statement and of the functions that it calls.
        self.scopes: dict[CodeType | None, Scope | None] = {}
        self.told: Progress | None = None


class Sampler:
    """Parked while nothing runs. `begin` and `end` are called by the main thread around each statement."""

    def __init__(self, send: Callable[[Reply], None], namespace: dict[str, Any]) -> None:
        self._send = send
        self._namespace = namespace
        self._main = threading.get_ident()
        self._signals: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._watching = False
        self._now: Watched | None = None
        #: The statement that each function's code is from.
        self._definitions: WeakKeyDictionary[CodeType, tuple[int, ast.AST]] = WeakKeyDictionary()
        self._started = False

    # ── the main thread ──────────────────────────────────────────────────────

    def watch(self, on: bool) -> None:
        """A request begins, or has ended."""
        self._now = None
        self._watching = on
        if on and not self._started:
            self._started = True
            threading.Thread(target=self._run, daemon=True, name="sample-progress").start()
        if on:
            self._signals.put(None)

    def begin(self, request: int, index: int, node: ast.AST, code: CodeType) -> None:
        """A statement is about to run."""
        for inner in _inner(code):
            self._definitions[inner] = (request, node)
        if self._watching:
            self._now = Watched(request, index, node, code)

    def end(self) -> None:
        """It has run; of one that was looked at, the module's scalars as they are now."""
        watched, self._now = self._now, None
        if watched is None or watched.told is None:
            return
        last = watched.told
        try:
            scalars = tuple(self._module_scalars(watched))
        except Exception:  # of use, never needed
            return
        functions = tuple(each for each in last.scalars if each.function)
        if _encode(scalars) == _encode([each for each in last.scalars if not each.function]):
            return
        self._send(
            Progress(watched.request, watched.index, last.line, last.function, (), scalars + functions)
        )

    def forget(self) -> None:
        """The namespace is empty."""
        self._definitions.clear()

    # ── the thread ───────────────────────────────────────────────────────────

    def _run(self) -> None:
        while True:
            self._signals.get()
            cost = 0.0
            while self._watching:
                try:
                    self._signals.get(timeout=min(LONGEST, max(INTERVAL, SHARE * cost)))
                except queue.Empty:
                    began = perf_counter()
                    self._look()
                    cost = perf_counter() - began

    def _look(self) -> None:
        watched = self._now
        if watched is None:
            return
        try:
            progress = self._progress(watched)
        except Exception:  # what cannot be read now is read at the next look
            return
        told = watched.told
        if progress is None or watched is not self._now or (told is not None and _is_same(progress, told)):
            return
        watched.told = progress
        self._send(progress)

    def _progress(self, watched: Watched) -> Progress | None:
        """Where the statement is; None where the learner's code is not on the stack."""
        frames = list(self._frames(_current_frames().get(self._main)))
        if not frames:
            return None
        loops: list[LoopFacts] = []
        scalars: list[ScalarSample] = []
        for frame in reversed(frames):  # the module's own first
            code = frame.f_code
            scope = self._scope(watched, code)
            if scope is None:
                continue
            names = list(dict.fromkeys((*scope.stored[:_MOST_NAMES], *(loop.name for loop in scope.loops))))
            if code is watched.code:
                own = self._namespace
                scalars += self._module_scalars(watched)
            else:
                needed = dict.fromkeys((*names, *code.co_varnames[:_MOST_NAMES]))
                own = read_locals(frame, list(needed))
                scalars += _scalars(scope, own, code.co_name)
            lookup = self._lookup(own)
            for loop in scope.around(frame.f_lineno):
                facts = loop.facts(frame.f_lineno, lookup)
                if facts is not None:
                    loops.append(facts)
        deepest = frames[0]
        name = deepest.f_code.co_name if deepest.f_code is not watched.code else ""
        defined = self._definitions.get(deepest.f_code)
        # A line of what was entered before is none of what runs.
        line = deepest.f_lineno if defined is None or defined[0] == watched.request else 0
        unique = {(each.function, each.name): each for each in scalars}
        return Progress(
            watched.request,
            watched.index,
            line or 0,
            name,
            tuple(loops[-_MOST_LOOPS:]),
            tuple(unique.values())[:_MOST_SCALARS],
        )

    def _frames(self, frame: FrameType | None) -> Iterator[FrameType]:
        """The learner's frames, the innermost first."""
        found = 0
        for _ in range(_DEEPEST):
            if frame is None or found >= _MOST_FUNCTIONS:
                return
            if frame.f_globals is self._namespace and frame.f_code.co_name != STAND_IN:
                found += 1
                yield frame
            frame = frame.f_back

    def _scope(self, watched: Watched, code: CodeType) -> Scope | None:
        key = None if code is watched.code else code
        if key not in watched.scopes:
            node: ast.AST | None = watched.node
            if key is not None:
                known = self._definitions.get(code)
                node = None if known is None else function_at(known[1], code.co_name, code.co_firstlineno)
            watched.scopes[key] = Scope(node) if node is not None else None
        return watched.scopes[key]

    def _lookup(self, own: dict[str, Any]) -> Lookup:
        """The value that a name has in the code whose variables are `own`."""

        def lookup(name: str) -> Any:
            if name in own:
                return own[name]
            return self._namespace.get(name, _BUILTINS.get(name, MISSING))

        return lookup

    def _module_scalars(self, watched: Watched) -> Iterator[ScalarSample]:
        """Numbers that the statement gives to names, and tensors of one element that it mentions."""
        scope = self._scope(watched, watched.code)
        if scope is None:
            return
        yield from _scalars(scope, self._namespace, "")
        stored = set(scope.stored)
        for name in watched.code.co_names[:_MOST_NAMES]:
            value = self._namespace.get(name)
            if name not in stored and is_plain_tensor(value) and (number := number_of(value)) is not None:
                yield ScalarSample(name, "", number)


def _scalars(scope: Scope, own: dict[str, Any], function: str) -> Iterator[ScalarSample]:
    """The numbers among the names that a scope gives values, save those that count its iterations."""
    counters = {loop.name for loop in scope.loops if loop.counter}
    for name in scope.stored[:_MOST_NAMES]:
        if name in counters or name == "_" or name not in own:
            continue
        number = number_of(own[name])
        if number is not None:
            yield ScalarSample(name, function, number)


def _inner(code: CodeType) -> Iterator[CodeType]:
    """All code that is defined inside of `code`."""
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from _inner(const)


def _is_same(now: Progress, told: Progress) -> bool:
    """Whether they say the same; unlike NaN itself, its code is equal to itself."""
    return bool(_encode(now) == _encode(told))
