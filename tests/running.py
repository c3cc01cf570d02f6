"""One real kernel for many tests, and the loop in which it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tutor.session import Session


@contextmanager
def running_kernel(device: str = "cpu") -> Iterator[tuple[asyncio.Runner, Session]]:
    """A kernel that has started, without a spare beside it; it ends with the block."""
    with asyncio.Runner() as runner:
        session = Session(device, spare=False)
        session.spawn()
        runner.run(session.start())
        yield runner, session
        runner.run(session.close())
