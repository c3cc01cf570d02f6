"""The inspector: a table that folds, filters and sorts; one selected name everywhere."""

from __future__ import annotations

import asyncio

import pytest
from rich.style import Style

from tests.tui.conftest import Gates, Play, Player

CODE = """\
import torch
from torch import nn

x = torch.arange(6.).reshape(2, 3)
y = x[:, 1]
x[0, 1] = 9
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 1))
w = torch.ones(3, requires_grad=True)
h = x @ w
loss = (h - 1).pow(2).mean()
loss.backward()
"""


def table_rows(p: Player) -> list[str]:
    """The names, and containers, that the table lists."""
    table = p.bench.inspector.table
    return [table._lines[at].plain.split()[1] for at in range(1, len(table._lines))]


def panel(p: Player, name: str) -> str:
    """What stands in a panel, all of it."""
    view = p.bench.query_one(f"#{name}")
    return "\n".join(line.plain for line in view._lines)


def style_in(p: Player, row_part: str, word: str) -> Style:
    """The style in which `word` is drawn, in the first row with `row_part` in the inspector."""
    left = p.bench.inspector.region.x
    for strip in p.app.screen._compositor.render_strips():
        row = strip.crop(left, strip.cell_length)
        if row_part in row.text:
            at = 0
            for segment in row:
                if at <= row.text.index(word) < at + len(segment.text):
                    return segment.style or Style()
                at += len(segment.text)
    raise AssertionError(f"{row_part!r} is not in the inspector")


async def click_on(p: Player, row_part: str, word: str, *, left: int = 0) -> None:
    """Click on `word` in the first row that has `row_part`, at or right of `left`, once all is drawn."""
    await p.still()
    for y, row in enumerate(p.screen):
        if row_part in row[left:]:
            x = row.index(word, row.index(row_part, left))
            await p.pilot.click(offset=(x, y))
            await p.pilot.pause(0.2)
            return
    raise AssertionError(f"{row_part!r} is not on the screen\n{p.text}")


async def begin(p: Player, code: str = CODE) -> None:
    await p.code(code)
    await p.run()
    await p.see("live")
    p.bench.inspector.table.focus()
    await p.pilot.pause()


# ── the table ────────────────────────────────────────────────────────────────


