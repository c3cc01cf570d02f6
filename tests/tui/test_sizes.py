"""How the rows of the page are shared out, what stays on the screen in every size, and wide characters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.conftest import Play, Player
from tutor.course.schema import Lesson
from tutor.tui.shares import Wants, share

_COUNTS = st.integers(0, 60)


@given(st.builds(Wants, st.integers(7, 60), _COUNTS, _COUNTS, _COUNTS, choosing=st.booleans()))
def test_shares_fit_and_leave_room_for_code(wants: Wants) -> None:
    shares = share(wants)
    assert shares.prose <= wants.prose
    assert shares.output >= 1
    assert shares.prose + shares.output <= wants.rows - min(3, wants.rows - 2)


@given(st.integers(7, 60), _COUNTS, _COUNTS, _COUNTS)
def test_only_an_answer_to_code_takes_rows_from_the_text(rows: int, prose: int, code: int, told: int) -> None:
    usual, answered = share(Wants(rows, prose, code)), share(Wants(rows, prose, code, told))
    assert answered.prose <= usual.prose
    assert answered.output >= usual.output


LONG = "\n\n".join(f"Paragraph {n} says something that is long enough to be broken." for n in range(12))


def _everything_is_there(p: Player, size: tuple[int, int]) -> None:
    assert len(p.screen) == size[1]
    assert all(cell_len(row) == size[0] for row in p.screen)
    assert p.screen[-1].lstrip().startswith("^r Run")
    assert p.screen[-2].lstrip().startswith("›"), p.text
    assert "output" in p.text
    assert "only.py" in p.text


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (80, 24), (60, 18)])
def test_long_text_long_code_and_a_long_error_leave_the_prompt_on_the_screen(
    play: Play, one_step: Callable[..., Lesson], size: tuple[int, int]
) -> None:
    code = "".join(f"x{n} = torch.ones({n + 1}, 3)\n" for n in range(20)) + "x1.view(7)\n"

    async def story(p: Player) -> None:
        _everything_is_there(p, size)
        await p.see("Paragraph 0", "↓")
        await p.run()
        await p.see("RuntimeError at line 21", "✗ RuntimeError")
        _everything_is_there(p, size)
        for other in ((60, 18), (160, 45), (80, 24), size):
            await p.pilot.resize_terminal(*other)
            await p.pilot.pause(0.1)
            _everything_is_there(p, other)

    play(story, size, lesson=one_step(kind="run", prompt=LONG, code=code))


def test_short_text_has_no_mark_and_the_mark_goes_at_the_end(
    play: Play, one_step: Callable[..., Lesson]
) -> None:
    async def story(p: Player) -> None:
        await p.see("Paragraph 0", "↓")
        for _ in range(12):
            await p.press("pagedown")
        await p.see("Paragraph 11")
        assert "↓" not in p.text
        await p.press("pageup")
        await p.see("↓")

    play(story, (80, 24), lesson=one_step(kind="run", prompt=LONG, code="x = 1"))
    play(_no_mark, (80, 24), lesson=one_step(kind="run", code="x = 1"))


async def _no_mark(p: Player) -> None:
    await p.see("Look.")
    assert "↓" not in p.text


def test_page_keys_turn_the_text_from_editor_prompt_and_output(
    play: Play, one_step: Callable[..., Lesson]
) -> None:
    async def story(p: Player) -> None:
        for pane in (p.bench.editor, p.bench.repl, p.bench.out):
            pane.focus()
            await p.pilot.pause()
            await p.press("pagedown")
            await p.until(lambda: p.bench.prose.scroll_offset.y > 0, f"a turned page from {pane}")
            await p.press("pageup", "pageup")
            await p.until(lambda: p.bench.prose.scroll_offset.y == 0)

    play(story, (80, 24), lesson=one_step(kind="run", prompt=LONG, code="x = 1"))


def test_page_keys_stay_with_code_that_scrolls(play: Play, one_step: Callable[..., Lesson]) -> None:
    async def story(p: Player) -> None:
        p.bench.editor.focus()
        await p.press("pagedown")
        await p.until(lambda: p.bench.editor.cursor_location[0] > 0)
        assert p.bench.prose.scroll_offset.y == 0

    play(story, (80, 24), lesson=one_step(kind="run", prompt=LONG, code="x = 1\n" * 60))


def test_an_error_is_read_from_its_beginning(play: Play, one_step: Callable[..., Lesson]) -> None:
    code = "m = torch.arange(6.).view(2, 3)\nt = m.t()\nt.view(6)\n"

    async def at_120(p: Player) -> None:
        await p.run()
        await p.see("✗ RuntimeError at line 3", "Instead:", "t.reshape(6)")

    async def at_60(p: Player) -> None:
        await p.run()
        await p.see("✗ RuntimeError at line 3")

    play(at_120, (120, 36), lesson=one_step(kind="run", prompt=LONG, code=code))
    play(at_60, (60, 18), lesson=one_step(kind="run", prompt=LONG, code=code))


def test_scratch_beside_a_lesson_leads_back_to_the_lesson(play: Play) -> None:
    async def beside(p: Player) -> None:
        assert "f9 Scratch" in p.screen[-1]
        await p.press("f9")
        await p.see("scratch.py", "f9 Lesson")
        await p.press("f9")
        await p.see("1 of", "f9 Scratch")

    async def alone(p: Player) -> None:
        assert "f9" not in p.screen[-1]
        assert "^l Lessons" in p.screen[-1]

    play(beside, (80, 24))
    play(alone, (80, 24), lesson=None)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 18)])
def test_help_names_every_key_in_every_size(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        await p.press("f12")
        await p.see("keys", "^r")
        seen = ""
        while not seen.endswith(p.text):
            seen += p.text
            await p.press("pagedown")
        for part in ("f9", "in the inspector", "Show all of a run", "sort by", "in the output"):
            assert part in seen, part
        await p.press("escape")
        await p.see("1 of")

    play(story, size)


def test_a_long_line_at_the_prompt_pushes_nothing_off_the_screen(
    play: Play, one_step: Callable[..., Lesson]
) -> None:
    async def story(p: Player) -> None:
        p.bench.repl.focus()
        p.bench.repl.text = "def f():\n    a = 1\n    b = 2\n    return a + b"
        await p.see("return a + b")
        assert "return a + b" in p.screen[-2]
        assert p.screen[-1].lstrip().startswith("^r Run")

    play(story, (80, 24), lesson=one_step(kind="run", prompt=LONG, code="x = 1\n" * 12))


def test_resizing_while_code_runs_keeps_notes_output_and_prompt(play: Play, tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    code = (
        "import pathlib, time, torch\nx = torch.ones(3)\n"
        f"enough = pathlib.Path({str(enough)!r})\ni = 0\n"
        "while i < 20 or not enough.exists():\n"
        "    print('line', i, '한글' * 30)\n    time.sleep(0.05)\n    i += 1\ny = x[1:]\n"
    )

    async def story(p: Player) -> None:
        await p.code(code)
        p.bench.editor.focus()
        await p.press("ctrl+r")
        await p.see("▸ running", "line ")
        for size in ((80, 24), (60, 18), (160, 45), (50, 12), (120, 36)):
            assert p.bench.runner.busy
            await p.pilot.resize_terminal(*size)
            await p.pilot.pause(0.1)
            assert len(p.screen) == size[1]
            assert all(cell_len(row) == size[0] for row in p.screen)
            if size != (50, 12):
                assert p.screen[-2].lstrip().startswith("›"), p.text
                assert "f4 Stop" in p.screen[-1]
        enough.touch()
        await p.settle()
        assert "A [3] f32" in p.row("x = torch.ones(3)")
        assert "view of x" in p.row("y = x[1:]")
        await p.see("2 live", "ran in")
        entry = p.bench.out.record()
        assert entry is not None
        kept = entry.head + entry.tail
        assert all(f"line {n} 한글" in kept for n in range(20))

    play(story, lesson=None)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 18)])
def test_wide_characters_are_never_cut_in_half(
    play: Play, one_step: Callable[..., Lesson], size: tuple[int, int]
) -> None:
    code = "".join(f"a{n} = '{'x' * n}{'한글' * 40}'\n" for n in range(3)) + "print(a0)\nprint(a1)\na2\n"
    prompt = "# 제목입니다\n\n" + "뷰는 같은 메모리를 가리키는 이름입니다. " * 12

    async def story(p: Player) -> None:
        await p.run()
        assert all(cell_len(row) == size[0] for row in p.screen)
        p.bench.out.focus()
        await p.pilot.pause(0.1)
        assert all(cell_len(row) == size[0] for row in p.screen)
        told = "".join(line.plain.strip() for line in p.bench.out._lines)
        assert "한글" * 40 in told
        p.bench.repl.focus()
        await p.press(*"값 = '한글을 쓴다'", "left", "left", "backspace")
        await p.see("값 = '한글을 다'")
        assert all(cell_len(row) == size[0] for row in p.screen)

    play(story, size, lesson=one_step(kind="run", prompt=prompt, code=code))
