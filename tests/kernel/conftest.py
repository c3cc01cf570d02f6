"""One real kernel for a module's tests; each test finds it alive, idle and empty."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Iterator

import pytest

from tests.running import running_kernel
from tutor.facts import Run
from tutor.session import Event, Session


class Driver:
    """Runs code in a session from synchronous tests and keeps what the session told."""

    def __init__(self, runner: asyncio.Runner, session: Session) -> None:
        self.runner = runner
        self.session = session
        self.events: list[Event] = []
        session.listener = self.events.append

    def run(self, code: str, **options: object) -> Run:
        """Execute dedented code to its end."""
        return self.runner.run(self.session.execute(textwrap.dedent(code), **options))  # type: ignore[arg-type]

    def run_and(self, code: str, action, when=None, after: float = 0.3) -> Run:
        """Execute code; do `action(session)` at the first event that `when` accepts, or after a while."""
        done = False

        def act() -> None:
            nonlocal done
            if not done:
                done = True
                action(self.session)

        def listen(event: Event) -> None:
            self.events.append(event)
            if when is not None and when(event):
                act()

        async def go() -> Run:
            self.session.listener = listen
            if when is None:
                asyncio.get_running_loop().call_later(after, act)
            try:
                return await asyncio.wait_for(self.session.execute(textwrap.dedent(code)), 30)
            finally:
                self.session.listener = self.events.append

        return self.runner.run(go())

    def of(self, kind: type[Event]) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def value(self, expression: str) -> object:
        return self.runner.run(self.session.evaluate(expression)).value


@pytest.fixture(scope="module")
def module_driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    with running_kernel(getattr(request.module, "DEVICE", "auto")) as (runner, session):
        yield Driver(runner, session)


@pytest.fixture
def driver(module_driver: Driver) -> Driver:
    session = module_driver.session
    if session.state != "idle":
        module_driver.runner.run(session.restart())
    module_driver.runner.run(session.reset())
    module_driver.events.clear()
    session.listener = module_driver.events.append
    return module_driver
