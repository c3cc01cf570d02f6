"""What an autograd node saved for backward, read without running anybody's unpack hook."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import torch
from msgspec import Struct

from tutor.kernel import raw
from tutor.kernel.elements import read_bytes
from tutor.kernel.tensors import shape_of

_FUNCTION = torch._C._FunctionBase
_SAVED_TENSOR = torch._C._autograd.SavedTensor
#: Where torch does not tell which saved tensors have hooks, all count as hooked once there are any.
_TELLS_HOOKS = hasattr(_SAVED_TENSOR, "unpack_hook")
_raw_saved_tensors = getattr(_FUNCTION, "_raw_saved_tensors", None)
_saved_tensors: raw.Getter = _FUNCTION.__dict__["saved_tensors"].__get__
_MAX_ITEMS = 64
_MAX_TEXT = 200
_INTEGERS = {int}
_NUMBERS = {
    "float64": "d", "float32": "f", "float16": "e", "int64": "q", "int32": "i", "int16": "h", "int8": "b",
    "uint8": "B",
}  # fmt: skip


class Fields(Struct, frozen=True):
    """What nodes of one of torch's own types save."""

    #: Name, attribute, and attribute of the packed tensor, if it is a tensor.
    each: tuple[tuple[str, str, str | None], ...]
    names: tuple[str, ...]
    #: Reads all at once, or all tensors; raises where torch refuses one. None where there are none.
    read_all: Callable[[Any], Any] | None
    read_tensors: Callable[[Any], Any] | None
    tensors: tuple[tuple[str, str], ...]


#: By the id of the type: torch's own types of node never die.
_fields: dict[int, Fields] = {}


class _Hooks:
    """Whether saved-tensor hooks may be in use. Until somebody watches, they may."""

    watched = False
    possible = True


def watch_saved_tensor_hooks() -> None:
    """From now on notice when saved-tensor hooks come into use. Call once, before the learner's code runs.

    While there are none, saved tensors are read without asking each for its hooks.
    """
    if _Hooks.watched:
        return
    _Hooks.watched, _Hooks.possible = True, False
    autograd = torch._C._autograd
    push, register = autograd._push_saved_tensors_default_hooks, _SAVED_TENSOR.register_hooks

    def push_and_note(*hooks: Any) -> Any:
        _Hooks.possible = True
        return push(*hooks)

    def register_and_note(self: Any, *hooks: Any) -> Any:
        _Hooks.possible = True
        return register(self, *hooks)

    autograd._push_saved_tensors_default_hooks = push_and_note
    _SAVED_TENSOR.register_hooks = register_and_note


def saved_hooks_possible() -> bool:
    """Whether some saved tensor may have hooks, so that each must be asked before it is read."""
    return _Hooks.possible


def fields_of(kind: type) -> Fields:
    """What nodes of `kind`, a type of torch's own, save."""
    fields = _fields.get(id(kind))
    if fields is None:
        fields = _fields[id(kind)] = _list_fields(kind)
    return fields


def read_saved(node: Any, custom: bool | None = None) -> tuple[dict[str, Any], bool, bool]:
    """The values that `node` saved, whether its buffers were freed, and whether one was overwritten.

    `custom` says whether it is a node of a Function written in Python. Call inside `raw.quiet()`.
    """
    if raw.is_a(node, _FUNCTION) if custom is None else custom:
        return _read_custom(node)
    fields = fields_of(type(node))
    if fields.read_all is None:
        return {}, False, False
    if not _Hooks.possible or not fields.tensors:
        try:
            values = fields.read_all(node)
        except Exception:  # freed or overwritten: one by one below
            pass
        else:
            return dict(zip(fields.names, map(_plain, values), strict=True)), False, False
    saved: dict[str, Any] = {}
    freed = overwritten = False
    for name, attribute, packed in fields.each:
        try:
            if packed is not None and _Hooks.possible and _is_hooked(getattr(node, packed)):
                saved[name] = {"hooked": True}
            else:
                saved[name] = _plain(getattr(node, attribute))
        except Exception as error:
            saved[name] = refusal = _refusal(error)
            freed = freed or "freed" in refusal
            overwritten = overwritten or "modified" in refusal
    return saved, freed, overwritten


