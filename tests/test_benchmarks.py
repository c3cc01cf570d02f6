"""The benchmarks that need no screen run, and print what they are to print; how fast is not tested."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RATIO = re.compile(r"  (1/[\d,]+|\d+\.\d\d) +≤ (1/[\d,]+|\d+\.\d\d) +[✓✗]$")


def bench(*arguments: str) -> list[str]:
    """Output lines of a quick run."""
    command = [sys.executable, "-m", "benchmarks", "--quick", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines()


def row(lines: list[str], what: str) -> str:
    """The one line that begins with `what`."""
    (found,) = (line for line in lines if line.startswith(what))
    return found


def test_snapshots_and_graphs_print_ratios_and_budgets():
    lines = bench("--only", "snapshots", "--only", "graphs")
    assert RATIO.search(row(lines, "snapshot of 1,000 tensors")), lines
    assert RATIO.search(row(lines, "the same, nothing changed")), lines
    chain = row(lines, "graph of a 20,000-operation chain")
    assert re.search(r"µs/node +works +✓$", chain), chain
    if find_spec("torchviz"):
        assert "RecursionError  torchviz" in chain
        assert RATIO.search(row(lines, "graph of a 12-layer encoder")), lines
    else:
        assert "torchviz is not installed" in row(lines, "graphs:")


def test_only_leaves_the_others_out():
    assert not [line for line in bench("--only", "snapshots") if line.startswith("graph")]


def test_the_trace_is_measured_beside_bare_torch_and_other_tools():
    lines = bench("--only", "trace")
    assert RATIO.search(row(lines, "training step of an MLP")), lines
    assert len([line for line in lines if "tiny operations" in line and RATIO.search(line)]) == 3, lines
    assert len([line for line in lines if line.startswith("the same steps, traced")]) == 3, lines
