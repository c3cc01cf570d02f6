"""Each room, imported alone in a fresh interpreter, brings in nothing that it must not know."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tutor

PACKAGE = Path(tutor.__file__).parent

TORCH = {"torch", "numpy"}
SCREEN = {"textual", "prompt_toolkit"}

FORBIDDEN = {
    "tutor.facts": TORCH | SCREEN | {"rich", "yaml", "asyncio"},
    "tutor.paths": TORCH | SCREEN | {"rich", "yaml", "asyncio"},
    "tutor.language": TORCH | SCREEN | {"rich", "yaml", "asyncio"},
    "tutor.readings": TORCH | SCREEN | {"rich", "msgspec", "yaml", "asyncio"},
    "tutor.translation": TORCH | SCREEN | {"rich", "yaml", "asyncio"},
    "tutor.assist": TORCH | SCREEN | {"yaml"},
    "tutor.contract": TORCH | SCREEN | {"rich", "yaml"},
    "tutor.export": TORCH | SCREEN | {"yaml"},
    "tutor.course": TORCH | SCREEN | {"rich"},
    "tutor.explain": TORCH | SCREEN | {"rich", "yaml"},
    "tutor.view": TORCH | SCREEN | {"yaml"},
    "tutor.session": TORCH | SCREEN | {"rich", "yaml"},
    "tutor.headless": TORCH | SCREEN,
    "tutor.jobs": TORCH | SCREEN | {"rich"},
    "tutor.progressing": TORCH | SCREEN | {"asyncio"},
    "tutor.takeaway": TORCH | SCREEN | {"asyncio"},
    "tutor.proving": TORCH | SCREEN,
    "tutor.translating": TORCH | SCREEN | {"rich", "asyncio"},
    "tutor.manual": TORCH | SCREEN | {"rich", "yaml", "asyncio"},
    "tutor.opening": TORCH | SCREEN | {"rich", "yaml", "asyncio"},
    "tutor.cli": TORCH | SCREEN | {"rich", "yaml", "asyncio"},
    "tutor.repl": TORCH | {"textual"},  # lessons are read in it
    "tutor.tui": TORCH | {"prompt_toolkit"},
}


def modules(room: str) -> list[str]:
    """The names of `room` and of every module in it."""
    top = PACKAGE.parent / room.replace(".", "/")
    if not top.is_dir():
        return [room]
    files = (path for path in top.rglob("*.py") if path.name != "__main__.py")
    dotted = (".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files)
    return sorted(name.removesuffix(".__init__") for name in dotted)


def imported_by(names: list[str]) -> set[str]:
    """What is in sys.modules, by full name, after importing `names`."""
    code = (
        "import importlib, json, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def top_level(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_imports_nothing_that_it_must_not_know(room: str) -> None:
    found = imported_by(modules(room))
    assert room in found
    assert not top_level(found) & FORBIDDEN[room]
    assert not {name for name in found if name.startswith("tutor.kernel")}


def test_every_room_is_looked_at() -> None:
    rooms = {f"tutor.{path.stem}" for path in PACKAGE.iterdir() if path.suffix == ".py" or _is_room(path)}
    assert rooms - {"tutor.__init__", "tutor.__main__"} == FORBIDDEN.keys() | {"tutor.kernel"}


def _is_room(path: Path) -> bool:
    return (path / "__init__.py").is_file()


def test_the_kernel_does_import_torch() -> None:
    """Else the tests above would show nothing."""
    assert "torch" in imported_by(modules("tutor.kernel"))


def test_the_kernel_starts_without_torchs_compiler() -> None:
    """It takes as long to import as the rest of torch, and few learners come to need it."""
    assert "torch._dynamo" not in imported_by(["tutor.kernel.execute", "tutor.kernel.worker"])
