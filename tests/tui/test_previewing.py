"""A preview shows the file as it is saved, and the author's trials make way only where they must."""

from __future__ import annotations

from pathlib import Path

from tui.conftest import Player
from tutor.course.loader import load_lesson
from tutor.course.schema import Lesson
from tutor.tui.previewing import PreviewApp

LESSON = """\
schema: 1
id: made
title: Made
track: T
setup: |
  import torch
steps:
- {id: one, kind: read, prompt: "# First"}
- {id: two, kind: run, prompt: "# Second", code: "a = torch.ones(2)"}
- id: three
  kind: exercise
  prompt: "# Third"
  starter: v = ____
  checks: [{var: v, ndim: 1}]
  solution: v = torch.ones(3)
"""


def test_the_page_follows_the_file(runner, shared_session, store, tmp_path: Path) -> None:
    path = tmp_path / "made.yaml"

    def save(text: str) -> Lesson:
        path.write_text(text)
        return load_lesson(path)

    async def go() -> None:
        lesson = save(LESSON)
        store.set_setting("step/made", "two")
        app = PreviewApp(shared_session, store, lesson, path)
        async with app.run_test(size=(100, 30)) as pilot:
            player = Player(pilot)
            await player.settle()
            await player.see("Second", "torch.ones(2)")  # and nothing asks whether its code may run
            await player.code("b = 1")
            save(LESSON.replace("# Second", "# Another heading"))
            await player.see("Another heading", "was saved")
            await player.settle()
            assert player.bench.editor.text == "b = 1"
            save(LESSON.replace("ones(2)", "zeros(2)"))
            await player.see("torch.zeros(2)")
            path.write_text(LESSON.replace("kind: run", "kind: rum"))
            await player.see(":9:19: 'rum'")
            assert "torch.zeros(2)" in player.text
            save(LESSON.replace("# Third", "# Last"))
            await player.see("torch.ones(2)")
            await player.settle()
            await player.press("f8")
            await player.see("Last", "____")
            save(LESSON.replace("id: three", "id: renamed").replace("# Third", "# Renamed"))
            await player.see("Renamed", "____")  # the step is another, and its author works on it

    runner.run(go())
