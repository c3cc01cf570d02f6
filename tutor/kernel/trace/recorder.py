"""The recorder: sees every operation that the learner's code asks of torch, and notes facts of it."""

from __future__ import annotations

import _thread
import os
import sys
import time
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any

import torch
from msgspec import Struct, structs
from torch.overrides import TorchFunctionMode

from tutor.facts import OpCount, OpFacts, Origin
from tutor.kernel import raw
from tutor.kernel.failed.seen import Asked, Failure
from tutor.kernel.guard import GENUINE
from tutor.kernel.live.locals import read_locals
from tutor.kernel.namespace import Snapshots
from tutor.kernel.trace import stack, within
from tutor.kernel.trace.budget import Budget, Tally
from tutor.kernel.trace.callers import StandIns, caller_of
from tutor.kernel.trace.kinds import kind_of
from tutor.kernel.trace.operands import is_subject
from tutor.kernel.trace.origins import Origins
from tutor.kernel.trace.sequence import next_number
from tutor.kernel.trace.sites import Site, Sites
from tutor.kernel.trace.sound import is_broken_number
from tutor.kernel.trace.watched import Watched

globals()["__builtins__"] = GENUINE

#: Operations in a row that say nothing new, after which the code is left alone: at first, and when it is
#: looked at again. Questions about tensors, which cost less to watch, count as an eighth of one: an
#: optimizer asks hundreds before a first step.
_HOT = 128
_STILL_HOT = 32
_QUESTIONS = 8
#: For how many seconds: at first, and at most, as it stays hot.
_SHORT_REST, _REST = 0.05, 0.25
#: How many times as long it may take until the code was busy for so long.
_PATIENCE = 4
#: How long to wait where the mode could not be put back just then.
_AGAIN = 0.01

_sequence_number = torch.autograd._get_sequence_nr
_is_jit_tracing = torch._C._get_tracing_state
_is_compiling = torch.compiler.is_compiling
_is_grad_enabled = torch.is_grad_enabled
_frame = sys._getframe
_cpu_time, _clock = time.thread_time, time.perf_counter
_thread_id = _thread.get_ident


class Seen(Struct, frozen=True):
    """What was seen of one statement."""

    operations: tuple[OpFacts, ...] = ()
    counts: tuple[OpCount, ...] = ()
    unwatched: bool = False
    #: Why some operation could not be told, where that is so.
    trouble: str = ""


