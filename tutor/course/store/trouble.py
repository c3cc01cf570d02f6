"""What the disk refuses, in one sentence: what, where, and what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Literal

from tutor.translation import later, say, translated

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
_ELSEWHERE = later("set TORCHTUTOR_HOME to a folder that can be written")


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
        return say(
            "{path} was written by a newer torchtutor (store version {found}, this one knows {known}), so "
            "nothing of this session will be kept: upgrade torchtutor, or {elsewhere}.",
            path=path,
            found=error.found,
            known=error.known,
            elsewhere=translated(_ELSEWHERE),
        )
    if kind == "full":
        return say(
            "No room is left in {folder}, so what you do is kept in memory only: free some space, "
            "and it will be written by itself.",
            folder=path.parent,
        )
    if kind == "locked":
        return say(
            "Another program has locked {path}, so what you do is kept in memory only: end that program, "
            "and it will be written by itself.",
            path=path,
        )
    reason = error.strerror if isinstance(error, OSError) else str(error)
    if kind == "refused" and path.parent.is_dir() and not os.access(path.parent, os.W_OK):
        reason = say("the folder is read-only")
    return say(
        "{path} cannot be used ({reason}), so what you do is kept in memory only: mend that, or {elsewhere}.",
        path=path,
        reason=_one_line(reason or type(error).__name__),
        elsewhere=translated(_ELSEWHERE),
    )


def set_aside_sentence(path: Path, aside: Path) -> str:
    """The sentence about a damaged file that made way for a new one."""
    return say(
        "{path} was damaged, so a new store was begun: drafts and progress from before are in {aside} "
        "beside it, which you may repair or delete.",
        path=path,
        aside=aside.name,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
