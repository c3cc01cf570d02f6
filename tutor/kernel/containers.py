"""What plain containers hold: no method, property or iterator of the learner's is called.

Read are the exact built-in types, and the fields of named tuples and of instances of dataclasses.
"""

from __future__ import annotations

import collections
import types
from collections.abc import Iterable, Sequence
from itertools import compress, islice
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import torch
from msgspec import Struct

from tutor import paths
from tutor.kernel import raw, static

#: Entries of one container that are looked at one by one.
MAX_ENTRIES = 4_096
#: Containers in one that are opened to count what the budget leaves out.
MAX_NESTED = 2_000

_SEQUENCES = frozenset(map(id, (list, tuple)))
_MAPPINGS = frozenset(map(id, (dict, collections.OrderedDict, collections.defaultdict)))
#: The built-in types that are read, by id.
BUILT_IN = _SEQUENCES | _MAPPINGS
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
#: What torch returns several tensors in: they have the fields in `__match_args__`.
_RETURNED = frozenset(
    id(kind) for kind in vars(torch.return_types).values() if type(kind) is type and issubclass(kind, tuple)
)
_TUPLE_FIELD = type(static.content(NamedTuple("_", [("x", int)]))["x"])
_item_of: Any = tuple.__getitem__
_is_subtype = type.__subclasscheck__


class Contents(Struct, frozen=True):
    """The first entries of a container; `keys` align with `values`."""

    keys: Sequence[object]
    values: list[object]
    #: How many entries there are in all.
    size: int
    #: The keys are names of attributes.
    named: bool = False

    def suffix(self, at: int) -> str | None:
        """How entry `at` is written behind the container's path; None if its key is no plain value."""
        key = self.keys[at]
        return f".{key}" if self.named else paths.item(key)


def read(value: Any) -> Contents | None:
    """What `value` holds; None where it is no container, or all of it is numbers, text and the like."""
    kind = id(type(value))
    if kind in _SEQUENCES:
        if _is_plain(islice(value, MAX_ENTRIES)):
            return None
        values = list(value[:MAX_ENTRIES])
        return Contents(range(len(values)), values, len(value))
    if kind in _MAPPINGS:
        if _is_plain(islice(dict.values(value), MAX_ENTRIES)):
            return None
        items = list(islice(dict.items(value), MAX_ENTRIES))
        keys, values = list(map(itemgetter(0), items)), list(map(itemgetter(1), items))
        return Contents(keys, values, dict.__len__(value))
    names = fields(value)
    if not names:
        return None
    if raw.is_a(value, tuple):
        values = [_item_of(value, at) for at in range(len(names))]
        return Contents(names, values, len(names), named=True)
    space = static.own(value)
    held = [(name, _field(value, space, name)) for name in names[:MAX_ENTRIES]]
    held = [pair for pair in held if pair[1] is not static.MISSING]
    return Contents([name for name, _ in held], [each for _, each in held], len(held), named=True)


def may_have_fields(kind: type) -> bool:
    """Whether instances of `kind` may be named tuples or dataclasses."""
    if _is_subtype(tuple, kind):
        return True
    return any("__dataclass_fields__" in static.content(each) for each in static.mro(kind))


def fields(value: object) -> tuple[str, ...]:
    """Names of the fields of a named tuple or of a dataclass's instance; empty for anything else."""
    kind = type(value)
    mro = static.mro(kind)
    if raw.is_a(value, tuple):
        return _tuple_fields(value, mro)
    declared: Any = static.find(map(static.content, mro), "__dataclass_fields__")
    if type(declared) is not dict:
        return ()
    return tuple(name for name in list(declared) if type(name) is str and name.isidentifier())


def _tuple_fields(value: Any, mro: tuple[type, ...]) -> tuple[str, ...]:
    kind, size = type(value), tuple.__len__(value)
    if id(kind) in _RETURNED:
        names: Any = static.content(kind)["__match_args__"]
        return tuple(names[:size])
    names = static.find(map(static.content, mro), "_fields")
    if type(names) is not tuple or len(names) != size or any(type(name) is not str for name in names):
        return ()
    # Only where reading the attribute is reading the item: a subclass may have put code in its place.
    found = (static.find(map(static.content, mro), name) for name in names)
    return names if all(type(each) is _TUPLE_FIELD for each in found) else ()


def _field(value: object, space: dict[str, Any], name: str) -> Any:
    """A field from the instance's own dictionary or slot."""
    found = static.find(map(static.content, static.mro(type(value))), name)
    if type(found) is _SLOT:
        try:
            return found.__get__(value)
        except AttributeError:
            return static.MISSING
    if found is not static.MISSING and static.is_descriptor(found):
        return static.MISSING
    return dict.get(space, name, static.MISSING)


class _Slotted:
    __slots__ = ("x",)


_SLOT = type(static.content(_Slotted)["x"])


def _is_plain(values: Iterable[object]) -> bool:
    return SCALARS.issuperset(map(id, map(type, values)))


def size(value: Any) -> int:
    """How many entries the container has."""
    kind = id(type(value))
    if kind in _MAPPINGS:
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
    if kind in _MAPPINGS:
        return list(islice(dict.values(value), start, stop))
    if kind in _SEQUENCES:
        return list(value[start:stop])
    contents = read(value)
    return [] if contents is None else contents.values[start:]
