"""Devices beside the CPU: what was copied to and from them, and what they hold."""

from __future__ import annotations

from msgspec import Struct

#: Name of the simulated device, without its number.
SIMULATED = "sim"


def is_simulated(device: str | None) -> bool:
    """Whether a device, as torch spells it, is the simulated one."""
    return device is not None and device.partition(":")[0] == SIMULATED


class TransferFacts(Struct, frozen=True, omit_defaults=True):
    """All copies that a statement made from one device's memory to another's."""

    source: str
    target: str
    #: How many copies, and of how many bytes in all.
    count: int
    nbytes: int
    #: The learner's names of what was copied, or of what the copies are; only the first few that have one.
    names: tuple[str, ...] = ()


class DeviceFacts(Struct, frozen=True, omit_defaults=True):
    """What a device holds after a statement, in bytes."""

    device: str
    allocated: int
    #: The most that it held at once since the kernel started, where that is counted.
    peak: int | None = None
