"""Back and forward through what ran."""

from __future__ import annotations

import pytest

from tests.tui.conftest import Play, Player
from tests.tui.moments import BACK, CODE, ON, STEP, moment, panel, paused, ran
from tests.tui.test_running import style_at


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
