"""The autograd graph of a real network and of a very long chain, beside torchviz and torchlens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from msgspec import json

from benchmarks.measure import BenchmarkError, Row, duration, interleave, ratio_row, time_row, timed
from tutor.facts import GraphOutline, Snapshot
from tutor.kernel.graph import describe_graphs, watch_saved_tensor_hooks
from tutor.kernel.history import GraphSteps
from tutor.kernel.namespace import Snapshots
from tutor.kernel.outline import outline_graph
from tutor.view.graph_shape import GraphShape
from tutor.view.palette import INK
from tutor.view.tree import GraphLines, Painter

LAYERS = 12
OPERATIONS = 20_000
#: More nodes than either graph has.
LIMIT = 100_000
#: How often each action is done in one turn.
IN_A_ROW = 5
#: Lines that the first look at a graph draws.
SEEN = 40


def rows(quick: bool) -> Iterator[Row]:
    """Budgets: ten times as fast as torchviz; and that the chain opens at once, where torchviz fails."""
    watch_saved_tensor_hooks()  # as the kernel does at its start
    repeats = 5 if quick else 15
    yield from chain(3 if quick else 9)
    yield from encoder(repeats, beside_torchlens=not quick)


@dataclass(frozen=True)
class Followed:
    """A namespace as the kernel follows it."""

    namespace: dict[str, object]
    snapshots: Snapshots

    @classmethod
    def of(cls, **namespace: object) -> Followed:
        snapshots = Snapshots(namespace, frozenset())
        snapshots.take()
        return cls(namespace, snapshots)

    def outline(self, name: str, least: int) -> GraphOutline:
        """What opening the graph behind `name` asks of the kernel; it must have `least` nodes."""
        found = outline_graph(self.namespace, name, LIMIT, self.snapshots.labels())
        assert found is not None
        assert len(found.kind) >= least, f"{len(found.kind)} nodes, not {least}"
        return found

    def drawn(self, name: str, least: int) -> None:
        """All of it: the walk, the way to the screen's process, and the first lines."""
        data = json.encode(self.outline(name, least))
        shape = GraphShape(json.decode(data, type=GraphOutline))
        lines = GraphLines(Painter(shape, {}, Snapshot(), INK, 60))
        assert list(islice(lines, SEEN))

    def complete(self, name: str) -> None:
        """Every node with all that it saved, as in `inspect --json`."""
        assert not describe_graphs(self.namespace, [name], LIMIT)[name].truncated


def encoder(repeats: int, *, beside_torchlens: bool) -> Iterator[Row]:
    """A training step of `nn.TransformerEncoder`, to the sum of its output."""
    import torch
    from torch import nn

    layer = nn.TransformerEncoderLayer(d_model=32, nhead=4, dim_feedforward=64, batch_first=True)
    model = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
    x = torch.randn(2, 8, 32)
    loss = model(x).sum()
    followed = Followed.of(model=model, loss=loss)
    parameters = dict(model.named_parameters())
    make_dot = torchviz()
    steps = GraphSteps(followed.namespace, followed.snapshots)
    ours, drawn, complete, again, theirs = interleave(
        repeats,
        lambda: timed_in_a_row(lambda: followed.outline("loss", 900)),
        lambda: timed_in_a_row(lambda: followed.drawn("loss", 900)),
        lambda: timed_in_a_row(lambda: followed.complete("loss")),
        lambda: timed_in_a_row(steps.take),
        lambda: timed_in_a_row(lambda: make_dot(loss, params=parameters)),
    )
    what = f"graph of a {LAYERS}-layer encoder"
    yield ratio_row(what, ours, theirs, "torchviz", 1 / 10)
    yield ratio_row(f"drawn {what}", drawn, theirs, "torchviz", 1 / 2)
    yield ratio_row(f"complete {what}", complete, theirs, "torchviz", 1 / 2)
    yield time_row("followed through a statement", again, theirs, "torchviz", 0.01)
    if beside_torchlens and (seconds := torchlens(model, x)) is not None:
        yield ratio_row(f"the same {what}", ours, seconds, "torchlens", 1 / 10)


def chain(repeats: int) -> Iterator[Row]:
    """Additions one after the other."""
    import torch

    x = torch.zeros(1, requires_grad=True)
    total = x
    for _ in range(OPERATIONS):
        total = total + 1
    followed = Followed.of(x=x, total=total)
    ours, drawn = interleave(
        repeats,
        lambda: timed(lambda: followed.outline("total", OPERATIONS)),
        lambda: timed(lambda: followed.drawn("total", OPERATIONS)),
    )
    what = f"graph of a {OPERATIONS:,}-operation chain"
    node = f"{duration(ours / OPERATIONS)}/node"
    yield Row(what, duration(ours), f"{outcome(total)}  torchviz", node, "works", within=True)
    yield Row(f"drawn {what}", duration(drawn), "", "", "≤ 0.5 s", within=drawn <= 0.5)


def timed_in_a_row(action: Callable[[], object]) -> float:
    """Seconds of the quickest of a few times in a row: such short times are at the mercy of the machine."""
    return min(timed(action) for _ in range(IN_A_ROW))


def torchlens(model: Any, x: object) -> float | None:
    """Seconds that torchlens takes for one pass of the model, once; None where it is not installed."""
    try:
        import torchlens as lens
    except ImportError:
        return None
    return timed(lambda: lens.trace(model, x))


def outcome(total: object) -> str:
    """What torchviz makes of the chain: its time, or its error."""
    try:
        make_dot = torchviz()
        return duration(timed(lambda: make_dot(total)))
    except BenchmarkError:
        return "not installed"
    except RecursionError as error:
        return type(error).__name__


def torchviz() -> Callable[..., object]:
    """torchviz.make_dot; it makes the text of the picture, for which no graphviz program is needed."""
    try:
        from torchviz import make_dot
    except ImportError:
        raise BenchmarkError("torchviz is not installed; `make bench` installs it.") from None
    return make_dot
