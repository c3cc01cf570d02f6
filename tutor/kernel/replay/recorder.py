"""Watching the learner's own backward passes, wherever in the code they are started."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from time import perf_counter
from types import CodeType, FrameType
from typing import Any, Literal

import torch

from tutor.facts import BackwardFacts
from tutor.kernel import raw
from tutor.kernel.blame import OriginOf
from tutor.kernel.guard import GENUINE
from tutor.kernel.namespace import Snapshots
from tutor.kernel.replay.accumulated import Accumulated
from tutor.kernel.replay.naming import names_at
from tutor.kernel.replay.passing import RUNNING
from tutor.kernel.replay.watching import (
    Place,
    Recorded,
    Watch,
    read_call,
    reason_against,
    unread,
)
from tutor.kernel.trace.sequence import next_number
from tutor.kernel.trace.sites import STAND_IN, Sites
from tutor.kernel.variables import Variables

globals()["__builtins__"] = GENUINE

#: Passes recorded whole in one statement, whatever the places.
MOST_PASSES = 40

_graph = torch.autograd.graph
#: What dynamo compiles frames with on this thread; None or False where it is not at work.
_dynamo_callback = getattr(torch._C._dynamo.eval_frame, "get_eval_frame_callback", lambda: None)

Engine = Callable[..., Any]


class Replay:
    """Records the backward passes of a statement, in full at first and then now and then.

    Every way to run one in Python ends in one function of torch, which is wrapped while a statement runs.
    """

    def __init__(self, namespace: dict[str, Any], sites: Sites, snapshots: Snapshots) -> None:
        self._namespace = namespace
        self._sites = sites
        self._snapshots = snapshots
        self._variables = Variables(namespace, frozenset({"__builtins__"}))
        #: The operation that made the node of a sequence number, where somebody knows.
        self.origin_of_node: OriginOf | None = None
        self.reset()

    def reset(self) -> None:
        """Forget everything, after the snapshots did."""
        self.accumulated = Accumulated(self._snapshots.objects)
        self._snapshots.passes = self.accumulated.passes
        self._places: dict[tuple[int, int], Place] = {}
        #: Line and arguments by name of passes inside of torch.compile.
        self._compiled: list[tuple[int, dict[str, Any]]] = []
        self._whole = self._passed = 0
        self._original: Engine | None = None
        self._installed: Engine | None = None

    @property
    def passed(self) -> int:
        """How many passes there were since the last reset."""
        return self._passed + sum(place.hits for place in self._places.values())

    def passes_counted(self) -> Callable[[Any, Any], int | None]:
        """How many passes a leaf's `.grad` has added up by now, those not watched among them."""
        self._catch_up()
        return self.accumulated.passes

    # ── around a statement ───────────────────────────────────────────────────

    def start(self, wanted: bool = True) -> None:
        """A statement is about to run."""
        self._places, self._compiled, self._whole = {}, [], 0
        if not wanted:
            self.accumulated.lost()
            return
        self._original = original = _graph._engine_run_backward
        self._installed = wrapped = self._wrapped(original)
        _graph._engine_run_backward = torch.autograd._engine_run_backward = wrapped

    def stop(self) -> tuple[BackwardFacts, ...]:
        """The statement ended; the passes of it in the order in which they began."""
        if self._installed is not None:
            for module in (_graph, torch.autograd):  # unless the learner put something else there
                if module._engine_run_backward is self._installed:
                    module._engine_run_backward = self._original
            self._original = self._installed = None
        for passing in RUNNING.passes:  # an interrupt came just before they were ended
            passing.detach()
            passing.forget()
        RUNNING.passes.clear()
        with contextlib.suppress(Exception), raw.Reading():
            self._catch_up()
        places, self._places = self._places, {}
        self._passed += sum(place.hits for place in places.values())
        found: list[BackwardFacts] = []
        for place in places.values():
            recorded = [*place.first, *([place.latest] if place.latest is not None else [])]
            found += [one.facts(place.hits) for one in recorded]
        found += [_inside_compiled(*self._compiled[0])] if self._compiled else []
        return tuple(sorted(found, key=lambda facts: facts.seq))

    # ── around a pass ────────────────────────────────────────────────────────

    def _wrapped(self, engine: Engine) -> Engine:
        """The engine's function, watched. No frame of ours is seen in what it raises."""
        # A pass in a hot loop is counted, which takes a few microseconds. Where dynamo is at work it would
        # compile whatever function of ours is called: none is.
        namespace, places, begin = self._namespace, self._places, self._begin
        accumulated, compiling, compiled = self.accumulated, _dynamo_callback, self._compiled
        frame_at, clock = sys._getframe, perf_counter

        def run_backward(t_outputs: Any, *args: Any, **kwargs: Any) -> Any:
            frame: FrameType | None = frame_at(1)
            while frame is not None and (
                frame.f_globals is not namespace or frame.f_code.co_name == STAND_IN
            ):
                frame = frame.f_back
            watch: Watch | None = None
            place = None if frame is None else places.get((id(frame.f_code), frame.f_lasti))
            if compiling():
                accumulated.missed += 1
                compiled.append((0 if frame is None else frame.f_lineno, kwargs))
            elif place is not None and clock() < place.rests_until:
                place.hits += 1
                place.unwatched += 1
            else:
                watch = begin(frame, t_outputs, args, kwargs)
            frame = None
            try:
                result = engine(t_outputs, *args, **kwargs)
            except BaseException as error:
                _hide_frames(error)
                if watch is not None:
                    watch.end(None, error)
                raise
            if watch is not None:
                watch.end(result, None)
            return result

        _leave_uncompiled(run_backward.__code__)
        return run_backward

    def _begin(self, frame: FrameType | None, roots: Any, args: Any, kwargs: Any) -> Watch | None:
        """What watches the pass that is about to run; None where nothing does."""
        try:
            place = self._place(frame)
            place.hits += 1
            if perf_counter() < place.rests_until:
                place.unwatched += 1
                return None
            with raw.Reading():
                call = read_call(roots, args, kwargs)
                reason = reason_against(call)
                self._catch_up()
                if self._whole >= MOST_PASSES:
                    reason = reason or "too many passes in one statement"
                if reason is None:
                    self._whole += 1
                    names = names_at(frame, self._variables, self._namespace)
                    tables = self._snapshots.objects, self._snapshots.storages
                    return Watch(call, place, names, self.accumulated, tables, self.origin_of_node)
                if place.hits == 1:
                    place.first.append(Recorded(unread(call, place, reason)))
        except Exception:  # a pass that cannot be watched runs all the same
            pass
        self.accumulated.lost()
        return None

    def _catch_up(self) -> None:
        """Before anybody asks what `.grad` holds, count the passes that were not watched."""
        for place in self._places.values():
            if place.unwatched:
                self.accumulated.catch_up(place.filled, place.unwatched)
                place.unwatched = 0

    def _place(self, frame: FrameType | None) -> Place:
        """Where the learner's code is just now."""
        code, instruction = (None, -1) if frame is None else (frame.f_code, frame.f_lasti)
        place = self._places.get((id(code), instruction))
        if place is None:
            known = self._sites.nearest(frame)
            site = None if known is None else self._sites.at(known)
            place = Place(code, site, len(self._places), perf_counter())
            self._places[id(code), instruction] = place
        return place


def _inside_compiled(line: int, named: dict[str, Any]) -> BackwardFacts:
    call: Literal["backward", "grad"] = "backward" if named.get("accumulate_grad") else "grad"
    return BackwardFacts(next_number(), call, line, unread="it runs inside torch.compile")


def _leave_uncompiled(code: CodeType) -> None:
    """Dynamo, where it is at work around a pass, runs this code as it is, and what it calls as it would."""
    eval_frame = torch._C._dynamo.eval_frame
    if hasattr(eval_frame, "set_code_exec_strategy"):
        action = eval_frame._FrameAction
        strategy = eval_frame._FrameExecStrategy(action.SKIP, action.DEFAULT)
        eval_frame.set_code_exec_strategy(code, strategy)
    elif hasattr(eval_frame, "skip_code"):  # before torch 2.7
        eval_frame.skip_code(code)


def _hide_frames(error: BaseException) -> None:
    """Our frame on top of the traceback; a bare `raise` after this adds none."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    error.__traceback__ = trace
