"""A simulated accelerator: a device whose memory and arithmetic are the CPU's, and whose rules are a GPU's.

Imported only when the device `sim` is asked for. `install` holds for the whole process and cannot be undone.
"""

from __future__ import annotations

from tutor.kernel.guard import GENUINE
from tutor.kernel.sim.apis import missing
from tutor.kernel.sim.backend import install
from tutor.kernel.sim.blocks import DEVICE_TEXT, NAME

globals()["__builtins__"] = GENUINE

__all__ = ["DEVICE_TEXT", "NAME", "install", "missing"]
