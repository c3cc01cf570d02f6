"""Back and forward through what ran, one statement at a time, and the course of long statements."""

from __future__ import annotations

import os
import signal

import pytest

from tests.tui.conftest import Gates, Play, Player
from tests.tui.test_running import style_at
from tutor.tui.chronicle import Moment

CODE = """import torch
x = torch.zeros(6)
v = x.view(2, 3)
print("hello")
v[0, 0] = 9
print("bye")
"""
BACK, ON, STEP = "f19", "f20", "f21"


def moment(p: Player) -> Moment:
    found = p.bench.chronicle.moment
    assert found is not None
    return found


def panel(p: Player, name: str) -> str:
    """What a panel of lines shows."""
    return "\n".join(line.plain for line in p.bench.query_one(f"#{name}")._lines)


async def ran(p: Player, code: str = CODE) -> None:
    await p.code(code)
    await p.run()


async def paused(p: Player) -> None:
    await p.until(lambda: p.bench.waits is not None, "the wait")
    await p.pilot.pause(0.15)


# ── moments ──────────────────────────────────────────────────────────────────


def test_every_part_of_the_screen_goes_back_together(play: Play) -> None:
    async def story(p: Player) -> None:
        await ran(p)
        for _ in range(4):
            await p.press(BACK)
        await p.see("line 3, statement 3 of 6 · esc now")
        await p.pilot.pause(0.15)
        assert "view of x" in p.row("3▸ v = x.view(2, 3)")
        assert "writes" not in p.text
        names = list(p.bench.inspector.now.snapshot.tensors)
        assert names == ["x", "v"]
        await p.until(lambda: not style_at(p, "A x ", "[6]").bold)
        assert style_at(p, "A v ", "[2, 3]").bold
        assert "9." not in panel(p, "storage")
        await p.press(ON, ON)
        await p.see("line 5, statement 5 of 6")
        await p.until(lambda: "9." in panel(p, "storage"))
        assert "A writes 1 of 6" in p.row("5▸ v[0, 0] = 9")

    play(story, lesson=None)


def test_the_output_of_the_statement_is_marked(play: Play) -> None:
    def marked(p: Player) -> list[str]:
        return [p.bench.out._rows[at].text.plain.strip() for at in sorted(p.bench.out._marked)]

    async def story(p: Player) -> None:
        await ran(p)
        await p.press(BACK)
        assert marked(p) == ["bye"]
        await p.press(BACK)
        assert marked(p)[0].startswith("▸ scratch.py")
        await p.press(BACK)
        assert marked(p) == ["hello"]
        await p.press("escape")
        assert marked(p) == []

    play(story, lesson=None)


def test_output_far_up_is_brought_into_sight(play: Play) -> None:
    code = "print('first')\nfor i in range(60): print(i)\nprint('last')\n"

    async def story(p: Player) -> None:
        await ran(p, code)
        await p.press(BACK, BACK, BACK)
        await p.see("statement 1 of 3")
        assert any(row.strip() == "first" for row in p.screen)
        await p.press(BACK)
        assert "statement 1 of 3" in p.text
        await p.press("escape")
        await p.until(lambda: any(row.strip() == "last" for row in p.screen))

    play(story, lesson=None)


def test_values_are_those_of_the_moment(play: Play) -> None:
    async def story(p: Player) -> None:
        await ran(p, CODE + "y = torch.ones(300)\n")
        await p.press(*[BACK] * 4)
        await p.until(lambda: "0." in panel(p, "detail") and "9." not in panel(p, "detail"))
        await p.press(ON)
        await p.until(lambda: "9." in panel(p, "detail"))
        await p.press(ON, ON)
        p.bench.inspector.table.focus()
        await p.press("end")
        await p.until(lambda: p.bench.selected == "y")
        await p.until(lambda: "not kept for this moment" in panel(p, "detail"))
        await p.press("escape")
        await p.until(lambda: "1." in panel(p, "detail"))

    play(story, lesson=None)


def test_works_from_the_editor_and_from_the_inspector(play: Play) -> None:
    async def story(p: Player) -> None:
        await ran(p)
        for widget in (p.bench.editor, p.bench.repl, p.bench.inspector.table, p.bench.out):
            widget.focus()
            await p.pilot.pause()
            await p.press(BACK, BACK)
            await p.see("statement 5 of 6")
            assert p.bench.focused is widget
            await p.press("escape")
            await p.until(lambda: not p.bench.is_past)
            assert p.bench.focused is widget
        assert p.bench.editor.text == CODE

    play(story, lesson=None)


