"""The way in: choose how to read, converse, and leave nothing running."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from tutor.repl.conversation import Conversation
from tutor.repl.out import Out, wants_colour
from tutor.repl.reader import LineReader, Reader
from tutor.session import Session

if TYPE_CHECKING:
    from tutor.repl.study import Study


def run_plain(session: Session, source: str | None, study: Study | None = None) -> int:
    """Line mode until it is quit; `source` runs first, or a lesson is done.

    The exit status is as `Conversation.converse` says."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    return asyncio.run(_run(session, source, study))


async def _run(session: Session, source: str | None, study: Study | None) -> int:
    colour = wants_colour()
    out = Out(colour=colour)
    try:
        return await Conversation(session, out, _reader(session, out, colour, study), study).converse(source)
    finally:
        # Who is ending already is not to be interrupted at it: the kernel has to go too.
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)
        await session.close()


def _reader(session: Session, out: Out, colour: bool, study: Study | None) -> Reader:
    """A prompt that edits, where the terminal can; else plain lines."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not is_terminal or os.environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        return LineReader(out)
    from tutor.repl.terminal import TerminalReader, open_history

    history, trouble = open_history()
    if trouble:
        out.fault(trouble)
    commands: list[str] = []
    if study is not None:
        from tutor.repl.lesson import COMMANDS

        commands = [command.name for command in COMMANDS]
    return TerminalReader(session, out, colour=colour, history=history, commands=commands)
