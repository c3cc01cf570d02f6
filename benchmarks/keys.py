"""From a key to its letter on the screen, while the kernel works and while it floods, beside idle."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.measure import Row, ratio_row
from benchmarks.terminal import CLEAR_LINE, NEXT, RUN, STOP, Terminal

#: "As when idle", with room for the spread of a median.
BUDGET = 1.5

LESSON = """\
schema: 1
id: keys
title: Keys
track: Benchmarks
steps:
- id: busy
  kind: run
  prompt: A loop that prints nothing.
  code: |
    #
    while True: pass
- id: flooding
  kind: run
  prompt: A loop that prints as fast as it can.
  code: |
    #
    while True: print("x" * 99)
"""

#: Letters that appear nowhere else on the screen: the first of its bytes after a key is the key's own,
#: whatever else is being painted.
LETTERS = "абвгдежзийклмнопрсту"


def rows(quick: bool) -> Iterator[Row]:
    """Each loaded median beside the idle one in the same app, editor and line."""
    with tempfile.TemporaryDirectory() as folder:
        lesson = Path(folder) / "keys.yaml"
        lesson.write_text(LESSON, encoding="utf-8")
        with Terminal("lesson", str(lesson), "--no-spare") as terminal:
            terminal.wait_for("a lesson from elsewhere")
            terminal.send("y")
            terminal.wait_for("to run")
            yield row(terminal, "busy", quick)
            terminal.send(NEXT)
            terminal.wait_for("flooding.py")
            yield row(terminal, "flooding", quick)


def row(terminal: Terminal, state: str, quick: bool) -> Row:
    """Idle and loaded in turns."""
    half = len(LETTERS) // 2
    idle, loaded = [], []
    random_pause = random.Random(0)
    for _ in range(1 if quick else 3):
        terminal.drain(1)
        idle += key_to_letter(terminal, LETTERS[:half], random_pause)
        terminal.send(RUN)
        terminal.wait_for("running")
        terminal.drain(3)
        loaded += key_to_letter(terminal, LETTERS[half:], random_pause)
        terminal.send(STOP)
        terminal.wait_for("stopped")
    return ratio_row(f"key to its first byte, kernel {state}", median(loaded), median(idle), "idle", BUDGET)


def key_to_letter(terminal: Terminal, letters: str, random_pause: random.Random) -> list[float]:
    """Seconds of each key, in a comment on the line that the cursor is in.

    The pauses vary, or they could fall into step with the app's timers."""
    terminal.send(CLEAR_LINE)
    terminal.drain(0.5)  # Textual runs a binding later than it inserts letters that come after it
    terminal.send("# ")
    times = []
    for letter in letters:
        terminal.drain(random_pause.uniform(0.06, 0.14))
        sent = terminal.send(letter)
        times.append(terminal.wait_for(letter, 20) - sent)
    return times
