"""A training loop with its backward passes recorded, beside the same loop without."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from benchmarks.measure import Row, interleave, ratio_row
from tutor.session import Session

BUDGET = 1.05
SETUP = """
import torch
from torch import nn
torch.set_num_threads(1)
torch.manual_seed(0)
layers = [part for _ in range({hidden}) for part in (nn.Linear({width}, {width}), nn.ReLU())]
net = nn.Sequential(*layers, nn.Linear({width}, 1))
x, y = torch.randn({batch}, {width}), torch.randn({batch}, 1)
opt = torch.optim.SGD(net.parameters(), lr=1e-3)
"""
LOOP = """
for _ in range({steps}):
    opt.zero_grad()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    opt.step()
"""


def rows(quick: bool) -> Iterator[Row]:
    """Budget: 1.05 of the bare loop, whatever else is watched; in small steps and in big ones."""
    with asyncio.Runner() as runner:
        session = Session(spare=False)
        session.spawn()
        try:
            runner.run(asyncio.wait_for(session.start(), 60))
            steps = 300 if quick else 1_500
            yield loop(runner, session, f"{steps:,} small training steps, replay on", steps, (1, 16, 32))
            steps = 40 if quick else 300
            yield loop(runner, session, f"{steps:,} training steps of an MLP 64x256", steps, (8, 256, 64))
        finally:
            runner.run(session.close())


def loop(runner: asyncio.Runner, session: Session, what: str, steps: int, sizes: tuple[int, int, int]) -> Row:
    """Seconds of the loop alone, on and off in turns."""
    hidden, width, batch = sizes

    def run(code: str) -> float:
        done = runner.run(session.execute(code))
        assert done.ok, done.error
        assert len(done.steps[-1].backwards) > 0 or not session.replay or "opt.step" not in code
        return done.steps[-1].elapsed

    run(SETUP.format(hidden=hidden, width=width, batch=batch))

    def measured(on: bool) -> float:
        session.replay = on
        return run(LOOP.format(steps=steps))

    on, off = interleave(5 if steps < 300 else 9, lambda: measured(True), lambda: measured(False))
    return ratio_row(what, on, off, "not recorded", BUDGET)
