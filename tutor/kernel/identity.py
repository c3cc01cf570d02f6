"""Small integers that stand for objects, held by weak reference only and never used again."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import torch

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_INSTANCES: weakref.WeakSet[Identities] = weakref.WeakSet()


_number_of = attrgetter("number")


class _Reference(weakref.ref[Any]):
    __slots__ = ("key", "number")
    key: int
    number: int


class Identities:
    """Numbers objects 1, 2, … in the order in which they are first seen."""

    def __init__(self) -> None:
        self._known: dict[int, _Reference] = {}
        self._next = 1
        #: How many have died of the objects that were numbered before `mark`, or of all where nobody called
        #: it: an `id()` seen before this moved may be another object's.
        self.deaths = 0
        self._marked: int | None = None
        _INSTANCES.add(self)

    def number(self, value: object) -> int:
        """The number of `value`: the same as long as it lives."""
        reference = self._known.get(id(value))
        return self._add(value) if reference is None else reference.number

    def known(self, value: object) -> int | None:
        """The number of `value` if it has one."""
        reference = self._known.get(id(value))
        return None if reference is None else reference.number

    def numbers(self, values: Iterable[object]) -> list[int]:
        """`number` of each of `values`, which the caller keeps alive meanwhile."""
        known = self._known.get
        return [
            reference.number if (reference := known(id(value))) is not None else self._add(value)
            for value in values
        ]

    def living(self, keys: Sequence[int], numbers: Sequence[int]) -> list[Any]:
        """Those objects that still live, of which the `id()` and the number are given."""
        found = list(map(self._known.get, keys))
        if None not in found and list(map(_number_of, found)) == numbers:
            return [reference() for reference in found]  # type: ignore[misc]
        return [
            value
            for reference, number in zip(found, numbers, strict=True)
            if reference is not None and reference.number == number and (value := reference()) is not None
        ]

    def mark(self) -> None:
        """From now on only deaths of the objects numbered so far are counted."""
        self._marked = self._next

    def alive(self) -> set[int]:
        """Numbers of the objects that still live."""
        return {reference.number for reference in list(self._known.values())}

    def release(self, value: object) -> int | None:
        """Drop the weak reference to `value`; its number for `restore`, or None if it has none."""
        reference = self._known.pop(id(value), None)
        return None if reference is None else reference.number

    def restore(self, value: object, number: int | None) -> None:
        """Undo `release`."""
        if number is not None:
            self._hold(value, number)

    def _add(self, value: object) -> int:
        number = self._next
        self._next = number + 1
        self._hold(value, number)
        return number

    def _hold(self, value: object, number: int) -> None:
        try:
            reference = _Reference(value, self._forget)
        except TypeError:  # cannot be weakly referenced: it gets a fresh number each time
            return
        reference.key = id(value)
        reference.number = number
        self._known[reference.key] = reference

    def _forget(self, reference: _Reference) -> None:
        # Called before the memory is freed, so no other object can have this key yet.
        if self._known.get(reference.key) is reference:
            del self._known[reference.key]
        if self._marked is None or reference.number < self._marked:
            self.deaths += 1


def allow_swap_tensors() -> None:
    """Keep `torch.utils.swap_tensors` usable: it refuses tensors that have weak references.

    Call once at kernel start. Tensors keep their numbers across the swap.
    """
    original: Callable[..., Any] = torch.utils.swap_tensors
    if getattr(original, "releases_identities", False):
        return

    def swap_tensors(t1: Any, t2: Any) -> Any:
        held = [(table, value, table.release(value)) for table in list(_INSTANCES) for value in (t1, t2)]
        try:
            return original(t1, t2)
        finally:
            for table, value, number in held:
                table.restore(value, number)

    swap_tensors.releases_identities = True  # type: ignore[attr-defined]
    swap_tensors.__doc__ = original.__doc__
    torch.utils.swap_tensors = swap_tensors
