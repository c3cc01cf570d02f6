"""Functions of torch that need help: compiled code must not see a mode, and one operation calls none."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

import torch
from torch.autograd import graph as _graph

from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.recorder import Recorder

globals()["__builtins__"] = GENUINE


def keep_out_of_compiled_code(recorder: Recorder) -> None:
    """What `torch.compile` gives runs with the mode taken off. Call once, at kernel start."""
    original = torch.compile

    @functools.wraps(original)
    def compile_untraced(*args: Any, **kwargs: Any) -> Any:
        return _untraced(original(*args, **kwargs), recorder)

    torch.compile = compile_untraced
    torch.export.export = _aside(torch.export.export, recorder)


def watch_inside_of_backward(recorder: Recorder) -> None:
    """Hooks and Functions of the learner's run inside of `backward`, for which the mode is put away.

    Call once, at kernel start.
    """
    engine = _graph._engine_run_backward

    def run_backward(*args: Any, **kwargs: Any) -> Any:
        entered = recorder.enter_again()
        try:
            return engine(*args, **kwargs)
        finally:
            recorder.leave_again(entered)

    _graph._engine_run_backward = torch.autograd._engine_run_backward = run_backward


def watch_from_numpy(recorder: Recorder) -> None:
    """`torch.from_numpy` tells no mode of itself. Call once, at kernel start."""
    original = torch.from_numpy

    @functools.wraps(original)
    def from_numpy(*args: Any, **kwargs: Any) -> Any:
        asked = [kwargs, args, original]
        del args, kwargs
        caller = sys._getframe(1)
        if recorder.watches:
            return recorder.watch(asked, caller)
        return recorder.stand_ins.function(caller)(asked)

    from_numpy.__module__, from_numpy.__qualname__ = "torch", "from_numpy"
    torch.from_numpy = from_numpy


def _untraced(compiled: Any, recorder: Recorder) -> Any:
    if type(compiled) is FunctionType or type(compiled) is MethodType:
        return _aside(compiled, recorder)
    if isinstance(compiled, torch.nn.Module):  # calls of it come by its `forward`
        compiled.forward = _aside(compiled.forward, recorder)
    return compiled


def _aside(function: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        was_on = recorder.step_aside()
        try:
            return function(*args, **kwargs)
        finally:
            recorder.come_back(was_on)

    return run