def test_a_module_is_one_line_that_opens_and_closes(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        await p.see("▸ model  6 tensors · 41 parameters")
        assert table_rows(p) == ["x", "y", "model", "w", "w.grad", "h", "loss"]
        await p.press("home", "down", "down", "right")
        await p.see("▾ model", "model[0].weight", "model[3].bias")
        await p.press("down", "left")
        assert "▾ model" in p.text
        await p.press("left")
        await p.until(lambda: "model[0].weight" not in panel(p, "tensors"))
        await p.press("enter")
        await p.see("▾ model")
        await click_on(p, "▾ model", "model", left=70)
        await p.see("▸ model")

    play(story, lesson=None)


def test_a_dictionary_and_a_list_fold_and_what_they_hold_has_its_letter(play: Play) -> None:
    code = """\
import torch
x = torch.ones(3)
batch = {"x": x, "y": torch.zeros(2), "more": {"a": torch.ones(1), "b": torch.ones(1)}}
params = [torch.ones(2) for _ in range(6)]
b = batch["y"][:1]
losses = [torch.ones(1) for _ in range(250)]
"""

    async def story(p: Player) -> None:
        await begin(p, code)
        await p.see("▾ batch  4 tensors · 7 elements", "▸ params  6 tensors · 12 elements")
        await p.see("▸ losses  100 tensors … and 150 more", "150 more not shown")
        inside = ['batch["x"]', 'batch["y"]', 'batch["more"]["a"]', 'batch["more"]["b"]']
        assert table_rows(p) == ["x", "batch", *inside, "params", "b", "losses"]
        await p.press("home", "down", "left")
        assert table_rows(p) == ["x", "batch", "params", "b", "losses"]
        await p.press("right", "down", "down")
        await p.see("2 × f32, 8 B")
        rows = [row for row in p.screen if 'batch["y"]' in row and "[2]" in row]
        assert any('B   batch["y"]' in row for row in rows)
        assert any(" B b " in row for row in p.screen)

    play(story)


def test_typing_filters_and_escape_shows_all_again(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        before = table_rows(p)
        await p.press("w")
        await p.see("filter: w · 5 of 12")
        assert table_rows(p) == ["model", *(f"model[{i}].weight" for i in (0, 2, 3)), "w", "w.grad"]
        await p.press(*".g")
        await p.see("filter: w.g · 1 of 12")
        assert table_rows(p) == ["w.grad"]
        await p.press("backspace", "backspace", "backspace")
        assert table_rows(p) == before
        await p.press(*"f3[")
        await p.see("has “f3[” in it", "0 of 12")
        await p.press("escape")
        await p.see("12 live")
        assert table_rows(p) == before
        assert p.app.focused is p.bench.inspector.table

    play(story, lesson=None)


def test_columns_sort_by_key_and_by_click(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "import torch\nb = torch.ones(3)\nc = torch.ones(2, 2)\na = torch.ones(1)\n")
        assert table_rows(p) == ["b", "c", "a"]
        await p.press(">", ">")
        await p.see("name▲")
        assert table_rows(p) == ["a", "b", "c"]
        await p.press("-")
        await p.see("name▼")
        assert table_rows(p) == ["c", "b", "a"]
        await click_on(p, "name▼", "shape")
        await p.see("shape▲")
        assert table_rows(p) == ["a", "b", "c"]
        await click_on(p, "shape▲", "shape▲")
        assert table_rows(p) == ["c", "b", "a"]
        await p.press("<", "<", "<")
        assert table_rows(p) == ["b", "c", "a"]
        assert "▲" not in p.text

    play(story, lesson=None)


def test_changed_rows_are_bold_until_the_next_run(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        assert style_in(p, "A x", "x").bold
        assert style_in(p, "model  6", "model").bold
        await p.enter("y[0] = 3")
        await p.settle()
        assert style_in(p, "A x", "x").bold
        assert style_in(p, "A y", "y").bold
        assert not style_in(p, " h ", "h").bold
        assert not style_in(p, "model  6", "model").bold
        await p.enter("_ = model[2].bias.data.zero_()")
        await p.settle()
        assert not style_in(p, "A y", "y").bold
        assert style_in(p, "model  6", "model").bold
        await p.enter("1 + 1")
        await p.settle()
        assert not style_in(p, "model  6", "model").bold

    play(story, lesson=None)


@pytest.mark.parametrize("theme", ["ansi", "paper"])
def test_changed_rows_are_bold_in_every_theme(play: Play, theme: str) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        await p.enter("h2 = h * 2")
        await p.settle()
        assert style_in(p, " h2 ", "h2").bold
        assert not style_in(p, " w ", "w").bold

    play(story, lesson=None, theme=theme)


def test_a_thousand_names_scroll_under_their_headings(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "import torch\nfor i in range(900): globals()[f'v{i}'] = torch.ones(2)\n")
        await p.press("end")
        await p.see("v899", "name")
        assert "v899" in panel(p, "tensors")
        await p.press("pageup", "up")
        await p.press(*"v77")
        await p.see("filter: v77 · 11 of 900")
        await p.press("down")
        assert p.bench.selected == "v770"

    play(story, lesson=None)


# ── detail ───────────────────────────────────────────────────────────────────


def test_detail_has_values_relations_and_facts(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        await p.press("home")
        await p.until(lambda: "shares 2 of 6 elements with y" in panel(p, "detail"))
        await p.until(lambda: "[0]    0.   9.   2." in panel(p, "detail") or "9." in panel(p, "detail"))
        words = " ".join(panel(p, "detail").split())
        for fact in (
            "[0] 0. 9. 2. [1] 3. 4. 5.",
            "contiguous yes",
            "offset 0",
            "version 1",
            "float32",
            "storage A",
        ):
            assert fact in words
        await p.press("down")
        await p.until(lambda: "shares all 2 elements with x" in panel(p, "detail"))
        assert "contiguous no" in " ".join(panel(p, "detail").split())

    play(story, lesson=None)


def test_values_follow_the_runs(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "import torch\na = torch.tensor([3.0, 5.0]) / 2\n")
        await p.until(lambda: "1.5" in panel(p, "detail"))
        await p.enter("a.mul_(float('nan'))")
        await p.settle()
        await p.until(lambda: "nan  nan" in panel(p, "detail"))
        assert "1.5" not in panel(p, "detail")
        await p.enter("a = torch.ones(2, device='meta')")
        await p.settle()
        await p.until(lambda: "no values: a meta tensor" in panel(p, "detail"))

    play(story, lesson=None)


def test_an_answer_from_before_a_run_is_not_shown_after_it(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "import torch\na = torch.tensor([3.0]) / 2\n")
        await p.until(lambda: "1.5" in panel(p, "detail"))
        real = p.bench.runner.values
        answers = []

        async def slow(name: str, *start: object) -> object:
            found = await real(name, *start)
            await asyncio.sleep(0.4 if not answers else 0)
            answers.append(found)
            return found

        p.bench.runner.values = slow
        p.bench.look()
        await p.pilot.pause(0.2)
        p.bench.repl.focus()
        await p.press(*"a.data.fill_(7.25)", "enter")
        await p.settle()
        await p.until(lambda: "7.25" in panel(p, "detail"))
        await p.pilot.pause(0.6)
        assert "7.25" in panel(p, "detail")

    play(story, lesson=None)


def test_values_from_before_a_long_run_go_while_it_runs(play: Play, gates: Gates) -> None:
    async def story(p: Player) -> None:
        await begin(p, "import torch\na = torch.tensor([3.0]) / 2\n")
        await p.until(lambda: "1.5" in panel(p, "detail"))
        await p.enter(f"{gates.code}; wait('go')")
        await p.until(lambda: "1.5" not in panel(p, "detail"))
        assert p.bench.runner.busy
        gates.open("go")
        await p.settle()
        await p.until(lambda: "1.5" in panel(p, "detail"))

    play(story, lesson=None)


def test_same_storage_without_a_common_element_is_told_apart(play: Play) -> None:
    code = "import torch\nx = torch.zeros(600, 600)\na = x[::2, ::2]\nb = x[1::2, 1::2]\nc = x[::4, 2:]\n"

    async def story(p: Player) -> None:
        await begin(p, code)
        await p.press(*"a", "down", "up")
        await p.press("escape", "home", "down")
        await p.until(lambda: p.bench.selected == "a")
        await p.until(lambda: "same storage as b, no element in common" in panel(p, "detail"))
        await p.until(lambda: "shares elements with c, same storage" in panel(p, "detail"))

    play(story, lesson=None)


def test_a_relation_leads_to_the_other_name(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        await p.press("home")
        await p.until(lambda: "elements with y" in panel(p, "detail"))
        p.bench.query_one("#detail").focus()
        await p.press("enter")
        await p.until(lambda: p.bench.selected == "y")
        await p.until(lambda: "elements with x" in panel(p, "detail"))

    play(story, lesson=None)


# ── one selection ────────────────────────────────────────────────────────────


def heading(p: Player, name: str) -> str:
    """The fact in a panel's heading."""
    return p.bench.query_one(f"#{name}-panel").heading.fact


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
        row = next(strip for strip in p.app.screen._compositor.render_strips() if "h = x @ w" in strip.text)
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
