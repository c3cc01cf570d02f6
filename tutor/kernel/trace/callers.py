"""Standing between the learner's code and torch without being seen: in warnings, and in tracebacks."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch

from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.sites import STAND_IN
from tutor.kernel.trace.stack import ignore

globals()["__builtins__"] = GENUINE

_HANDLE: CodeType = torch.overrides.handle_torch_function.__code__
_OWN = str(Path(__file__).parent)
_MOST = 10_000
_OURS = (None, ignore)
# On one line, so that all of it is at the line that it is given. The box is empty while the call runs:
# a traceback that is kept keeps no argument by it.
_CALL: CodeType = compile("lambda box: box.pop()(*box.pop(), **box.pop())", "", "eval").co_consts[0]


_CALLER = FunctionType(_CALL.replace(co_filename=__file__), globals())


def caller_of(frame: FrameType) -> FrameType:
    """The frame that called the operation for which a mode's handler was called by `frame`."""
    if frame.f_code is not _HANDLE:
        return frame
    # handle_torch_function was called by the operation itself, which is written in Python.
    outer = frame.f_back
    return outer.f_back if outer is not None and outer.f_back is not None else frame


class StandIns:
    """Makes functions that call something on behalf of a frame, from the line where that is.

    torch's warnings name the frame that called it, and Python's filters and `once per place` ask for
    its module and line: they must be the caller's.
    """

    def __init__(self) -> None:
        self._codes: dict[tuple[int, int], tuple[CodeType, CodeType]] = {}

    def function(self, caller: FrameType) -> Any:
        """Takes a list of keyword arguments, arguments and function, and makes the call.

        Where somebody traces lines, the stand-in would look like code of the caller: there it is none.
        """
        if sys.gettrace() not in _OURS:
            return _CALLER
        code = caller.f_code
        key = (id(code), caller.f_lasti)
        pair = self._codes.get(key)
        if pair is None:
            if len(self._codes) >= _MOST:
                self._codes.clear()
            own = _CALL.replace(
                co_name=STAND_IN, co_filename=code.co_filename, co_firstlineno=caller.f_lineno or 1
            )
            pair = self._codes[key] = (code, own)
        return FunctionType(pair[1], caller.f_globals)

    def clear(self) -> None:
        self._codes.clear()


# ── tracebacks ───────────────────────────────────────────────────────────────


def is_own(frame: FrameType) -> bool:
    """Whether a frame is the tracer's."""
    code = frame.f_code
    return code.co_name == STAND_IN or code.co_filename.startswith(_OWN)


def without_own(entries: list[Any]) -> list[Any]:
    """Entries of a traceback as they would be without us: the outermost first, each begins with its frame."""
    if not any(is_own(entry[0]) for entry in entries):
        return entries
    kept: list[Any] = []
    detour = False
    for entry in entries:
        if is_own(entry[0]):
            detour = True
            continue
        if detour:
            _take_back(kept, entry[0].f_code)
            detour = False
        kept.append(entry)
    if detour:
        _take_back(kept, None)
    return kept


def _take_back(kept: list[Any], entered: CodeType | None) -> None:
    """Drop the way by which an operation written in Python came to the tracer, before it was entered anew."""
    if kept and kept[-1][0].f_code is _HANDLE:
        kept.pop()
        again = next((at for at in range(1, 5) if at <= len(kept) and kept[-at][0].f_code is entered), 0)
        if again:
            del kept[-again:]


def hide_from_tracebacks() -> None:
    """Make what the `traceback` module walks over free of the tracer's frames. Call once, at kernel start."""
    for name in ("walk_tb", "_walk_tb_with_full_positions"):
        original = getattr(traceback, name, None)
        if original is not None:
            setattr(traceback, name, _walker(original))
    walk_stack = traceback.walk_stack

    def hidden(frame: FrameType | None) -> Iterator[Any]:
        # None stands for so many frames up as the original counts.
        found = list(walk_stack(_frame_of_caller() if frame is None else frame))
        yield from reversed(without_own(found[::-1]))

    hidden.__name__ = "walk_stack"
    traceback.walk_stack = hidden  # type: ignore[assignment]


def _walker(original: Any) -> Any:
    def walk(trace: Any) -> Iterator[Any]:
        yield from without_own(list(original(trace)))

    walk.__name__ = original.__name__
    walk.__doc__ = original.__doc__
    return walk


def _frame_of_caller() -> FrameType | None:
    return next(islice(_outward(sys._getframe(1)), 4, None), None)


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
