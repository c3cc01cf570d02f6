"""Running the real command over a script, as a user does."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What `torchtutor inspect --json` gave."""

    data: dict[str, Any]
    status: int
    stderr: str

    @property
    def steps(self) -> list[dict[str, Any]]:
        return self.data["steps"]

    @property
    def last(self) -> dict[str, Any]:
        return self.data["steps"][-1]

    @property
    def groups(self) -> set[frozenset[str]]:
        """Sharing after the last statement."""
        return {frozenset(group) for group in self.last["sharing"]}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tutor", "inspect", *arguments]


def strict(text: bytes) -> dict[str, Any]:
    """Parse strict JSON: NaN and infinities are errors."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text.decode("utf-8"), parse_constant=refuse)


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than a zombie that nobody has reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
