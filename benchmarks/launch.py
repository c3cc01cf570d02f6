"""Starting up: the first paint, and the first answer of torch, beside a bare `import torch`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.measure import Row, interleave, ratio_row, timed
from benchmarks.terminal import Terminal
from tutor.course.loader import bundled_lessons, load_lesson

PEER = 'python -c "import torch"'


def rows(quick: bool) -> Iterator[Row]:
    """Budgets: 0.30 and 1.00 of the import."""
    prompt = load_lesson(bundled_lessons()[0]).steps[0].prompt
    words = " ".join(prompt.lstrip("# ").split()[:3])
    paint, answer, bare = interleave(2 if quick else 7, lambda: first_paint(words), first_answer, bare_import)
    yield ratio_row("launch to first paint", paint, bare, PEER, 0.30)
    yield ratio_row("launch to first torch answer", answer, bare, PEER, 1.00)


def first_paint(words: str) -> float:
    """From exec to the first words of the lesson on the screen."""
    with Terminal() as terminal:
        return terminal.wait_for(words) - terminal.began


def first_answer() -> float:
    """From exec to a sum on the screen, asked for as soon as there is a prompt to be seen."""
    with Terminal("repl") as terminal:
        terminal.wait_for("scratch")
        terminal.send("import torch; torch.ones(4999).sum()\r")
        return terminal.wait_for("tensor(4999.)") - terminal.began


def bare_import() -> float:
    """A fresh Python that imports torch and ends."""
    return timed(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True, timeout=120))