def trouble(node: Any, custom: bool) -> tuple[bool, bool]:
    """Whether buffers of `node` were freed, and whether one was overwritten; quicker than `read_saved`."""
    if custom:
        return _read_custom(node)[1:]
    fields = fields_of(type(node))
    if fields.read_tensors is None:
        return False, False
    if not _Hooks.possible:
        try:
            fields.read_tensors(node)
        except Exception:  # which of the two is found out below
            pass
        else:
            return False, False
    freed = overwritten = False
    for attribute, packed in fields.tensors:
        try:
            if not _Hooks.possible or not _is_hooked(getattr(node, packed)):
                getattr(node, attribute)
        except Exception as error:
            refusal = _refusal(error)
            freed = freed or "freed" in refusal
            overwritten = overwritten or "modified" in refusal
    return freed, overwritten


def _list_fields(kind: type) -> Fields:
    attributes = [name for name in dir(kind) if name.startswith("_saved_")]
    packed = {name for name in dir(kind) if name.startswith("_raw_saved_")}
    tensors = tuple((name, "_raw" + name) for name in attributes if "_raw" + name in packed)
    names = tuple(name[7:] for name in attributes)
    return Fields(
        tuple(
            (name[7:], name, raw_name if (raw_name := "_raw" + name) in packed else None)
            for name in attributes
        ),
        names,
        _reader(attributes),
        _reader([name for name, _ in tensors]),
        tensors,
    )


def _reader(attributes: list[str]) -> Callable[[Any], Any] | None:
    if not attributes:
        return None
    if len(attributes) > 1:
        return attrgetter(*attributes)
    read_one = attrgetter(attributes[0])
    return lambda node: (read_one(node),)


def _refusal(error: Exception) -> dict[str, Any]:
    text = str(error)
    if "inplace operation" in text:
        return {"modified": True}
    if "freed" in text:
        return {"freed": True}
    return {"unread": text.split("\n", 1)[0][:80]}


def _is_hooked(packed: Any) -> bool:
    if not _TELLS_HOOKS:
        return True
    if type(packed) is tuple or type(packed) is list:
        return any(map(_is_hooked, packed))
    return type(packed) is _SAVED_TENSOR and packed.unpack_hook is not None


def _read_custom(node: Any) -> tuple[dict[str, Any], bool, bool]:
    """A node of the learner's own Function: only how many tensors it saved; its attributes are theirs."""
    if _raw_saved_tensors is None:
        return {}, False, False
    try:
        packed = _raw_saved_tensors.__get__(node)
    except Exception as error:
        refusal = _refusal(error)
        return {"tensors": refusal}, "freed" in refusal, False
    if packed and not (_Hooks.possible and _is_hooked(packed)):
        try:
            _saved_tensors(node)
        except Exception as error:
            refusal = _refusal(error)
            return {"tensors": refusal}, "freed" in refusal, "modified" in refusal
    return {"tensors": len(packed)}, False, False


def _of_tensor(tensor: Any) -> dict[str, Any]:
    shape, dtype = raw.shape(tensor), raw.dtype_text[raw.dtype(tensor)]
    if not shape and (number := _number(tensor, dtype)) is not None:
        return {"shape": [], "dtype": dtype, "value": number}
    return {"shape": list(shape), "dtype": dtype}


def _number(tensor: Any, dtype: str) -> float | None:
    """The one number of a tensor in plain memory, read without any operation of torch's."""
    try:
        if not raw.is_readable(tensor) or not raw.data_ptr(tensor) or dtype not in _NUMBERS:
            return None
        (number,) = struct.unpack(_NUMBERS[dtype], read_bytes(raw.data_ptr(tensor), raw.element_size(tensor)))
    except Exception:  # a wrapper of functorch, a sparse tensor
        return None
    return number if math.isfinite(number) else None


def _plain(value: Any) -> Any:
    """`value` as plain data: tensors as shape and dtype, what is not plain as short text."""
    kind = type(value)
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        return _of_tensor(value)
    if value is None or kind is bool:
        return value
    if kind is int:  # torch hands out negative dimensions as unsigned
        return value - 2**64 if value >= 2**63 else value
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if kind is str:
        return value[:_MAX_TEXT]
    if kind is tuple or kind is list or kind is torch.Size:
        if len(value) <= _MAX_ITEMS and set(map(type, value)) == _INTEGERS and max(value) < 2**63:
            return list(value)
        return [_plain(item) for item in value[:_MAX_ITEMS]] + ["…"] * (len(value) > _MAX_ITEMS)
    if raw.is_tensor(value):
        shape = shape_of(value)
        return {"shape": None if shape is None else list(shape), "dtype": raw.dtype_text[raw.dtype(value)]}
    if kind is complex or kind.__module__ == "torch":
        return str(value)[:_MAX_TEXT]
    return raw.type_name(value)
