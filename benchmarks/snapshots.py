"""A snapshot of many tensors, beside printing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.measure import BenchmarkError, Row, interleave, peer_row, ratio_row, timed
from tutor.kernel.namespace import Snapshots

COUNT = 1_000


def rows(quick: bool) -> Iterator[Row]:
    """Budgets: 1/100 for the first snapshot, 1/1,000 where nothing has changed since."""
    import torch

    namespace: dict[str, object] = {f"t{n}": torch.randn(4, 4) for n in range(COUNT)}

    def full() -> float:
        return timed(Snapshots(namespace, frozenset()).take)

    kept = Snapshots(namespace, frozenset())
    found = len(kept.take().tensors)
    assert found == COUNT, f"{found} of {COUNT} tensors in the snapshot"

    first, unchanged, printing = interleave(
        3 if quick else 15,
        full,
        lambda: timed(kept.take),
        lambda: timed(lambda: [repr(tensor) for tensor in namespace.values()]),
    )
    peer = f"repr of {COUNT:,} tensors"
    yield ratio_row(f"snapshot of {COUNT:,} tensors", first, printing, peer, 1 / 100)
    yield ratio_row("the same, nothing changed", unchanged, printing, peer, 1 / 1_000)
    lovely = describe_lovely()
    some = list(namespace.values())[: COUNT // 10 if quick else COUNT]
    theirs = timed(lambda: [lovely(tensor) for tensor in some]) * COUNT / len(some)
    yield peer_row("the same, beside lovely-tensors", first, theirs, "lovely-tensors")


def describe_lovely() -> Callable[[object], str]:
    """What lovely-tensors prints for a tensor."""
    try:
        from lovely_tensors import lovely
    except ImportError:
        raise BenchmarkError("lovely-tensors is not installed; `make bench` installs it.") from None
    return lambda tensor: str(lovely(tensor))
