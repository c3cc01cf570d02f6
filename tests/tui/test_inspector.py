"""The inspector: a table that folds, filters and sorts; one selected name everywhere."""

from __future__ import annotations

import asyncio

import pytest

from tests.tui.conftest import Gates, Play, Player
from tests.tui.inspected import begin, click_on, panel, style_in, table_rows

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
