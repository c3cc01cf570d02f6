"""What an autograd node saved for backward, read without running anybody's unpack hook."""

from __future__ import annotations

import math
from typing import Any

import torch

from tutor.kernel import raw
from tutor.kernel.tensors import shape_of

_FUNCTION = torch._C._FunctionBase
_SAVED_TENSOR = torch._C._autograd.SavedTensor
#: Where torch does not tell which saved tensors have hooks, all count as hooked once there are any.
_TELLS_HOOKS = hasattr(_SAVED_TENSOR, "unpack_hook")
_raw_saved_tensors = getattr(_FUNCTION, "_raw_saved_tensors", None)
_MAX_ITEMS = 64
_MAX_TEXT = 200

#: For each type of node: (name, attribute, attribute of the packed tensor or None).
_fields: dict[type, tuple[tuple[str, str, str | None], ...]] = {}


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


def read_saved(node: Any) -> tuple[dict[str, Any], bool]:
    """The values that `node` saved, and whether its buffers were freed. Call inside `raw.quiet()`."""
    if raw.is_a(node, _FUNCTION):
        return _read_custom(node)
    kind = type(node)
    fields = _fields.get(kind)
    if fields is None:
        fields = _fields[kind] = _list_fields(kind)
    saved: dict[str, Any] = {}
    freed = False
    for name, attribute, packed in fields:
        value = _read_field(node, attribute, packed)
        if type(value) is dict and "freed" in value:
            freed = True
        saved[name] = value
    return saved, freed


def _list_fields(kind: type) -> tuple[tuple[str, str, str | None], ...]:
    names = dir(kind)
    packed = {name for name in names if name.startswith("_raw_saved_")}
    return tuple(
        (name[7:], name, raw_name if (raw_name := "_raw" + name) in packed else None)
        for name in names
        if name.startswith("_saved_")
    )


def _read_field(node: Any, attribute: str, packed: str | None) -> Any:
    try:
        if packed is not None and _Hooks.possible and _is_hooked(getattr(node, packed)):
            return {"hooked": True}
        return _plain(getattr(node, attribute))
    except Exception as error:
        return _refusal(error)


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


def _read_custom(node: Any) -> tuple[dict[str, Any], bool]:
    """A node of the learner's own Function: only how many tensors it saved; its attributes are theirs."""
    if _raw_saved_tensors is None:
        return {}, False
    try:
        return {"tensors": len(_raw_saved_tensors.__get__(node))}, False
    except Exception as error:
        refusal = _refusal(error)
        return {"tensors": refusal}, "freed" in refusal


def _plain(value: Any) -> Any:
    """`value` as plain data: tensors as shape and dtype, what is not plain as short text."""
    kind = type(value)
    if value is None or kind is bool or kind is int:
        return value
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if kind is str:
        return value[:_MAX_TEXT]
    if raw.is_tensor(value):
        return {"shape": _list(shape_of(value)), "dtype": raw.dtype_text[raw.dtype(value)]}
    if raw.is_a(value, tuple) or kind is list:
        return [_plain(item) for item in value[:_MAX_ITEMS]] + ["…"] * (len(value) > _MAX_ITEMS)
    if kind is complex or kind.__module__ == "torch":
        return str(value)[:_MAX_TEXT]
    return raw.type_name(value)


def _list(shape: tuple[int, ...] | None) -> list[int] | None:
    return None if shape is None else list(shape)
