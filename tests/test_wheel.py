"""What is installed from the wheel is whole: code, style sheets, lessons, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from the source distribution, as an index would have both."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert len(list(folder.glob("*.tar.gz"))) == 1
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-deps", "--no-index"]
    run(*pip, "--target", folder, wheel, cwd=folder)
    return folder


def ask(installed: Path, expression: str) -> Any:
    """The value of an expression where the wheel and the dependencies are importable, the checkout not.

    -S leaves out the .pth file by which an editable install would find the checkout.
    """
    code = (
        "import importlib, json, sys\n"
        f"sys.path[:0] = {[str(installed), sysconfig.get_path('purelib'), sysconfig.get_path('platlib')]!r}\n"
        "def of(name): return importlib.import_module(name)\n"
        f"print(json.dumps({expression}))"
    )
    return json.loads(run(sys.executable, "-I", "-S", "-c", code, cwd=installed))


def test_everything_in_the_package_is_in_the_wheel_and_nothing_else(wheel: Path) -> None:
    files = {path for path in (ROOT / "tutor").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    expected = {path.relative_to(ROOT).as_posix() for path in files}
    lessons = [path for path in (ROOT / "lessons").rglob("*") if path.is_file()]
    expected |= {f"tutor/_lessons/{path.relative_to(ROOT / 'lessons').as_posix()}" for path in lessons}
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_package_comes_from_the_wheel(installed: Path) -> None:
    assert Path(ask(installed, "of('tutor').__file__")) == installed / "tutor" / "__init__.py"
    assert str(ROOT) not in ask(installed, "sys.path")


def test_its_lessons_are_listed_and_load(installed: Path) -> None:
    paths = ask(installed, "[str(path) for path in of('tutor.course.loader').bundled_lessons()]")
    assert [Path(path).stem for path in paths] == (ROOT / "lessons" / "index.txt").read_text().split()
    assert {Path(path).parent for path in paths} == {installed / "tutor" / "_lessons"}
    load = "[len(loader.load_lesson(path).steps) for path in loader.bundled_lessons()]"
    assert all(count > 0 for count in ask(installed, f"(lambda loader: {load})(of('tutor.course.loader'))"))


def test_the_command_is_there(installed: Path) -> None:
    find = "[entry.load().name for entry in of('importlib.metadata').distribution('torchtutor').entry_points]"
    assert ask(installed, find) == ["main"]


def test_the_version_is_the_package_s(installed: Path) -> None:
    version = ask(installed, "[of('importlib.metadata').version('torchtutor'), of('tutor').__version__]")
    assert version[0] == version[1]
