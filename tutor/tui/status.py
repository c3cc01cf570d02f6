"""The fact at the right of the editor's heading, in a few words."""

from __future__ import annotations

from tutor.facts import Run
from tutor.tui.commands import key_for


def duration(seconds: float) -> str:
    """A time for people: `12 ms`, `3.2 s`, `2 m 05 s`."""
    if seconds < 0.9995:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02} s"


def running_fact(state: str, elapsed: float) -> str:
    """While code runs: for how long, and how to end it."""
    if state == "stuck":
        return f"does not stop · {key_for('restart')} restarts the kernel"
    if state == "paused":
        return f"waits · {key_for('stop')} stop"
    if state == "stopping":
        return f"stopping, {duration(elapsed)}"
    return f"running {duration(elapsed)} · {key_for('stop')} stop"


def sorting_fact(*, held: bool, rest: bool) -> str:
    """Where lines are to be put in order: the keys that do it; `rest` where some do not belong."""
    if held:
        return "↑↓ move the line, space puts it down"
    return "space takes a line" + (", x leaves it out" if rest else ", ↑↓ move it")


def idle_fact(state: str, run: Run | None, *, edited: bool, empty: bool, to_check: bool = False) -> str:
    """While nothing runs: what the last run came to, or what to do."""
    if state == "dead":
        return f"no kernel · {key_for('restart')} restarts it"
    if state == "starting":
        return "starting torch…"
    if empty:
        return ""
    run_it = f"{key_for('run')} to run"
    check_it = f"{key_for('check')} to check"
    if edited:
        return f"edited, {check_it if to_check else run_it}"
    if run is None:
        return f"{run_it}, {check_it}" if to_check else run_it
    if run.error is None:
        return f"ran in {duration(run.elapsed)}" + (f", {check_it}" if to_check else "")
    if run.error.type == "KeyboardInterrupt":
        return f"stopped at line {run.error.line} after {duration(run.elapsed)}"
    return f"{run.error.type} at line {run.error.line}"
