"""The comparator: the same code in an ipykernel, through jupyter_client."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.measure import BenchmarkError

TIMEOUT = 60.0


class Jupyter:
    """A started kernel with a blocking client."""

    def __init__(self, manager: Any, client: Any) -> None:
        self._manager = manager
        self._client = client

    def run(self, code: str) -> float:
        """Seconds from sending `code` to the kernel's `idle` and its reply."""
        began = time.perf_counter()
        self.finish(self._client.execute(code))
        return time.perf_counter() - began

    def interrupt_loop(self) -> float:
        """Seconds from the interrupt of an endless loop to `idle`."""
        request = self._client.execute("while True: pass")
        time.sleep(0.3)
        began = time.perf_counter()
        self._manager.interrupt_kernel()
        self.finish(request)
        return time.perf_counter() - began

    def finish(self, request: str) -> None:
        """Wait for `idle`, then take the reply."""
        while True:
            message = self._client.get_iopub_msg(timeout=TIMEOUT)
            ours = message["parent_header"].get("msg_id") == request
            if ours and message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        while self._client.get_shell_msg(timeout=TIMEOUT)["parent_header"].get("msg_id") != request:
            pass


@contextmanager
def jupyter() -> Iterator[Jupyter]:
    """A kernel with torch imported, as ours has it; its history and files go to a folder of their own."""
    try:
        import ipykernel  # noqa: F401
        from jupyter_client.manager import start_new_kernel
    except ImportError as error:
        raise BenchmarkError(f"{error.name} is not installed; `make bench` installs it.") from None
    with tempfile.TemporaryDirectory() as folder:
        places = {"IPYTHONDIR": folder, "JUPYTER_RUNTIME_DIR": folder, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        manager, client = start_new_kernel(
            startup_timeout=TIMEOUT, env={**os.environ, **places}, stderr=subprocess.DEVNULL
        )
        try:
            kernel = Jupyter(manager, client)
            kernel.run("import torch")
            yield kernel
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
