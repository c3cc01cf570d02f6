"""The autograd graph of a real network and of a very long chain, beside torchviz."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.measure import BenchmarkError, Row, duration, interleave, ratio_row, timed
from tutor.kernel.graph import describe_graphs

LAYERS = 12
OPERATIONS = 20_000
#: More nodes than either graph has.
LIMIT = 100_000


def rows(quick: bool) -> Iterator[Row]:
    """Budgets: ten times as fast; and that the chain works at all. The chain does without torchviz."""
    yield chain(3 if quick else 9)
    yield encoder(3 if quick else 15)


def describe(namespace: dict[str, object], name: str, least: int) -> float:
    """Seconds for the whole graph behind `name`; it must have `least` nodes."""
    graphs: dict[str, Any] = {}
    elapsed = timed(lambda: graphs.update(describe_graphs(namespace, [name], LIMIT)))
    graph = graphs[name]
    assert not graph.truncated
    assert len(graph.nodes) >= least, f"{len(graph.nodes)} nodes, not {least}"
    return elapsed


def encoder(repeats: int) -> Row:
    """A training step of `nn.TransformerEncoder`, to the sum of its output."""
    import torch
    from torch import nn

    layer = nn.TransformerEncoderLayer(d_model=32, nhead=4, dim_feedforward=64, batch_first=True)
    model = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
    loss = model(torch.randn(2, 8, 32)).sum()
    namespace: dict[str, object] = {"model": model, "loss": loss}
    parameters = dict(model.named_parameters())
    make_dot = torchviz()
    ours, theirs = interleave(
        repeats,
        lambda: describe(namespace, "loss", 900),
        lambda: timed(lambda: make_dot(loss, params=parameters)),
    )
    return ratio_row(f"graph of a {LAYERS}-layer encoder", ours, theirs, "torchviz", 1 / 10)


def chain(repeats: int) -> Row:
    """Additions one after the other."""
    import torch

    x = torch.zeros(1, requires_grad=True)
    total = x
    for _ in range(OPERATIONS):
        total = total + 1
    namespace: dict[str, object] = {"x": x, "total": total}
    (ours,) = interleave(repeats, lambda: describe(namespace, "total", OPERATIONS))
    node = f"{duration(ours / OPERATIONS)}/node"
    what = f"graph of a {OPERATIONS:,}-operation chain"
    return Row(what, duration(ours), f"{outcome(total)}  torchviz", node, "works", within=True)


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
