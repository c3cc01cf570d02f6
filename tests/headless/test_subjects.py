"""Every subject of the study notes, and random programs: `inspect` against plain Python and plain torch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from headless import programs
from headless.comparison import differences
from hypothesis import HealthCheck, Phase, given, settings
from inspection import command, strict

HERE = Path(__file__).parent
FACTS = (
    "shape", "stride", "dtype", "device", "offset", "storage", "data_ptr", "numel", "is_contiguous",
    "requires_grad", "is_leaf", "grad_fn", "retains_grad", "grad", "version",
)  # fmt: skip
FALSE: dict[str, Any] = {
    "warnings": [{"category": "UserWarning", "message": "", "line": 1}],
    "tensors": {},
    "sharing": [["seats", "cloned"]],
    "data_ptr": 4,
    "error": {"type": "ValueError", "line": 1, "message": ""},
    "graphs": {"seats": {"nodes": [], "edges": []}},
}
SUBJECTS = sorted((HERE.parent / "subjects").glob("*.py"))


def ask_inspect(script: Path) -> dict[str, Any]:
    answer = subprocess.run(
        command(script.name, "--json"), capture_output=True, timeout=100, cwd=script.parent, check=False
    )
    return strict(answer.stdout)


Ask = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="module")
def ask_oracle() -> Iterator[Ask]:
    """One plain Python has torch imported, and a fork of it runs each script."""
    program = [sys.executable, str(HERE / "oracle.py")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as oracle:
        assert oracle.stdin is not None
        assert oracle.stdout is not None

        def ask(script: Path) -> dict[str, Any]:
            oracle.stdin.write(f"{script}\n")
            oracle.stdin.flush()
            return json.loads(oracle.stdout.readline())

        yield ask
        oracle.stdin.close()


def test_the_notes_are_covered():
    assert len(SUBJECTS) >= 14


@pytest.mark.parametrize("script", SUBJECTS, ids=lambda path: path.stem)
def test_a_subject(script, ask_oracle):
    found = ask_oracle(script)
    assert len(found["steps"]) > 15
    assert not differences(ask_inspect(script), found)


# A whole program each time: shrinking it would take minutes, and each difference names its statement.
@pytest.mark.slow
@pytest.mark.timeout(400)
@settings(
    max_examples=4,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(program=programs.programs)
def test_a_random_program(tmp_path, ask_oracle, program):
    script = tmp_path / "program.py"
    script.write_text(program)
    assert not differences(ask_inspect(script), ask_oracle(script)), program


def test_the_comparison_notices_each_false_fact(ask_oracle):
    script = HERE.parent / "subjects" / "aliasing.py"
    found, said = ask_oracle(script), ask_inspect(script)
    assert not differences(said, found)
    step = next(step for step in said["steps"] if step["source"].startswith("cloned"))
    for facts, keys in (
        (step, ("line", "end_line", "source", "stdout", "result", "warnings", "tensors", "sharing")),
        (step["tensors"]["seats"], FACTS),
        (said, ("ok", "error", "graphs")),
    ):
        for key in keys:
            true, facts[key] = facts[key], FALSE.get(key, "false")
            assert differences(said, found), key
            facts[key] = true
