"""Memory: where a tensor or array lives, who shares it, which block (letter) it has, exact overlap."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from msgspec import Struct

from tutor.kernel import raw
from tutor.kernel.guard import GENUINE
from tutor.kernel.identity import Identities

globals()["__builtins__"] = GENUINE

#: Work bound of numpy's exact overlap search; beyond it the answer is "cannot tell".
MAX_WORK = 100_000
_BUFFERS = (bytes, bytearray, memoryview, mmap.mmap)


class Place(Struct, frozen=True, gc=False):
    """The bytes that a tensor or array brings into sharing, half-open."""

    #: Identity of the torch storage behind it, if any.
    storage: int | None
    #: Ranges are compared within one space: a device, or one storage that has no address.
    space: str
    start: int
    end: int
    device: str
    #: Whether these bytes can be read directly.
    readable: bool


def locate(value: Any, storages: Identities) -> Place | None:
    """Where `value` lives; None where it has no memory of its own or that cannot be told.

    Call inside `raw.quiet()`.
    """
    try:
        if raw.is_array(value):
            return _locate_array(value, storages)
        if raw.dispatches_to_python(value):
            with raw.Shield():
                return _locate_dispatching(value, storages)
        return _locate_tensor(value, storages)
    except Exception:  # sparse, mkldnn, functorch wrappers, freed storages: torch refuses
        return None


def _locate_tensor(tensor: Any, storages: Identities) -> Place:
    storage = raw.untyped_storage(tensor)
    return place_of(
        storages.number(storage),
        raw.device_text[raw.device(tensor)],
        raw.data_ptr(tensor),
        raw.storage_offset(tensor) * raw.element_size(tensor),
        raw.storage_nbytes(storage),
        raw.numel(tensor),
    )


def _locate_dispatching(tensor: Any, storages: Identities) -> Place | None:
    """A subclass written in Python: real memory (`_make_subclass`), fake memory, or a mere wrapper."""
    storage = raw.untyped_storage(tensor)
    nbytes = raw.storage_nbytes(storage)
    numel = raw.numel(tensor)
    if type(nbytes) is not int or type(numel) is not int:  # symbolic sizes: asking would add guards
        return None
    fake = is_fake(tensor)
    device = fake_device(tensor) if fake else raw.device_text[raw.own_device(tensor)]
    address = 0 if fake else raw.data_ptr(tensor)
    if address == 0 and not fake and device != "meta":
        return None
    before = 0 if fake else raw.storage_offset(tensor) * raw.element_size(tensor)
    return place_of(storages.number(storage), device, address, before, nbytes, numel)


def place_of(storage: int, device: str, address: int, before: int, nbytes: int, numel: int) -> Place:
    """The place of a tensor whose first element, at `address`, is `before` bytes into its storage."""
    if numel == 0 or nbytes == 0:
        return Place(storage, device, 0, 0, device, False)
    start = address - before
    if start <= 0 or device == "meta":  # meta, fake and zero tensors have no memory
        return Place(storage, f"storage {storage}", 0, nbytes, device, False)
    return Place(storage, device, start, start + nbytes, device, device in raw.READABLE)


def is_fake(tensor: object) -> bool:
    """Whether `tensor` is a FakeTensor."""
    return raw.is_a(tensor, torch._subclasses.FakeTensor)


def fake_device(tensor: object) -> str:
    """The device that a FakeTensor pretends to be on; the attribute's name differs between versions."""
    fields = raw.tensor_dict(tensor)
    device = dict.get(fields, "_fake_device") or dict.get(fields, "fake_device")
    return str(device)


def _locate_array(array: Any, storages: Identities) -> Place | None:
    low, high = array_bounds(array)
    owner_low, owner_high, base = _owner(array)
    storage = None
    if base is not None and raw.is_tensor(base):
        place = locate(base, storages)
        if place is not None:
            storage = place.storage
            if place.readable:
                owner_low, owner_high = place.start, place.end
    readable = owner_low <= low and high <= owner_high
    return Place(storage, "cpu", low, high, "cpu", readable)


def array_bounds(array: Any) -> tuple[int, int]:
    """Lowest address and one past the highest address of the elements; equal for an empty array."""
    shape = raw.array_shape(array)
    start = raw.array_address(array)
    itemsize = raw.array_dtype(array).itemsize
    return _bounds(start, shape, raw.array_strides(array), itemsize)


def _bounds(start: int, shape: Sequence[int], strides: Sequence[int], itemsize: int) -> tuple[int, int]:
    low = high = start
    for size, step in zip(shape, strides, strict=True):
        if size == 0:
            return start, start
        reach = (size - 1) * step
        if reach < 0:
            low += reach
        else:
            high += reach
    return low, high + itemsize


def _owner(array: Any) -> tuple[int, int, Any]:
    """Bytes that are surely there behind `array`, and the object at the end of its chain of bases."""
    base: Any = raw.array_base(array)
    while True:
        while raw.is_array(base):
            array, base = base, raw.array_base(base)
        if type(base) is not _DUMMY:  # what as_strided puts between a view and its array
            break
        base = base.base
    if (base is None and raw.array_flags(array).owndata) or type(base) in _BUFFERS:
        return *array_bounds(array), base
    return 0, 0, base


