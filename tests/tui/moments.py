"""What a story sees of moments and of code that waits, shared by the tests about them."""

from __future__ import annotations

from tests.tui.conftest import Player
from tutor.tui.chronicle import Moment

CODE = """import torch
x = torch.zeros(6)
v = x.view(2, 3)
print("hello")
v[0, 0] = 9
print("bye")
"""
BACK, ON, STEP = "f19", "f20", "f21"


def moment(p: Player) -> Moment:
    found = p.bench.chronicle.moment
    assert found is not None
    return found


def panel(p: Player, name: str) -> str:
    """What a panel of lines shows."""
    return "\n".join(line.plain for line in p.bench.query_one(f"#{name}")._lines)


async def ran(p: Player, code: str = CODE) -> None:
    await p.code(code)
    await p.run()


async def paused(p: Player) -> None:
    await p.until(lambda: p.bench.waits is not None, "the wait")
    await p.pilot.pause(0.15)
