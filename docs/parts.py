"""The parts of the inspector, each in a state that shows what it is for; the README shows them."""

from __future__ import annotations

from dataclasses import dataclass

from docs.scenes import Scene, Stage

#: Larger than a panel needs, so that none is cut off.
SIZE = (150, 60)


@dataclass(frozen=True, slots=True)
class Part:
    """What of the screen is drawn: the widgets of these ids, from the first to the last; or all of it."""

    scene: Scene
    widgets: tuple[str, ...] = ()
    size: tuple[int, int] = SIZE


async def operations(stage: Stage) -> None:
    """Views, copies and a write, with the arguments of one of them."""
    await stage.code(
        "import torch\n\nx = torch.arange(6.).reshape(2, 3)\n\ndef flat(t):\n    return t.T.reshape(-1)\n\n"
        "for k in range(1000):\n    y = flat(x).add_(k)\n    z = x[:, 1:].clone()\n"
    )
    await stage.run()
    await stage.focus("operations")
    await stage.press("down", "enter")


async def element(stage: Stage) -> None:
    """One element, in every tensor that reads it."""
    await stage.code(
        "import torch\n\nx = torch.arange(-4., 8.).reshape(3, 4)\ncolumn = x[:, 1]\nsome = x[1:, ::2]\n"
        "x[1, 2] = float('nan')\n"
    )
    await stage.run()
    await stage.focus("detail")
    await stage.press("enter", "down", "right", "right")


async def graph(stage: Stage) -> None:
    """A graph that backward could not go through any more."""
    await stage.code(
        "import torch\n\nx = torch.tensor([1., 2.])\nw = torch.tensor([3., 4.], requires_grad=True)\n"
        "h = (w * x).exp()\nloss = (h ** 2).sum() + h.mean()\nh += 1\n"
    )
    await stage.run()
    await stage.enter("loss.shape")
    await stage.focus("graph")
    await stage.press("down")


async def replay(stage: Stage) -> None:
    """One node of a backward pass."""
    await stage.code(
        "import torch\n\nx = torch.tensor([1., 2.])\nw = torch.tensor([3., 4.], requires_grad=True)\n"
        "loss = ((w * x).sin() ** 2).sum()\nloss.backward()\n"
    )
    await stage.run()
    await stage.focus("replay")
    await stage.press("right", "right")


async def moment(stage: Stage) -> None:
    """As it was two statements ago."""
    await stage.code("import torch\n\nx = torch.zeros(2, 3)\nx[0] = 1\nprint(x)\nx.mul_(5)\ny = x.sum()\n")
    await stage.run()
    await stage.press("alt+up", "alt+up", "alt+up")


async def explanation(stage: Stage) -> None:
    """An error in a model, below the line that made it, with its fix."""
    await stage.code(
        "import torch\nimport torch.nn.functional as F\n\n"
        "images = torch.randn(8, 3, 5, 5)\nweight = torch.randn(10, 75)\n"
        "features = images.flatten(1)\nscores = features @ weight\n"
    )
    await stage.run()
    await stage.see("writes that")


async def live(stage: Stage) -> None:
    """A loop as it runs."""
    await stage.code(
        "import torch, time\n\nw = torch.tensor(4., requires_grad=True)\nfor step in range(400):\n"
        "    loss = (w - 1) ** 2\n    loss.backward()\n    with torch.no_grad():\n"
        "        w -= 0.02 * w.grad\n    w.grad = None\n    time.sleep(0.01)\n"
    )
    await stage.press("ctrl+r")
    await stage.see("loss")
    await stage.pilot.pause(2.5)


PARTS: dict[str, Part] = {
    "operations": Part(Scene(operations, lesson=""), ("operations-panel",)),
    "element": Part(Scene(element, lesson=""), ("detail-panel", "storage-panel")),
    "graph": Part(Scene(graph, lesson=""), ("graph-panel",)),
    "replay": Part(Scene(replay, lesson=""), ("replay-panel",)),
    "moment": Part(Scene(moment, lesson=""), size=(110, 24)),
    "explanation": Part(Scene(explanation, lesson=""), size=(120, 34)),
    "live": Part(Scene(live, lesson="", runs=True), ("live-panel",)),
}
