"""The map of lessons leads to a lesson; what was done goes along as a file."""

from __future__ import annotations

import time
from pathlib import Path

import nbformat
import pytest

from tui.conftest import Play, Player
from tutor.course.loader import find_lesson, load_lesson


def test_the_map_shows_what_is_known_and_leads_to_a_lesson(play: Play, store) -> None:
    lesson = load_lesson(find_lesson("graph-leaves"))
    yesterday = int(time.time()) - 86_400
    for step in lesson.steps:
        store.record(lesson.id, step.id, visited=True, done=True, at=yesterday)

    async def story(player: Player) -> None:
        await player.app.run_action("progress")
        await player.see("lessons done", "No predictions yet")
        row = player.row(lesson.title[:20])
        assert "✓ done" in row
        assert "yesterday" in row
        assert any("▸ View or reshape?" in each for each in player.screen)
        items = player.app.screen.query_one("#items")
        items.highlighted = next(
            i for i in range(items.option_count) if "graph-leaves" in (items.get_option_at_index(i).id or "")
        )
        await player.press("enter")
        await player.settle()
        assert player.bench.walk is not None
        assert player.bench.walk.lesson.id == "graph-leaves"

    play(story, (100, 60))


def test_a_lesson_and_a_session_are_written_where_the_learner_says(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def story(player: Player) -> None:
        await player.enter("mine = 6 * 7")
        await player.settle()
        for action, name in (("take_lesson", "view-reshape.ipynb"), ("take_session", "session.ipynb")):
            await player.bench.run_action(action)
            await player.see(name)
            await player.press("enter")
            await player.until((tmp_path / name).exists)
            await player.see("Written to")
        await player.bench.run_action("take_session")
        await player.see("session.ipynb")
        await player.press("enter")
        await player.see("is there already")
        await player.press("escape")

    play(story)
    lesson = nbformat.read(tmp_path / "view-reshape.ipynb", as_version=4)
    assert "View or reshape?" in lesson.cells[0].source
    session = nbformat.read(tmp_path / "session.ipynb", as_version=4)
    assert session.cells[-1].source == "mine = 6 * 7"
