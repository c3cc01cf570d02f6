"""Memory of the UI process after very much output."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import Row
from benchmarks.terminal import Terminal

BUDGET_MIB = 20.0


def rows(quick: bool) -> Iterator[Row]:
    """Before is after a first small run, when everything that a run needs has been imported."""
    megabytes = 20 if quick else 100
    with Terminal("repl", "--no-spare") as terminal:
        terminal.wait_for("scratch")
        write(terminal, lines=1_000, mark=1)
        before = terminal.resident_mib()
        write(terminal, lines=megabytes * 1_000, mark=2)
        after = terminal.resident_mib()
    yield Row(
        f"UI memory after {megabytes} MB of output",
        f"{after:.1f} MiB",
        f"{before:.1f} MiB  before",
        f"{after - before:+.1f} MiB",
        f"≤ +{BUDGET_MIB:.0f} MiB",
        after - before <= BUDGET_MIB,
    )


def write(terminal: Terminal, *, lines: int, mark: int) -> None:
    """Print lines of 1,000 bytes, then a word that only the output spells out; wait until it is painted."""
    loop = f"_ = [print('x' * 999) for _ in range({lines})]"
    terminal.send(f"{loop}; print('end', 'of', 'flood', {mark}, sep='-')\r")
    terminal.wait_for(f"end-of-flood-{mark}", 120)
    terminal.drain(1.5)
