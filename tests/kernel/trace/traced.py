"""Code with the tracer and without it."""

from __future__ import annotations

import textwrap

from tutor.facts import Run

HEADER = "import torch, torch.nn as nn, torch.nn.functional as F, warnings, traceback, sys, gc, weakref\n"


def both(driver, code: str) -> tuple[Run, Run]:
    """The same code with and without the tracer, each in an empty namespace."""
    runs = []
    for trace in (True, False):
        driver.runner.run(driver.session.reset())
        driver.session.trace = trace
        try:
            runs.append(driver.run(HEADER + textwrap.dedent(code), filename="<cell>"))
        finally:
            driver.session.trace = True
    return runs[0], runs[1]


def printed(run: Run) -> str:
    return "".join(step.stdout for step in run.steps)


def what_went_wrong(run: Run) -> tuple[object, ...]:
    error = run.error
    return () if error is None else (error.type, error.message, error.line, error.traceback)
