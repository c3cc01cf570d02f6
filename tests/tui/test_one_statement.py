"""One statement at a time, and the course of statements that run long."""

from __future__ import annotations

import os
import signal

import pytest

from tests.tui.conftest import Gates, Play, Player
from tests.tui.moments import BACK, CODE, STEP, panel, paused, ran

# ── one statement at a time ──────────────────────────────────────────────────


def test_each_press_runs_one_statement_and_the_next_is_marked(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.press(STEP)
        await paused(p)
        await p.see("1 of 6 ran · ⇧f9 next, ^r on")
        assert "▸ next" in p.row("x = torch.zeros(6)")
        await p.press(STEP)
        await p.see("2 of 6 ran")
        await paused(p)
        assert "A [6] f32" in p.row("x = torch.zeros(6)")
        assert "▸ next" in p.row("v = x.view(2, 3)")
        assert "0." in panel(p, "detail")
        await p.press("ctrl+r")
        await p.settle()
        await p.see("ran in", "bye")
        assert "▸" not in "".join(p.row(line) for line in CODE.split("\n") if line)

    play(story, lesson=None)


def test_presses_in_a_row_are_all_taken(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.press(STEP)
        await paused(p)
        await p.press(STEP, STEP, STEP)
        await p.see("4 of 6 ran")

    play(story, lesson=None)


def test_stop_ends_code_that_waits(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.press(STEP)
        await paused(p)
        await p.press("f4")
        await p.settle()
        await p.see("stopped at line 2")
        await p.run()
        await p.see("ran in")

    play(story, lesson=None)


def test_a_kernel_that_dies_while_code_waits_is_told(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.press(STEP, STEP)
        await p.see("2 of 6 ran")
        await paused(p)
        pid = p.bench.runner.session.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await p.see("was ended by SIGKILL", "restarts it")
        assert p.bench.waits is None
        await p.press(BACK)
        await p.see("line 2, statement 2")
        await p.press("ctrl+backslash")
        await p.settle()
        await p.run()
        await p.see("ran in")

    play(story, lesson=None)


def test_restart_while_code_waits(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.press(STEP)
        await paused(p)
        await p.press("ctrl+backslash")
        await p.settle()
        assert p.bench.waits is None
        await p.see("its namespace is empty")
        await p.run()
        await p.see("ran in")

    play(story, lesson=None)


def test_input_and_exceptions_in_steps(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("a = 1\nname = input('who? ')\n1 / 0\nb = 2\n")
        await p.press(STEP, STEP)
        await p.see("who?")
        await p.press(*"me", "enter")
        await paused(p)
        await p.see("2 of 4 ran")
        await p.press(STEP)
        await p.settle()
        await p.see("ZeroDivisionError at line 3")
        assert p.bench.waits is None

    play(story, lesson=None)


def test_edits_while_it_waits_do_not_change_what_runs_and_that_is_said(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("a = 1\nb = 2\nprint(b)\n")
        await p.press(STEP)
        await paused(p)
        p.bench.editor.focus()
        await p.press("ctrl+home", "down", "end", *"00")
        await p.see("goes on as it was started")
        assert "▸ next" in p.row("b = 200")
        await p.press("ctrl+r")
        await p.settle()
        assert any(row.strip() == "2" for row in p.screen)
        assert p.bench.editor.text == "a = 1\nb = 200\nprint(b)\n"

    play(story, lesson=None)


def test_the_prompt_waits_too_and_says_so(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.press(STEP)
        await paused(p)
        await p.enter("x = 7")
        await p.see("The code waits before line 2")
        assert p.bench.repl.text == "x = 7"
        await p.press("ctrl+r")
        await p.settle()
        await p.press("enter")
        await p.settle()
        await p.see("› x = 7")

    play(story, lesson=None)


def test_moments_can_be_looked_at_while_code_waits(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.press(STEP, STEP, STEP)
        await p.see("3 of 6 ran")
        await paused(p)
        await p.press(BACK, BACK)
        await p.see("line 2, statement 2 of 6")
        await p.press(STEP)
        await p.see("4 of 6 ran", "hello")
        assert not p.bench.is_past

    play(story, lesson=None)


def test_a_predict_step_is_answered_after_stepping(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("view-of-transpose")
        await p.press(STEP)
        await p.see("Choose your prediction first")
        await p.press("2")
        await p.pilot.pause()
        await p.press(STEP)
        await paused(p)
        await p.press("ctrl+r")
        await p.settle()
        assert p.bench.walk is not None
        assert p.bench.walk.is_answered

    play(story)


@pytest.mark.parametrize("size", [(80, 24), (60, 18)])
def test_small_windows_offer_the_keys_of_a_run_that_waits(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.press(STEP, STEP)
        await p.see("2 of 6 ran")
        await paused(p)
        await p.see("^r Run on", "f4 Stop", "⇧f9 Step", "▸ next")

    play(story, size, lesson=None)


# ── while it runs ────────────────────────────────────────────────────────────

LOOP = """import time
import torch
loss = torch.tensor(8.0)
for epoch in range(40):
    loss = loss * 0.9
    time.sleep(0.03)
done = True
"""


def test_a_running_loop_is_live_and_its_course_stays(play: Play, gates: Gates) -> None:
    code = LOOP.replace("40", "200").replace("done", "    if epoch == 99: wait('go')\ndone")

    async def story(p: Player) -> None:
        await p.code(f"{gates.code}\n{code}")
        await p.press("ctrl+r")
        await p.see("running", "epoch = ", "of 200")
        await p.until(lambda: "loss" in panel(p, "live"))
        live = p.bench.inspector.now.live
        assert live is not None
        assert live.progress.line in (5, 6, 7, 8, 1)  # in the loop, or in `wait` that it calls
        gates.open("go")
        await p.settle()
        await p.see("scalars")
        assert "from" in panel(p, "live")
        assert "of 200" not in panel(p, "live")
        await p.press(BACK)
        await p.until(lambda: not p.bench.query_one("#live-panel").display)
        await p.press(BACK)
        await p.see("while line 5 ran")

    play(story, lesson=None)


def test_nan_is_marked_in_the_course_of_a_scalar(play: Play) -> None:
    code = LOOP.replace("loss * 0.9", 'loss * (float("nan") if epoch == 15 else 0.9)')

    async def story(p: Player) -> None:
        await ran(p, code)
        await p.until(lambda: "nan/inf" in panel(p, "live"))
        assert "×" in panel(p, "live")

    play(story, lesson=None)


@pytest.mark.parametrize("size", [(80, 24), (60, 18)])
def test_small_windows_show_a_running_loop(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        await p.code(LOOP.replace("40", "2_000"))
        await p.press("f2", "ctrl+r")
        await p.see("epoch = ", "of 2,000", "loss", "from")
        assert "f4 Stop" in p.text
        await p.press("f4")
        await p.settle()

    play(story, size, lesson=None)
