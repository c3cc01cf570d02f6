"""Ctrl-C close behind what was entered: however soon, nothing goes on running."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from tutor.repl.out import Out
from tutor.repl.pieces import Piece
from tutor.repl.reader import LineReader, Stopped

CTRL_C = "\x03"
#: Seconds; None is one burst, as a slow line delivers it.
PAUSES = (None, 0.0, 0.0003, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1)


@pytest.fixture
def ready(open_terminal):
    """A prompt below which `time` is imported and nothing more is written by itself."""

    def begin(**changes):
        terminal = open_terminal(**changes)
        terminal.enter("import time; 'im' 'ported'", "imported")
        time.sleep(0.3)
        return terminal

    return begin


def type_with_ctrl_c(terminal, keys: str, pause: float | None) -> None:
    if pause is None:
        terminal.type(keys + CTRL_C)
    else:
        terminal.type(keys)
        time.sleep(pause)
        terminal.type(CTRL_C)


def test_what_was_just_entered_does_not_run_on(ready):
    terminal = ready()
    for pause in PAUSES * 2:
        type_with_ctrl_c(terminal, "time.sleep(600)\r", pause)
        terminal.expect("Stopped.", 10)
        terminal.expect(">>>")
        time.sleep(0.1)
    terminal.enter("1 + 1", "2")


def test_an_answer_that_was_just_entered_is_not_given(ready):
    terminal = ready()
    for pause in PAUSES:
        terminal.type("time.sleep(600 * len(input('wh' 'ich? ')))\r")
        terminal.expect("which? ")
        time.sleep(0.1)
        type_with_ctrl_c(terminal, "this\r", pause)
        terminal.expect("Stopped", 10)
        terminal.expect(">>>")
        time.sleep(0.1)
    terminal.enter("1 + 1", "2")


def test_what_is_typed_behind_ctrl_c_in_one_burst_is_kept(ready):
    terminal = ready()
    terminal.type(f"time.sleep(600)\rdropped = 1\r{CTRL_C}kept = 'k' 'ept'\r")
    terminal.expect("Stopped.", 10)
    terminal.expect(">>>")
    terminal.enter("kept, 'dropped' in globals()", "('kept', False)")


def test_in_a_dumb_terminal(ready):
    terminal = ready(TERM="dumb")
    for pause in PAUSES:
        type_with_ctrl_c(terminal, "time.sleep(600)\n", pause)
        terminal.expect(">>> ", 10)
        time.sleep(0.1)
    terminal.enter("1 + 1", "2")


@pytest.mark.parametrize("is_person", [False, True])
def test_a_line_that_has_come_but_was_not_taken_is_dropped(is_person):
    async def go() -> tuple[bool, Piece | None]:
        given, typed = os.pipe()
        reader = LineReader(Out(colour=False), given)
        reader.is_person = is_person
        taking = asyncio.create_task(reader.piece())
        await asyncio.sleep(0)
        os.write(typed, b"dropped\n")
        while not reader._lines._ready:  # noqa: ASYNC110 -- nothing may run between its coming and this
            await asyncio.sleep(0)
        reader.stop()
        with pytest.raises(Stopped) as stopped:
            await taking
        os.write(typed, b"kept\n")
        os.close(typed)
        return stopped.value.entered, await reader.piece()

    entered, piece = asyncio.run(go())
    assert entered
    assert piece is not None
    assert piece.text == "kept"
