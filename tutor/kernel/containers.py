"""What containers hold: no method, property or iterator of the learner's is called.

Read are the exact built-in types, and the attributes of the learner's objects.
"""

from __future__ import annotations

import collections
import types
from collections.abc import Iterable, Sequence
from itertools import compress, islice
from operator import itemgetter
from typing import Any, Literal

import numpy as np
import torch
from msgspec import Struct

from tutor import paths
from tutor.kernel import attributes

#: Entries of one container that are looked at one by one.
MAX_ENTRIES = 4_096
#: Containers in one that are opened to count what the budget leaves out.
MAX_NESTED = 2_000

_SEQUENCES = frozenset(map(id, (list, tuple, collections.deque)))
#: The built-in mappings, by id.
MAPPINGS = frozenset(map(id, (dict, collections.OrderedDict, collections.defaultdict)))
#: The built-in types that are read, by id.
BUILT_IN = _SEQUENCES | MAPPINGS
#: Types that hold no tensors of their own, by id. They live as long as Python.
SCALARS = frozenset(
    map(
        id,
        (
            *(int, float, str, bool, type(None), bytes, complex, set, frozenset, range, type),
            *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType),
            *(torch.Size, torch.dtype, torch.device),
        ),
    )
)
_COUNTED = frozenset(map(id, (torch.Tensor, torch.nn.Parameter, np.ndarray)))


class Contents(Struct, frozen=True):
    """The first entries of a container; `keys` align with `values`."""

    keys: Sequence[object]
    values: list[object]
    #: How many entries there are in all.
    size: int
    #: What the keys are: keys of a subscript, names of attributes, or what is written behind the path.
    kind: Literal["items", "attributes", "spelled"] = "items"

    def suffix(self, at: int) -> str | None:
        """How entry `at` is written behind the container's path; None if its key is no plain value."""
        key = self.keys[at]
        if self.kind == "items":
            return paths.item(key)
        if self.kind == "attributes":
            return f".{key}"
        return None if key is None else str(key)


def read(value: Any) -> Contents | None:
    """What `value` holds; None where it is no container, or all of it is numbers, text and the like."""
    kind = id(type(value))
    if kind in _SEQUENCES:
        if is_plain(islice(value, MAX_ENTRIES)):
            return None
        values = list(islice(value, MAX_ENTRIES))
        return Contents(range(len(values)), values, len(value))
    if kind in MAPPINGS:
        if is_plain(islice(dict.values(value), MAX_ENTRIES)):
            return None
        items = list(islice(dict.items(value), MAX_ENTRIES))
        keys, values = list(map(itemgetter(0), items)), list(map(itemgetter(1), items))
        return Contents(keys, values, dict.__len__(value))
    names, values = attributes.read(value)
    if not names or is_plain(values):
        return None
    return Contents(names[:MAX_ENTRIES], values[:MAX_ENTRIES], len(names), "attributes")


def is_plain(values: Iterable[object]) -> bool:
    """Whether all are numbers, text and the like."""
    return SCALARS.issuperset(map(id, map(type, values)))


def size(value: Any) -> int:
    """How many entries the container has."""
    kind = id(type(value))
    if kind in MAPPINGS:
        return dict.__len__(value)
    return len(value) if kind in _SEQUENCES else 0


def count(value: Any, start: int, levels: int, *, all_of_it: bool) -> int:
    """How many tensors and arrays a container has from entry `start` on, in up to so many levels.

    At most MAX_NESTED containers are opened for it: beyond that it is a count of some. Without `all_of_it`
    only the beginning is searched.
    """
    found = 0
    pending = [(value, start, levels)]
    stop = None if all_of_it else start + MAX_ENTRIES
    most = MAX_NESTED if all_of_it else MAX_NESTED // 10
    for container, first, left in pending:  # grows while it is walked
        rest = _rest(container, first, stop)
        kinds = list(map(id, map(type, rest)))
        found += sum(map(_COUNTED.__contains__, kinds))
        if left > 1 and len(pending) < most and not BUILT_IN.isdisjoint(kinds):
            nested = compress(rest, map(BUILT_IN.__contains__, kinds))
            pending.extend((each, 0, left - 1) for each in islice(nested, most - len(pending)))
    return found


def _rest(value: Any, start: int, stop: int | None) -> list[object]:
    kind = id(type(value))
    if kind in MAPPINGS:
        return list(islice(dict.values(value), start, stop))
    if kind in _SEQUENCES:
        return list(islice(value, start, stop))
    contents = read(value)
    return [] if contents is None else contents.values[start:]
