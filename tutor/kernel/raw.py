"""torch's and numpy's own readers, captured at import.

What the learner later assigns to `torch.Tensor.shape`, defines on a subclass or pushes as a mode is
never called by them. `isinstance` and attribute access on learner objects would call it: use these.
"""

from __future__ import annotations

import gc
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_BASE = torch._C.TensorBase
Getter = Callable[[Any], Any]


def _getter(owner: type, name: str) -> Getter:
    getter: Getter = getattr(owner, name).__get__
    return getter


shape: Getter = _getter(_BASE, "shape")
dtype: Getter = _getter(_BASE, "dtype")
device: Getter = _getter(_BASE, "device")
is_cpu: Getter = _getter(_BASE, "is_cpu")
layout: Getter = _getter(_BASE, "layout")
requires_grad: Getter = _getter(_BASE, "requires_grad")
is_leaf: Getter = _getter(_BASE, "is_leaf")
grad_fn: Getter = _getter(_BASE, "grad_fn")
retains_grad: Getter = _getter(_BASE, "retains_grad")
#: Only for leaves and tensors that retain their gradient: on others torch warns.
grad: Getter = _getter(_BASE, "grad")
version: Getter = _getter(_BASE, "_version")
backward_hooks: Getter = _getter(_BASE, "_backward_hooks")
accumulate_hooks: Getter = _getter(_BASE, "_post_accumulate_grad_hooks")
is_quantized: Getter = _getter(_BASE, "is_quantized")
is_nested: Getter = _getter(_BASE, "is_nested")
stride: Getter = _BASE.stride
storage_offset: Getter = _BASE.storage_offset
numel: Getter = _BASE.numel
element_size: Getter = _BASE.element_size
is_contiguous: Getter = _BASE.is_contiguous
untyped_storage: Getter = _BASE.untyped_storage
storage_nbytes: Getter = torch._C.StorageBase.nbytes
data_ptr: Getter = _BASE.data_ptr
tensor_dict: Getter = torch.Tensor.__dict__["__dict__"].__get__
module_dict: Getter = torch.nn.Module.__dict__["__dict__"].__get__

array_shape: Getter = np.ndarray.__dict__["shape"].__get__
array_strides: Getter = np.ndarray.__dict__["strides"].__get__
array_dtype: Getter = np.ndarray.__dict__["dtype"].__get__
array_base: Getter = np.ndarray.__dict__["base"].__get__
array_flags: Getter = np.ndarray.__dict__["flags"].__get__
_array_interface: Getter = np.ndarray.__dict__["__array_interface__"].__get__

_type_name: Getter = type.__dict__["__name__"].__get__
_is_subtype = type.__subclasscheck__
#: What the operations on a tensor go through, and whether one key is in that.
dispatch_keys: Getter = torch._C._dispatch_keys
has_key = torch._C.DispatchKeySet.has
_PYTHON_KEY = torch._C.DispatchKey.Python
_push_mode = torch._C._push_on_torch_dispatch_stack
_pop_mode = torch._C._pop_torch_dispatch_stack
#: Context manager: `__torch_function__` of subclasses and modes is not called inside.
quiet = torch._C.DisableTorchFunction


_gc_disable, _gc_enable, _gc_is_enabled = gc.disable, gc.enable, gc.isenabled


class Reading:
    """Context manager around all reading: `quiet`, and our allocations start no garbage collection.

    A collection could run the learner's finalisers in the middle of it.
    """

    def __enter__(self) -> None:
        self._collecting = _gc_is_enabled()
        _gc_disable()
        self._quiet = quiet()
        self._quiet.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._quiet.__exit__(None, None, None)
        if self._collecting:
            _gc_enable()


class _Texts(dict[Any, str]):
    """Short text of torch constants, each made once."""

    def __missing__(self, constant: Any) -> str:
        text = self[constant] = str(constant).removeprefix("torch.").removeprefix("_")
        return text


#: `cuda:0`, `float32`, `sparse_coo` for the objects that stand for them.
device_text, dtype_text, layout_text = _Texts(), _Texts(), _Texts()


#: Devices whose memory can be read at its address: the CPU, and one that only has the CPU's memory.
READABLE = {"cpu"}


