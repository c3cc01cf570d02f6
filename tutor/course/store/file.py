"""The file: connecting to it, telling whether it is sound, and putting a damaged one aside."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from tutor.course.store.schema import check_tables, check_version, migrate, version_of
from tutor.course.store.trouble import DamagedError, NewerError, kind_of
from tutor.translation import say

T = TypeVar("T")

#: Seconds that a transaction, or opening, waits for the ones of other instances.
PATIENCE = 2.0


class Opened(NamedTuple):
    """A connection to a sound store; where a damaged one was put, and whether the store is a new one."""

    connection: sqlite3.Connection
    is_new: bool
    aside: Path | None = None


def open_sound(path: Path) -> Opened:
    """Open the store at `path`; makes folder and file where there are none, moves a damaged file aside.

    Raises what SQLite and the file system raise, and NewerError for a file that is not ours to touch.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (opened := _unless_damaged(path)) is not None:
        return opened
    with _only_one(path.parent):
        # Another instance may have been here while this one waited.
        if (opened := _unless_damaged(path)) is not None:
            return opened
        aside = _set_aside(path)
        return _patiently(lambda: _connect(path))._replace(aside=aside)


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, not even beside the file; raises what SQLite raises.

    Where there is no place for the files that go with a log, what is only in the log is not seen.
    """
    for option in ("mode=ro", "immutable=1"):
        place = f"{path.as_uri()}?{option}"
        connection = sqlite3.connect(place, uri=True, timeout=PATIENCE, isolation_level=None)
        try:
            check_version(connection)
        except (sqlite3.Error, DamagedError, NewerError) as error:
            connection.close()
            if kind_of(error) == "locked":
                raise  # to look past the lock would be to read what is half written
        else:
            return connection
    raise DamagedError(say("it cannot even be read"))


def prefer_log(connection: sqlite3.Connection) -> str:
    """Journal in a write-ahead log, or as the file system allows: network drives may not take one."""
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    return str(mode)


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file that is at `path` now; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _unless_damaged(path: Path) -> Opened | None:
    try:
        return _patiently(lambda: _connect(path))
    except (sqlite3.Error, DamagedError) as error:
        if kind_of(error) != "damaged":
            raise
    return None


def _connect(path: Path) -> Opened:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        version_of(connection)  # before anything that would touch a newer file
        prefer_log(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 4000000")
        if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
            raise DamagedError(say("its pages are damaged"))
        is_new = migrate(connection)
        check_tables(connection)
    except BaseException:
        connection.close()
        raise
    return Opened(connection, is_new)


def _patiently(action: Callable[[], T]) -> T:
    """`action`, again while others are in the way: not every lock in SQLite waits by itself."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return action()
        except sqlite3.Error as error:
            if kind_of(error) != "locked" or time.monotonic() > give_up:
                raise
        time.sleep(0.01)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """One instance at a time, as far as the file system has locks."""
    number = os.open(folder, os.O_RDONLY)
    try:
        give_up = time.monotonic() + PATIENCE
        while not _locked(number) and time.monotonic() < give_up:
            time.sleep(0.01)
        yield
    finally:
        os.close(number)


def _locked(number: int) -> bool:
    """Whether the lock was to be had, or there are no locks to be had here."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _set_aside(path: Path) -> Path:
    """Rename the file and its logs; the logs first, or they would be taken for those of the next file."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", "-journal", ""):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))
    return aside
