"""Signature and documentation of what is under the cursor: from the kernel, else read from source by jedi."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from tutor.assist.code import state_after
from tutor.assist.lookup import Found, Question
from tutor.assist.place import expression_at
from tutor.assist.scan import scan
from tutor.session import Session, SessionError

#: Seconds for the kernel, and for a process that has to read sources first.
KERNEL_PATIENCE, SOURCE_PATIENCE = 0.5, 20.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: an expression, and the text that it ends in at `row` and `column`."""

    expression: str
    lines: tuple[str, ...]
    row: int
    column: int


def subject_at(lines: Sequence[str], row: int, column: int) -> Subject | None:
    """The name under the cursor, or that of the call whose parentheses the cursor is in."""
    found = expression_at(lines[row], column, state_after(list(lines[:row])))
    return Subject(found[0], tuple(lines), row, found[1]) if found is not None else None


async def look_up(session: Session, subject: Subject, setup: str = "") -> Found:
    """What there is to read; empty where nothing is known. Cancelling ends whatever was started."""
    before = setup.split("\n")
    if session.state == "idle":
        imports, values = scan([*before, *subject.lines]).about(subject.expression)
        question = session.document(subject.expression, imports=imports, values=values)
        with suppress(SessionError, TimeoutError):
            answer = await asyncio.wait_for(question, KERNEL_PATIENCE)
            if answer.signature:
                return Found(answer.signature, answer.text)
    source = "\n".join([*before, *subject.lines])
    return await _read_sources(Question(source, len(before) + subject.row + 1, subject.column))


async def _read_sources(question: Question) -> Found:
    """jedi in a process of its own. In a thread it holds the GIL, which made keys wait for up to 200 ms, and
    could not be stopped."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tutor.assist.lookup",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        asked = msgspec.json.encode(question)
        answer, _ = await asyncio.wait_for(process.communicate(asked), SOURCE_PATIENCE)
        return msgspec.json.decode(answer, type=Found)
    except (TimeoutError, msgspec.DecodeError, OSError):
        return Found()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
