"""`torch.accelerator`'s questions about memory, which torch otherwise puts to an allocator in C++."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from tutor.kernel.guard import GENUINE
from tutor.kernel.sim.amounts import MEMORY, TOTAL

globals()["__builtins__"] = GENUINE


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """torch's names for what is known here."""
    return OrderedDict(
        {
            "allocated_bytes.all.current": MEMORY.allocated,
            "allocated_bytes.all.peak": MEMORY.peak,
            "allocation.all.allocated": MEMORY.total_count,
            "allocation.all.current": MEMORY.count,
        }
    )


#: By name in `torch.accelerator` and in `torch.sim`; all may be given a device.
ANSWERS: dict[str, Callable[..., Any]] = {
    "synchronize": lambda device=None: None,
    "empty_cache": lambda: None,
    "memory_allocated": lambda device=None: MEMORY.allocated,
    "max_memory_allocated": lambda device=None: MEMORY.peak,
    "memory_reserved": lambda device=None: MEMORY.allocated,
    "max_memory_reserved": lambda device=None: MEMORY.peak,
    "memory_stats": memory_stats,
    "get_memory_info": lambda device=None: (TOTAL - MEMORY.allocated, TOTAL),
    "reset_peak_memory_stats": lambda device=None: MEMORY.reset_peak(),
    "reset_accumulated_memory_stats": lambda device=None: None,
}


def teach() -> None:
    for name, answer in ANSWERS.items():
        torchs = getattr(torch.accelerator, name, None)
        if torchs is not None:
            setattr(torch.accelerator, name, _named(torchs, answer))


def _named(torchs: Callable[..., Any], answer: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(torchs)
    def call(*args: Any, **kwargs: Any) -> Any:
        return answer(*args, **kwargs)

    return call
