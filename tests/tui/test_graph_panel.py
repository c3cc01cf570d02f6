"""The graph as a panel: a cursor that opens, closes and jumps, facts of nodes, past moments, export."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.conftest import Play, Player
from tutor.tui.graph_view import GraphView

CODE = """\
import torch
w = torch.full((3,), 0.5, requires_grad=True)
h = w.exp()
loss = (h * w).sum() + 0.1 * (w ** 2).sum()
"""
LOOP = """\
import torch
w = torch.ones(3, requires_grad=True)
y = w
for _ in range(400):
    y = y.sin() * 1.5
"""


def view(p: Player) -> GraphView:
    return p.bench.query_one("#graph", GraphView)


def lines(p: Player) -> list[str]:
    return [line.plain for line in view(p)._lines]


def card(p: Player) -> str:
    return "\n".join(line.plain for line in p.bench.query_one("#node")._lines)


def heading(p: Player) -> str:
    return p.bench.query_one("#graph-panel").heading.fact


async def begin(p: Player, code: str = CODE, root: str = "loss") -> None:
    await p.code(code)
    await p.run()
    view(p).focus()
    await p.until(lambda: root in heading(p) and len(lines(p)) > 1, "the graph")


def test_a_node_tells_its_rule_its_line_and_what_it_saved(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        at = next(i for i, line in enumerate(lines(p)) if "ExpBackward0" in line)
        await p.press("home", *["down"] * at)
        await p.until(lambda: "∂L/∂w = g·h" in card(p), "the rule")
        assert "line 3: w.exp()" in card(p)
        assert "saved: result [3] f32" in card(p)
        await p.see("∂L/∂w = g·h", "line 3: w.exp()")

    play(story, lesson=None)


@pytest.mark.parametrize("size", [(80, 24), (60, 18)])
def test_node_and_line_are_seen_in_small_terminals(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.run()
        await p.press("f2")
        view(p).focus()
        await p.until(lambda: len(lines(p)) > 5)
        await p.press("home", *["down"] * 3)
        cursor = lines(p)[3].strip("│├└─ ")
        await p.see(cursor[:20], "∂L/∂")

    play(story, size, lesson=None)


def test_a_loop_opens_and_closes(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, LOOP, "y")
        await p.still()
        folded = lines(p)
        at = next(i for i, line in enumerate(folded) if "× 39" in line)
        await p.press("home", *["down"] * at, "right")
        await p.until(lambda: len(lines(p)) > 800)
        await p.press("end")
        await p.until(lambda: "AccumulateGrad" in card(p))
        await p.press("home", *["down"] * at, "left")
        await p.until(lambda: lines(p) == folded)

    play(story, lesson=None)


def test_what_hangs_on_a_node_closes_and_left_goes_up(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        await p.still()
        whole = lines(p)
        await p.press("home", "left")
        await p.until(lambda: len(lines(p)) == 1)
        assert "▸ " in lines(p)[0]
        await p.press("right")
        await p.until(lambda: lines(p) == whole)
        await p.press("down", "down", "left")
        assert view(p).pointed is not None
        assert view(p)._at == 1

    play(story, lesson=None)


def test_a_reference_leads_to_its_node(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p)
        at = next(i for i, line in enumerate(lines(p)) if "↓ AccumulateGrad" in line)
        node = next(i for i, line in enumerate(lines(p)) if "─ AccumulateGrad" in line)
        await p.press("home", *["down"] * at)
        await p.until(lambda: "w.grad += g" in card(p), "the facts of what is referred to")
        await p.press("enter")
        await p.until(lambda: view(p)._at == node)
        await p.press("enter")
        await p.until(lambda: p.bench.selected == "w")
        assert heading(p) == "backward from loss"

    play(story, lesson=None)


def test_dangers_are_told_before_backward_is_called(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, CODE + "h.add_(1)\n")
        assert heading(p) == "backward from loss would fail"
        at = next(i for i, line in enumerate(lines(p)) if "overwritten" in line)
        await p.press("home", *["down"] * at)
        await p.until(lambda: "Backward would fail here: its saved" in card(p))

    play(story, lesson=None)


def test_an_earlier_moment_has_the_graph_of_then(play: Play) -> None:
    async def story(p: Player) -> None:
        await begin(p, CODE + "loss.backward()\n")
        await p.until(lambda: any("freed" in line for line in lines(p)))
        await p.bench.run_action("earlier")
        await p.bench.run_action("earlier")
        await p.until(lambda: heading(p) == "backward from loss", "the graph of then")
        assert not any("freed" in line for line in lines(p))
        await p.bench.run_action("now")
        await p.until(lambda: heading(p) == "backward from loss · used up")

    play(story, lesson=None)


def test_the_graph_is_written_to_a_file_and_not_over_another(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(p: Player) -> None:
        monkeypatch.chdir(tmp_path)
        await begin(p)
        for _ in range(2):
            await p.bench.run_action("export_graph")
            await p.see("export graph of loss", "SVG")
            await p.press("enter")
            await p.see("enter writes it")
            await p.press("enter")
            if (tmp_path / "loss.dot").exists() and "is there already" in p.text:
                break
            await p.see("nodes written to")
        await p.see("loss.dot is there already")
        written = (tmp_path / "loss.dot").read_text()
        assert written.startswith('digraph "backward from loss"')
        assert "line 3: w.exp()" in written
        await p.press("escape")
        await p.bench.run_action("export_graph")
        await p.see("export graph of loss")
        await p.press("down", "enter")
        await p.see("enter writes it")
        await p.press(*["backspace"] * len("loss.txt"), *"mine", "enter")
        await p.until((tmp_path / "mine").exists)
        assert (tmp_path / "mine").read_text().startswith("AddBackward0")

    play(story, lesson=None)


def test_without_a_graph_there_is_nothing_to_export(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("import torch\nx = torch.ones(2)\n")
        await p.run()
        await p.bench.run_action("export_graph")
        await p.see("There is no graph to export")

    play(story, lesson=None)
