"""torch's storage class, taught to make storages of the device: its own way needs an allocator in C++."""

from __future__ import annotations

import functools
from typing import Any

import torch

from tutor.kernel.guard import GENUINE
from tutor.kernel.sim.blocks import new_storage
from tutor.kernel.sim.names import NAME

globals()["__builtins__"] = GENUINE


def _is_ours(device: Any) -> bool:
    if device is None:
        return False
    return (device if isinstance(device, torch.device) else torch.device(device)).type == NAME


def teach() -> None:
    """Lets `torch.UntypedStorage(..., device="sim")` work, and refuses what would end the process."""
    _teach_making()
    _teach_resizing()


def _teach_making() -> None:
    torchs = torch.UntypedStorage.__new__

    @functools.wraps(torchs)
    def new(cls: Any, *args: Any, device: Any = None, **kwargs: Any) -> Any:
        if _is_ours(device):
            return new_storage(torchs(cls, *args, **kwargs))
        if device is not None:
            kwargs["device"] = device
        return torchs(cls, *args, **kwargs)

    torch.UntypedStorage.__new__ = new


def _teach_resizing() -> None:
    torchs = torch.UntypedStorage.resize_

    @functools.wraps(torchs)
    def resize(self: Any, size: Any) -> Any:
        if self.device.type == NAME and size != self.nbytes():
            raise RuntimeError("a storage of the simulated device cannot be resized: use `Tensor.resize_`")
        return torchs(self, size)

    torch.UntypedStorage.resize_ = resize
