"""The simulated device in the app: a lesson brings it, the bar says what it is, copies are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.tui.conftest import Play, Player
from tutor.course.schema import Lesson

#: Begins every Python in a test; of the kernel's, it makes one with another torch.
OTHER_TORCH = """\
import sys
if any("kernel" in part and part.endswith("__main__.py") for part in sys.orig_argv):
    import torch
    del torch.utils.rename_privateuse1_backend
"""

CODE = """\
there = torch.arange(6.0).to(device)
print(there.sum().item())
back = there.cpu()
"""


def test_a_lesson_starts_its_device_and_another_lesson_leaves_it(play: Play, lesson: Lesson) -> None:
    async def story(p: Player) -> None:
        session = p.bench.runner.session
        session.chosen = "auto"
        try:
            p.bench.open(replace(lesson, device="sim"))
            await p.see("● sim:0 simulated")
            await p.settle()
            await p.code(CODE)
            await p.run()
            await p.see("copy to sim:0, 24 B", "copy to cpu, 4 B", "copy to cpu, 24 B", "sim:0 holds ")
            assert all(device in p.row(name) for name, device in (("there", "sim:0"), (" back ", "cpu")))
            p.bench.action_device()
            await p.see("▸ sim   simulated")
            await p.press("escape")
            p.bench.open(replace(lesson, device="any"))
            await p.see("● cpu")
        finally:
            session.chosen = "cpu"
            await session.restart("cpu")

    play(story)


def test_a_torch_that_cannot_simulate_is_told_in_a_sentence_and_the_cpu_is_there_again(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(OTHER_TORCH, "utf-8")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])

    async def story(p: Player) -> None:
        session = p.bench.runner.session
        try:
            with monkeypatch.context() as changed:
                changed.setenv("PYTHONPATH", paths)
                p.bench.action_device()
                await p.see("▸ cpu")
                await p.press("down", "enter")
                await p.see("The simulated device needs", "choose --device cpu")
                assert "Traceback" not in p.text
            p.bench.action_device()
            await p.see("sim   simulated")
            await p.press("home", "enter")
            await p.see("● cpu")
            await p.code("print(6 * 7)")
            await p.run()
            await p.see("42")
        finally:
            session.chosen = "cpu"
            await session.restart("cpu")

    play(story)
