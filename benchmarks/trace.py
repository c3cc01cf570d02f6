"""Watching every operation of a training loop and of tiny operations, beside bare torch and line tracers."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from benchmarks.measure import BenchmarkError, Row, duration, interleave, ratio_row, timed
from tutor.kernel.namespace import Snapshots
from tutor.kernel.source import Source
from tutor.kernel.trace.recorder import Recorder
from tutor.kernel.trace.sites import Sites

#: Budgets of what the learner's code may take with the trace on, as a share of what it takes by itself.
TRAINING_BUDGET, TINY_BUDGET = 1.05, 1.10
SETUP = """
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)
loss_of = nn.CrossEntropyLoss()
x, target = torch.randn(64, 256), torch.randint(10, (64,))
ones = torch.ones(2)
"""
TRAINING = """
for step in range({}):
    optimizer.zero_grad()
    loss = loss_of(net(x), target)
    loss.backward()
    optimizer.step()
"""
TINY = {
    "in a loop": "y = ones\nfor i in range({}):\n    y = y + 1",
    "in a comprehension": "y = [ones + 1 for i in range({})]",
    "in a function": "def f(y):\n    for i in range({}):\n        y = y * 1.0\n    return y\ny = f(ones)",
}


class Cells:
    """Runs code statement by statement as the kernel does, watched or not."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self._sites = Sites(self.namespace)
        snapshots = Snapshots(self.namespace, frozenset({"__builtins__"}))
        self._recorder = Recorder(self.namespace, self._sites, snapshots)

    def run(self, text: str, *, watch: bool) -> None:
        """All statements of a cell."""
        source = Source(text.strip(), "<cell>", 0)
        for node in source.statements:
            code = source.code(node)
            self._sites.enter(source, node, code)
            if watch:
                self._recorder.begin()
            try:
                exec(code, self.namespace)
            finally:
                seen = self._recorder.seen()
            if seen.trouble:
                raise BenchmarkError(f"the trace failed: {seen.trouble}.")


def rows(quick: bool) -> Iterator[Row]:
    """Budgets: 1.05 of a training loop, 1.10 of 100,000 tiny operations, less than any line tracer takes."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        cells = Cells()
        cells.run(SETUP, watch=False)
        yield from own(cells, quick)
        yield from peers(cells, quick)
    finally:
        torch.set_num_threads(threads)


def own(cells: Cells, quick: bool) -> Iterator[Row]:
    """What watching adds to the code itself."""
    repeats = 3 if quick else 9
    steps = 100 if quick else 500
    yield compared(cells, "training step of an MLP 64×256", TRAINING.format(steps), repeats, TRAINING_BUDGET)
    operations = 10_000 if quick else 100_000
    for where, code in TINY.items():
        what = f"{operations:,} tiny operations {where}"
        yield compared(cells, what, code.format(operations), repeats, TINY_BUDGET)


def compared(cells: Cells, what: str, code: str, repeats: int, budget: float) -> Row:
    """The same code watched and not, by the processor's clock: the trace waits for nothing."""
    watched, bare = interleave(
        repeats,
        lambda: busy(lambda: cells.run(code, watch=True)),
        lambda: busy(lambda: cells.run(code, watch=False)),
    )
    return ratio_row(what, watched, bare, "bare torch, processor's time", budget)


def busy(action: Callable[[], object]) -> float:
    """Seconds for which `action` kept this process busy."""
    began = time.process_time()
    action()
    return time.process_time() - began


# ── others ───────────────────────────────────────────────────────────────────


def training(cells: Cells, steps: int) -> None:
    """The training loop as a function with a file, which line tracers ask for."""
    net, optimizer, loss_of = (cells.namespace[name] for name in ("net", "optimizer", "loss_of"))
    x, target = cells.namespace["x"], cells.namespace["target"]
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(net(x), target)
        loss.backward()
        optimizer.step()


def peers(cells: Cells, quick: bool) -> Iterator[Row]:
    """The same training loop under each tool that is installed; every one of them tells less of it."""
    steps = 10 if quick else 30
    code = TRAINING.format(steps)
    repeats = 2 if quick else 5
    for name, trace in TOOLS.items():
        yield beside(name, lambda tool, trace=trace: trace(tool, cells, steps), code, cells, repeats)


def beside(
    name: str, trace: Callable[[Any], Callable[[], object]], code: str, cells: Cells, repeats: int
) -> Row:
    """Ours and one tool's time; where the tool is not there or fails, what it says."""
    what = "the same steps, traced"
    try:
        run = trace(import_module(name))
        run()
    except Exception as error:  # these tools are old, and torch moves on
        ours = timed(lambda: cells.run(code, watch=True))
        return Row(what, duration(ours), f"{type(error).__name__}  {name}", "works", "", within=True)
    ours, theirs = interleave(repeats, lambda: timed(lambda: cells.run(code, watch=True)), lambda: timed(run))
    return ratio_row(what, ours, theirs, name, 1.0)


def with_snoop(snoop: Any, cells: Cells, steps: int) -> Callable[[], object]:
    traced = snoop.Config(out=io.StringIO(), color=False).snoop(training)
    return lambda: traced(cells, steps)


def with_torchsnooper(torchsnooper: Any, cells: Cells, steps: int) -> Callable[[], object]:
    traced = torchsnooper.snoop(io.StringIO())(training)
    return lambda: traced(cells, steps)


def with_torchlens(torchlens: Any, cells: Cells, steps: int) -> Callable[[], object]:
    net, x = cells.namespace["net"], cells.namespace["x"]

    def forward_passes() -> None:
        for _ in range(steps):
            torchlens.trace(net, x)

    return forward_passes


TOOLS: dict[str, Callable[[Any, Cells, int], Callable[[], object]]] = {
    "snoop": with_snoop,
    "torchsnooper": with_torchsnooper,
    "torchlens": with_torchlens,
}
