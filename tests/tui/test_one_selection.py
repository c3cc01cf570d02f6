"""One name is selected everywhere, wherever it was chosen."""

from __future__ import annotations

import pytest

from tests.tui.conftest import Play, Player
from tests.tui.inspected import CODE, begin, click_on, heading, panel, press_on, style_in, table_rows
from tutor.tui import inspector


def test_a_row_of_the_table_is_selected_everywhere(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        await p.press("end", "up")
        await p.until(lambda: p.bench.selected == "h")
        await p.until(lambda: heading(p, "graph").startswith("backward from h"))
        assert heading(p, "detail") == "h  [2] f32"
        await p.until(lambda: panel(p, "storage").startswith("I"))
        assert style_in(p, " h ", "h").underline
        assert style_in(p, "h   ", "h").underline
        row = next(strip for strip in p.strips if "h = x @ w" in strip.text)
        marked = "".join(segment.text for segment in row if segment.style and segment.style.underline)
        assert "I [2] f32" in marked

    play(story, lesson=None)


def test_a_node_of_the_graph_is_selected_everywhere_and_the_graph_stays(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        p.bench.query_one("#graph").focus()
        await p.until(lambda: "AccumulateGrad" in panel(p, "graph"))
        await p.press("end", "enter")
        await p.until(lambda: p.bench.selected == "w")
        await p.until(lambda: heading(p, "detail") == "w  [3] f32")
        assert heading(p, "graph") == "backward from loss · used up"
        assert panel(p, "storage").split("\n")[2].startswith("w ")
        await p.press("up", "enter")
        await p.until(lambda: p.bench.selected == "h")
        await p.press("up", "enter")
        assert p.bench.selected == "h", "a node without a name selects nothing"
        p.bench.inspector.table.focus()
        await p.press("home")
        await p.until(lambda: heading(p, "graph") == "x")

    play(story, lesson=None)


def test_a_click_in_graph_strip_or_relation_selects(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        p.bench.query_one("#graph").focus()
        await p.see("MvBackward0")
        await click_on(p, "MvBackward0", "h ")
        await p.until(lambda: p.bench.selected == "h")
        await click_on(p, "y          ", "y", left=90)
        await p.until(lambda: p.bench.selected == "y")
        await p.see("elements with x")
        await click_on(p, "elements with x", "x")
        await p.until(lambda: p.bench.selected == "x")

    play(story, (160, 90), lesson=None)


def test_what_is_under_a_button_that_is_held_down_stays_there(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        p.bench.query_one("#graph").focus()
        await p.press("end", "up", "enter")
        await p.until(lambda: p.bench.selected == "h")
        await press_on(p, "y          ", left=90, held=1.2)
        await p.until(lambda: p.bench.selected == "y")
        assert p.bench.query_one("#storage-panel").has_class("-open")
        # Nor does a button that goes up elsewhere hold the panels for long.
        monkeypatch.setattr(inspector, "LONGEST_PRESS", 1_000)
        await press_on(p, "y          ", left=90, held=0.1, up=(5, 20))
        await p.until(lambda: not p.bench.inspector._pressed)

    play(story, (160, 90), lesson=None)


def test_a_folded_parameter_is_shown_where_it_is_selected(play: Play) -> None:
    code = CODE + "out = model(x)\n"

    async def story(p: Player) -> None:
        await begin(p, code)
        assert "model[2].weight" not in table_rows(p)
        await p.press("end")
        await p.until(lambda: heading(p, "graph") == "backward from out")
        p.bench.query_one("#graph").focus()
        await p.see("D model[2].weight")
        await click_on(p, "D model[2].weight", "model[2].weight")
        await p.until(lambda: p.bench.selected == "model[2].weight")
        assert "model[2].weight" in table_rows(p)

    play(story, (160, 90), lesson=None)


def test_a_note_under_the_resting_cursor_is_selected(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        p.bench.editor.focus()
        p.bench.editor.move_cursor((4, 0))
        await p.until(lambda: p.bench.selected == "y")
        await p.until(lambda: heading(p, "detail") == "y  [2] f32")
        assert p.app.focused is p.bench.editor
        p.bench.editor.move_cursor((2, 0))
        await p.pilot.pause(0.5)
        assert p.bench.selected == "y"
        await p.press(*"# z")
        p.bench.editor.move_cursor((8, 0))
        await p.pilot.pause(0.5)
        assert p.bench.selected == "y", "a note below an edit says nothing any more"

    play(story, lesson=None)


def test_a_note_that_a_run_writes_below_the_cursor_is_not_meant(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("import torch\nx = torch.ones(2)\n")
        p.bench.editor.focus()
        p.bench.editor.move_cursor((1, 0))
        await p.press("ctrl+r")
        await p.see("[2] f32")
        await p.pilot.pause(0.5)
        assert p.bench.selected == ""

    play(story, lesson=None)


def test_a_click_on_a_note_selects(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        await click_on(p, "[2] f32 view of x", "view")
        await p.until(lambda: p.bench.selected == "y")
        p.bench.inspector.table.focus()
        await p.press("end")
        await p.until(lambda: p.bench.selected == "loss")
        await click_on(p, "[2] f32 view of x", "view")
        await p.until(lambda: p.bench.selected == "y")

    play(story, lesson=None)


def test_a_filter_gives_way_to_a_name_chosen_elsewhere(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        await p.press(*"loss")
        await p.see("filter: loss")
        p.bench.editor.focus()
        p.bench.editor.move_cursor((4, 0))
        await p.until(lambda: p.bench.selected == "y")
        await p.see("12 live")

    play(story, lesson=None)


def test_another_step_has_names_of_its_own(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        p.bench.inspector.table.focus()
        await p.press("home")
        await p.until(lambda: p.bench.selected)
        await p.press("f8")
        await p.settle()
        assert p.bench.selected == ""

    play(story)


@pytest.mark.parametrize("size", [(120, 36), (160, 45), (80, 24), (60, 18)])
def test_tab_goes_through_the_panels_and_each_is_seen(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.run()
        if size[0] < 110:
            await p.press("f2")
        else:
            p.bench.inspector.table.focus()
        await p.press("home")
        panes = p.bench.inspector.panes()
        names = [pane.name for pane in panes]
        assert {"tensors", "detail", "storage", "graph"} <= set(names)
        for pane in panes[names.index("tensors") :]:
            name = pane.name
            await p.until(lambda pane=pane: p.app.focused is pane.widget, name)
            await p.pilot.pause(0.4)
            region = p.bench.inspector.region
            rows = [p.screen[y][region.x :] for y in range(region.y, region.bottom - 1)]
            assert any(row.strip().startswith(name) for row in rows), "\n".join(rows)
            await p.press("tab")

    play(story, size, lesson=None)
