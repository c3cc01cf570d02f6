"""What only concerns the host's side: pinned memory, and processes that were forked off."""

from __future__ import annotations

import functools
import os
from typing import Any

import torch

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_is_cpu = torch._C.TensorBase.is_cpu.__get__
_IN_FORK = (
    "Cannot re-initialize SIM in forked subprocess. The simulated device belongs to the process that started "
    "it: workers must work on CPU tensors, which the main process then moves with `.to(device)`"
)


class Fork:
    """Whether this process is a fork of the one that has the device."""

    happened = False


def _note() -> None:
    Fork.happened = True


def refuse_in_fork() -> None:
    if Fork.happened:
        raise RuntimeError(_IN_FORK)


def teach() -> None:
    """Lets `pin_memory` work, which has nothing to pin here, and notes forks."""
    os.register_at_fork(after_in_child=_note)
    pin, is_pinned = torch.Tensor.pin_memory, torch.Tensor.is_pinned

    @functools.wraps(pin)
    def pin_memory(self: Any, device: Any = None) -> Any:
        if not _is_cpu(self) or self.layout != torch.strided:
            return pin(self)  # which refuses
        if pinned(self):
            return self
        copy = self.detach().clone()
        copy.untyped_storage()._pinned = True
        return copy.requires_grad_(self.requires_grad) if self.is_leaf else copy

    @functools.wraps(is_pinned)
    def pinned(self: Any, device: Any = None) -> bool:
        if not _is_cpu(self) or self.layout != torch.strided:
            return False
        return getattr(self.untyped_storage(), "_pinned", False)

    torch.Tensor.pin_memory, torch.Tensor.is_pinned = pin_memory, pinned
