"""An app that is killed has lost nothing that was typed longer than a second ago."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.measure import BenchmarkError
from benchmarks.terminal import NEXT, Terminal
from tutor.course.store import SCRATCH, Store, draft_key

KILLS, HOMES = 50, 5
#: What may be lost, in seconds.
ALLOWED = 1.0
BACK = b"\x1b[18~"
#: Words that a life of more than a second owes, and how much longer, in seconds, it may take for them.
OWED, PATIENCE = 20, 15.0
#: Escape, and End, which tells the app that nothing belongs to the Escape: alone it would wait for more.
LEAVE = "\x1b\x1b[F"
FIRST, SECOND = draft_key("view-reshape", "two-parts"), draft_key("view-reshape", "same-input")


@dataclass
class Typist:
    """Somebody at the keyboard of one app, who remembers what was typed where, and when."""

    terminal: Terminal
    number: int
    #: When the app is killed, if it has not opened by then.
    until: float
    #: For how long it lives once it has opened, which is sooner on one machine than on another.
    span: float
    typed: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    entered: list[tuple[float, str]] = field(default_factory=list)

    def appear(self, text: str) -> None:
        """Wait for the app to open, at most as long as it lives."""
        try:
            self.terminal.wait_for(text, max(0.05, self.until - time.monotonic()))
        except BenchmarkError as error:
            raise TimeoutError from error
        self.until = time.monotonic() + self.span

    def drain(self, seconds: float) -> None:
        """Let time pass, as long as the app lives."""
        if time.monotonic() > self.until and not self.lingers():
            raise TimeoutError
        self.terminal.drain(seconds)

    def lingers(self) -> bool:
        """Whether a life of more than a second goes on, since a slow machine has answered little in it."""
        late = time.monotonic() > self.until + PATIENCE
        words = [at for place in (*self.typed.values(), self.entered) for at, _ in place]
        old = sum(at < time.monotonic() - ALLOWED for at in words)
        return bool(words) and self.span > ALLOWED and old < OWED and not late

    def word(self, place: str) -> None:
        """One word into the editor, at the end of a comment."""
        self.number += 1
        word = f"{self.number};"
        self.typed.setdefault(place, []).append((self.type(word), word))
        self.rest()

    def line(self) -> None:
        """One line at the prompt."""
        self.number += 1
        line = f"{self.number} + 1"
        self.entered.append((self.type(line + "\r"), line))
        self.rest()

    def type(self, keys: str) -> float:
        """Type; when the app answered: on a busy machine keys lie in the terminal for a while."""
        painted = len(self.terminal.painted)
        self.terminal.send(keys)
        while len(self.terminal.painted) == painted and time.monotonic() < self.until + PATIENCE:
            self.terminal.drain(0.005)
        return time.monotonic()

    def rest(self) -> None:
        self.drain(random.uniform(0.01, 0.06))

    def lesson(self) -> None:
        """Two steps of a lesson, for ever to and fro."""
        self.appear("View or reshape?")
        self.terminal.send(BACK + BACK)
        self.drain(0.3)
        self.terminal.send("\x01# ")
        while True:
            for place, turn in ((FIRST, NEXT), (SECOND, BACK)):
                for _ in range(random.randint(3, 12)):
                    self.word(place)
                self.terminal.send(turn)

    def scratch(self) -> None:
        """The scratch page's editor and prompt in turns."""
        self.appear("scratch")
        while True:
            for _ in range(random.randint(1, 4)):
                self.line()
            self.terminal.send(LEAVE)
            self.drain(0.15)
            self.terminal.send("# ")
            for _ in range(random.randint(3, 8)):
                self.word(SCRATCH)
            self.terminal.send("\r" + LEAVE)
            self.drain(0.15)


def live_and_die(home: Path, kind: str, number: int) -> tuple[Typist, float]:
    """One life of random length, some of them too short for the app to open; the moment of its end."""
    arguments = ("lesson", "view-reshape") if kind == "lesson" else ("repl",)
    terminal = Terminal(*arguments, "--no-spare", home=home)
    opening = random.uniform(0.1, 1.5) if random.random() < 0.2 else 30
    typist = Typist(terminal, number, time.monotonic() + opening, random.uniform(0.1, 3.0))
    with suppress(TimeoutError):
        typist.lesson() if kind == "lesson" else typist.scratch()
    killed = time.monotonic()
    terminal.kill()
    return typist, killed


def missing(store: Store, typist: Typist, killed: float) -> tuple[list[str], int]:
    """Words older than a second that are nowhere, and how many such words there were."""
    waiting = store.draft(f"{SCRATCH}/prompt")
    entered = [waiting.text if waiting is not None else "", *store.history()]
    lost, old = [], 0
    for place, words in typist.typed.items():
        draft = store.draft(place)
        texts = [draft.text if draft else "", *(backup.text for backup in store.backups(place))]
        due = [word for at, word in words if at < killed - ALLOWED]
        old += len(due)
        lost += [f"{place} {word}" for word in due if not any(word in text for text in [*texts, *entered])]
    scratch = store.draft(SCRATCH)
    entered += [scratch.text if scratch else "", *(backup.text for backup in store.backups(SCRATCH))]
    due = [line for at, line in typist.entered if at < killed - ALLOWED]
    lost += [f"prompt {line}" for line in due if not any(line in text for text in entered)]
    return lost, old + len(due)


def lives(home: Path, count: int) -> int:
    """Lives one after the other in one home, each checked; how many words were old enough to be owed."""
    number, owed = 1000, 0
    home.mkdir()
    for life in range(count):
        typist, killed = live_and_die(home, random.choice(["lesson", "scratch"]), number)
        number = typist.number
        with Store.open(home / "tutor.db", patience=10) as store:
            lost, old = missing(store, typist, killed)
        assert lost == [], f"in life {life} of {home.name}"
        owed += old
    return owed


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_fifty_kills_at_random_moments_lose_nothing_older_than_a_second(tmp_path: Path) -> None:
    homes = [tmp_path / str(number) for number in range(HOMES)]
    with ThreadPoolExecutor(2) as pool:
        owed = list(pool.map(lives, homes, [KILLS // HOMES] * HOMES))
    assert sum(owed) > 200, "hardly anybody lived for longer than a second"


def test_app_ends_by_itself_when_its_terminal_goes(tmp_path: Path) -> None:
    terminal = Terminal("repl", "--no-spare", home=tmp_path)
    try:
        terminal.wait_for("scratch")
        terminal.send("x = 1 +")
        terminal.drain(0.5)
        terminal.hang_up()
        assert terminal.wait(15) == 0
    finally:
        terminal.kill()
    with Store.open(tmp_path / "tutor.db", patience=10) as store:
        draft = store.draft(f"{SCRATCH}/prompt")
    assert draft is not None
    assert draft.text == "x = 1 +"
