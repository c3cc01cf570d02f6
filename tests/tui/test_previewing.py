"""A preview shows the file as it is saved, and the author's trials make way only where they must."""

from __future__ import annotations

from pathlib import Path

from tui.conftest import Player
from tutor.course.loader import load_lesson
from tutor.course.overlay import digest
from tutor.course.schema import Lesson
from tutor.language import use_language
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
            path.unlink()
            await player.see("made.yaml is gone")
            save(LESSON.replace("# Third", "# Back again").replace("id: three", "id: renamed"))
            await player.see("Back again")

    runner.run(go())


def test_the_page_follows_the_translation_too(runner, shared_session, store, tmp_path: Path) -> None:
    path, overlay = tmp_path / "made.yaml", tmp_path / "ko" / "made.yaml"
    path.write_text(LESSON)
    overlay.parent.mkdir()
    entry = f"lesson: made\nsteps:\n  one:\n    prompt:\n      of: '{digest('# First')}'\n      ko: '# %s'\n"

    async def go() -> None:
        app = PreviewApp(shared_session, store, load_lesson(path, "ko"), path)
        async with app.run_test(size=(100, 30)) as pilot:
            player = Player(pilot)
            await player.settle()
            overlay.write_text(entry % "처음")
            await player.see("처음", "ko/made.yaml 파일이 저장되어")
            overlay.write_text("lesson: [")
            await player.see("First", "YAML", ":1:")

    use_language("ko")
    try:
        runner.run(go())
    finally:
        use_language("en")
