"""The first start, the next one, the scratch page, lessons from elsewhere, going to a pane."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.tui.conftest import Play, Player
from tutor.course.loader import load_lesson
from tutor.course.schema import Lesson
from tutor.course.store import SCRATCH, Store, draft_key
from tutor.session import Session
from tutor.tui.app import TutorApp

FIRST = draft_key("view-reshape", "two-parts")


def test_first_start_greets_and_one_key_leads_into_the_lesson(
    runner: asyncio.Runner, shared_session: Session, store: Store, lesson: Lesson
) -> None:
    async def go() -> None:
        app = TutorApp(shared_session, store, lesson, greet=True)
        async with app.run_test(size=(80, 24)) as pilot:
            p = Player(pilot)
            await p.see("You run real torch code here", "is ready", "begin with the first lesson")
            await p.press("enter")
            await p.settle()
            await p.see("1 of ")
            assert "You run real torch code here" not in p.text
            assert store.setting("welcomed", False)
            assert p.app.focused is p.bench.editor

    runner.run(go())


def test_next_start_goes_on_where_this_one_ended(play: Play) -> None:
    async def story(p: Player) -> None:
        p.bench.editor.focus()
        await p.press(*"# one", "enter")
        await p.press("f8")
        await p.settle()
        await p.press(*"# two", "enter")
        await p.run()
        await p.enter("x = 41 + 1")
        await p.settle()
        await p.press(*"half a li")

    async def later(p: Player) -> None:
        await p.see("2 of ", "# two", "half a li", "earlier", "x = 41 + 1")
        assert p.bench.editor.cursor_location == (1, 0)
        p.bench.repl.text = ""
        p.bench.repl.focus()
        await p.press("up")
        assert p.bench.repl.text == "x = 41 + 1"
        await p.press("f7")
        await p.settle()
        await p.see("# one")

    play(story)
    play(later)


def test_last_keystroke_before_a_step_is_left_belongs_to_it(play: Play) -> None:
    async def story(p: Player) -> None:
        p.bench.editor.focus()
        await p.press("Z", "f8")
        await p.settle()
        draft = p.bench.store.draft(FIRST)
        assert draft is not None
        assert draft.text.startswith("Z")
        assert "Z" not in p.bench.editor.text

    play(story)


def test_reset_code_can_be_had_back_after_a_restart(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("mine = 1\nmine += 1")
        p.bench.action_reset_code()
        await p.pilot.pause()
        assert "mine" not in p.bench.editor.text

    async def later(p: Player) -> None:
        assert "mine" not in p.bench.editor.text
        p.bench.action_versions()
        await p.see("mine = 1 … 2 lines", "before a reset")
        await p.press("enter")
        await p.until(lambda: p.bench.editor.text == "mine = 1\nmine += 1")

    play(story)
    play(later)


def test_code_of_a_step_that_was_never_touched_follows_the_lesson(play: Play, store: Store) -> None:
    async def story(p: Player) -> None:
        await p.run()
        await p.press("f8", "f7")
        await p.settle()
        assert store.draft(FIRST) is None

    play(story)


def test_scratch_cannot_spoil_the_lesson(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        lesson_bench = p.bench
        await p.press("f9")
        await p.see("scratch.py")
        await p.settle()
        assert p.bench is not lesson_bench
        await p.enter("import torch; torch.set_default_dtype(torch.float64); x = torch.ones(7)")
        await p.see("[7]")
        await p.enter("v")
        await p.see("NameError")
        await p.press("f9")
        await p.see("same-input.py", "A [6] f32")
        await p.enter("x.shape, torch.ones(1).dtype")
        await p.see("(torch.Size([6]), torch.float32)")
        await p.press("f9")
        await p.see("scratch.py", "[7]")
        assert p.bench.store.draft(f"{SCRATCH}/prompt") is not None

    play(story)


def test_code_keeps_running_while_the_other_page_is_seen(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("import time\nfor i in range(100):\n    time.sleep(0.02)\nprint('through')")
        await p.press("ctrl+r")
        await p.see("running")
        lesson_bench = p.bench
        await p.press("f9")
        await p.see("scratch.py")
        await p.settle()
        await p.enter("6 * 7")
        await p.see("42")
        await p.until(lambda: not lesson_bench.runner.busy)
        await p.press("f9")
        await p.see("through")

    play(story)


ELSEWHERE = """\
schema: 1
id: elsewhere
title: From elsewhere
track: Tests
setup: |
  import pathlib
  pathlib.Path({trace!r}).write_text("setup")
steps:
- id: only
  kind: run
  prompt: Look.
  code: print("ran")
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere.yaml"
    path.write_text(ELSEWHERE.format(trace=str(tmp_path / "trace")))
    return path


