"""Explanations below their lines: where they stand, what they light, how their fixes come into the code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.conftest import Play, Player
from tutor.course.schema import Lesson

VIEW = "import torch\nm = torch.arange(6.).view(2, 3)\nt = m.t()\nflat = t.view(6)\nprint(flat.tolist())"
IN_FUNCTION = """import torch

def flatten(values):
    if values.dim() > 1:
        return values.view(-1)
    return values

w = torch.arange(6.).view(2, 3)
turned = w.t()
out = flatten(turned)"""
TWO = """import torch
w = torch.ones(3, requires_grad=True)
h = w * 2
h.sum().backward()
print(h.grad)
h.view(2)"""


def row_of(p: Player, part: str) -> int:
    """The number of the first row that has `part` in it; above the output stands the code."""
    return next(number for number, row in enumerate(p.screen) if part in row)


async def run(p: Player, code: str) -> None:
    await p.code(code)
    p.bench.editor.focus()
    await p.run()


def test_it_stands_between_its_line_and_the_next(play: Play) -> None:
    async def story(p: Player) -> None:
        await run(p, VIEW)
        await p.see("view never copies")
        above, below = row_of(p, "flat = t.view(6)  "), row_of(p, "print(flat.tolist())")
        rows = p.screen[above + 1 : below]
        assert len(rows) > 3
        assert all(row.lstrip().startswith("▎") for row in rows)
        assert p.screen[below].lstrip().startswith("5"), "the lines keep their numbers"
        assert p.text.count("view never copies") == 1, "it is told in one place"
        assert "✗ RuntimeError at line 4" in p.text
        assert p.bench.editor.text == VIEW

    play(story, lesson=None)


def test_the_cursor_passes_it(play: Play) -> None:
    async def story(p: Player) -> None:
        await run(p, VIEW)
        await p.see("view never copies")
        p.bench.editor.move_cursor((3, 0))
        await p.press("down")
        assert p.bench.editor.cursor_location == (4, 0)
        await p.press("up")
        assert p.bench.editor.cursor_location == (3, 0)
        p.bench.editor.move_cursor(p.bench.editor.document.end)
        await p.press("enter", "1")
        assert p.bench.editor.text == VIEW + "\n1"
        await p.see("view never copies")
        assert row_of(p, "print(flat.tolist())") + 1 == row_of(p, "6  1 ")

    play(story, lesson=None)


def test_the_fix_comes_with_a_key_and_goes_with_undo(play: Play) -> None:
    async def story(p: Player) -> None:
        await run(p, VIEW)
        await p.see("^y writes that", "^y Fix")
        await p.press("ctrl+y")
        await p.until(lambda: "flat = t.reshape(6)" in p.bench.editor.text, "the fix")
        assert p.bench.editor.text == VIEW.replace("t.view(6)", "t.reshape(6)")
        assert "▎" not in p.text, "the code is another"
        await p.press("ctrl+z")
        await p.until(lambda: p.bench.editor.text == VIEW, "the old code")
        await p.see("view never copies")
        await p.press("ctrl+y")
        await p.until(lambda: "t.reshape(6)" in p.bench.editor.text, "what was taken back, done again")
        await p.run()
        await p.see("[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]")
        assert p.bench.at_hand is None
        assert "^y Fix" not in p.text

    play(story, lesson=None)


def test_a_fix_inside_of_a_function_keeps_its_place(play: Play) -> None:
    async def story(p: Player) -> None:
        await run(p, IN_FUNCTION)
        await p.see("▎", "^y writes that")
        assert row_of(p, "return values.view(-1)") + 1 == p.screen.index(p.row("▎"))
        await p.press("ctrl+y")
        fixed = IN_FUNCTION.replace("values.view(-1)", "values.reshape(-1)")
        await p.until(lambda: p.bench.editor.text == fixed, f"{p.bench.editor.text!r}")
        await p.run()
        assert p.bench.following.explained() == ()

    play(story, lesson=None)


def test_at_the_prompt_the_fix_comes_to_the_prompt(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.enter("import torch; u = torch.arange(6.).view(2, 3).t()")
        await p.settle()
        await p.enter("u.view(6)")
        await p.see("view never copies", "^y Fix")
        await p.press("ctrl+y")
        await p.until(lambda: p.bench.repl.text == "u.reshape(6)", repr(p.bench.repl.text))

    play(story, lesson=None)


def test_changed_code_is_not_explained_and_not_repaired(play: Play) -> None:
    async def story(p: Player) -> None:
        await run(p, VIEW)
        await p.see("view never copies", "^y Fix")
        p.bench.editor.move_cursor((0, 0))
        await p.press(*"# ")
        await p.see("view never copies")
        assert "^y writes that" not in p.text, "the code above it is not what ran"
        await p.press("backspace", "backspace")
        await p.see("^y writes that")
        p.bench.editor.move_cursor((3, 0))
        await p.press(*"# ")
        await p.until(lambda: "view never copies" not in p.text, "nothing about code that is gone")
        assert "^y Fix" not in p.text

    play(story, lesson=None)


def test_its_evidence_is_lit_in_the_inspector(play: Play) -> None:
    async def story(p: Player) -> None:
        await run(p, VIEW.replace("print", "z = torch.ones(1, requires_grad=True) * 2; print"))
        await p.until(lambda: p.bench.inspector.shown == "t", "the tensor that it is about")
        shown = p.bench.inspector.now
        assert shown.lit[0] == "t"
        lit = [row for row in p.bench.inspector.table._lines if "[3, 2]" in row.plain]
        assert any("bold" in str(span.style) for span in lit[0].spans)
        await p.code("t = 1")
        await p.run()
        assert p.bench.inspector.now.lit == ()

    play(story, lesson=None)


def test_evidence_inside_of_a_function_is_lit_where_it_lives(play: Play) -> None:
    async def story(p: Player) -> None:
        await run(p, IN_FUNCTION.replace("import torch", "import torch\nvalues = torch.ones(3)"))
        await p.until(lambda: p.bench.inspector.now.lit == ("turned",), str(p.bench.inspector.now.evidence))

    play(story, lesson=None)


def test_all_of_it_and_the_idea_behind_it(play: Play) -> None:
    async def story(p: Player) -> None:
        assert not p.bench.check_action("why", ())
        await run(p, VIEW)
        await p.see("view never copies")
        await p.press("f24")
        await p.see("A view needs strides that describe its shape", "t.reshape(6)", "y = x.t()")
        await p.press("escape")
        await p.until(lambda: p.app.screen is p.bench, "the page again")

    play(story, (120, 50), lesson=None)


def test_of_several_the_one_at_the_cursor_is_at_hand(play: Play) -> None:
    async def story(p: Player) -> None:
        await run(p, TWO)
        await p.see("does not keep its gradient", "do not fill shape [2]")
        assert p.bench.at_hand.explanation.rule == "view-size"
        p.bench.editor.move_cursor((4, 0))
        assert p.bench.at_hand.explanation.rule == "non-leaf-grad"
        assert row_of(p, "print(h.grad)") < row_of(p, "does not keep its gradient") < row_of(p, "h.view(2)  ")

    play(story, lesson=None)


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (160, 45)])
def test_its_beginning_is_seen_in_every_window(
    play: Play, one_step: Callable[..., Lesson], size: tuple[int, int]
) -> None:
    code = "\n".join(f"a{number} = {number}" for number in range(30)) + "\n" + VIEW

    async def story(p: Player) -> None:
        await p.run()
        await p.see("flat = t.view(6)", "▎", "why")
        first = row_of(p, "flat = t.view(6)  ")
        assert "▎" in p.screen[first + 1]
        assert "▎" in p.screen[first + 2]

    play(story, size, lesson=one_step(kind="run", prompt="Look at this. " * 60, code=code))


def test_a_new_run_takes_it_away_and_leaves_it_in_the_output(play: Play) -> None:
    async def story(p: Player) -> None:
        await run(p, VIEW)
        await p.see("view never copies")
        await p.code("x = 1")
        await p.run()
        assert p.bench.editor.wrapped_document.height == 1
        await p.see("view never copies")
        assert row_of(p, "view never copies") > row_of(p, "output  ─")

    play(story, (120, 50), lesson=None)


def test_back_in_time_the_moment_tells_it(play: Play) -> None:
    async def story(p: Player) -> None:
        await run(p, VIEW)
        await p.see("view never copies")
        height = p.bench.editor.wrapped_document.height
        await p.press("f19")
        assert p.bench.editor.wrapped_document.height == 5
        await p.press("escape")
        await p.until(lambda: p.bench.editor.wrapped_document.height == height, "now")

    play(story, lesson=None)