def is_readable(tensor: Any) -> bool:
    """Whether a tensor's memory can be read at its address."""
    return bool(is_cpu(tensor)) or device_text[device(tensor)] in READABLE


def is_a(value: object, cls: type) -> bool:
    """Whether the real type of `value` derives from `cls`; unlike isinstance, `__class__` cannot lie."""
    return _is_subtype(cls, type(value))


def type_name(value: object) -> str:
    """Bare name of the real type of `value`, at most 80 characters."""
    return str.__str__(_type_name(type(value)))[:80]


def class_text(cls: object) -> str:
    """Bare name of a class, whatever its metaclass says of it."""
    return str.__str__(_type_name(cls))[:80]


#: Classes whose tensors `column` reads, and their dictionaries, in which the learner may put things.
_PLAIN = (torch.Tensor, torch.nn.Parameter)
_SPACES = tuple(vars(kind) for kind in _PLAIN)


def is_plain(value: object) -> bool:
    """Whether `value` is exactly a Tensor or a Parameter."""
    kind = type(value)
    return kind is _PLAIN[0] or kind is _PLAIN[1]


class _Column:
    """Reads one attribute of many plain tensors."""

    def __init__(self, name: str) -> None:
        self._names = (name, "__getattribute__")
        self._own, self._short = _getter(_BASE, name), operator.attrgetter(name)

    def __call__(self, tensors: Iterable[Any]) -> Iterator[Any]:
        # Plain attribute access is twice as quick, and means torch's own while nobody has replaced that.
        replaced = any(name in space for space in _SPACES for name in self._names)
        return map(self._own if replaced else self._short, tensors)


shapes, dtypes, versions = _Column("shape"), _Column("dtype"), _Column("_version")
requirements, leaves, on_cpu = _Column("requires_grad"), _Column("is_leaf"), _Column("is_cpu")


def is_tensor(value: object) -> bool:
    return _is_subtype(_BASE, type(value))


def is_array(value: object) -> bool:
    return _is_subtype(np.ndarray, type(value))


def dispatches_to_python(tensor: object) -> bool:
    """Whether reading even the shape of `tensor` may call a `__torch_dispatch__` written in Python."""
    kind = type(tensor)
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        return False
    return bool(has_key(dispatch_keys(tensor), _PYTHON_KEY))


def array_address(array: object) -> int:
    """Address of the first element (not always the lowest: strides may be negative)."""
    return int(_array_interface(array)["data"][0])


#: By type of device: what gives the CPU tensor over the memory of a tensor on it.
_backings: dict[str, Getter] = {}


def back_by(device_type: str, backing: Getter) -> None:
    """From now on `backing` answers for tensors on devices of this type."""
    _backings[device_type] = backing
    READABLE.add(f"{device_type}:0")


def backing(tensor: Any) -> Any:
    """The CPU tensor that really holds the values of `tensor`; itself, but for a simulated device."""
    if not _backings or is_cpu(tensor):
        return tensor
    answer = _backings.get(device(tensor).type)
    return tensor if answer is None else answer(tensor)


class _StandIn(TorchDispatchMode):
    """Stands before the `__torch_dispatch__` of subclasses.

    Where it has no answer C++ uses its own fields. Device and layout must have one, which `own_device`
    and `own_layout` then discard.
    """

    answered = False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch would import dynamo, which takes seconds, around the first answer

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer = _STOPGAPS.get(func.name())
        self.answered = self.answered or answer is not None
        return answer


_STOPGAPS = {"prim::device": torch.device("cpu"), "prim::layout": torch.strided}
_SHIELD = _StandIn()


def _own(getter: Getter) -> Getter:
    def read(tensor: Any) -> Any:
        _SHIELD.answered = False
        value = getter(tensor)
        if _SHIELD.answered:
            raise TypeError("the type answers this by code of its own")
        return value

    return read


#: Device and layout of a tensor that is read under `Shield`; TypeError where its class overrides them.
own_device, own_layout = _own(device), _own(layout)


class Shield:
    """Context manager for reading a tensor that dispatches to Python: nobody else's code is called.

    Shape, stride, offset and address are then those of the C++ tensor. Ask for `own_device` and
    `own_layout`.
    """

    def __enter__(self) -> None:
        _push_mode(_SHIELD)

    def __exit__(self, *exception: object) -> None:
        _pop_mode(None)