class _Mode(TorchFunctionMode):
    """Stands before every operation of one thread."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch would import dynamo, which takes seconds, around the first operation

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        asked = [kwargs, args, func]
        del args, kwargs
        return self._recorder.watch(asked, caller_of(_frame(1)))


class Recorder:
    """Watches one namespace's code in the thread that made it. Holds facts and weak references only."""

    def __init__(self, namespace: dict[str, Any], sites: Sites, snapshots: Snapshots) -> None:
        self._namespace, self._sites, self._snapshots = namespace, sites, snapshots
        self._mode = _Mode(self)
        self._thread = _thread_id()
        self._safe_point = stack.SafePoint()
        self._alarm = stack.Alarm(self._wake)
        self.stand_ins = StandIns()
        #: A statement is being watched; the mode is in place; somebody has asked it to stand aside.
        self._running = self._on = False
        self._aside = 0
        self._forked = False
        os.register_at_fork(after_in_child=self._after_fork)
        self.reset()

    def reset(self) -> None:
        """Forget everything; call after the snapshots were reset."""
        self.origins = Origins(self._snapshots.objects, self._snapshots.storages)
        self._begin()

    # ── statements ───────────────────────────────────────────────────────────

    def begin(self) -> None:
        """A statement is about to run, and is watched."""
        self._begin()
        if not self._forked:
            self._running = True
            self._put_on()

    def stop(self) -> None:
        """The statement ended; what comes now is not its own."""
        self._running = False
        self._safe_point.cancel()
        self._take_off()

    def seen(self) -> Seen:
        """What the statement did; forgets it."""
        self.stop()
        seen = Seen(tuple(self._operations), self._budget.counts(), self._unwatched, self._trouble)
        self._begin()
        return seen

    def so_far(self) -> tuple[OpFacts, ...]:
        """Operations of the running statement of which no later one at their place is only counted."""
        if self._unwatched:
            return ()
        last = {(one.name, one.line, one.part, one.within): one.count for one in self._budget.counts()}
        return tuple(
            one
            for one in self._operations
            if one.hit == last.get((one.name, one.line, one.part, one.within), one.hit)
        )

    def origin_of(self, number: int, storage: int | None) -> Origin | None:
        """The operation that made an object, or its storage; by their numbers."""
        return self.origins.of(number, storage)

    def remember(self, number: int, origin: Origin) -> None:
        """What is known of an object that no operation was seen to make."""
        self.origins.made(number, None, origin, new_memory=False)

    def origin_of_node(self, sequence_number: int) -> Origin | None:
        """The operation that made the autograd node with this `_sequence_nr()`."""
        return self.origins.of_node(sequence_number)

    def _begin(self) -> None:
        self._budget = Budget()
        self._operations: list[OpFacts] = []
        self._names: dict[int, str] | None = None
        self._unwatched = False
        self._trouble = ""
        self._streak = 0
        self._left_at = 0.0, 0.0
        self._hot, self._rest = _HOT, _SHORT_REST
        #: Nobody else traces, as far as is known: the mode can be taken off in the middle of code.
        self._removable = True
        self.stand_ins.clear()

    def watch(self, asked: list[Any], caller: FrameType) -> Any:
        """Call a function on behalf of `caller`, and note what it did.

        `asked` is keyword arguments or None, arguments, and the function; it is emptied, since a
        traceback that somebody keeps keeps the frames that it went through, and all that they hold.
        """
        func, args, kwargs = asked.pop(), asked.pop(), asked.pop()
        call = self.stand_ins.function(caller)
        noted = self.before(func, args, kwargs, caller)
        try:
            result = call([{} if kwargs is None else kwargs, args, func])
        except BaseException as error:
            # Where the error is described, this is found by way of its traceback.
            failure = self.failed(noted, func, args, kwargs, caller, error)  # noqa: F841
            del args, kwargs, caller, noted
            raise
        if noted is not None:
            self.after(noted, result)
        return result

    @property
    def watches(self) -> bool:
        """Whether the mode is in place in this thread."""
        return self._on and _thread_id() == self._thread

    # ── operations ───────────────────────────────────────────────────────────

    def before(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None, caller: FrameType
    ) -> Watched | Tally | None:
        """An operation is about to run: what will be noted of it, or only where it is counted."""
        if _thread_id() != self._thread or not self._running:
            return None
        if self._safe_point.pending:  # hot, in a loop of C's: `list(map(torch.relu, rows))`
            self._unwatched = True
            return None
        try:
            kind = kind_of(func)
            learner = None if kind.boring else self._sites.nearest(caller)
            if learner is None or _is_jit_tracing() is not None or _is_compiling():
                self._pass(caller, 1)
                return None
            tally = self._budget.tally(learner.f_code, learner.f_lasti, kind, _way(caller, learner))
            if not self._budget.allows(tally):
                self._pass(caller, _QUESTIONS)
                tally.first_node = _sequence_number()
                return tally
            self._streak = 0
            return self._watch(Asked(func, kind, args, kwargs), caller, learner, tally)
        except Exception as error:  # the operation runs all the same
            self._let_theirs_through(error)
            return None

    def after(self, noted: Watched | Tally, result: Any) -> None:
        """It gave `result`."""
        try:
            if isinstance(noted, Tally):
                self._note_origin(noted, result)
            elif result is not NotImplemented:
                with raw.Reading():
                    facts = noted.finish(result)
                if facts is not None:
                    self._operations.append(facts)
        except Exception as error:
            self._let_theirs_through(error)

    def failed(
        self,
        noted: Watched | Tally | None,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None,
        caller: FrameType,
        error: BaseException,
    ) -> Failure | None:
        """It raised: that is told in detail wherever it was called."""
        if not isinstance(error, Exception) or not self._running or _thread_id() != self._thread:
            return None
        if type(error).__name__.startswith("_"):  # torch's own way out of something, not a failure
            return None
        try:
            asked = Asked(func, kind_of(func), args, kwargs)
            if not isinstance(noted, Watched):
                learner = self._sites.nearest(caller)
                if learner is None or _is_jit_tracing() is not None or _is_compiling():
                    return None
                way = _way(caller, learner)
                tally = noted or self._budget.tally(learner.f_code, learner.f_lasti, asked.kind, way)
                noted = self._watch(asked, caller, learner, tally)
            with raw.Reading():
                facts = noted.fail(error)
                self._operations.append(facts)
                return noted.failure(asked, facts)
        except Exception as trouble:
            self._let_theirs_through(trouble)
            return None

    def _watch(self, asked: Asked, caller: FrameType, learner: FrameType, tally: Tally) -> Watched:
        with raw.Reading():
            site = self._sites.at(learner)
            watched = Watched(self._snapshots, self.origins, site, tally)
            watched.read(asked, self._variables(learner, site))
            watched.look_around(caller, learner, self._known_names)
            return watched

    def _variables(self, learner: FrameType, site: Site) -> Mapping[str, Any]:
        """Values of the names that a site mentions, as its frame sees them."""
        names = site.names
        own = read_locals(learner, names) if learner.f_code.co_name != "<module>" else {}
        return {name: own.get(name, self._namespace.get(name)) for name in names}

    def _note_origin(self, tally: Tally, result: Any) -> None:
        """Of a call that is only counted: what made its result, so that the last of a loop is known too."""
        if tally.origin is None or not is_subject(result):
            return
        if not tally.broken and is_broken_number(result):
            tally.broken = tally.count
        number = self._snapshots.objects.number(result)
        if self.origins.of(number) is None:
            origin = structs.replace(tally.origin, seq=next_number())
            self.origins.made(number, None, origin, False)
            self.origins.made_nodes(tally.first_node, _sequence_number(), origin)

    def _known_names(self) -> dict[int, str]:
        """Paths of the learner's parameters and buffers, by the numbers of the objects."""
        if self._names is None:
            self._names = self._snapshots.names_of_state()
        return self._names

    def _let_theirs_through(self, error: BaseException) -> None:
        """What a signal handler of the learner's raised in the middle of our reading is theirs."""
        trace: TracebackType | None = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None and trace.tb_frame.f_globals is self._namespace:
            raise error
        if not isinstance(error, RecursionError | MemoryError):
            self._trouble = f"{type(error).__name__}: {error}"

    # ── hot code ─────────────────────────────────────────────────────────────

    def _pass(self, caller: FrameType, weight: int) -> None:
        """An operation that says nothing new; after many in a row the code is left alone for a while."""
        self._streak += weight
        if self._streak < self._hot * _QUESTIONS or not self._removable or self._safe_point.pending:
            return
        self._removable = self._safe_point.reach(self._frames_from(caller), self._leave_alone)

    def _leave_alone(self) -> None:
        self._unwatched = True
        self._take_off()
        self._left_at = _cpu_time(), _clock()
        self._alarm.set(self._rest)

    def _wake(self, frame: FrameType | None) -> None:
        """Called in the learner's thread, between two instructions of whatever runs there."""
        if not self._running or self._on or self._forked:
            return
        worked, passed = _cpu_time() - self._left_at[0], _clock() - self._left_at[1]
        if worked < 0.9 * self._rest and passed < _PATIENCE * self._rest:  # others had the processor
            self._alarm.set(max(self._rest - worked, _AGAIN))
            return
        frames = self._frames_from(frame)
        busy = self._aside or any(_handles(one) for one in frames)
        if busy or not self._safe_point.reach(frames, self._look_again):
            self._alarm.set(_AGAIN if busy else _REST)

    def _look_again(self) -> None:
        self._streak, self._hot = 0, _STILL_HOT
        self._rest = min(2 * self._rest, _REST)
        self._put_on()

    def _frames_from(self, frame: FrameType | None) -> list[FrameType]:
        """Frames from one outwards, as far as the learner's code goes."""
        frames, theirs = [], 0
        while frame is not None:
            frames.append(frame)
            if frame.f_globals is self._namespace:
                theirs = len(frames)
            frame = frame.f_back
        return frames[:theirs]

    # ── the mode ─────────────────────────────────────────────────────────────

    def step_aside(self) -> bool:
        """Take the mode off until `come_back`; whether it was on."""
        self._aside += 1
        was_on = self._on and _thread_id() == self._thread and stack.remove(self._mode)
        if was_on:
            self._on = False
        return was_on

    def come_back(self, was_on: bool) -> None:
        self._aside -= 1
        if was_on and self._running and not self._on:
            self._put_on()

    def enter_again(self) -> bool:
        """Inside of an operation that runs the learner's code: watch that too, until `leave_again`."""
        if not self.watches or not self._running or stack.holds(self._mode):
            return False
        stack.insert(self._mode)
        return True

    def leave_again(self, entered: bool) -> None:
        if entered:
            stack.remove(self._mode)
            self._on = True  # torch puts it back where the operation ends, even if it was taken off within

    def _put_on(self) -> None:
        if not self._on:
            stack.insert(self._mode)
            self._on = True

    def _take_off(self) -> None:
        if self._on:
            self._on = False
            stack.remove(self._mode)

    def _after_fork(self) -> None:
        """A child of the learner's: nobody will ask what it did."""
        self._forked = True
        if _thread_id() == self._thread:
            self.stop()
        self._running = False


def _way(caller: FrameType, learner: FrameType) -> int:
    """Tells apart the modules inside of which calls are made at one place, and whether autograd records:
    an evaluation is told in detail too where training came the same way before."""
    module = within.module_around(caller, learner)
    return (0 if module is None else 2 * id(module)) + (not _is_grad_enabled())


def _handles(frame: FrameType) -> bool:
    return frame.f_code.co_name in ("__torch_function__", "handle_torch_function")
