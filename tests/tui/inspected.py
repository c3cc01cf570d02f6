"""What a story sees of the inspector, shared by the tests about it."""

from __future__ import annotations

from rich.style import Style
from textual.events import MouseDown, MouseUp

from tests.tui.conftest import Player

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
    for strip in p.strips:
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


async def press_on(
    p: Player, row_part: str, *, left: int = 0, held: float, up: tuple[int, int] | None = None
) -> None:
    """Hold the button down for `held` seconds at the beginning of `row_part`, as a terminal tells of it.

    It goes up there, or at `up`."""
    await p.still()
    y, row = next((y, row) for y, row in enumerate(p.screen) if row_part in row[left:])
    x = row.index(row_part, left)
    for kind, pause in ((MouseDown, held), (MouseUp, 0.0)):
        if kind is MouseUp and up is not None:
            x, y = up
        event = kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y)
        event.set_sender(p.app)
        p.app._driver.send_message(event)
        await p.pilot.pause(pause)


async def begin(p: Player, code: str = CODE) -> None:
    await p.code(code)
    await p.run()
    await p.see("live")
    p.bench.inspector.table.focus()
    await p.pilot.pause()


def heading(p: Player, name: str) -> str:
    """The fact in a panel's heading."""
    return p.bench.query_one(f"#{name}-panel").heading.fact
