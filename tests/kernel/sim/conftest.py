"""The device is process-wide and stays: every test that has it runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

_HEAD = """
import json, sys, warnings
import torch
warnings.simplefilter("ignore")
from tutor.kernel import sim
sim.install()
"""


@pytest.fixture
def child():
    """Runs code where the device is installed; gives what it passes to `tell`."""

    def run(code: str, head: str = _HEAD):
        tell = "def tell(answer): print('\\x1e' + json.dumps(answer), flush=True)\n"
        program = head + tell + textwrap.dedent(code)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.rpartition("\x1e")[2])

    return run
