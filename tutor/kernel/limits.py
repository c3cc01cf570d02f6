"""What keeps a runaway kernel from taking the machine, or outliving the session, with it."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_FRACTION_OF_FREE_MEMORY = 0.8


def die_with_parent(parent: int) -> None:
    """End this process when process `parent` is gone, also from inside a C call where Linux can do it."""
    if sys.platform == "linux":
        _request_death_signal()
        # DataLoader workers and other forks die with the kernel in turn.
        os.register_at_fork(after_in_child=_request_death_signal)
    if os.getppid() != parent:
        os._exit(0)
    threading.Thread(target=_watch_parent, args=(parent,), daemon=True, name="watch-parent").start()


def _request_death_signal() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _watch_parent(parent: int, sleep=time.sleep, getppid=os.getppid, leave=os._exit) -> None:
    while getppid() == parent:
        sleep(0.5)
    leave(0)


def prefer_for_out_of_memory_killer() -> None:
    """When memory runs out, the kernel is the process to lose, not the terminal or the editor."""
    try:
        Path("/proc/self/oom_score_adj").write_text("500")
    except OSError:
        return


def free_memory() -> int | None:
    """Bytes of memory that a new process can have, or None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def limit_memory(setting: str) -> None:
    """Cap this process's data: `off`, `auto` (80 % of what is free now) or a number of GiB.

    RLIMIT_DATA, not RLIMIT_AS: torch reserves address space that it never touches.
    """
    if setting == "off":
        return
    free = free_memory()
    if setting == "auto":
        if free is None:
            return
        size = int(free * _FRACTION_OF_FREE_MEMORY)
    else:
        size = int(float(setting) * 2**30)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        size = min(size, hard)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (size, hard))
    except (OSError, ValueError):
        return
