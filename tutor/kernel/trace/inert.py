"""Keeping the recorder out of code that torch compiles: a mode would be compiled with it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

import torch

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
    for owner, name in ((torch.export, "export"),):
        setattr(owner, name, _aside(getattr(owner, name), recorder))


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
