"""What the disk refuses, in one sentence: what, where, and what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Literal

Kind = Literal["full", "refused", "locked", "damaged", "newer", "other"]

_KINDS: dict[int, Kind] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "refused",
    sqlite3.SQLITE_CANTOPEN: "refused",
    sqlite3.SQLITE_PERM: "refused",
    sqlite3.SQLITE_AUTH: "refused",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_PROTOCOL: "locked",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    # What it says when a table is not there, or there already: the file is not one of ours.
    sqlite3.SQLITE_ERROR: "damaged",
}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ELSEWHERE = "set TORCHTUTOR_HOME to a folder that can be written"


class DamagedError(Exception):
    """The file is not a store, or not a sound one."""


class NewerError(Exception):
    """The file was written by a version of torchtutor that knows more."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(found, known)
        self.found, self.known = found, known


def kind_of(error: Exception) -> Kind:
    """What sort of trouble an error is."""
    if isinstance(error, DamagedError):
        return "damaged"
    if isinstance(error, NewerError):
        return "newer"
    if isinstance(error, sqlite3.Error):
        return _KINDS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "other")
    if isinstance(error, OSError):
        return "full" if error.errno in _FULL else "refused"
    return "other"


def sentence_for(error: Exception, path: Path) -> str:
    """The sentence for people about an error with the store at `path`."""
    kind = kind_of(error)
    if isinstance(error, NewerError):
        return (
            f"{path} was written by a newer torchtutor (store version {error.found}, this one knows "
            f"{error.known}), so nothing of this session will be kept: upgrade torchtutor, or {_ELSEWHERE}."
        )
    if kind == "full":
        return (
            f"No room is left in {path.parent}, so what you do is kept in memory only: free some space, "
            "and it will be written by itself."
        )
    if kind == "locked":
        return (
            f"Another program has locked {path}, so what you do is kept in memory only: end that program, "
            "and it will be written by itself."
        )
    reason = error.strerror if isinstance(error, OSError) else str(error)
    if kind == "refused" and path.parent.is_dir() and not os.access(path.parent, os.W_OK):
        reason = "the folder is read-only"
    return (
        f"{path} cannot be used ({_one_line(reason or type(error).__name__)}), so what you do is kept in "
        f"memory only: mend that, or {_ELSEWHERE}."
    )


def set_aside_sentence(path: Path, aside: Path) -> str:
    """The sentence about a damaged file that made way for a new one."""
    return (
        f"{path} was damaged, so a new store was begun: drafts and progress from before are in "
        f"{aside.name} beside it, which you may repair or delete."
    )


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
