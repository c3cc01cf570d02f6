"""Tensors and arrays among the arguments and results of a call, as facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from msgspec import Struct

from tutor.facts import Operand, TensorKind
from tutor.kernel import nodes, raw
from tutor.kernel.guard import GENUINE
from tutor.kernel.identity import Identities
from tutor.kernel.storage import Place, locate
from tutor.kernel.tensors import Named, describe, node_name

globals()["__builtins__"] = GENUINE

#: Tensors of one call, and members of one list, that are looked at.
MOST = 64
_PARAMETER = torch.nn.Parameter
_LISTS = (list, tuple)


class Found(Struct):
    """A tensor or array in a call: where it stands, and itself, for as long as the call runs."""

    argument: int | str
    member: int | None
    value: Any

    @property
    def place(self) -> str:
        return str(self.argument) if self.member is None else f"{self.argument}[{self.member}]"


def arguments(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> list[Found]:
    """Tensors and arrays of a call, also those in its lists and tuples."""
    found: list[Found] = []
    for index, value in enumerate(args):
        _add(found, index, value)
    for name, value in kwargs.items() if kwargs else ():
        _add(found, name, value)
    return found[:MOST]


def results(value: Any) -> list[Found]:
    """Tensors and arrays that a call gave."""
    if is_subject(value):
        return [Found(0, None, value)]
    if type(value) is dict:
        members: Any = value.values()
    elif type(value) is list:
        members = value
    elif isinstance(value, tuple):  # also named ones, whose own code is not called
        members = tuple.__iter__(value)
    else:
        return []
    return [Found(index, None, one) for index, one in _limited(members) if is_subject(one)]


def is_subject(value: object) -> bool:
    """Whether a value is a tensor or an array."""
    kind = type(value)
    return kind is torch.Tensor or kind is _PARAMETER or raw.is_tensor(value) or raw.is_array(value)


def _add(found: list[Found], argument: int | str, value: Any) -> None:
    if is_subject(value):
        found.append(Found(argument, None, value))
    elif type(value) in _LISTS:
        found.extend(Found(argument, i, one) for i, one in _limited(value) if is_subject(one))


def _limited(members: Any) -> Iterator[tuple[int, Any]]:
    for index, one in enumerate(members):
        if index >= MOST:
            return
        yield index, one


class Reader:
    """Reads operands, with the numbers that snapshots have. Call inside `raw.Reading()`."""

    def __init__(self, objects: Identities, storages: Identities) -> None:
        self._objects, self._storages = objects, storages

    def read(self, found: Found, name: str) -> Operand:
        """Facts of one operand."""
        value = found.value
        kind = type(value)
        if kind is torch.Tensor or kind is _PARAMETER:
            try:
                return self._ordinary(found, name, value)
            except Exception:  # sparse, quantized, an inference tensor, …: with more care below
                pass
        return self._special(found, name, value)

    def _ordinary(self, found: Found, name: str, tensor: Any) -> Operand:
        requires_grad = raw.requires_grad(tensor)
        node = raw.grad_fn(tensor) if requires_grad else None
        return Operand(
            self._objects.number(tensor),
            name,
            found.place,
            "tensor" if type(tensor) is torch.Tensor else "parameter",
            tuple(raw.shape(tensor)),
            raw.stride(tensor),
            raw.storage_offset(tensor),
            raw.dtype_text[raw.dtype(tensor)],
            "cpu" if raw.is_cpu(tensor) else raw.device_text[raw.device(tensor)],
            self._storages.number(raw.untyped_storage(tensor)),
            requires_grad,
            node is None,
            None if node is None else node_name(node),
            None if node is None else nodes.number(node),
            raw.version(tensor),
        )

    def _special(self, found: Found, name: str, value: Any) -> Operand:
        number = self._objects.number(value)
        role: TensorKind = "ndarray" if raw.is_array(value) else "tensor"
        facts, _ = describe(Named("", "", role, value), number, self._storages)
        return Operand(
            object=number,
            name=name,
            place=found.place,
            kind=facts.kind,
            shape=facts.shape,
            stride=facts.stride,
            offset=facts.offset,
            dtype=facts.dtype,
            device=facts.device,
            storage=facts.storage,
            requires_grad=facts.requires_grad,
            is_leaf=facts.is_leaf,
            grad_fn=facts.grad_fn,
            node=None if facts.grad_fn is None else _attempt(lambda: nodes.number(raw.grad_fn(value))),
            version=facts.version,
        )

    def memory(self, value: Any) -> frozenset[int]:
        """Storages behind a tensor that has none of its own: its sparse parts, or what it wraps."""
        parts = _sparse_parts(value)
        if not parts:
            fields = _attempt(lambda: raw.tensor_dict(value))
            parts = _wrapped(fields) if type(fields) is dict else []
        storages = map(_storage, filter(raw.is_tensor, parts))
        return frozenset(self._storages.number(one) for one in storages if one is not None)

    def share(self, first: Any, second: Any) -> bool:
        """Whether two values are on the same memory, of which one is an array or has no storage."""
        one, other = locate(first, self._storages), locate(second, self._storages)
        if one is None or other is None:
            return bool(self._behind(first, one) & self._behind(second, other))
        return one.space == other.space and max(one.start, other.start) < min(one.end, other.end)

    def _behind(self, value: Any, place: Place | None) -> frozenset[int]:
        if place is None:
            return self.memory(value)
        return frozenset() if place.storage is None else frozenset((place.storage,))


_SPARSE: dict[str, tuple[str, ...]] = {
    "sparse_coo": ("_indices", "_values"),
    "sparse_csr": ("crow_indices", "col_indices", "values"),
    "sparse_bsr": ("crow_indices", "col_indices", "values"),
    "sparse_csc": ("ccol_indices", "row_indices", "values"),
    "sparse_bsc": ("ccol_indices", "row_indices", "values"),
}
_READERS: dict[str, Callable[[Any], Any]] = {
    name: getattr(torch._C.TensorBase, name) for names in _SPARSE.values() for name in names
}


def _sparse_parts(value: Any) -> list[Any]:
    """The tensors that a sparse tensor consists of. Nobody else is asked: not where a mode would see it."""
    layout = None if raw.dispatches_to_python(value) else _attempt(lambda: raw.layout(value))
    names = _SPARSE.get(raw.layout_text[layout], ()) if layout is not None else ()
    if not names or torch._C._len_torch_dispatch_stack():
        return []
    with torch._C._AutoDispatchBelowAutograd():
        return [_attempt(lambda read=_READERS[name]: read(value)) for name in names]  # type: ignore[misc]


def _wrapped(fields: dict[str, Any]) -> list[Any]:
    """Tensors in the fields of one; of a jagged one only its values, for many share the offsets."""
    return [fields["_values"]] if "_values" in fields else list(fields.values())[:MOST]


def _storage(tensor: Any) -> Any:
    return _attempt(lambda: raw.untyped_storage(tensor))


def version_of(value: Any) -> int | None:
    """The version counter, None where there is none."""
    return _attempt(lambda: raw.version(value))


def _attempt(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception:
        return None
