"""Writing code: indentation, comments, undo, brackets, find."""

from __future__ import annotations

from rich.style import Style
from textual.document._document import Selection
from textual.document._wrapped_document import WrappedDocument

from .conftest import Play, Player


def cell(p: Player, row: int, column: int) -> Style:
    """The style on the screen of a character of the editor."""
    editor = p.bench.editor
    strip = editor.render_line(row - editor.scroll_offset.y)
    at = editor.gutter_width + column
    return next(iter(strip.crop(at, at + 1))).style or Style()


def select(p: Player, start: tuple[int, int], end: tuple[int, int]) -> None:
    p.bench.editor.selection = Selection(start, end)


async def write(p: Player, source: str, cursor: tuple[int, int] = (0, 0)) -> None:
    p.bench.editor.focus()
    await p.code(source)
    p.bench.editor.move_cursor(cursor)
    await p.pilot.pause()


def test_lines_of_a_selection_are_indented_and_back_and_each_is_one_step_to_undo(play: Play) -> None:
    async def story(p: Player) -> None:
        editor = p.bench.editor
        await write(p, "a = 1\n\n  b = 2\nc = 3")
        select(p, (0, 2), (3, 0))
        await p.press("tab")
        assert editor.text == "    a = 1\n\n      b = 2\nc = 3"
        assert editor.selection == Selection((0, 6), (3, 0))
        await p.press("tab", "shift+tab", "shift+tab")
        assert editor.text == "a = 1\n\n  b = 2\nc = 3"
        await p.press("shift+tab")
        assert editor.text == "a = 1\n\nb = 2\nc = 3"
        await p.press("ctrl+z")
        assert editor.text == "a = 1\n\n  b = 2\nc = 3"
        await p.press("ctrl+z", "ctrl+z", "ctrl+z", "ctrl+z")
        assert editor.text == "a = 1\n\n  b = 2\nc = 3"
        await p.press("ctrl+y")
        assert editor.text == "    a = 1\n\n      b = 2\nc = 3"

    play(story, lesson=None)


def test_comment_signs_come_and_go_by_the_key(play: Play) -> None:
    async def story(p: Player) -> None:
        editor = p.bench.editor
        source = "for i in range(3):\n    if i:\n        print('값', i)"
        await write(p, source, (1, 6))
        await p.press("ctrl+underscore")
        assert editor.text == "for i in range(3):\n    # if i:\n        print('값', i)"
        assert editor.cursor_location == (1, 8)
        await p.press("ctrl+underscore")
        assert editor.text == source
        select(p, (1, 0), (2, 3))
        await p.press("ctrl+underscore")
        assert editor.text == "for i in range(3):\n    # if i:\n    #     print('값', i)"
        await p.press("ctrl+z")
        assert editor.text == source
        await p.press("escape", "ctrl+underscore")
        assert editor.text == source

    play(story, lesson=None)


def test_enter_keeps_the_indentation_and_backspace_goes_to_the_stop(play: Play) -> None:
    async def story(p: Player) -> None:
        editor = p.bench.editor
        await write(p, "")
        await p.press(*"if 1:", "enter", "enter", "x", "backspace", "tab")
        assert editor.text == "if 1:\n    \n        "
        await p.press("backspace")
        assert editor.text == "if 1:\n    \n    "
        await p.press("space", "backspace", "backspace", "backspace")
        assert editor.text == "if 1:\n    "
        await write(p, "x = 1  ", (0, 7))
        await p.press("backspace")
        assert editor.text == "x = 1 "

    play(story, lesson=None)


def test_home_goes_to_the_text_and_then_to_the_first_column(play: Play) -> None:
    async def story(p: Player) -> None:
        await write(p, "    x = 1", (0, 7))
        for column in (4, 0, 4):
            await p.press("home")
            assert p.bench.editor.cursor_location == (0, column)

    play(story, lesson=None)


