"""The replay panel: passes node by node, the graph and the names with it, and the switch."""

from __future__ import annotations

from tests.tui.conftest import Play, Player
from tests.tui.inspected import panel
from tutor.tui.panels.replay import ReplayView

CODE = """\
import torch
w = torch.tensor([1., 2.], requires_grad=True)
h = w * 3
loss = (h * h).sum()
loss.backward(retain_graph=True)
loss.backward()
done = 1
"""


async def open_replay(p: Player, code: str = CODE) -> ReplayView:
    await p.code(code)
    await p.run()
    view = p.bench.query_one(ReplayView)
    await p.until(lambda: view.backward is not None, "a pass to replay")
    await p.until(lambda: p.bench.inspector.now.graph is not None, "the graph")
    view.focus()
    await p.pilot.pause(0.2)
    return view


def test_keys_go_from_node_to_node_and_the_rest_follows(play: Play) -> None:
    async def story(p: Player) -> None:
        await open_replay(p)
        assert "node 1 of 4  loss.backward()" in panel(p, "replay")
        assert "SumBackward0  made loss" in panel(p, "replay")
        await p.press("right", "right")
        await p.until(lambda: "node 3 of 4" in panel(p, "replay"))
        assert "MulBackward0  made h" in panel(p, "replay")
        assert "[6. 12.]" in panel(p, "replay")
        assert p.bench.selected == "h"
        await p.until(lambda: "▸ MulBackward0  " in panel(p, "graph"), "the mark in the graph")
        assert "SumBackward0" in panel(p, "graph")  # still that of loss
        await p.press("end")
        await p.until(lambda: p.bench.selected == "w")
        told = " ".join(panel(p, "replay").split())
        assert "w.grad was [18. 36.] + [18. 36.] = [36. 72.]" in told
        assert "2 passes are added up" in panel(p, "replay")
        await p.press("left", "home")
        await p.until(lambda: "node 1 of 4" in panel(p, "replay"))

    play(story, lesson=None)


def test_passes_are_chosen_and_the_moment_has_its_own(play: Play) -> None:
    async def story(p: Player) -> None:
        view = await open_replay(p)
        assert "line 6" in p.text
        await p.press("end", "p")
        await p.until(lambda: "w.grad was None" in panel(p, "replay"))
        await p.until(lambda: "line 5" in p.text)
        await p.press("n", "n")
        await p.until(lambda: "w.grad was [18. 36.]" in panel(p, "replay"))
        for line, passes in ((7, 0), (6, 1), (5, 1), (4, 0)):
            await p.press("f19")
            await p.until(lambda line=line: p.bench.inspector.now.past is not None)
            await p.until(lambda line=line: p.bench.inspector.now.past.moment.step.line == line)
            await p.until(lambda line=line: (view.backward is not None) == (line in (5, 6)))
            assert len(p.bench.inspector.now.passes) == passes
            assert view.backward is None or view.backward.line == line

    play(story, lesson=None)


def test_one_key_switches_the_record_off_and_it_is_remembered(play: Play) -> None:
    async def story(p: Player) -> None:
        await open_replay(p)
        await p.press("f14")
        await p.see("Backward passes are no longer recorded.")
        assert p.app.store.setting("replay", True) is False
        await p.run()
        await p.until(lambda: p.bench.query_one(ReplayView).backward is None)
        await p.press("f14")
        await p.see("Backward passes are recorded")
        await open_replay(p)

    play(story, lesson=None)


def test_in_a_small_terminal(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code(CODE)
        await p.run()
        await p.press("f2")
        view = p.bench.query_one(ReplayView)
        await p.until(lambda: view.backward is not None)
        view.focus()
        await p.pilot.pause(0.3)
        await p.press("right")
        await p.see("node 2 of 4", "rule", "← → node")

    play(story, (60, 18), lesson=None)
