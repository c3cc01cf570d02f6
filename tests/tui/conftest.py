"""The real app over one real kernel, driven by its keys and read off its screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tutor.course.loader import find_lesson, load_lesson
from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.session import Session
from tutor.tui.app import TutorApp
from tutor.tui.workbench import Workbench

PATIENCE = 30.0


class Player:
    """A learner at the keyboard, and what the learner sees."""

    def __init__(self, pilot: Pilot[int]) -> None:
        self.pilot = pilot
        self.app: TutorApp = pilot.app  # type: ignore[assignment]

    @property
    def bench(self) -> Workbench:
        return self.app.workbench

    @property
    def screen(self) -> list[str]:
        """The rows of the terminal as text."""
        return [
            "".join(segment.text for segment in strip)
            for strip in self.app.screen._compositor.render_strips()
        ]

    @property
    def text(self) -> str:
        return "\n".join(self.screen)

    def row(self, part: str) -> str:
        """The first row that has `part` in it."""
        return next((row for row in self.screen if part in row), "")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, what: Callable[[], object], why: str = "") -> None:
        """Wait for something to become true; say what the screen showed when it did not."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not what():
            if asyncio.get_running_loop().time() > deadline:
                pytest.fail(f"{why or 'it'} did not come; the screen shows\n{self.text}")
            await self.pilot.pause(0.02)
        await self.pilot.pause()

    async def see(self, *parts: str) -> None:
        for part in parts:
            await self.until(lambda part=part: part in self.text, repr(part))

    async def settle(self) -> None:
        """Until nothing runs and everything is drawn."""
        session = self.bench.runner.session
        busy = ("starting", "busy", "stopping")
        await self.until(lambda: not self.bench.runner.busy and session.state not in busy, "the end")
        await self.pilot.pause(0.15)

    async def run(self) -> None:
        await self.press("ctrl+r")
        await self.settle()

    async def code(self, source: str) -> None:
        """Put `source` into the editor as if it had been typed."""
        self.bench.editor.text = source
        await self.pilot.pause()

    async def enter(self, line: str) -> None:
        """Type a line at the prompt."""
        self.bench.repl.focus()
        await self.pilot.pause()
        await self.press(*line, "enter")

    async def go_to(self, step: str) -> None:
        assert self.bench.walk is not None
        while self.bench.walk.step.id != step:
            await self.press("f8")
            await self.settle()


Story = Callable[[Player], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def shared_session(runner: asyncio.Runner) -> Iterator[Session]:
    session = Session("cpu", spare=False)
    session.spawn()
    runner.run(session.start())
    yield session
    runner.run(session.close())


@pytest.fixture(scope="session")
def lesson() -> Lesson:
    return load_lesson(find_lesson("view-reshape"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """What is remembered of a learner who is here for the first time."""
    with Store.open(tmp_path / "tutor.db", patience=5) as store:
        yield store


@pytest.fixture
def play(runner: asyncio.Runner, shared_session: Session, store: Store, lesson: Lesson) -> Play:
    """Open the app on a lesson (or a scratch page) in a terminal of some size, and tell a story."""

    def play(
        story: Story,
        size: tuple[int, int] = (120, 36),
        *,
        lesson: Lesson | None = lesson,
        theme: str | None = None,
    ) -> None:
        async def go() -> None:
            if shared_session.state in ("dead", "paused"):
                await shared_session.restart()
            app = TutorApp(shared_session, store, lesson, theme=theme)
            async with app.run_test(size=size, notifications=True) as pilot:
                player = Player(pilot)
                await player.settle()
                await story(player)
            for sibling in app.siblings:
                await sibling.close()

        runner.run(go())

    return play


@pytest.fixture
def one_step() -> Callable[..., Lesson]:
    """A lesson made for one test."""

    def make(**step: object) -> Lesson:
        import msgspec

        document = {
            "schema": 1,
            "id": "made",
            "title": "Made for a test",
            "track": "Tests",
            "setup": "import torch\n",
            "steps": [{"id": "only", "prompt": "Look.", **step}],
        }
        return msgspec.convert(document, Lesson)

    return make
