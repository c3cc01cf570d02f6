"""What the tests of the store say to it, and ask of what it says."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tutor.course.store import Store, TranscriptEntry


def fill(path: Path) -> Store:
    """A store with something of everything in it."""
    store = Store.open(path, patience=10)
    store.save_draft("scratch", "x = 1\n" * 500)
    for number in range(200):
        store.add_history(f"line {number}")
        store.add_entry(TranscriptEntry("scratch", f"run {number}", head="out " * 50))
    store.record("lesson", "step", done=True)
    store.set_setting("theme", "paper")
    assert store.close(10)
    return store


def sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """Run statements on the file, past the store; the rows of the last one."""
    rows: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
        connection.commit()
    return rows


def works(store: Store) -> bool:
    """What is said to the store is what it says."""
    store.save_draft("new", "y = 2", (0, 5))
    store.add_history("new line")
    store.add_entry(TranscriptEntry("new", "run"))
    store.record("new", "step", visited=True)
    store.set_setting("new", 1)
    store.reset_draft("new")
    store.refresh()
    return (
        store.draft("new") is None
        and store.backups("new")[0].text == "y = 2"
        and store.history()[0] == "new line"
        and store.transcript("new")[-1].source == "run"
        and store.progress("new")["step"].visited
        and store.setting("new", 0) == 1
    )


def is_one_sentence(text: str) -> bool:
    return text.endswith(".") and ". " not in text and "\n" not in text and len(text) < 400


def eventually(condition: Callable[[], object], seconds: float = 10) -> bool:
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.01)
    return True