def test_lesson_from_elsewhere_asks_before_it_runs_code_and_only_once(
    runner: asyncio.Runner, shared_session: Session, store: Store, elsewhere: Path
) -> None:
    trace = elsewhere.parent / "trace"

    async def go(story) -> None:
        app = TutorApp(shared_session, store, load_lesson(elsewhere), path=elsewhere)
        async with app.run_test(size=(120, 36)) as pilot:
            await story(Player(pilot))

    async def refused(p: Player) -> None:
        await p.see("a lesson from elsewhere", "write_text", 'print("ran")')
        assert "elsewhere.yaml" in "".join(p.text.split())  # the path may be folded
        await p.press("escape")
        await p.settle()
        await p.see("1 of 1", "Look.")
        assert not trace.exists()
        await p.press("ctrl+r")
        await p.see("a lesson from elsewhere")
        assert not trace.exists()
        await p.press("y")
        await p.until(trace.exists)
        await p.settle()
        await p.run()
        await p.see("ran")

    async def trusted(p: Player) -> None:
        await p.settle()
        assert "a lesson from elsewhere" not in p.text
        assert trace.exists()

    async def changed(p: Player) -> None:
        await p.see("a lesson from elsewhere")
        assert not trace.exists()

    runner.run(go(refused))
    trace.unlink()
    runner.run(go(trusted))
    trace.unlink()
    elsewhere.write_text(elsewhere.read_text().replace("Look.", "See."))
    runner.run(go(trusted))  # other words run nothing else
    trace.unlink()
    elsewhere.write_text(elsewhere.read_text().replace('print("ran")', 'print("changed")'))
    runner.run(go(changed))


@pytest.mark.parametrize("size", [(120, 36), (60, 18)])
def test_every_pane_is_a_key_and_a_number_away(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        names = [pane.name for pane in p.bench.panes()]
        assert {"text", "code", "output", "prompt", "tensors", "graph"} <= set(names)
        for number, pane in enumerate(p.bench.panes(), 1):
            if not pane.widget.can_focus:
                continue
            await p.press("f6")
            await p.see("go to", f"{number} {pane.name}")
            await p.press(str(number))
            await p.until(lambda w=pane.widget: p.app.focused is w, pane.name)
            assert pane.widget.is_on_screen
        await p.press("f6")
        await p.see("go to")
        await p.press("escape")
        await p.until(lambda: p.app.screen is p.bench)

    play(story, size)


def test_two_apps_at_once_lose_nothing(
    runner: asyncio.Runner, shared_session: Session, store: Store, lesson: Lesson, tmp_path: Path
) -> None:
    async def go() -> None:
        with Store.open(tmp_path / "tutor.db", patience=5) as other_store:
            other_session = shared_session.sibling()
            other_session.spawn()
            one = TutorApp(shared_session, store, lesson)
            two = TutorApp(other_session, other_store, lesson)
            async with one.run_test(size=(80, 24)) as first, two.run_test(size=(80, 24)) as second:
                a, b = Player(first), Player(second)
                await a.settle()
                await b.settle()
                await a.press(*"#a", "enter")
                await b.press(*"#b", "enter")
                await a.enter("'from a'")
                await b.enter("'from b'")
                await a.settle()
                await b.settle()
            await other_session.close()
            assert other_store.flush()
            assert store.flush()
        with Store.open(tmp_path / "tutor.db", patience=5) as later:
            draft = later.draft(FIRST)
            assert draft is not None
            texts = [draft.text, *(backup.text for backup in later.backups(FIRST))]
            assert any(text.startswith("#a") for text in texts)
            assert any(text.startswith("#b") for text in texts)
            assert {"'from a'", "'from b'"} <= set(later.history())

    runner.run(go())


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def damaged(path: Path) -> None:
    path.write_bytes(b"Dear diary,\n" * 1000)


def home_is_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("in the way")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(newer, "newer torchtutor"), (damaged, "was damaged"), (home_is_a_file, "cannot be used")],
)
def test_spoilt_store_is_one_sentence_and_the_app_goes_on(
    runner: asyncio.Runner, shared_session: Session, lesson: Lesson, tmp_path: Path, spoil, said: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    spoil(home / "tutor.db")

    async def go() -> None:
        with Store.open(home / "tutor.db", patience=5) as store:
            app = TutorApp(shared_session, store, lesson)
            async with app.run_test(size=(120, 36)) as pilot:
                p = Player(pilot)
                await p.settle()
                await p.until(lambda: said in " ".join(p.text.split()), said)
                await p.press(*"# typed", "enter")
                await p.run()
                await p.see("A [6] f32")
                await p.press("f8")
                await p.settle()
                await p.press("f7")
                await p.settle()
                await p.see("# typed")
                assert "Traceback" not in p.text

    runner.run(go())
