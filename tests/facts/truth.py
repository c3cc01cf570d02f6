"""What is true of memory, found by enumerating addresses; and a namespace whose statements are followed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from tutor.facts import Snapshot, SnapshotDelta, StorageFacts, apply
from tutor.kernel.graph import describe_graphs
from tutor.kernel.namespace import Snapshots
from tutor.kernel.storage import compare


class Followed:
    """A namespace in which code runs statement by statement under `Snapshots`."""

    def __init__(self, **values: object) -> None:
        self.namespace: dict[str, Any] = {"__name__": "__main__", "torch": torch, "np": np, **values}
        self.snapshots = Snapshots(self.namespace, frozenset({"__builtins__"}))
        self.snapshot = Snapshot()

    def run(self, code: str, *, mention: bool = True) -> SnapshotDelta:
        """Execute one statement and take a snapshot, telling which names it mentions if `mention`."""
        compiled = compile(code, "<cell>", "exec")
        exec(compiled, self.namespace)
        return self.take(compiled.co_names if mention else ())

    def take(self, mentioned: Sequence[str] = ()) -> SnapshotDelta:
        delta = self.snapshots.take(mentioned)
        self.snapshot = apply(self.snapshot, delta)
        return delta

    def changes(self, code: str, *, mention: bool = True) -> dict[str, str]:
        """Name -> kind of change that `code` makes."""
        return {change.name: change.kind for change in self.run(code, mention=mention).changes}

    def block(self, name: str) -> StorageFacts:
        """The block in which `name` lives."""
        number = self.snapshot.tensors[name].block
        assert number is not None
        return self.snapshot.storages[number]


def read_everything(followed: Followed) -> None:
    """All that the kernel ever asks of the namespace."""
    names = [name for name in followed.namespace if name not in ("torch", "np")]
    followed.take()
    followed.take(names)
    followed.take()
    describe_graphs(followed.namespace, None, 100)
    for first in names:
        for second in names:
            compare(followed.namespace[first], followed.namespace[second])


def element_bytes(value: torch.Tensor | np.ndarray) -> set[int]:
    """Addresses of all bytes of all elements."""
    if isinstance(value, np.ndarray):
        start, itemsize = value.__array_interface__["data"][0], value.itemsize
        shape, steps = value.shape, value.strides
    else:
        itemsize = value.element_size()
        start, shape = value.data_ptr(), tuple(value.shape)
        steps = tuple(step * itemsize for step in value.stride())
    if 0 in shape:
        return set()
    starts = {
        start + sum(i * step for i, step in zip(index, steps, strict=True))
        for index in itertools.product(*map(range, shape))
    }
    return {address + byte for address in starts for byte in range(itemsize)}


def memory_range(value: torch.Tensor | np.ndarray) -> tuple[int, int]:
    """The whole storage of a tensor, the extent of an array; empty values have an empty range."""
    if isinstance(value, np.ndarray):
        taken = element_bytes(value)
        return (min(taken), max(taken) + 1) if taken else (0, 0)
    if value.numel() == 0:
        return 0, 0
    storage = value.untyped_storage()
    return storage.data_ptr(), storage.data_ptr() + storage.nbytes()


def share(a: torch.Tensor | np.ndarray, b: torch.Tensor | np.ndarray) -> bool:
    """Whether two values on the CPU share memory by the range rule."""
    (low, high), (start, end) = memory_range(a), memory_range(b)
    return max(low, start) < min(high, end)


def overlap(a: torch.Tensor | np.ndarray, b: torch.Tensor | np.ndarray) -> bool:
    """Whether some byte belongs to an element of both."""
    return not element_bytes(a).isdisjoint(element_bytes(b))


def groups(values: dict[str, torch.Tensor | np.ndarray]) -> set[frozenset[str]]:
    """Groups of two names or more that share memory, by joining pairs until nothing more joins."""
    members = {name: {name} for name in values}
    for (first, a), (second, b) in itertools.combinations(values.items(), 2):
        if share(a, b) and members[first] is not members[second]:
            members[first] |= members[second]
            for name in members[first]:
                members[name] = members[first]
    return {frozenset(group) for group in members.values() if len(group) > 1}
