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

Fields = tuple[tuple[str, str, str | None], ...]
#: For torch's own types of node, which never die, by id: (name, attribute, attribute of the packed tensor).
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


def read_saved(node: Any) -> tuple[dict[str, Any], bool]:
    """The values that `node` saved, and whether its buffers were freed. Call inside `raw.quiet()`."""
    kind = type(node)
    fields = _fields.get(id(kind))
    if fields is None:
        if raw.is_a(node, _FUNCTION):
            return _read_custom(node)
        fields = _fields[id(kind)] = _list_fields(kind)
    saved: dict[str, Any] = {}
    freed = False
    for name, attribute, packed in fields:
        try:
            if packed is not None and _Hooks.possible and _is_hooked(getattr(node, packed)):
                saved[name] = {"hooked": True}
            else:
                saved[name] = _plain(getattr(node, attribute))
        except Exception as error:
            saved[name] = refusal = _refusal(error)
            freed = freed or "freed" in refusal
    return saved, freed


def _list_fields(kind: type) -> Fields:
    names = dir(kind)
    packed = {name for name in names if name.startswith("_raw_saved_")}
    return tuple(
        (name[7:], name, raw_name if (raw_name := "_raw" + name) in packed else None)
        for name in names
        if name.startswith("_saved_")
    )


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
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        return {"shape": list(raw.shape(value)), "dtype": raw.dtype_text[raw.dtype(value)]}
    if value is None or kind is bool:
        return value
    if kind is int:  # torch hands out negative dimensions as unsigned
        return value - 2**64 if value >= 2**63 else value
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if kind is str:
        return value[:_MAX_TEXT]
    if kind is tuple or kind is list or kind is torch.Size:
        return [_plain(item) for item in value[:_MAX_ITEMS]] + ["…"] * (len(value) > _MAX_ITEMS)
    if raw.is_tensor(value):
        shape = shape_of(value)
        return {"shape": None if shape is None else list(shape), "dtype": raw.dtype_text[raw.dtype(value)]}
    if kind is complex or kind.__module__ == "torch":
        return str(value)[:_MAX_TEXT]
    return raw.type_name(value)
