"""`torchtutor graph`: the graph behind a tensor on standard output or in a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """\
import torch
print("a word of the script's own")
w = torch.ones(3, requires_grad=True)
y = (w ** 2).sum()
plain = torch.ones(1)
"""


@pytest.fixture
def run(tmp_path: Path):
    """Run `torchtutor graph` on a script beside which files can be written."""

    def run(*arguments: str, script: str = SCRIPT) -> subprocess.CompletedProcess[str]:
        (tmp_path / "script.py").write_text(script)
        command = [sys.executable, "-m", "tutor", "graph", "script.py", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_the_newest_graph_is_printed_as_text(run):
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0].startswith("SumBackward0")
    assert "PowBackward0 exponent 2" in done.stdout
    assert "AccumulateGrad  A w [3]" in done.stdout
    assert "a word of the script's own" in done.stderr


def test_a_named_graph_is_written_as_dot_once(run, tmp_path):
    done = run("--name", "y", "--format", "dot", "-o", "y.dot")
    assert (done.returncode, done.stdout) == (0, "")
    written = (tmp_path / "y.dot").read_text()
    assert written.startswith('digraph "backward from y" {')
    assert "line 4: w ** 2" in written
    again = run("--name", "y", "--format", "text", "-o", "y.dot")
    assert again.returncode == 2
    assert "y.dot is there already" in again.stderr
    assert (tmp_path / "y.dot").read_text() == written
    assert run("--format", "text", "-o", "y.dot", "--force").returncode == 0
    assert (tmp_path / "y.dot").read_text().startswith("SumBackward0")


@pytest.mark.parametrize(
    ("name", "said"),
    [("plain", "plain has no grad_fn"), ("nowhere", "There is no tensor nowhere"), ("w", "w has no grad_fn")],
)
def test_where_there_is_no_graph_a_sentence_says_so(run, name, said):
    done = run("--name", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_graph_of_code_that_raised_is_as_it_was_left(run):
    done = run(script=SCRIPT + "y.backward()\ny.backward()\nz = y + 1\n")
    assert done.returncode == 1
    assert "PowBackward0 exponent 2, freed" in done.stdout
    assert "RuntimeError in line 7" in done.stderr


def test_no_graph_at_all(run):
    done = run(script="import torch\n")
    assert done.returncode == 2
    assert "no tensor has a grad_fn" in done.stderr
