"""A simulated accelerator: a device whose memory and arithmetic are the CPU's, and whose rules are a GPU's.

Its tensors are torch's own, on torch's key for devices from elsewhere (PrivateUse1): each storage of the
device stands at the address of a CPU storage that it owns (`blocks`), and every operation runs its CPU kernel
over that memory (`dispatch`), unless a GPU would refuse (`refusals`).

Imported only when the device `sim` is asked for. `install` holds for the whole process and cannot be undone.
"""

from __future__ import annotations

from tutor.kernel.guard import GENUINE
from tutor.kernel.sim.apis import missing
from tutor.kernel.sim.names import DEVICE_TEXT, NAME

globals()["__builtins__"] = GENUINE

__all__ = ["DEVICE_TEXT", "NAME", "install", "missing"]


def install() -> None:
    """Makes the device known to this process, once. To be called before its first backward pass."""
    from tutor.kernel.sim import backend  # which imports what `missing` looks for

    backend.install()
