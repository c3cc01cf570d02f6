"""A process that is killed has lost nothing that was typed longer than a second ago."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tutor.course.store import Store, draft_key

TYPIST = Path(__file__).with_name("typist.py")
ROOT = TYPIST.parents[2]
ROUNDS, TYPISTS = 5, 10
#: What may be lost, in seconds.
ALLOWED = 1.0


@dataclass
class Typist:
    """One that types in a process of its own, and everything that it said it had typed."""

    name: str
    path: Path
    last: int = 0

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, TYPIST, self.path, self.name, str(self.last + 1)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def wait_for_typing(self) -> None:
        """The first keystroke is there, and can be read again."""
        assert self.process.stdout is not None
        assert self.process.stdout.peek(1)  # type: ignore[attr-defined]

    def kill(self) -> None:
        self.killed = time.monotonic()
        self.process.kill()

    def said(self) -> list[tuple[int, float]]:
        """Number and moment of each keystroke of this life."""
        out, _ = self.process.communicate()
        assert self.process.returncode == -9
        lines = [line.split() for line in out.decode().splitlines(keepends=True) if line.endswith("\n")]
        typed = [(int(number), float(moment)) for number, moment in lines]
        self.last = max([self.last, *(number for number, _ in typed)])
        return typed


def kill_at_random_moments(typists: list[Typist]) -> None:
    """Two of them while they start, the others while they type."""
    for typist in typists:
        typist.start()
    time.sleep(random.uniform(0, 0.2))
    for typist in typists[:2]:
        typist.kill()
    for typist in typists[2:]:
        typist.wait_for_typing()
    began = time.monotonic()
    for moment, typist in sorted((random.uniform(0, 1.5), index) for index in range(2, len(typists))):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        typists[typist].kill()


def check(store: Store, typist: Typist) -> int:
    """Everything older than ALLOWED is there, whole and in order; how many keystrokes that is."""
    old = [number for number, moment in typist.said() if moment < typist.killed - ALLOWED]
    if not old:
        return 0
    place = draft_key("lesson", typist.name)
    draft = store.draft(place)
    assert draft is not None
    typed = [int(number) for number in draft.text.split(",")[1:-1]]
    assert typed == list(range(typed[0], typed[-1] + 1))
    assert draft.cursor[1] >= old[-1]
    assert draft.text.endswith(f"{draft.cursor[1]},")
    history = set(store.history())
    assert {f"{typist.name}:{number}" for number in old if number % 10 == 0} <= history
    runs = {int(entry.source) for entry in store.transcript(place, limit=10_000)}
    due = [number for number in old if number % 20 == 0]
    assert set(due[-50:]) <= runs
    assert not due or store.progress("lesson")[typist.name].hints >= due[-1]
    return len(old)


def test_fifty_kills_at_random_moments_lose_nothing_older_than_a_second(tmp_path: Path) -> None:
    """Neighbours share a file, so each file also has two instances at once."""
    typists = [Typist(f"t{index}", tmp_path / f"{index // 2}.db") for index in range(TYPISTS)]
    checked = []
    for _ in range(ROUNDS):
        random.shuffle(typists)
        kill_at_random_moments(typists)
        for typist in typists:
            with Store.open(typist.path, patience=10) as store:
                checked.append(check(store, typist))
                assert store.trouble == ""
                assert store.on_disk
    assert len(checked) == 50
    assert sum(count > 0 for count in checked) >= 5, "hardly anybody lived for more than a second"
