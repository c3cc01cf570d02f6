"""Stopping a loop, and restarting a kernel that cannot be stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from benchmarks.jupyter import jupyter
from benchmarks.measure import BenchmarkError, Row, interleave, time_row
from tutor.session import Session, StateChanged

LOOP = "while True: pass"
#: Never gives the interpreter back, so that no signal handler runs.
STUCK = "sum(range(10**12))"


def rows(quick: bool) -> Iterator[Row]:
    """Budgets: 50 ms and 100 ms."""
    with asyncio.Runner() as runner:
        warm, cold = Session(), Session(spare=False)
        try:
            for session in (warm, cold):
                session.spawn()
                runner.run(asyncio.wait_for(session.start(), 60))
            with jupyter() as peer:
                ours, theirs = interleave(
                    3 if quick else 15, lambda: runner.run(stop(cold)), peer.interrupt_loop
                )
            yield time_row("stop of a Python loop", ours, theirs, "ipykernel", 0.050)
            ours, theirs = interleave(
                1 if quick else 5,
                lambda: runner.run(restart(warm, spare=True)),
                lambda: runner.run(restart(cold, spare=False)),
            )
            yield time_row("restart of a stuck kernel", ours, theirs, "without the spare", 0.100)
        finally:
            runner.run(warm.close())
            runner.run(cold.close())


async def stop(session: Session) -> float:
    """Seconds from the interrupt to the finished run."""
    running = asyncio.create_task(session.execute(LOOP))
    await asyncio.sleep(0.3)
    began = time.perf_counter()
    session.interrupt()
    async with asyncio.timeout(30):
        run = await running
    elapsed = time.perf_counter() - began
    if run.error is None or run.error.type != "KeyboardInterrupt":
        raise BenchmarkError(f"The loop was not stopped but ended with {run.error}.")
    return elapsed


async def restart(session: Session, *, spare: bool) -> float:
    """Seconds from the restart of a kernel that does not stop to the next one that is ready."""
    stuck = asyncio.Event()
    session.listener = lambda event: stuck.set() if event == StateChanged("stuck") else None
    async with asyncio.timeout(60):
        while spare and not session.spare_is_ready:  # noqa: ASYNC110 (a warm spare is nobody's event)
            await asyncio.sleep(0.05)
        running = asyncio.create_task(session.execute(STUCK))
        await asyncio.sleep(0.2)
        session.interrupt()
        await stuck.wait()
        began = time.perf_counter()
        await session.restart()
        elapsed = time.perf_counter() - began
        await running
    return elapsed
