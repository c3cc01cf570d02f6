"""`torch.Generator(device="sim")`, and the refusal of one for the host."""

from __future__ import annotations

import sys
from typing import Any

import torch

from tutor.kernel.guard import GENUINE
from tutor.kernel.sim.names import DEVICE_TEXT, NAME

globals()["__builtins__"] = GENUINE

_Generator: Any = torch._C.Generator
#: Who only hands a call on.
_BETWEEN = ("tutor.kernel.", "torch.utils._device", "torch.overrides", "torch._", "torch.library")


#: Those for the device. torch hands a generator on as another object for the same one in C++.
_ours: set[int] = set()


class _Kind(type(_Generator)):  # type: ignore[misc]
    """torch itself makes generators of its own class: they are instances, too."""

    def __instancecheck__(cls, value: object) -> bool:
        return type.__instancecheck__(_Generator, value)


class Generator(_Generator, metaclass=_Kind):
    """torch's generator of random numbers, for the simulated device as well."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        device = args[0] if len(args) == 1 else kwargs.get("device", "cpu")
        if len(args) + len(kwargs) != 1 or torch.device(device).type != NAME:
            return super().__new__(cls, *args, **kwargs)
        made = super().__new__(cls, device="cpu")
        _ours.add(made._cdata)
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __del__(self) -> None:
        _ours.discard(self._cdata)

    @property
    def device(self) -> torch.device:
        return torch.device(DEVICE_TEXT) if self._cdata in _ours else super().device


def teach() -> None:
    Generator.__module__, Generator.__qualname__ = "torch._C", "Generator"
    torch.Generator = Generator


def check(generator: Any) -> None:
    """Refuses a generator for the host, as CUDA does; but not torch's own, with which it shuffles data."""
    if generator._cdata in _ours or _asked_by_torch():
        return
    raise RuntimeError(f"Expected a '{NAME}' device type for generator but found '{generator.device.type}'")


def _asked_by_torch() -> bool:
    frame: Any = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if not module.startswith(_BETWEEN):
            return module.startswith("torch.utils.data")
        frame = frame.f_back
    return False
