"""On the device everything comes out as on the CPU, to the last bit."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
CASES = [line for line in (HERE / "cases.txt").read_text("utf-8").splitlines() if line.strip()]
PROGRAMS = (HERE / "programs.txt").read_text("utf-8").split("### ")[1:]
IMPORT = f"sys.path.insert(0, {str(HERE)!r})\nimport equal\n"
OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
    ("SGD", {"momentum": 0.9, "fused": True}),
    ("Adam", {}),
    ("Adam", {"weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"foreach": False}),
    ("AdamW", {}),
    ("AdamW", {"foreach": True}),
    ("AdamW", {"fused": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "weight_decay": 0.1}),
]


def test_what_beginners_write_gives_the_same_values_and_errors(child):
    assert child(f"{IMPORT}tell(equal.differing({CASES!r}))") == {}


@pytest.mark.slow
def test_whole_programs_give_the_same_numbers(child):
    assert len(PROGRAMS) > 40
    found = child(f"{IMPORT}tell(equal.differing([p.partition(chr(10))[2] for p in {PROGRAMS!r}]))")
    assert found == {}


def test_layers_give_the_same_results_gradients_and_buffers(child):
    assert child(f"{IMPORT}tell(equal.layers_that_differ())") == {}


def test_optimizers_end_in_the_same_parameters(child):
    code = f"tell([str(case) for case in {OPTIMIZERS!r} if equal.training_differs(*case)])"
    assert child(IMPORT + code) == []
