"""The real app over one real kernel, driven by its keys and read off its screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.strip import Strip

from docs.shown import shown_strips
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
        return [strip.text for strip in self.strips]

    @property
    def strips(self) -> list[Strip]:
        """The rows of the terminal with their styles."""
        return shown_strips(self.app)

    @property
    def text(self) -> str:
        return "\n".join(self.screen)

    def row(self, part: str) -> str:
        """The first row that has `part` in it."""
        return next((row for row in self.screen if part in row), "")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def burst(self, *keys: str) -> None:
        """Keys that come all at once, as from a slow connection or a paste that is typed."""
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            event = Key(name, key if len(key) == 1 else None)
            event.set_sender(self.app)
            driver.send_message(event)
        await self.pilot.pause()

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

    async def still(self) -> None:
        """Until the screen stays as it is: nothing is asked, and nothing waits for the cursor to rest."""
        before, count = "", 0
        while count < 6:
            await self.pilot.pause(0.05)
            asked = self.bench.runner.session._waiting
            count = count + 1 if self.text == before and not asked else 0
            before = self.text

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
        await self.burst(*line)
        await self.press("enter")

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


async def have_idle(session: Session) -> None:
    """The story before may have ended while its app was still having something run."""
    for _ in range(500):
        if session.state not in ("busy", "stopping"):
            break
        await asyncio.sleep(0.02)
    if session.state != "idle":
        await session.restart()


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
            await have_idle(shared_session)
            app = TutorApp(shared_session, store, lesson, theme=theme)
            async with app.run_test(size=size, notifications=True) as pilot:
                player = Player(pilot)
                await player.settle()
                await story(player)
            for sibling in app.siblings:
                await sibling.close()

        runner.run(go())

    return play


class Gates:
    """Places in the learner's code that are passed once the test opens them: `wait('go')`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        #: What makes `wait`, on one line.
        self.code = (
            f"import os, time; closed = lambda name: not os.path.exists({str(folder)!r} + '/' + name); "
            "wait = lambda name: [time.sleep(0.01) for _ in iter(lambda: closed(name), False)] and None"
        )

    def open(self, *names: str) -> None:
        for name in names:
            (self._folder / name).touch()


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    folder = tmp_path / "gates"
    folder.mkdir()
    return Gates(folder)


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
