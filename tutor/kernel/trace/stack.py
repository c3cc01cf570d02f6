"""The recorder's mode: where it lies in torch's stack of modes, and taking it off while code is too hot."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import contextlib
import sys
import time
from collections.abc import Callable
from signal import Signals
from types import FrameType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._device import DeviceContext

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_push: Callable[[Any], None] = torch._C._push_on_torch_function_stack
_pop: Callable[[], Any] = torch._C._pop_torch_function_stack
_depth: Callable[[], int] = torch._C._len_torch_function_stack
_at: Callable[[int], Any] = torch._C._get_function_stack_at
#: A signal that nobody sends; it is never really sent here either, only noted in the main thread.
_WAKE = getattr(Signals, "SIGRTMAX", None) or getattr(Signals, "SIGURG", None)


def insert(mode: TorchFunctionMode) -> None:
    """Put a mode below all others, so that a learner's `with` takes off its own; but above default devices.

    torch asserts that those lie at the bottom.
    """
    if not _depth():
        _push(mode)
        return
    above = [_pop() for _ in range(_depth())]
    while above and type(above[-1]) is DeviceContext:
        _push(above.pop())
    _push(mode)
    for one in reversed(above):
        _push(one)


def holds(mode: TorchFunctionMode) -> bool:
    """Whether a mode is in the stack: inside of its own handler it is not."""
    return any(_at(index) is mode for index in range(_depth()))


def remove(mode: TorchFunctionMode) -> bool:
    """Take a mode from the stack, wherever in it that is; whether it was there."""
    above: list[Any] = []
    found = False
    try:
        while _depth():
            top = _pop()
            found = top is mode
            if found:
                break
            above.append(top)
    finally:
        for one in reversed(above):
            _push(one)
    return found


class SafePoint:
    """Does something at the next line of Python that runs, where no operation is under way.

    A mode cannot be taken off inside its own handler: torch puts it back when the handler ends.
    """

    def __init__(self) -> None:
        self._frames: list[FrameType] = []

    @property
    def pending(self) -> bool:
        return bool(self._frames)

    def reach(self, frames: list[FrameType], action: Callable[[], None]) -> bool:
        """Do `action` once one of these running frames goes on; False where somebody else traces."""
        if not frames or sys.gettrace() is not None or any(frame.f_trace is not None for frame in frames):
            return False

        def at_line(*_: object) -> None:  # returns None: what it returned would be called for every line
            self.cancel()
            action()

        self._frames = frames
        for frame in frames:
            frame.f_trace = at_line
        sys.settrace(ignore)
        return True

    def cancel(self) -> None:
        """Stop waiting."""
        if self._frames:
            if sys.gettrace() is ignore:
                sys.settrace(None)
            frames, self._frames = self._frames, []
            for frame in frames:
                frame.f_trace = None


def ignore(*_: object) -> None:
    """What `sys.gettrace` gives while a safe point is waited for."""


class Alarm:
    """Calls back in the main thread after a while, between two of its instructions."""

    def __init__(self, ring: Callable[[FrameType | None], None]) -> None:
        self._ring = ring
        self._set = False
        if _WAKE is not None:
            self._handler = self._heard
            _signal.signal(_WAKE, self._handler)

    def set(self, seconds: float) -> None:
        """Ring once after so long."""
        if _WAKE is None or self._set or _signal.getsignal(_WAKE) != self._handler:
            return
        self._set = True
        try:
            _thread.start_new_thread(self._wait, (seconds,))
        except RuntimeError:  # no thread to be had: what is hot stays unwatched
            self._set = False

    def _wait(self, seconds: float) -> None:
        _sleep(seconds)
        self._set = False
        if _WAKE is not None and _signal.getsignal(_WAKE) == self._handler:
            _thread.interrupt_main(_WAKE)

    def _heard(self, _number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(Exception):  # it would be raised in the middle of the learner's code
            self._ring(frame)


_sleep = time.sleep
