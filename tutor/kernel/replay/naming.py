"""The learner's names for what a pass goes through, as they are where it begins."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from tutor.kernel import names as learner_names
from tutor.kernel import raw
from tutor.kernel.nodes import number
from tutor.kernel.replay.passing import Names
from tutor.kernel.variables import Variables

_NEW_LOCALS = 2  # inspect.CO_NEWLOCALS


def names_at(frame: FrameType | None, variables: Variables, namespace: dict[str, Any]) -> Names:
    """The learner's names as they are in this frame; its own before those of the module."""
    locals_ = [] if frame is None or frame.f_locals is namespace else _locals(frame)
    pairs = zip(*variables.look(()), strict=True)
    collector = learner_names.Collector()
    own = collector.collect((name, value) for name, value in locals_ if type(name) is str)
    items = own + collector.collect((name, value) for name, value in pairs if variables.is_variable(name))
    items.sort(key=lambda item: item.holder != "")
    tensors: dict[int, str] = {}
    made: dict[int, str] = {}
    retaining: list[Any] = []
    for item in items:
        if not raw.is_tensor(item.value):
            continue
        tensors.setdefault(id(item.value), item.path)
        try:
            node = raw.grad_fn(item.value)
        except Exception:
            continue
        if node is not None:
            made.setdefault(number(node), item.path)
            if raw.retains_grad(item.value):
                retaining.append(item.value)
    return Names(tensors, made, retaining)


def _locals(frame: FrameType) -> list[tuple[str, object]]:
    """A function's variables. Before 3.13 the frame keeps the mapping, which must not hold their values."""
    variables = frame.f_locals
    pairs = list(variables.items())
    # The frame, this function, and the call below: nobody else looks at it.
    if type(variables) is dict and frame.f_code.co_flags & _NEW_LOCALS and sys.getrefcount(variables) <= 3:
        variables.clear()
    return pairs
