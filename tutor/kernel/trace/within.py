"""What of a library's code an operation happened inside of, by the frames up to the learner's."""

from __future__ import annotations

from collections.abc import Sequence
from types import FrameType
from typing import Any

import torch

from tutor.kernel import raw
from tutor.kernel.guard import GENUINE
from tutor.kernel.live.locals import read_locals

globals()["__builtins__"] = GENUINE

#: Functions that only lead to another one.
_PLUMBING = frozenset(
    {"_wrapped_call_impl", "_call_impl", "wrapper", "wrapped", "_wrapped", "inner", "fn", "decorate_context"}
    | {
        "_use_grad",
        "__call__",
        "_fn",
        "__iter__",
        "__torch_function__",
        "<genexpr>",
        "<listcomp>",
        "<lambda>",
    }
)
_LONGEST = 80


def between(caller: FrameType, learner: FrameType) -> list[FrameType]:
    """Frames from the one that called the operation out to the learner's, without that one and ours."""
    frames = []
    frame: FrameType | None = caller
    while frame is not None and frame is not learner:
        if not str(frame.f_globals.get("__name__", "")).startswith("tutor.kernel."):
            frames.append(frame)
        frame = frame.f_back
    return frames


def describe(frames: Sequence[FrameType], operation: str) -> str:
    """`Linear`, `Adam.step`, `clip_grad_norm_`; empty where only the operation's own code was between."""
    named = [
        code.co_qualname
        for frame in frames
        if (code := frame.f_code).co_name not in _PLUMBING and code.co_name.strip("_") != operation.strip("_")
    ]
    if not named:
        return ""
    module = next((name for name in named if name.endswith(".forward")), None)
    if module is not None:
        return module.removesuffix(".forward").rpartition(".")[2][:_LONGEST]
    public = [name for name in named if not name.rpartition(".")[2].startswith("_") or name.endswith("__")]
    return (public or named)[-1].rpartition("<locals>.")[2][:_LONGEST]


def names_in(module: Any) -> dict[int, str]:
    """`Linear.weight` for the `id()` of each parameter and buffer of one module."""
    fields = raw.module_dict(module)
    kind = raw.type_name(module)
    names: dict[int, str] = {}
    for part in ("_parameters", "_buffers"):
        table = dict.get(fields, part)
        if type(table) is dict:
            names |= {id(value): f"{kind}.{key}" for key, value in table.items() if type(key) is str}
    return names


def module_around(caller: FrameType, learner: FrameType) -> Any:
    """The module that makes a call, by its own method or by the function that this called."""
    if caller is learner:
        return None
    module = module_of(caller)
    back = caller.f_back
    return module_of(back) if module is None and back is not None and back is not learner else module


def module_of(frame: FrameType) -> Any:
    """The module whose method a frame runs, None where it is none of a module's."""
    code = frame.f_code
    if not code.co_argcount or code.co_varnames[0] != "self":
        return None
    module = read_locals(frame, ("self",)).get("self")
    return module if raw.is_a(module, torch.nn.Module) else None
