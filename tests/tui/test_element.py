"""One selected element: chosen by key or click, lit in the grid, in the storage and in every name there."""

from __future__ import annotations

import asyncio

import pytest

from tests.tui.conftest import Play, Player
from tutor.facts import Values
from tutor.view.grid import ELEMENT
from tutor.view.marks import metas_of
from tutor.view.sheet import CELL

CODE = """\
import torch

x = torch.arange(6.).reshape(2, 3)
y = x[:, 1]
x[0, 1] = 0.1
band = torch.zeros(1000, 500)
band[700, 400] = 7
"""


def panel(p: Player, name: str) -> str:
    """What stands in a panel, all of it."""
    return "\n".join(line.plain for line in p.bench.query_one(f"#{name}")._lines)


async def begin(p: Player, name: str, code: str = CODE) -> None:
    await p.code(code)
    await p.run()
    if not p.bench.inspector.region:
        await p.press("f2")
    table = p.bench.inspector.table
    await p.until(lambda: name in "\n".join(line.plain for line in table._lines))
    from tutor.tui.messages import NameSelected

    p.bench.post_message(NameSelected(name, "note"))
    await p.until(lambda: (values := p.bench.inspector.now.known.values) and values.name == name)
    p.bench.query_one("#detail").focus()
    await p.pilot.pause(0.2)  # the panel opens, which moves those below


def lit_rows(p: Player) -> list[str]:
    """Names in the storage panel that have the lit element."""
    return [line.split()[0] for line in panel(p, "storage").split("\n") if "▲" in line]


