"""What is remembered, as plain values, and how they become bytes and back without loss."""

from __future__ import annotations

import json
from typing import Any, Literal, TypedDict

import msgspec
from msgspec import Struct

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
#: Row and column, 0-based.
Cursor = tuple[int, int]
#: Nanoseconds since 1970 and the instance that wrote: unique, and in order of time.
Stamp = tuple[int, int]

#: The key of the draft that belongs to no lesson.
SCRATCH = "scratch"

#: Characters that are kept of each end of an output, of a source, and of a remark.
OUTPUT_END, SOURCE_LENGTH, REMARK_LENGTH = 16_000, 64_000, 8_000
REMARKS = 100


def draft_key(lesson: str, step: str) -> str:
    """The key of the draft of a lesson's step, from their permanent ids."""
    return f"{lesson}/{step}"


class Draft(Struct, frozen=True):
    """Code as it stands in an editor."""

    text: str
    cursor: Cursor = (0, 0)


class Backup(Struct, frozen=True):
    """A draft that made way, for a reset or for the text of another instance.

    `at` is when it was set aside or, in a conflict, last edited: nanoseconds since 1970.
    """

    text: str
    cursor: Cursor
    at: int
    why: Literal["reset", "conflict"]


class TranscriptEntry(Struct, frozen=True):
    """One run: where and what was run, both ends of its output, and what came of it.

    `place` is a draft key; `elided` counts the characters between `head` and `tail` that are not kept;
    `remarks` are (kind, text) of results, warnings, errors and explanations, in order.
    """

    place: str
    source: str
    mark: str = ""
    fact: str = ""
    head: str = ""
    tail: str = ""
    elided: int = 0
    remarks: tuple[tuple[str, str], ...] = ()


class StepProgress(Struct, frozen=True):
    """How far the learner is with one step; `prediction` is the choice itself, never its index."""

    visited: bool = False
    #: Its code ran to the end, or its checks passed.
    done: bool = False
    prediction: Any = None
    #: What the code gave when it last ran after a prediction, for whoever comes back; None where that is
    #: not known: see `course.outcomes`.
    outcome: Any = None
    #: Whether the prediction was the answer; None before there is one.
    right: bool | None = None
    #: Whether the first prediction ever was the answer, whatever was predicted later.
    first_right: bool | None = None
    hints: int = 0
    solution_shown: bool = False
    #: When the learner was there last, in seconds since 1970; 0 where that is not known.
    at: int = 0


class StepFacts(TypedDict, total=False):
    """Those fields of StepProgress that are to be recorded."""

    visited: bool
    done: bool
    prediction: Json
    outcome: Json
    right: bool | None
    first_right: bool | None
    hints: int
    solution_shown: bool
    at: int


def text_bytes(text: str) -> bytes:
    """UTF-8 that also takes lone surrogates: a terminal can paste them, and sqlite3 refuses them as text."""
    return text.encode("utf-8", "surrogatepass")


def bytes_text(stored: object) -> str:
    """What `text_bytes` was given; bytes that it never made are read as far as they go."""
    if not isinstance(stored, bytes):
        return str(stored)
    try:
        return stored.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return stored.decode("utf-8", "replace")


def json_bytes(value: object) -> bytes:
    """JSON in ASCII, where surrogates and nan survive; raises TypeError for what is not JSON."""
    return json.dumps(value).encode("ascii")


def bytes_json(stored: object) -> Any:
    """The value of stored JSON; None where it cannot be read."""
    try:
        return json.loads(stored if isinstance(stored, bytes) else str(stored))
    except (ValueError, RecursionError):
        return None


def entry_bytes(entry: TranscriptEntry) -> bytes:
    """The entry, cut to what is kept of one."""
    head, tail, cut = _ends(entry.head, entry.tail)
    kept = msgspec.structs.replace(
        entry,
        source=_clipped(entry.source, SOURCE_LENGTH),
        head=head,
        tail=tail,
        elided=entry.elided + cut,
        remarks=tuple((kind, _clipped(text, REMARK_LENGTH)) for kind, text in entry.remarks[:REMARKS]),
    )
    return json_bytes(msgspec.to_builtins(kept))


def bytes_entry(stored: bytes) -> TranscriptEntry | None:
    """A stored entry, or None where it cannot be read."""
    try:
        return msgspec.convert(bytes_json(stored), TranscriptEntry)
    except msgspec.ValidationError:
        return None


def progress_of(fields: dict[str, bytes]) -> StepProgress:
    """The progress whose fields these are, as JSON; one that cannot be read is as if it were not there."""
    facts: dict[str, Any] = {}
    progress = StepProgress()
    for name, stored in fields.items():
        try:
            progress = msgspec.convert({**facts, name: bytes_json(stored)}, StepProgress)
        except msgspec.ValidationError:
            continue
        facts[name] = bytes_json(stored)
    return progress


def _ends(head: str, tail: str) -> tuple[str, str, int]:
    """The two ends of an output and how many characters of it were cut here."""
    if not tail and len(head) > OUTPUT_END:
        head, tail = head[:OUTPUT_END], head[OUTPUT_END:]
    kept_head, kept_tail = head[:OUTPUT_END], tail[-OUTPUT_END:]
    return kept_head, kept_tail, len(head) + len(tail) - len(kept_head) - len(kept_tail)


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"
