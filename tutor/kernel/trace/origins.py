"""Which operation made a tensor, a storage or an autograd node; by numbers, so nothing is kept alive."""

from __future__ import annotations

from bisect import bisect_right

from tutor.facts import Origin
from tutor.kernel.guard import GENUINE
from tutor.kernel.identity import Identities

globals()["__builtins__"] = GENUINE

_MOST_NODES = 20_000
_PRUNE_FROM = 20_000


class _Makers:
    """Origins by number; those of what has died are forgotten once there are many."""

    def __init__(self) -> None:
        self._of: dict[int, Origin] = {}
        self._limit = _PRUNE_FROM

    def get(self, number: int) -> Origin | None:
        return self._of.get(number)

    def put(self, number: int, origin: Origin, table: Identities) -> None:
        self._of[number] = origin
        if len(self._of) > self._limit:
            alive = table.alive()
            self._of = {key: value for key, value in self._of.items() if key in alive}
            self._limit = max(_PRUNE_FROM, 2 * len(self._of))


class Origins:
    """What is known of where things came from."""

    def __init__(self, objects: Identities, storages: Identities) -> None:
        self._objects, self._storages = objects, storages
        self._by_object = _Makers()
        self._by_storage = _Makers()
        # Ranges of torch's own numbering of nodes: each begins where its operation began.
        self._starts: list[int] = []
        self._ranges: list[tuple[int, Origin]] = []

    def made(self, number: int, storage: int | None, origin: Origin, new_memory: bool) -> None:
        """An operation made object `number`, and its storage too if that is new."""
        self._by_object.put(number, origin, self._objects)
        if new_memory and storage is not None:
            self._by_storage.put(storage, origin, self._storages)

    def made_nodes(self, first: int, end: int, origin: Origin) -> None:
        """An operation made the nodes that torch numbers from `first` to before `end`."""
        if first >= end:
            return
        if self._starts and first < self._starts[-1]:  # cannot be: one thread, one counter
            return
        self._starts.append(first)
        self._ranges.append((end, origin))
        if len(self._starts) > 2 * _MOST_NODES:
            del self._starts[:_MOST_NODES], self._ranges[:_MOST_NODES]

    def of(self, number: int, storage: int | None = None) -> Origin | None:
        """The operation that made an object; where that was not seen, the one that made its storage."""
        origin = self._by_object.get(number)
        return self._by_storage.get(storage) if origin is None and storage is not None else origin

    def of_node(self, sequence_number: int) -> Origin | None:
        """The operation that made the node with this `_sequence_nr()`, where it was watched."""
        at = bisect_right(self._starts, sequence_number) - 1
        if at < 0:
            return None
        end, origin = self._ranges[at]
        return origin if sequence_number < end else None
