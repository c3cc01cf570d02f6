"""What calling something gives, as far as that is declared; nothing is called."""

from __future__ import annotations

import sys
import types
from functools import lru_cache
from typing import Any

import torch

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_annotations = vars(types.FunctionType)["__annotations__"].__get__
_globals = types.FunctionType.__dict__["__globals__"].__get__
_name = types.FunctionType.__dict__["__name__"].__get__
_builtin_name = types.BuiltinFunctionType.__dict__["__name__"].__get__
_descriptor_name = types.MethodDescriptorType.__dict__["__name__"].__get__
_owner = types.MethodDescriptorType.__dict__["__objclass__"].__get__
_schemas = torch._C._jit_get_schemas_for_operator

#: Where torch's compiled functions are, by the names of their operators.
_ROOMS = tuple(
    dict(vars(room)) for room in (torch, torch._C._nn, torch._C._linalg, torch._C._fft, torch._C._special)
)
_TYPES: dict[str, type] = {
    "Tensor": torch.Tensor, "Tensor[]": tuple, "bool": bool, "int": int, "float": float, "str": str,
    "int[]": tuple, "Device": torch.device,
}  # fmt: skip


def annotated(function: Any) -> tuple[Any, dict[str, Any]] | None:
    """The return annotation of a Python function and the globals it is written in."""
    scope = _globals(function)
    if sys.version_info >= (3, 14) and not _is_torchs(scope):
        return None  # reading annotations evaluates them
    found = _annotations(function)
    if type(found) is not dict or "return" not in found:
        return None
    return found["return"], scope


def of_operator(function: Any) -> type | None:
    """The type that torch's own function or method returns in all of its forms, by its operator's schemas."""
    kind = type(function)
    if kind is types.MethodDescriptorType:
        return _declared(_descriptor_name(function)) if _owner(function) is torch._C.TensorBase else None
    if kind is types.BuiltinFunctionType:
        name = _builtin_name(function)
        ours = any(room.get(name) is function for room in _ROOMS)
        return _declared(name) if ours else None
    if kind is types.FunctionType and _is_torchs(_globals(function)):
        return _declared(_name(function))
    return None


def _is_torchs(scope: dict[str, Any]) -> bool:
    name = scope.get("__name__")
    return type(name) is str and (name == "torch" or name.startswith("torch."))


@lru_cache(maxsize=4_096)
def _declared(name: str) -> type | None:
    forms = {
        tuple(str(returned.type) for returned in schema.returns)
        for schema in _schemas(f"aten::{name}")
        if not any(argument.is_out for argument in schema.arguments)
    }
    if len(forms) != 1:
        return None
    (form,) = forms
    return _TYPES.get(form[0]) if len(form) == 1 else None