def test_escape_leads_to_the_prompt_again_once_it_is_now(play: Play) -> None:
    async def story(p: Player) -> None:
        await ran(p)
        p.bench.editor.focus()
        await p.press(BACK, "escape")
        assert p.bench.focused is p.bench.editor
        await p.press("escape")
        assert p.bench.focused is p.bench.repl

    play(story, lesson=None)


def test_forward_ends_at_now(play: Play) -> None:
    async def story(p: Player) -> None:
        await ran(p)
        await p.press(BACK, BACK, ON, ON)
        await p.until(lambda: not p.bench.is_past)
        await p.until(lambda: "ran in" in p.row("scratch.py"))
        assert "A writes 1 of 6" in p.row("v[0, 0] = 9")
        await p.press(ON)
        assert not p.bench.is_past

    play(story, lesson=None)


@pytest.mark.parametrize("how", ["run", "prompt", "step"])
def test_whatever_starts_a_run_goes_back_to_now(play: Play, how: str) -> None:
    async def story(p: Player) -> None:
        await ran(p)
        await p.press(BACK, BACK, BACK)
        await p.see("statement 4 of 6")
        if how == "prompt":
            await p.enter("z = 1")
            await p.settle()
        elif how == "run":
            await p.run()
        else:
            await p.press(STEP)
            await paused(p)
        assert not p.bench.is_past
        assert "esc now" not in p.text

    play(story, lesson=None)


def test_earlier_runs_and_lines_of_the_prompt_can_be_gone_back_to(play: Play) -> None:
    async def story(p: Player) -> None:
        await ran(p, "import torch\na = torch.ones(2)\n")
        await p.enter("a[0] = 5")
        await p.settle()
        await ran(p, "import torch\na = torch.ones(2)\nb = a.clone()\n")
        await p.press(*[BACK] * 4)
        await p.see("at the prompt, line 1, statement 1 of 1")
        assert moment(p).snapshot.tensors["a"].version == 1
        await p.press(BACK)
        await p.see("line 2, statement 2 of 2")
        assert "[2] f32" in p.row("2▸ a = torch.ones(2)")
        assert list(moment(p).snapshot.tensors) == ["a"]
        await p.press("escape")
        await p.until(lambda: "copy" in p.row("b = a.clone()") or "[2] f32" in p.row("b = a.clone()"))

    play(story, lesson=None)


def test_an_error_is_told_at_its_moment(play: Play) -> None:
    async def story(p: Player) -> None:
        await ran(p, "import torch\nx = torch.zeros(2, 3)\ny = x.t().view(6)\n")
        await p.press(BACK)
        await p.until(lambda: "RuntimeError" in panel(p, "moment"))
        assert "reshape" in panel(p, "moment")
        await p.press(BACK)
        await p.until(lambda: "RuntimeError" not in panel(p, "moment"))
        assert "RuntimeError" not in p.row("y = x.t().view(6)")

    play(story, lesson=None)


def test_a_lesson_step_can_be_gone_through_and_left(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        await p.press(BACK, BACK)
        await p.until(lambda: p.bench.is_past)
        await p.press("f8")
        await p.settle()
        assert not p.bench.is_past
        await p.press(BACK)
        assert not p.bench.is_past

    play(story)


def test_edited_lines_are_stale_at_every_moment(play: Play) -> None:
    async def story(p: Player) -> None:
        await ran(p)
        p.bench.editor.focus()
        await p.press("home", "down", "end", *"  # mine")
        await p.press(BACK, BACK)
        await p.see("statement 5 of 6")
        assert style_at(p, "zeros(6)", "[6] f32").strike

    play(story, lesson=None)


@pytest.mark.parametrize("size", [(80, 24), (60, 18)])
def test_small_windows_say_which_moment_it_is(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        await ran(p)
        await p.press(BACK, BACK)
        await p.see("line 5, statement 5 of 6 · esc now", "esc Now")
        await p.press("f2")
        await p.see("moment", "line 5, statement 5 of 6", "v[0, 0] = 9")
        await p.press("escape")
        await p.until(lambda: "statement 5" not in p.text)

    play(story, size, lesson=None)


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
        assert live.progress.line in (5, 6, 7, 8)
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
