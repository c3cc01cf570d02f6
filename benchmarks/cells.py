"""One small cell: from the request to the finished record, beside ipykernel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from statistics import median

from benchmarks.jupyter import Jupyter, jupyter
from benchmarks.measure import Row, interleave, ratio_row
from tutor.session import Session

CODE = "x = 1"
BUDGET = 0.15
#: Cells that one turn runs, one right after the other.
CELLS = 20
#: Seconds between the cells of somebody who thinks.
PAUSE = 0.1


def rows(quick: bool) -> Iterator[Row]:
    """Budget: 0.15 of ipykernel, whose time ends at its `idle` and reply. Hot, and as it is after a pause."""
    with jupyter() as peer, asyncio.Runner() as runner:
        session = Session(spare=False)
        session.spawn()
        try:
            runner.run(asyncio.wait_for(session.start(), 60))
            yield from compare(lambda: runner.run(run_cell(session)), peer, quick)
        finally:
            runner.run(session.close())


def compare(ours: Callable[[], float], peer: Jupyter, quick: bool) -> Iterator[Row]:
    """One row for cells in a row, one for cells after a pause."""

    def theirs() -> float:
        return peer.run(CODE)

    hot, peer_hot = interleave(3 if quick else 15, lambda: in_a_row(ours), lambda: in_a_row(theirs))
    yield ratio_row(f"`{CODE}` cell, session to record", hot, peer_hot, "ipykernel", BUDGET)
    cold, peer_cold = interleave(10 if quick else 40, lambda: after_pause(ours), lambda: after_pause(theirs))
    yield ratio_row(f"the same after a pause of {PAUSE} s", cold, peer_cold, "ipykernel", BUDGET)


def in_a_row(cell: Callable[[], float]) -> float:
    """Median of a turn of cells."""
    return median(cell() for _ in range(CELLS))


def after_pause(cell: Callable[[], float]) -> float:
    """One cell, when caches and processor have had time to forget."""
    time.sleep(PAUSE)
    return cell()


async def run_cell(session: Session) -> float:
    """Seconds until the run with its snapshot is there."""
    began = time.perf_counter()
    async with asyncio.timeout(30):
        run = await session.execute(CODE)
    elapsed = time.perf_counter() - began
    assert run.ok, run.error
    return elapsed
