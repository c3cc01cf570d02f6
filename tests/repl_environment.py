"""Line mode as a command, and a home of its own for each test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "tutor", "repl", "--plain", "--device", "cpu", "--no-spare"]


def environment(home: Path, **changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM", "COLUMNS")}
    root = str(Path(__file__).parents[1])
    return {
        **kept, "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "TERM": "xterm-256color",
        "PYTHONPATH": root, "PROMPT_TOOLKIT_NO_CPR": "1", **changes,
    }  # fmt: skip
