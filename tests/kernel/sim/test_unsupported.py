"""A torch that lacks what the device stands on is refused in one sentence, however it is started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

#: Begins every Python in the test; of the kernel's, it makes one with another torch.
SITE = """\
import sys
if any("kernel" in part and part.endswith("__main__.py") for part in sys.orig_argv):
    import torch
    del torch.utils.rename_privateuse1_backend
"""
LACKING = "The simulated device needs `torch.utils.rename_privateuse1_backend`, which this torch ("


@pytest.fixture
def start(tmp_path):
    """Runs the command line with a torch that lacks one thing."""
    (tmp_path / "sitecustomize.py").write_text(SITE, "utf-8")
    (tmp_path / "script.py").write_text("print(6 * 7)\n", "utf-8")
    paths = os.pathsep.join([str(tmp_path), *(path for path in sys.path if path)])

    def run(*arguments, text=""):
        return subprocess.run(
            [sys.executable, "-m", "tutor", *arguments],
            input=text, capture_output=True, text=True, cwd=tmp_path, timeout=100, check=False,
            env=os.environ | {"PYTHONPATH": paths, "TORCHTUTOR_HOME": str(tmp_path / "home")},
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    "arguments", [("inspect", "script.py"), ("inspect", "script.py", "--json"), ("repl", "--plain")]
)
def test_it_is_refused_in_one_sentence_that_says_what_to_do(start, arguments):
    done = start(*arguments, "--device", "sim", text="print(6 * 7)\n")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert said.count(LACKING) == 1, said
    assert "choose --device cpu" in said
    assert "Traceback" not in said
    assert "42" not in said


def test_the_cpu_works_there_as_ever(start):
    done = start("inspect", "script.py", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "42" in done.stdout


def test_line_mode_goes_on_with_the_device_that_it_had(start):
    done = start(
        "repl", "--plain", "--device", "cpu", text=":device sim\nprint(6 * 7)\n:device cpu\nprint(7 * 7)\n"
    )
    said = done.stdout + done.stderr
    assert said.count(LACKING) == 1, said
    assert "Traceback" not in said
    assert "49" in done.stdout