async def click_meta(p: Player, view: str, key: str, wanted: object) -> None:
    """Click on what carries `key: wanted`."""
    widget = p.bench.query_one(f"#{view}")
    for y, line in enumerate(widget._lines):
        for at, part in enumerate(line.divide(range(1, len(line.plain)))):
            if any(meta.get(key) == wanted for meta in metas_of(part)):
                region = widget.content_region
                await p.pilot.click(offset=(region.x + at + 1, region.y + y - widget.scroll_offset.y))
                await p.pilot.pause(0.1)
                return
    raise AssertionError(f"{key} {wanted} is not drawn")


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 18)])
def test_arrow_keys_light_an_element_everywhere(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        await begin(p, "x")
        assert "▸" not in panel(p, "detail")
        await p.press("right", "right")
        await p.until(lambda: "x[0, 1] = 0.10000000149011612" in panel(p, "detail"))
        assert "also y[0]" in panel(p, "detail")
        await p.until(lambda: lit_rows(p) == ["x", "y"])
        await p.until(lambda: any("▸0.1" in row for row in p.screen), "the cell in view")
        await p.press("down")
        await p.until(lambda: "x[1, 1] = 4.0" in panel(p, "detail"))
        assert "also y[1]" in panel(p, "detail")
        await p.press("left")
        await p.until(lambda: lit_rows(p) == ["x"])
        await p.press("ctrl+end")
        await p.until(lambda: "x[1, 2] = 5.0" in panel(p, "detail"))
        await p.press("home")
        await p.until(lambda: "x[1, 0] = 3.0" in panel(p, "detail"))

    play(story, size=size, lesson=None)


def test_below_the_grid_the_keys_go_to_names_and_back(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "x")
        await p.press("ctrl+end", "ctrl+end", "down")
        view = p.bench.query_one("#detail")
        await p.until(lambda: view._at is not None)
        await p.press("up")
        await p.until(lambda: view._at is None)
        await p.press("up")
        await p.until(lambda: "x[0, 2] = 2.0" in panel(p, "detail"))
        await p.press("down", "down", "down", "enter")
        await p.until(lambda: p.bench.selected == "y")

    play(story, lesson=None)


def test_clicks_choose_elements_in_the_grid_and_in_the_storage(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "x")
        await click_meta(p, "detail", ELEMENT, (1, 2))
        await p.until(lambda: "x[1, 2] = 5.0" in panel(p, "detail"))
        block = p.bench.inspector.now.snapshot.tensors["x"].block
        await p.until(lambda: "▲" in panel(p, "storage"))
        await click_meta(p, "storage", CELL, (block, 4))
        await p.until(lambda: "x[0, 1] = 0.1" in panel(p, "detail"))
        assert p.bench.inspector.shown == "x"

    play(story, lesson=None)


def test_a_cell_that_the_shown_tensor_has_no_part_in_selects_one_that_has(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "y")
        block = p.bench.inspector.now.snapshot.tensors["y"].block
        await click_meta(p, "storage", CELL, (block, 20))
        await p.until(lambda: p.bench.inspector.shown == "x")
        await p.until(lambda: "x[1, 2] = 5.0" in panel(p, "detail"))

    play(story, lesson=None)


def test_left_and_right_in_the_storage_go_along_memory(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "y")
        p.bench.query_one("#storage").focus()
        await p.press("right")
        await p.until(lambda: "y[0] = 0.1" in panel(p, "detail"))
        await p.press("right")
        await p.until(lambda: "y[1] = 4.0" in panel(p, "detail"))
        await p.press("right", "left")
        await p.until(lambda: "y[0] = 0.1" in panel(p, "detail"))

    play(story, lesson=None)


def test_a_big_tensor_is_walked_through_and_its_values_follow(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "band")
        await p.burst("down", *["pagedown"] * 70)
        await p.until(lambda: "band[700, 0] = 0.0" in panel(p, "detail"))
        assert "[699]" in panel(p, "detail")
        await p.burst("end", *["left"] * 99)
        await p.until(lambda: "band[700, 400] = 7.0" in panel(p, "detail"))
        assert "▸7." in panel(p, "detail")
        assert "▾ 350,400" in panel(p, "storage")
        await p.until(lambda: any("▸7." in row for row in p.screen))

    play(story, lesson=None)


def test_the_element_is_forgotten_when_code_runs(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "x")
        await p.press("right", "right")
        await p.until(lambda: "▸" in panel(p, "detail"))
        await p.press("ctrl+r")
        await p.settle()
        await p.until(lambda: "▸" not in panel(p, "detail") and "▲" not in panel(p, "storage"))
        assert p.bench.inspector.now.element is None

    play(story, lesson=None)


def test_an_answer_about_another_name_is_dropped(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, "band")
        real = p.bench.runner.values
        waiting = asyncio.Event()

        async def slow(name: str, *around: object) -> Values | None:
            found = await real(name, *around)
            if name == "band":
                await waiting.wait()
            return found

        p.bench.runner.values = slow
        await p.press("ctrl+end", "ctrl+end")
        await p.pilot.pause(0.1)
        from tutor.tui.messages import NameSelected

        p.bench.post_message(NameSelected("x", "note"))
        await p.until(lambda: "0.1" in panel(p, "detail"))
        waiting.set()
        await p.pilot.pause(0.1)
        assert "[999]" not in panel(p, "detail")
        assert "0.1" in panel(p, "detail")

    play(story, lesson=None)


ODD = """\
import torch

sparse = torch.eye(3).to_sparse()
nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
meta = torch.ones(2, 3, device="meta")
nothing = torch.empty(0, 3)
loss = torch.tensor(2.5)
"""


@pytest.mark.parametrize("name", ["sparse", "nested", "meta", "nothing", "loss"])
def test_keys_do_no_harm_to_what_has_no_elements(play: Play, name: str) -> None:
    async def story(p: Player) -> None:
        await p.code(ODD)
        await p.run()
        from tutor.tui.messages import NameSelected

        p.bench.post_message(NameSelected(name, "note"))
        await p.until(lambda: p.bench.inspector.shown == name)
        p.bench.query_one("#detail").focus()
        await p.press("right", "down", "pagedown", "end", "ctrl+end", "up", "left", "home")
        p.bench.query_one("#storage").focus()
        await p.press("right", "left")
        await p.pilot.pause(0.2)
        if name == "loss":
            assert "loss = 2.5" in panel(p, "detail")
        if name == "meta":
            assert "meta[" in panel(p, "detail")

    play(story, lesson=None)
