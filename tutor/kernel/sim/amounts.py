"""How much memory of the device is taken."""

from __future__ import annotations

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

#: What the device says it has.
TOTAL = 8 << 30


class Memory:
    """Bytes held by storages of the device."""

    def __init__(self) -> None:
        self.allocated = self.peak = self.count = self.total_count = 0

    def take(self, nbytes: int) -> None:
        self.allocated += nbytes
        self.count += 1
        self.total_count += 1
        self.peak = max(self.peak, self.allocated)

    def give_back(self, nbytes: int) -> None:
        self.allocated -= nbytes
        self.count -= 1

    def reset_peak(self) -> None:
        self.peak = self.allocated


MEMORY = Memory()
