"""The device is a room of its own: nothing leans on it, and without it the rest is as it was."""

from __future__ import annotations

import re
from pathlib import Path

import tutor

ROOT = Path(tutor.__file__).parent
#: `from tutor.kernel import sim`, `import tutor.kernel.sim`, `from tutor.kernel.sim.blocks import …`
IMPORTS = re.compile(r"^\s*(?:from|import) +tutor\.kernel(?:\.sim\b| +import .*\bsim\b)", re.MULTILINE)


def test_only_the_choice_of_a_device_imports_it():
    room = ROOT / "kernel" / "sim"
    files = [path for path in ROOT.rglob("*.py") if room not in path.parents]
    found = {path.relative_to(ROOT).as_posix() for path in files if IMPORTS.search(path.read_text())}
    assert found == {"kernel/device.py"}


def test_without_the_room_the_device_is_refused_in_a_sentence(child):
    answer = child(
        """
        sys.modules["tutor.kernel.sim"] = None
        from tutor.kernel.device import DeviceMissing, choose
        try:
            choose("sim")
        except DeviceMissing as refusal:
            tell([str(refusal), str(choose("cpu")[0])])
        """,
        head="import json, sys\n",
    )
    assert answer == ["This torchtutor came without the simulated device: choose --device cpu.", "cpu"]
