"""From a key to its letter on the screen: while the kernel works or floods, and in long code."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.measure import Row, ratio_row
from benchmarks.terminal import BACK, CLEAR_LINE, END, NEXT, RUN, STOP, Terminal

#: "As when idle", with room for the spread of a median.
BUDGET = 1.5

#: Lines of code of which each has a note beside it once they ran.
LONG = 1_000

LESSON = """\
schema: 1
id: keys
title: Keys
track: Benchmarks
setup: import torch
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
- id: short
  kind: run
  prompt: Hardly any code.
  code: |
    #
    #
    #
    #
    #
    #
    #
    #
    #
    #
- id: long
  kind: run
  prompt: Much code.
  code: |
    #
"""

#: Letters that appear nowhere else on the screen: the first of its bytes after a key is the key's own,
#: whatever else is being painted.
LETTERS = "абвгдежзийклмнопрсту"


def rows(quick: bool) -> Iterator[Row]:
    """Each loaded median beside the idle one in the same app, editor and line."""
    code = "".join(f"    x_{number} = torch.ones({number % 7})\n" for number in range(LONG))
    with tempfile.TemporaryDirectory() as folder:
        lesson = Path(folder) / "keys.yaml"
        lesson.write_text(LESSON + code, encoding="utf-8")
        with Terminal("lesson", str(lesson), "--no-spare") as terminal:
            terminal.wait_for("a lesson from elsewhere")
            terminal.send("y")
            terminal.wait_for("to run")
            yield row(terminal, "busy", quick)
            terminal.send(NEXT)
            terminal.wait_for("flooding.py")
            yield row(terminal, "flooding", quick)
            terminal.send(NEXT)
            terminal.wait_for("short.py")
            yield from long_rows(terminal, quick)


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


def long_rows(terminal: Terminal, quick: bool) -> Iterator[Row]:
    """Short and long code in turns: in a comment at the top, and in a name at the end, which is completed."""
    for what, before, place in (("comment", "# ", b""), ("a name", "", END)):
        random_pause = random.Random(0)
        short, long = [], []
        for _ in range(1 if quick else 3):
            for times, title in ((short, "short.py"), (long, "long.py")):
                if times is long:
                    terminal.send(NEXT)
                    terminal.wait_for(title)
                terminal.send(RUN)
                terminal.wait_for("ran in")
                terminal.send(place)
                terminal.drain(1)
                times.extend(key_to_letter(terminal, LETTERS, random_pause, before))
            terminal.send(BACK)
            terminal.wait_for("short.py")
        yield ratio_row(
            f"key to its first byte, {LONG:,} lines, {what}", median(long), median(short), "10 lines", BUDGET
        )


def key_to_letter(
    terminal: Terminal, letters: str, random_pause: random.Random, before: str = "# "
) -> list[float]:
    """Seconds of each key, after `before` on the line that the cursor is in.

    The pauses vary, or they could fall into step with the app's timers."""
    terminal.send(CLEAR_LINE)
    terminal.drain(0.5)  # Textual runs a binding later than it inserts letters that come after it
    terminal.send(before)
    times = []
    for letter in letters:
        terminal.drain(random_pause.uniform(0.06, 0.14))
        sent = terminal.send(letter)
        times.append(terminal.wait_for(letter, 20) - sent)
    terminal.send(CLEAR_LINE)  # the code is run next
    return times
