"""The tables, and the way to them from every version that there has been."""

from __future__ import annotations

import sqlite3

from tutor.course.store.trouble import DamagedError, NewerError
from tutor.translation import say

_FIRST = """
CREATE TABLE drafts (
    key BLOB PRIMARY KEY, text BLOB NOT NULL, line INTEGER NOT NULL, column INTEGER NOT NULL,
    at INTEGER NOT NULL, instance INTEGER NOT NULL);
CREATE TABLE backups (
    key BLOB NOT NULL, text BLOB NOT NULL, line INTEGER NOT NULL, column INTEGER NOT NULL,
    at INTEGER NOT NULL, instance INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (key, at, instance));
CREATE TABLE history (
    at INTEGER NOT NULL, instance INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (at, instance));
CREATE TABLE transcript (
    at INTEGER NOT NULL, instance INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (at, instance));
CREATE TABLE progress (
    lesson BLOB NOT NULL, step BLOB NOT NULL, field BLOB NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (lesson, step, field));
CREATE TABLE settings (name BLOB PRIMARY KEY, value BLOB NOT NULL)
"""
#: What leads from each version to the next, statement by statement; a new file has version 0. Text is
#: in BLOBs because not every Python string is one that SQLite can hold: see `records.text_bytes`.
MIGRATIONS = (_FIRST,)
VERSION = len(MIGRATIONS)
#: The columns that this version reads.
_TABLES = {
    "drafts": "key, text, line, column, at, instance",
    "backups": "key, text, line, column, at, instance, why",
    "history": "at, instance, body",
    "transcript": "at, instance, body",
    "progress": "lesson, step, field, value",
    "settings": "name, value",
}


def version_of(connection: sqlite3.Connection) -> int:
    """The file's version; raises NewerError or DamagedError for one that is not ours to touch."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise NewerError(found, VERSION)
    if found < 0:
        raise DamagedError(say("its version is {found}", found=found))
    return int(found)


def migrate(connection: sqlite3.Connection) -> bool:
    """Bring the file to VERSION, whole or not at all; whether there was no store in it."""
    if version_of(connection) == VERSION:
        return False
    connection.execute("BEGIN IMMEDIATE")
    # Asked again: another instance may have migrated while this one waited for its turn.
    found = version_of(connection)
    for migration in MIGRATIONS[found:]:
        for statement in migration.split(";"):
            connection.execute(statement)
    if found != VERSION:
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    return found == 0


def check_version(connection: sqlite3.Connection) -> None:
    """Raise NewerError or DamagedError where the file's version is not VERSION."""
    if version_of(connection) != VERSION:
        raise DamagedError(say("its tables are gone"))


def check_tables(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.Error where a table or a column is missing."""
    for table, columns in _TABLES.items():
        connection.execute(f"SELECT {columns} FROM {table} LIMIT 0")
