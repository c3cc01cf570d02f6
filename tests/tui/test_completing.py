"""Names offered while somebody types."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.geometry import Offset, Region, Size

from tutor.tui.editing.popup import Popup, popup_region

from .conftest import Play, Player
from .test_editing import write


def popup(p: Player) -> Popup | None:
    return next((found for found in p.app.screen.query(Popup) if found.display), None)


def names(p: Player) -> list[str]:
    found = popup(p)
    return [str(option.prompt) for option in found.options] if found is not None else []


async def offered(p: Player, name: str) -> None:
    await p.until(lambda: name in names(p), f"{name} in the list")


def test_attributes_of_live_objects_are_offered_and_taken_with_tab(play: Play) -> None:
    async def story(p: Player) -> None:
        editor = p.bench.editor
        await write(p, "import torch\nx = torch.arange(6.)\n")
        await p.run()
        editor.move_cursor((2, 0))
        await p.press(*"y = x.resh")
        await offered(p, "reshape")
        assert names(p)[:2] == ["reshape", "reshape_as"]
        assert p.app.focused is editor
        await p.press("down", "tab")
        assert editor.document.get_line(2) == "y = x.reshape_as"
        assert popup(p) is None
        await p.press("ctrl+z")
        assert editor.document.get_line(2) == "y = x.resh"
        assert popup(p) is None

    play(story, lesson=None)


def test_enter_makes_a_line_until_the_learner_has_moved_in_the_list(play: Play) -> None:
    async def story(p: Player) -> None:
        editor = p.bench.editor
        await write(p, "import torch\n", (1, 0))
        await p.press(*"torch.one")
        await offered(p, "ones")
        await p.press("enter")
        assert editor.document.lines == ["import torch", "torch.one", ""]
        assert popup(p) is None
        await p.press(*"torch.one")
        await offered(p, "ones")
        await p.press("down", "up", "enter")
        assert editor.document.lines[2] == "torch.ones"

    play(story, lesson=None)


def test_names_of_the_text_the_lesson_and_python_come_before_anything_ran(play: Play, lesson) -> None:
    async def story(p: Player) -> None:
        await write(p, "learning_rate = 0.1\n\n", (2, 0))
        await p.press(*"lear")
        await offered(p, "learning_rate")
        await p.press("escape")
        assert p.app.focused is p.bench.editor
        await p.press("escape")
        assert p.app.focused is p.bench.repl
        await p.press(*"tor")
        await offered(p, "torch")
        await p.press("backspace", "backspace", "backspace", *"prin")
        await offered(p, "print")

    play(story)


def test_what_was_not_run_yet_is_followed_through_imports_and_assignments(play: Play) -> None:
    async def story(p: Player) -> None:
        await write(
            p,
            "import torch.nn.functional as F\nfrom torch import nn\nw = nn.Linear(2, 3)\nh = w.weight.T\n\n",
            (4, 0),
        )
        for typed, name in (("F.softm", "softmax"), ("w.in_f", "in_features"), ("h.resha", "reshape")):
            await p.press(*typed)
            await offered(p, name)
            await p.press("enter")
        await p.press(*"from torch.nn import Lin")
        await offered(p, "Linear")

    play(story, lesson=None)


def test_a_busy_kernel_is_not_waited_for(play: Play) -> None:
    async def story(p: Player) -> None:
        editor = p.bench.editor
        await write(p, "weights_of_mine = 1\nwhile True: pass\n", (2, 0))
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.runner.session.state == "busy")
        editor.move_cursor((2, 0))
        await p.press(*"weig")
        await offered(p, "weights_of_mine")
        assert p.bench.runner.session.state == "busy"
        await p.press("ctrl+c")
        await p.settle()

    play(story, lesson=None)


def test_nothing_is_offered_in_strings_and_comments_save_keys(play: Play) -> None:
    async def story(p: Player) -> None:
        await write(p, "value_one = {'alpha': 1, 'beta': 2}\n\n")
        await p.run()
        for typed in ('"value', "# value", "print('a') # pri", "1.re", "value_one = 1  # al"):
            p.bench.editor.move_cursor((1, 0))
            await p.press(*typed)
            await p.pilot.pause(0.1)
            assert popup(p) is None, typed
            await p.press("ctrl+u")
        await p.press(*'value_one["a')
        await offered(p, "alpha")
        assert names(p) == ["alpha"]
        await p.press("tab", '"')
        assert p.bench.editor.document.get_line(1) == 'value_one["alpha"'

    play(story, lesson=None)


def test_private_names_wait_for_an_underscore(play: Play) -> None:
    async def story(p: Player) -> None:
        await write(p, "import torch\n", (1, 0))
        await p.press(*"torch.")
        await offered(p, "abs")
        assert not any(name.startswith("_") for name in names(p))
        await p.press("_")
        await p.until(lambda: names(p) and all(name.startswith("_") for name in names(p)))

    play(story, lesson=None)


def test_the_list_closes_when_the_cursor_or_the_focus_goes_elsewhere(play: Play) -> None:
    async def story(p: Player) -> None:
        editor = p.bench.editor
        await write(p, "import torch\n", (1, 0))
        for leave in (
            lambda: p.press("left"),
            lambda: p.press("ctrl+z"),
            lambda: p.pilot.resize_terminal(90, 30),
            lambda: p.pilot.click(editor, offset=(20, 0)),
            lambda: p.press("ctrl+r"),
        ):
            editor.focus()
            await p.code("import torch\ntorch")
            editor.move_cursor((1, 5))
            await p.press(*".on")
            await offered(p, "ones")
            await leave()
            await p.until(lambda: popup(p) is None)
            await p.settle()

    play(story, lesson=None)


def test_a_click_takes_a_name_and_the_focus_stays(play: Play) -> None:
    async def story(p: Player) -> None:
        editor = p.bench.editor
        await write(p, "import torch\n", (1, 0))
        await p.press(*"torch.ones")
        await offered(p, "ones_like")
        await p.pilot.click(Popup, offset=(3, 1))
        await p.pilot.pause()
        assert editor.document.get_line(1) == "torch.ones_like"
        assert p.app.focused is editor
        assert popup(p) is None

    play(story, lesson=None)


def test_the_list_stands_below_its_word_or_above_and_korean_does_not_shift_it(play: Play) -> None:
    async def story(p: Player) -> None:
        editor = p.bench.editor
        await write(p, "import torch\n")
        await p.run()
        editor.move_cursor((1, 0))
        await p.press(*"가 = '나다' + torch.one")
        await offered(p, "ones")
        found = popup(p)
        assert found is not None
        row = p.screen[found.region.y - 1]
        assert cell_len(row[: row.index("one")]) == found.region.x + 1
        await p.code("import torch\n" + "\n" * 60 + "torch")
        editor.move_cursor((61, 5))
        await p.press(".", "o", "n", "e")
        await offered(p, "ones")
        assert p.app.screen.region.contains_region(found.region)
        p.bench.repl.focus()
        await p.press(*"torch.a")
        await offered(p, "abs")
        found = popup(p)
        assert found is not None
        assert p.app.screen.region.contains_region(found.region)
        assert found.region.bottom == p.bench.repl.cursor_screen_offset.y

    play(story, size=(60, 18), lesson=None)


def test_answers_to_input_are_not_completed(play: Play) -> None:
    async def story(p: Player) -> None:
        await write(p, "print('got', input('name? '))")
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.repl.asking)
        await p.press(*"prin")
        await p.pilot.pause(0.1)
        assert popup(p) is None
        await p.press("enter")
        await p.settle()
        await p.see("got prin")

    play(story, lesson=None)


@given(
    st.integers(20, 200), st.integers(5, 60), st.data(), st.text("ab가", max_size=9),
    st.lists(st.text("abc가", min_size=1, max_size=60), min_size=1, max_size=12),
)  # fmt: skip
def test_the_list_is_on_the_screen_and_beside_the_cursors_row(width, height, data, word, names) -> None:
    cursor = Offset(data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1)))
    region = popup_region(cursor, word, names, Size(width, height))
    assert Region(0, 0, width, height).contains_region(region)
    assert cursor.y not in range(region.y, region.bottom)
    assert cursor.y in (region.y - 1, region.bottom)
