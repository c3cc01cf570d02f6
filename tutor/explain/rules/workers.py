"""Processes that load samples: their errors, and what cannot be sent to them."""

from __future__ import annotations

import re

from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.rules.datasets import loading
from tutor.explain.wording import fill, phrase
from tutor.facts import Explanation, Snapshot, Step


def _short(code: str) -> str:
    return code if len(code) <= 80 else f"{code[:79]}…"


# ── worker-failed, worker-pickle ─────────────────────────────────────────────

_AT_LINE, _THE_DATASET = "`{function}` (line {line})", "the dataset"
_WORKER_TITLE = "{type} in a process that loads samples"
_WORKER = """
`{code}` loads with other processes, and in one of them {where} raised {type}: “{message}”. Its variables
are not to be seen from here: set `num_workers=0` while you look for it, and the error comes in this
process.
"""
_A_LAMBDA, _WHAT_IT_HOLDS = "A lambda", "What it holds"
_INSIDE = "`{name}`, which is defined inside of a function,"
_PICKLE_TITLE = "`{what}` cannot be sent to the processes that load samples"
_PICKLE = """
`{code}` starts processes for loading, and what they need is sent to them by pickling: a function or class
is sent as its name and looked up there. {what} has no name that could be found. {instead}
"""
_NAMED = "Define it with `def` or `class` at the top level of the file, or set `num_workers=0`."


@failure
def worker_failed(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a worker process of a loader raised an error."""
    error, call = step.error, loading(step)
    told = (
        re.match(r"Caught (\w+) in DataLoader worker process", error.message) if error is not None else None
    )
    if error is None or call is None or told is None:
        return None
    lines = error.message.rstrip().split("\n")
    frames = re.findall(r'File "([^"]*)", line (\d+), in (\S+)', error.message)
    theirs = [one for one in frames if "site-packages" not in one[0] and "/torch/" not in one[0]]
    last = theirs[-1] if theirs else None
    where = phrase(_AT_LINE, function=last[2], line=last[1]) if last is not None else _THE_DATASET
    message = next((one for one in reversed(lines) if one.startswith(told[1])), lines[-1])
    message = message.removeprefix(f"{told[1]}:").strip()
    code = _short(call.expression)
    text = fill(_WORKER, code=code, where=where, type=told[1], message="{message}")
    text = text.replace("{message}", message[:200])
    return Explanation("worker-failed", "error", fill(_WORKER_TITLE, type=told[1]), text)


@failure
def worker_pickle(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a loader cannot send a lambda, a local function or a local class to its processes."""
    error, call = step.error, loading(step)
    if error is None or call is None or "pickle" not in error.message.lower():
        return None
    if "lambda" in error.message:
        what, who = phrase(_A_LAMBDA), phrase(_A_LAMBDA)
    else:
        told = re.search(r"local object '([^']+)'|object <?(?:function |class )?'?([\w.]+)", error.message)
        name = (told[1] or told[2]) if told is not None else ""
        who = name.rpartition(".")[2] or phrase(_WHAT_IT_HOLDS)
        what = phrase(_INSIDE, name=who) if name else who
    text = fill(_PICKLE, code=_short(call.expression), what=what, instead=_NAMED)
    title = fill(_PICKLE_TITLE, what=who)
    return Explanation("worker-pickle", "error", title, text)