def test_keys_lead_to_the_first_and_the_last_place_of_the_text_and_select(play: Play) -> None:
    async def story(p: Player) -> None:
        await write(p, "a = 1\nb = 2\nc = 3", (1, 2))
        editor = p.bench.editor
        await p.press("ctrl+end")
        assert editor.selection == Selection.cursor((2, 5))
        await p.press("ctrl+home")
        assert editor.selection == Selection.cursor((0, 0))
        await p.press("ctrl+shift+end")
        assert editor.selected_text == "a = 1\nb = 2\nc = 3"

    play(story, lesson=None)


def test_windows_lines_and_tabs_can_be_pasted(play: Play) -> None:
    from textual import events

    async def story(p: Player) -> None:
        await write(p, "")
        p.app.post_message(events.Paste("def f():\r\n\treturn 1\r\nprint(f() + 1)\r\n"))
        await p.pilot.pause()
        assert p.bench.editor.document.lines == ["def f():", "\treturn 1", "print(f() + 1)", ""]
        await p.run()
        await p.see("2")

    play(story, lesson=None)


def test_the_pair_of_brackets_at_the_cursor_is_marked_and_not_by_colour_alone(play: Play) -> None:
    for theme in ("ink", "paper", "ansi"):

        async def story(p: Player) -> None:
            await write(p, "f(')', [1,\n 2])  # )", (0, 1))
            marked = [(0, 1), (1, 3)]
            for row, column in marked:
                assert cell(p, row, column).underline
            assert not cell(p, 0, 3).underline
            assert not cell(p, 0, 7).underline
            p.bench.editor.move_cursor((1, 3))
            await p.pilot.pause()
            assert cell(p, 1, 3).underline
            p.bench.editor.move_cursor((0, 9))
            await p.pilot.pause()
            assert not any(cell(p, row, column).underline for row, column in marked)

        play(story, lesson=None, theme=theme)


def test_find_goes_through_the_matches_and_leaves_the_cursor_there(play: Play) -> None:
    async def story(p: Player) -> None:
        editor = p.bench.editor
        await write(p, "x = 1\nX_train = 2\n# 값은 x\nprint(x)", (1, 0))
        await p.press("ctrl+f", "x")
        await p.see("find ›", "2 of 4")
        assert editor.selected_text == "X"
        assert cell(p, 0, 0).underline
        await p.press("enter", "enter")
        await p.see("4 of 4")
        await p.press("enter")
        await p.see("1 of 4")
        await p.press("shift+enter", "up")
        await p.see("3 of 4")
        assert editor.selection.start == (2, 5)
        await p.press("backspace", "X")
        await p.see("1 of 1")
        await p.press("backspace", *"값은")
        await p.see("1 of 1")
        await p.press("?")
        await p.see("not found")
        await p.press("backspace", "escape")
        assert p.app.focused is editor
        assert editor.selection == Selection((2, 2), (2, 4))
        assert "find ›" not in p.text
        assert not cell(p, 0, 0).underline

    play(story, lesson=None)


def test_code_can_be_run_while_text_is_looked_for(play: Play) -> None:
    async def story(p: Player) -> None:
        await write(p, "print('it ran')")
        await p.press("ctrl+f", "i", "t", "ctrl+r")
        await p.settle()
        await p.see("1 of 1")
        assert p.row("it ran")
        await p.press("ctrl+z")
        assert p.bench.editor.text == "print('it ran')"

    play(story, size=(60, 18), lesson=None)


def test_undo_of_several_edits_leaves_the_rows_as_the_text_has_them(play: Play) -> None:
    """Rows are wrapped anew where edits are taken back together."""

    async def story(p: Player) -> None:
        editor = p.bench.editor
        await write(p, "\n".join(f"line_{i} = {i}" for i in range(12)), (3, 0))
        source = editor.text
        for keys in ("xy", ("down", "end", "delete"), ("up", "up", "home", "backspace"), "z"):
            await p.press(*keys)
        changed = editor.text
        for _ in range(8):
            await p.press("ctrl+z")
            fresh = WrappedDocument(editor.document, editor.wrap_width, editor.indent_width)
            assert editor.wrapped_document._offset_to_line_info == fresh._offset_to_line_info
            assert editor.wrapped_document.height == fresh.height
        assert editor.text == source
        for _ in range(8):
            await p.press("ctrl+y")
        assert editor.text == changed

    play(story, lesson=None)
