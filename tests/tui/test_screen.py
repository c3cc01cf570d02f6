"""What fits where, what is focused, what is offered."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from textual.app import App

from tests.tui.conftest import Gates, Play, Player
from tests.tui.test_running import style_at
from tutor.language import use_language
from tutor.session import Session
from tutor.tui.app import TutorApp
from tutor.tui.chooser import Item
from tutor.view.palette import INK, PAPER


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 18)])
def test_everything_needed_is_on_the_screen(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        await p.see("2 of ", "x = torch.zeros(6)", "A [6] f32", "ran in", "output", "^r Run")
        assert p.row("›")
        assert len(p.screen) == size[1]
        assert all(cell_len(row) == size[0] for row in p.screen)

    play(story, size)


@pytest.mark.parametrize("size", [(50, 12), (59, 30), (100, 17)])
def test_too_small_a_window_gets_one_sentence(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        shown = " ".join(p.text.split())
        assert shown == f"This window is {size[0]}×{size[1]}; torchtutor needs 60×18."
        await p.pilot.resize_terminal(80, 24)
        await p.see("1 of ")

    play(story, size)


def test_prediction_fits_the_smallest_window(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("slice-contiguous")
        await p.see("[True, True]", "[True, False]", "[False, False]", "base = torch", "›")

    play(story, (60, 18))


def test_text_above_a_prediction_is_scrolled_without_leaving_it(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("slice-contiguous")
        await p.see("is there a view of shape (6, 2)?", "↓")
        end = "We ask for two shapes."
        assert end not in p.text
        for _ in range(6):
            await p.press("pagedown")
        await p.see(end)
        await p.press("3")
        await p.see("your prediction")

    play(story, (60, 18))


def test_narrow_screen_turns_the_page_to_the_inspector_and_back(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        assert "3 live" not in p.text
        await p.press("f2")
        await p.see("3 live", "data_ptr", "cpu", "storage")
        assert "x = torch.zeros(6)" not in p.text
        await p.press("f2")
        await p.see("x = torch.zeros(6)")
        assert p.app.focused is p.bench.editor

    play(story, (80, 24))


def test_wide_screen_hides_and_shows_the_inspector(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.see("tensors")
        await p.press("f2")
        assert "tensors" not in p.text
        await p.press("f2")
        await p.see("tensors")

    play(story)


def test_graph_of_the_selected_tensor(play: Play) -> None:
    code = (
        "import torch\nw = torch.ones(3, requires_grad=True)\nh = w * 2\nloss = h.sum()\nk = torch.zeros(2)\n"
    )

    async def story(p: Player) -> None:
        await p.code(code)
        await p.run()
        await p.see("backward from loss", "SumBackward0", "MulBackward0", "AccumulateGrad")
        p.bench.inspector.table.focus()
        await p.press("home", "down")
        await p.see("backward from h")
        assert "SumBackward0" not in p.text
        await p.press("up")
        await p.see("w is a leaf")
        await p.press("end")
        await p.see("k has no grad_fn")

    play(story, (120, 60), lesson=None)


def test_inspector_follows_a_run_while_it_runs(play: Play, gates: Gates) -> None:
    code = f"import torch\n{gates.code}\na = torch.ones(2)\nwait('go')\nb = a[:1]\n"

    async def story(p: Player) -> None:
        await p.code(code)
        await p.press("ctrl+r")
        await p.see("1 live")
        assert p.bench.runner.busy
        assert "A [2] f32" in p.row("a = torch.ones(2)")
        gates.open("go")
        await p.settle()
        await p.see("2 live")

    play(story, lesson=None)


def test_tab_walks_through_the_panes_and_the_focused_heading_is_lit(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        accent = tuple(int(INK.accent[i : i + 2], 16) for i in (1, 3, 5))

        def lit(heading: str) -> bool:
            color = style_at(p, heading, heading).color
            # Textual's arithmetic on colours may be off by one.
            return color is not None and all(
                abs(one - other) <= 1 for one, other in zip(color.get_truecolor(), accent, strict=True)
            )

        p.bench.editor.focus()
        await p.until(lambda: lit("same-input.py"))
        assert not lit("output")
        await p.press("tab")
        assert p.app.focused is p.bench.editor
        await p.press("ctrl+z", "escape")
        assert p.app.focused is p.bench.repl
        await p.until(lambda: not lit("same-input.py"))
        await p.press("escape")
        assert p.app.focused is p.bench.editor
        await p.press("escape", "shift+tab")
        await p.until(lambda: lit("output"))
        await p.press("tab", "tab")
        await p.until(lambda: lit("tensors"))

    play(story)


def test_escape_goes_between_editor_and_prompt_and_is_offered_only_there(play: Play) -> None:
    async def story(p: Player) -> None:
        p.bench.editor.focus()
        await p.see("esc Editor/prompt")
        p.bench.inspector.table.focus()
        await p.until(lambda: "esc Editor" not in p.text)

    play(story)


def test_the_inspector_gives_the_focus_back(play: Play) -> None:
    async def story(p: Player) -> None:
        p.bench.repl.focus()
        await p.press("f2", "f2")
        await p.until(lambda: p.app.focused is p.bench.repl)

    play(story, size=(80, 24))


def test_theme_is_switched(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        p.bench.run_worker(p.bench.action_theme())
        await p.see("the terminal's own colours")
        await p.press("down", "enter")
        paper = PAPER.hue(1)
        await p.until(lambda: (hue := style_at(p, "x = torch.zeros(6)", "A [6]").color) and hue.name == paper)
        assert p.app.theme == "paper"
        assert p.bench.store.setting("theme", "") == "paper"

    play(story)


@pytest.mark.parametrize("theme", ["ink", "paper", "ansi"])
def test_no_text_has_the_colour_of_its_ground(play: Play, theme: str) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        for strip in p.strips:
            for text, style, _ in strip:
                if (
                    text.strip()
                    and style is not None
                    and style.color is not None
                    and style.bgcolor is not None
                ):
                    both_default = style.color.is_default and style.bgcolor.is_default
                    assert both_default or style.color != style.bgcolor, text

    play(story, theme=theme)


def test_help_lists_the_commands_and_closes(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.press("f12")
        await p.see("^r", "Run the code in the editor.", "Stop the code that is running.")
        await p.press("escape")
        await p.until(lambda: "Run the code in the editor." not in p.text)

    play(story)


def test_command_palette_finds_and_does(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.press("ctrl+o")
        await p.pilot.pause(0.3)
        await p.press(*"next")
        await p.pilot.pause(0.5)
        await p.press("enter")
        await p.see("2 of ")

    play(story)


def test_lesson_picker_opens_a_lesson(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.press("f8")
        await p.settle()
        await p.press("ctrl+l")
        await p.see("lessons", "▸ View or reshape?", " done")
        await p.press("enter")
        await p.see("2 of ")
        await p.run()
        await p.see("A [6] f32")

    play(story)


def test_lesson_picker_leads_from_the_scratch_page_to_a_lesson(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.press("ctrl+l")
        await p.see("View or reshape?", " steps")
        await p.press("enter")
        await p.see("1 of ", "Tensors › A tensor is values plus facts", "Values, and facts about them")

    play(story, lesson=None)


def test_device_is_chosen_from_those_that_are_there(play: Play) -> None:
    async def story(p: Player) -> None:
        p.bench.action_device()
        await p.see("device", "auto", "▸ cpu")
        await p.press("enter")
        await p.settle()
        await p.see("The kernel was restarted on cpu; its namespace is empty.")

    play(story)


def test_preamble_of_a_chosen_accelerator_is_the_first_entry(play: Play) -> None:
    line = "torch.set_default_device('cuda')"

    async def story(p: Player) -> None:
        session = p.bench.runner.session
        kept = session.info
        assert kept is not None
        try:
            session.info = replace(kept, preamble=line)
            await p.press("f8")
            await p.settle()
            await p.run()
            rows = p.screen
            entries = [i for i, row in enumerate(rows) if line in row or "▸ same-input.py" in row]
            assert line in rows[entries[0]]
            assert "▸ same-input.py" in rows[entries[1]]
        finally:
            session.info = kept

    play(story)


def test_broken_lesson_says_where_and_why(tmp_path, store) -> None:
    from tutor.tui.lessons import lesson_items

    broken = tmp_path / "broken.yaml"
    broken.write_text("schema: 1\nid: broken\ntitle: Broken\ntrack: T\nsteps: []\nnonsense: 1\n")
    (item,) = lesson_items(store, [broken])
    assert isinstance(item, Item)
    assert not item.usable
    assert f"{broken}:" in item.fact


def test_fault_of_ours_ends_in_a_sentence_and_the_details_in_a_file(monkeypatch, tmp_path, store) -> None:
    monkeypatch.setenv("TORCHTUTOR_HOME", str(tmp_path))

    async def go(app: TutorApp) -> None:
        async with app.run_test() as pilot:
            app.call_later(lambda: 1 / 0)
            await pilot.pause()

    app = TutorApp(Session(spare=False), store, None)
    sentences = []
    monkeypatch.setattr(App, "_print_error_renderables", lambda app: sentences.extend(app._exit_renderables))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(go(app))
    (sentence,) = sentences or app._exit_renderables
    assert (
        str(sentence) == f"torchtutor ended by a fault of its own; the details are in {tmp_path}/fault.txt."
    )
    assert "ZeroDivisionError" in (tmp_path / "fault.txt").read_text()


def test_command_palette_also_knows_the_english_names(play: Play) -> None:

    async def story(p: Player) -> None:
        await p.press("ctrl+o")
        await p.pilot.pause(0.3)
        await p.press(*"scratch")
        await p.see("따로 둔 이름공간")
        await p.pilot.pause(0.5)
        await p.press("enter")
        await p.until(lambda: p.app.workbench.walk is None)

    use_language("ko")
    try:
        play(story)
    finally:
        use_language("en")
