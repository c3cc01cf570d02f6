"""The thread that owns the file: it loads what was there, commits what changes, and tells what is wrong."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tutor.course.store.database import Database, read_only
from tutor.course.store.state import State
from tutor.course.store.trouble import kind_of, sentence_for, set_aside_sentence

#: Seconds between two commits: what is typed meanwhile goes into one.
PAUSE = 0.05
#: The longest such pause, for commits that take long themselves.
LONGEST_PAUSE = 0.5
#: Seconds after which a disk that refused is tried again, at first and at last.
RETRY, LATEST_RETRY = 1.0, 30.0


class Writer:
    """`state` is all that is remembered, true at once; the file follows PAUSE later at most.

    `lock` guards both. What could not be written waits in memory, bounded, and is tried again.
    """

    def __init__(self, path: Path, instance: int) -> None:
        self.lock = threading.Condition()
        self.state = State()
        #: Set once the file was read, or could not be.
        self.loaded = threading.Event()
        #: The sentence that holds now; empty when all is well.
        self.trouble = ""
        #: Whether changes reach the disk.
        self.on_disk = False
        self._path = path
        self._instance = instance
        self._database: Database | None = None
        self._changes = State()
        self._count = 0
        self._written = 0
        self._stale = True
        self._hurry = False
        self._closing = False
        self._last = False
        self._rewrite = False
        self._set_aside = ""
        self._told: set[str] = set()
        self._untold: list[str] = []
        self._listener: Callable[[str], None] | None = None
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def change(self, change: Callable[[State], None]) -> None:
        """Make a change in memory and let it be written; the caller holds `lock`."""
        change(self.state)
        change(self._changes)
        self._count += 1
        self.lock.notify_all()

    def refresh(self) -> None:
        """Soon read what other instances have written."""
        with self.lock:
            self._stale = True
            self.lock.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until everything so far is on disk, or was refused by it; whether it is on disk."""
        with self.lock:
            wanted = self._count
            self._hurry = True
            self.lock.notify_all()
            self.lock.wait_for(lambda: not self._hurry or not self._thread.is_alive(), timeout)
            return self._written >= wanted and self.on_disk

    def close(self, timeout: float) -> bool:
        """Write what is left and end the thread; whether everything is on disk."""
        with self.lock:
            self._closing = True
            self.lock.notify_all()
        self._thread.join(timeout)
        with self.lock:
            return self._written >= self._count and self.on_disk

    def listen(self, listener: Callable[[str], None] | None) -> None:
        """Who gets the sentences, each once, and in this thread those from before there was anybody."""
        with self.lock:
            self._listener = listener
            sentences = self._untold if listener is not None else []
            self._untold = [] if listener is not None else self._untold
        for sentence in sentences:
            self._say(sentence)

    def _run(self) -> None:
        wait, failures = 0.0, 0
        while self._work_comes(wait):
            began = time.monotonic()
            if self._attempt():
                failures = 0
                wait = min(max(PAUSE, 2 * (time.monotonic() - began)), LONGEST_PAUSE)
            else:
                wait = min(RETRY * 2**failures, LATEST_RETRY)
                failures += 1
        self._let_go()

    def _work_comes(self, wait: float) -> bool:
        """Sleep for `wait`, then until there is something to do; False when it is time to end."""
        with self.lock:
            if self._last:
                return False
            self.lock.wait_for(lambda: self._hurry or self._closing, wait)
            self.lock.wait_for(lambda: self._changes or self._stale or self._hurry or self._closing)
            return bool(self._changes or self._stale or self._hurry)

    def _attempt(self) -> bool:
        """Commit what there is and load what is asked for; False where the disk refused."""
        with self.lock:
            changes, self._changes = self._changes, State()
            count, stale, hurry = self._count, self._stale, self._hurry
            self._stale = False
            self._last = self._closing
        error = self._commit(changes, stale)
        with self.lock:
            if error is None:
                self._written = count
            else:
                changes.absorb(self._changes)
                self._changes = changes
                self._stale = True
            self._hurry = self._hurry and not hurry
            was_well = self.on_disk or not self.loaded.is_set()
            self.on_disk = error is None
            self.trouble = self._set_aside if error is None else sentence_for(error, self._path)
            self.lock.notify_all()
        # One refusal may follow from another: people hear of the first.
        if error is not None and was_well:
            self._tell(kind_of(error), self.trouble)
        self.loaded.set()
        return error is None

    def _commit(self, changes: State, stale: bool) -> Exception | None:
        try:
            database = self._sound_database(changes)
            conflicts = database.write(changes) if changes else {}
            found = database.load() if stale else None
        # The app goes on whatever happens here: what is not understood is told like the rest.
        except Exception as error:
            self._let_go()
            if not self.loaded.is_set():
                self._load_only()
            return error
        with self.lock:
            for key, (stamp, backup) in conflicts.items():
                self.state.keep_backup(key, stamp, backup)
            if found is not None:
                found.absorb(self._changes)
                self.state = found
        return None

    def _sound_database(self, changes: State) -> Database:
        """The open database; where the file is another than before, everything is a change to it."""
        if self._database is not None and self._database.in_place():
            return self._database
        self._let_go()
        self._database = Database(self._path, self._instance)
        if self._database.aside is not None:
            self._set_aside = set_aside_sentence(self._path, self._database.aside)
            self._tell("set aside", self._set_aside)
        self._rewrite |= self._database.is_new
        if self._rewrite:
            with self.lock:
                whole = State()
                whole.absorb(self.state)
            whole.absorb(changes)
            changes.absorb(whole)
            self._rewrite = False
        return self._database

    def _load_only(self) -> None:
        """What cannot be written may still be read."""
        with suppress(Exception):
            found = read_only(self._path)
            with self.lock:
                found.absorb(self.state)
                self.state = found

    def _let_go(self) -> None:
        if self._database is not None:
            self._rewrite |= not self._database.in_place()
            with suppress(sqlite3.Error):
                self._database.close()
        self._database = None

    def _tell(self, kind: str, sentence: str) -> None:
        """Once a kind: a disk that is full again and again is one trouble."""
        if kind not in self._told:
            self._told.add(kind)
            self._say(sentence)

    def _say(self, sentence: str) -> None:
        with self.lock:
            listener = self._listener
            if listener is None:
                self._untold.append(sentence)
                return
        with suppress(Exception):  # a listener that is gone is no trouble of the store
            listener(sentence)