_DUMMY: Any = type(np.ndarray.__dict__["base"].__get__(np.lib.stride_tricks.as_strided(np.zeros(1))))


def sharing_groups(places: Sequence[Place | None]) -> list[list[int]]:
    """Indices grouped by union over intersecting ranges, in order of first member; no memory, no group."""
    spaces: dict[str, list[tuple[int, int, int]]] = {}
    for index, place in enumerate(places):
        if place is not None and place.start < place.end:
            ranges = spaces.get(place.space)
            if ranges is None:
                ranges = spaces[place.space] = []
            ranges.append((place.start, place.end, index))
    groups: list[list[int]] = []
    for ranges in spaces.values():
        ranges.sort()
        reach = -1
        for start, end, index in ranges:
            if start >= reach:
                groups.append([index])
                reach = end
            else:
                groups[-1].append(index)
                reach = max(reach, end)
    for group in groups:
        if len(group) > 1:
            group.sort()
    groups.sort()
    return groups


class Blocks:
    """Numbers for groups: a group keeps the number that its surviving members had."""

    def __init__(self) -> None:
        self._next = 1
        self._of: dict[int, int] = {}
        self._kept = _PRUNE_FROM

    def assign(self, groups: Iterable[Sequence[int]]) -> list[int]:
        """The block of each group; a member is its storage's number, or minus its object's."""
        of = self._of
        taken: set[int] = set()
        blocks = []
        for members in groups:
            block = self._earlier(members, taken)
            if block is None:
                block, self._next = self._next, self._next + 1
            taken.add(block)
            for member in members:
                of[member] = block
            blocks.append(block)
        return blocks

    def _earlier(self, members: Sequence[int], taken: set[int]) -> int | None:
        """The oldest block that a member had and no group before has kept."""
        if len(members) == 1:
            block = self._of.get(members[0])
            return None if block in taken else block
        known = {self._of[member] for member in members if member in self._of} - taken
        return min(known, default=None)

    def prune(self, objects: Identities, storages: Identities) -> None:
        """Forget members that have died, once they are many."""
        if len(self._of) > 2 * self._kept:
            alive = storages.alive() | {-number for number in objects.alive()}
            self._of = {member: block for member, block in self._of.items() if member in alive}
            self._kept = max(_PRUNE_FROM, len(self._of))


def compare(a: object, b: object) -> tuple[bool | None, bool | None, bool | None]:
    """Whether two tensors or arrays have the same storage, share memory, and have an element in common.

    Each answer is None where it cannot be told (no storage, sparse layout, too hard a question).
    """
    if not all(raw.is_tensor(value) or raw.is_array(value) for value in (a, b)):
        return None, None, None
    storages = Identities()
    with raw.Reading():
        first, second = locate(a, storages), locate(b, storages)
        if first is None or second is None:
            return None, (True if a is b else None), (True if a is b else None)
        same = None if first.storage is None or second.storage is None else first.storage == second.storage
        if not _intersect(first, second):
            return same, False, False
        return same, True, _overlap(a, b, first, second)


def _intersect(first: Place, second: Place) -> bool:
    low, high = max(first.start, second.start), min(first.end, second.end)
    return first.space == second.space and low < high


class _Elements:
    """Address, shape and strides for numpy's overlap test; no memory is read."""

    def __init__(self, address: int, shape: Sequence[int], steps: Sequence[int], itemsize: int) -> None:
        self.__array_interface__ = {
            "data": (address, True),
            "shape": tuple(size for size in shape if size != 1),
            "strides": tuple(step for step, size in zip(steps, shape, strict=True) if size != 1),
            "typestr": f"|V{itemsize}",
            "version": 3,
        }


def _overlap(a: Any, b: Any, first: Place, second: Place) -> bool | None:
    try:
        left, right = _elements(a, first), _elements(b, second)
        return bool(np.shares_memory(np.asarray(left), np.asarray(right), max_work=MAX_WORK))
    except Exception:  # TooHardError, symbolic or nested shapes
        return None


def _elements(value: Any, place: Place) -> _Elements:
    if raw.is_array(value):
        itemsize = raw.array_dtype(value).itemsize
        return _Elements(raw.array_address(value), raw.array_shape(value), raw.array_strides(value), itemsize)
    if raw.dispatches_to_python(value):
        with raw.Shield():
            return _tensor_elements(value, place)
    return _tensor_elements(value, place)


def _tensor_elements(tensor: Any, place: Place) -> _Elements:
    itemsize = raw.element_size(tensor)
    steps = [step * itemsize for step in raw.stride(tensor)]
    # Storages without an address start at 0: move them up, since 0 would be a null pointer to numpy.
    base = place.start or _NOWHERE
    return _Elements(base + raw.storage_offset(tensor) * itemsize, raw.shape(tensor), steps, itemsize)


_NOWHERE = 1 << 20
_PRUNE_FROM = 4_096
