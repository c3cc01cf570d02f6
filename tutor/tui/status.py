"""The fact at the right of the editor's heading, in a few words."""

from __future__ import annotations

from tutor.facts import Run
from tutor.translation import say
from tutor.tui.commands import key_for


def duration(seconds: float) -> str:
    """A time for people: `12 ms`, `3.2 s`, `2 m 05 s`."""
    if seconds < 0.9995:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 59.95:
        return say("{seconds:.1f} s", seconds=seconds)
    minutes, rest = divmod(round(seconds), 60)
    return say("{minutes} m {rest:02} s", minutes=minutes, rest=rest)


def running_fact(state: str, elapsed: float) -> str:
    """While code runs: for how long, and how to end it."""
    if state == "stuck":
        return say("does not stop · {key} restarts the kernel", key=key_for("restart"))
    if state == "paused":
        return say("waits · {key} stop", key=key_for("stop"))
    if state == "stopping":
        return say("stopping, {time}", time=duration(elapsed))
    return say("running {time} · {key} stop", time=duration(elapsed), key=key_for("stop"))


def sorting_fact(*, held: bool, rest: bool) -> str:
    """Where lines are to be put in order: the keys that do it; `rest` where some do not belong."""
    if held:
        return say("↑↓ move the line, space puts it down")
    return say("space takes a line, x leaves it out") if rest else say("space takes a line, ↑↓ move it")


def idle_fact(state: str, run: Run | None, *, edited: bool, empty: bool, to_check: bool = False) -> str:
    """While nothing runs: what the last run came to, or what to do."""
    if state == "dead":
        return say("no kernel · {key} restarts it", key=key_for("restart"))
    if state == "starting":
        return say("starting torch…")
    if empty:
        return ""
    run_it = say("{key} to run", key=key_for("run"))
    check_it = say("{key} to check", key=key_for("check"))
    if edited:
        return say("edited, {what}", what=check_it if to_check else run_it)
    if run is None:
        return f"{run_it}, {check_it}" if to_check else run_it
    if run.error is None:
        return say("ran in {time}", time=duration(run.elapsed)) + (f", {check_it}" if to_check else "")
    if run.error.type == "KeyboardInterrupt":
        return say("stopped at line {line} after {time}", line=run.error.line, time=duration(run.elapsed))
    return say("{type} at line {line}", type=run.error.type, line=run.error.line)
