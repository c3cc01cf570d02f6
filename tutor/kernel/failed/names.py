"""Public names of functions and classes of torch and numpy, as their documentation spells them."""

from __future__ import annotations

import sys
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from types import MethodWrapperType as _Bound
from typing import Any

import numpy as np
import torch

from tutor.kernel import raw, static
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_LIBRARIES = ("torch", "numpy")
#: Where functions that are not written in Python are found, and how their own names begin there.
_PLACES: tuple[tuple[str, str], ...] = (
    ("torch.nn.functional", ""),
    ("torch", ""),
    ("torch.linalg", "linalg_"),
    ("torch.fft", "fft_"),
    ("torch.special", "special_"),
    ("torch.sparse", "sparse_"),
    ("torch.sparse", "_sparse_"),
    ("torch.nn.functional", "_"),
)
_BUILT_IN = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType)
_UFUNC = np.ufunc
#: What numpy's functions are that stand before others of Python's.
_DISPATCHER = type(np.concatenate)
_module: Any = vars(type)["__module__"]
_content: Any = vars(ModuleType)["__dict__"]


def is_library(module: object) -> bool:
    """Whether a module's name is torch's or numpy's, or of a part of them."""
    return type(module) is str and module.partition(".")[0] in _LIBRARIES


def public_name(func: Any) -> str | None:
    """`torch.mm`, `torch.Tensor.view`, `torch.nn.Linear`; None of what is neither torch's nor numpy's."""
    if type(func) is type or raw.is_a(func, type):
        return class_name(func)
    if type(func) is _Bound:
        return _accessor(func)
    if type(func) is FunctionType:
        return _of_function(func)
    if type(func) is _UFUNC:
        return f"numpy.{func.__name__}"
    if type(func) is _DISPATCHER:
        return f"{func.__module__}.{func.__name__}"
    return _of_builtin(func) if type(func) in _BUILT_IN else None


def class_name(cls: type) -> str | None:
    """The public name of a class of torch or numpy, or of the nearest such class that it derives from."""
    if cls is torch.Tensor or cls is torch._C.TensorBase:
        return "torch.Tensor"
    for kind in static.mro(cls):
        module = _module.__get__(kind)
        if is_library(module):
            name = type.__dict__["__qualname__"].__get__(kind)
            found = shortest(module, name, kind)
            return "torch.Tensor" if found == "torch.TensorBase" else found
    return None


def library_class(cls: type) -> type | None:
    """The nearest class of torch's or numpy's that a class is or derives from."""
    kinds = static.mro(cls)
    return next((kind for kind in kinds if is_library(_module.__get__(kind))), None)


def shortest(module: str, qualname: str, value: Any) -> str:
    """The dotted name under the outermost package at which `value` can be found, behind decorators too."""
    parts = module.split(".")
    first, _, rest = qualname.partition(".")
    home = _get(module, first)
    for length in range(1, len(parts) + 1):
        place = ".".join(parts[:length])
        if any(part.startswith("_") for part in parts[:length]):
            break
        found = _get(place, first)
        if found is not None and (found is home if rest else _is_behind(found, value)):
            return f"{place}.{qualname}"
    return f"{module}.{qualname}"


def _is_behind(found: Any, value: Any) -> bool:
    for _ in range(8):
        found = behind(found)
        if found is value:
            return True
        if type(found) is not FunctionType:
            return False
        found = found.__dict__.get("__wrapped__")
    return False


def _of_function(func: FunctionType) -> str | None:
    module = func.__globals__.get("__name__")
    stands_in = type(module) is str and module.startswith(("tutor.kernel.", "torch._jit_internal"))
    module = func.__module__ if stands_in else module
    if not is_library(module) or type(module) is not str:
        return None
    qualname, said = func.__qualname__, func.__module__
    if said != module and is_library(said) and _is_behind(_get(said, qualname), func):
        module = said
    if "<locals>" in qualname:  # made by another function, and known by the name that it is kept under
        name = func.__name__
        return shortest(module, name, func) if _get(module, name) is func else None
    head, dot, last = qualname.rpartition(".")
    if dot and head == "Tensor":
        return f"torch.Tensor.{last}"
    return shortest(module, qualname, func)


def _of_builtin(func: Any) -> str | None:
    name = str(func.__name__)
    if type(func) is not BuiltinFunctionType:
        owner = getattr(func, "__objclass__", None)
        cls = class_name(owner) if isinstance(owner, type) else None
        return f"{cls}.{name}" if cls is not None else None
    placed = _placed(func, name)
    if placed is not None:
        return placed
    if is_library(getattr(func, "__module__", None)) and _get("numpy", name) is func:
        return f"numpy.{name}"
    owner = func.__self__
    if raw.is_tensor(owner):
        return f"torch.Tensor.{name}"
    if raw.is_array(owner):
        return f"numpy.ndarray.{name}"
    if owner is torch._C._nn or owner is torch._C._VariableFunctions:
        known = torch.overrides.resolve_name(func)
        return known if known is not None else f"torch.{name}"
    if isinstance(owner, type):
        cls = class_name(owner)
        return f"{cls}.{name}" if cls is not None else None
    return f"torch.{name}" if is_library(getattr(func, "__module__", None)) else None


def _placed(func: Any, name: str) -> str | None:
    """The name of a built-in function where it is kept; of a family such as linalg's wherever it is."""
    for place, prefix in _PLACES:
        if name.startswith(prefix):
            short = name[len(prefix) :]
            found = _get(place, short)
            if type(found) is BuiltinFunctionType and found == func:
                return f"{place}.{short}"
    family = next((one for one in _PLACES if one[1].strip("_") and name.startswith(one[1])), None)
    if family is None or type(func.__self__) is not ModuleType:
        return None
    return f"{family[0]}.{name.removeprefix(family[1])}"


def _accessor(func: Any) -> str | None:
    owner = func.__self__
    name = getattr(owner, "__name__", None) or getattr(getattr(owner, "fget", None), "__name__", None)
    if func.__name__ in ("__get__", "__set__", "__delete__") and type(name) is str:
        return f"torch.Tensor.{name}"
    return f"torch.Tensor.{func.__name__}" if raw.is_tensor(owner) else None


def behind(func: Any) -> Any:
    """The function that numpy's dispatcher stands before; any other function is itself."""
    return func._implementation if type(func) is _DISPATCHER else func


def content_of(place: Any) -> Any:
    """What is in a module or a class, by name."""
    return static.content(place) if raw.is_a(place, type) else _content.__get__(place)


def _get(module: str, name: str) -> Any:
    found = sys.modules.get(module)
    return content_of(found).get(name) if raw.is_a(found, ModuleType) else None
