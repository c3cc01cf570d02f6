"""Whole transactions in the file, and what several instances may do to it at once.

Commits go to a write-ahead log without waiting for the device (`synchronous=NORMAL`): what is committed
survives the death of the process at any moment. A loss of power can take what came after the last
checkpoint, and leaves everything before it sound.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tutor.course.store import file
from tutor.course.store.records import Backup, Draft, Stamp, bytes_text, text_bytes
from tutor.course.store.schema import check_version
from tutor.course.store.state import BACKUPS, HISTORY, TRANSCRIPT, Recent, State, Version

#: Inserted rows after which it is time to look for rows beyond the limits.
TRIM_EVERY = 100

_COLUMNS = "text, line, column, at, instance"


class Database:
    """An open store. Every method is one transaction and raises what SQLite raises."""

    def __init__(self, path: Path, instance: int) -> None:
        self._path = path
        self._instance = instance
        self._inserted = TRIM_EVERY
        opened = file.open_sound(path)
        #: Where a damaged file was put that was found at `path`.
        self.aside = opened.aside
        #: There was no store at `path`.
        self.is_new = opened.is_new
        self._connection = opened.connection
        self._identity = file.identity(path)

    def close(self) -> None:
        """Let go of the file; the last instance to do so also empties its log."""
        self._connection.close()

    def in_place(self) -> bool:
        """Whether the path still leads to this file: a deleted one takes commits without a murmur."""
        return file.identity(self._path) == self._identity

    def load(self) -> State:
        """Everything in the file."""
        return _load(self._connection)

    def write(self, changes: State) -> dict[str, tuple[Stamp, Backup]]:
        """Commit `changes`; the texts that lost against those of other instances, by draft key."""
        conflicts: dict[str, tuple[Stamp, Backup]] = {}
        with _transaction(self._connection, "IMMEDIATE"):
            for key, backups in changes.backups.items():
                for stamp, backup in backups.items():
                    self._keep_backup(key, stamp, backup)
            for key, version in changes.drafts.items():
                if (lost := self._write_draft(key, version)) is not None:
                    conflicts[key] = lost
            self._write_recent("history", changes.history)
            self._write_recent("transcript", changes.transcript)
            self._connection.executemany(
                "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?)",
                [(*map(text_bytes, names), value) for names, value in changes.progress.items()],
            )
            self._connection.executemany(
                "INSERT OR REPLACE INTO settings VALUES (?, ?)",
                [(text_bytes(name), value) for name, value in changes.settings.items()],
            )
        return conflicts

    def _write_draft(self, key: str, version: Version) -> tuple[Stamp, Backup] | None:
        """Put a draft in its row. Of two instances the later one wins, and the other's text is backed up."""
        found = self._connection.execute(f"SELECT {_COLUMNS} FROM drafts WHERE key = ?", [text_bytes(key)])
        if (row := found.fetchone()) is None:
            self._put_draft(key, version)
            return None
        stamp, draft = _draft(row)
        if version.stamp[1] != self._instance:
            return None  # only read here, so the file knows it better
        if stamp[1] == self._instance or stamp == version.base:
            self._put_draft(key, version)
            return None
        if stamp > version.stamp:
            return self._back_up(key, version.stamp, version.draft)
        self._put_draft(key, version)
        return self._back_up(key, stamp, draft)

    def _back_up(self, key: str, stamp: Stamp, draft: Draft | None) -> tuple[Stamp, Backup] | None:
        if draft is None:
            return None
        backup = Backup(draft.text, draft.cursor, stamp[0], "conflict")
        self._keep_backup(key, stamp, backup)
        return stamp, backup

    def _put_draft(self, key: str, version: Version) -> None:
        name = text_bytes(key)
        if version.draft is None:
            self._connection.execute("DELETE FROM drafts WHERE key = ?", [name])
            return
        values = (name, *_values(version.draft.text, version.draft.cursor, version.stamp))
        self._connection.execute("INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, ?, ?, ?)", values)

    def _keep_backup(self, key: str, stamp: Stamp, backup: Backup) -> None:
        """Of an instance that goes on typing elsewhere, only the latest text is worth a place."""
        name = text_bytes(key)
        if backup.why == "conflict":
            self._connection.execute(
                "DELETE FROM backups WHERE key = ? AND instance = ? AND why = 'conflict'", [name, stamp[1]]
            )
        self._connection.execute(
            "INSERT OR REPLACE INTO backups VALUES (?, ?, ?, ?, ?, ?, ?)",
            (name, *_values(backup.text, backup.cursor, stamp), backup.why),
        )
        self._connection.execute(
            "DELETE FROM backups WHERE key = ?1 AND rowid NOT IN (SELECT rowid FROM backups WHERE key = ?1"
            " ORDER BY at DESC, instance DESC LIMIT ?2)",
            [name, BACKUPS],
        )

    def _write_recent(self, table: str, rows: Recent) -> None:
        self._connection.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", [(*stamp, body) for stamp, body in rows]
        )
        self._inserted += len(rows)
        if self._inserted >= TRIM_EVERY:
            self._trim("history", HISTORY)
            self._trim("transcript", TRANSCRIPT)
            self._inserted = 0

    def _trim(self, table: str, limits: tuple[int, int]) -> None:
        self._connection.execute(
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM (SELECT rowid,"
            " row_number() OVER newest AS place, sum(length(body)) OVER newest AS size"
            f" FROM {table} WINDOW newest AS (ORDER BY at DESC, instance DESC))"
            " WHERE place > ? OR (size > ? AND place > 1))",
            limits,
        )


def read_only(path: Path) -> State:
    """What is in a store that cannot be written; raises what SQLite raises."""
    connection = file.open_to_read(path)
    try:
        return _load(connection)
    finally:
        connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection, mode: str) -> Iterator[None]:
    connection.execute(f"BEGIN {mode}")
    try:
        # A newer torchtutor may have come and migrated the file while this one was running.
        check_version(connection)
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _load(connection: sqlite3.Connection) -> State:
    state = State()
    rows = connection.execute
    with _transaction(connection, "DEFERRED"):
        for key, *columns in rows(f"SELECT key, {_COLUMNS} FROM drafts"):
            stamp, draft = _draft(columns)
            state.drafts[bytes_text(key)] = Version(stamp, None, draft)
        for key, why, *columns in rows(f"SELECT key, why, {_COLUMNS} FROM backups"):
            stamp, draft = _draft(columns)
            state.keep_backup(bytes_text(key), stamp, Backup(draft.text, draft.cursor, stamp[0], why))
        for table, recent in (("history", state.history), ("transcript", state.transcript)):
            for at, instance, body in rows(f"SELECT at, instance, body FROM {table} ORDER BY 1, 2"):
                recent.put((at, instance), body)
        for lesson, step, field, value in rows("SELECT lesson, step, field, value FROM progress"):
            state.progress[bytes_text(lesson), bytes_text(step), bytes_text(field)] = value
        for name, value in rows("SELECT name, value FROM settings"):
            state.settings[bytes_text(name)] = value
    newest = [version.stamp for version in state.drafts.values()]
    newest += [last[0] for recent in (state.history, state.transcript) if (last := recent.newest)]
    state.latest = max((at for at, _ in newest), default=0)
    return state


def _draft(columns: Sequence[object]) -> tuple[Stamp, Draft]:
    text, line, column, at, instance = columns
    numbers = [value if isinstance(value, int) else 0 for value in (line, column, at, instance)]
    return (numbers[2], numbers[3]), Draft(bytes_text(text), (numbers[0], numbers[1]))


def _values(text: str, cursor: tuple[int, int], stamp: Stamp) -> tuple[bytes, int, int, int, int]:
    return text_bytes(text), *cursor, *stamp
