"""The command `torchtutor inspect --json` as a fixture."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from inspection import Answer, command, strict


@pytest.fixture
def inspect(tmp_path: Path) -> Callable[..., Answer]:
    def run(code: str | bytes, *arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> Answer:
        path = tmp_path / "script.py"
        if isinstance(code, str):
            code = textwrap.dedent(code).encode()
        path.write_bytes(code)
        done = subprocess.run(
            command(str(path), "--json", *arguments),
            input=stdin,
            capture_output=True,
            timeout=120,
            cwd=cwd,
            check=False,
        )
        return Answer(strict(done.stdout), done.returncode, done.stderr.decode())

    return run
