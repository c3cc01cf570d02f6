"""Storages of the device: each stands for a block of CPU memory, at the same address."""

from __future__ import annotations

from typing import Any

import torch

from tutor.kernel.guard import GENUINE
from tutor.kernel.sim import amounts, refusals

globals()["__builtins__"] = GENUINE

_BASE = torch._C.TensorBase
_untyped_storage = _BASE.untyped_storage
_shape = _BASE.shape.__get__
_stride = _BASE.stride
_offset = _BASE.storage_offset
_address = _BASE.data_ptr
_dtype = _BASE.dtype.__get__
_is_conj, _is_neg = _BASE.is_conj, _BASE.is_neg

#: Kernels that only write a tensor's fields do so whatever its device: the CPU's serve for ours.
FIELDS = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
_set = torch.ops.aten.set_.source_Storage_storage_offset
_strided = torch.ops.aten.as_strided.default

_CPU = torch.device("cpu")
#: By the name it has before `install` gives it ours.
_DEVICE = torch.device("privateuseone", 0)


class Block:
    """The CPU storage behind one of ours; it lies on that storage, and so lives and ends with it."""

    __slots__ = ("counted", "flats", "nbytes", "storage")

    def __init__(self, storage: Any, counted: bool = True) -> None:
        self.storage = storage
        self.nbytes = storage.nbytes()
        self.flats: dict[torch.dtype, torch.Tensor] = {}
        self.counted = False
        if counted:
            if self.nbytes > amounts.TOTAL - amounts.MEMORY.allocated:
                raise refusals.out_of_memory(self.nbytes, amounts.MEMORY.allocated, amounts.TOTAL)
            self.counted = True
            amounts.MEMORY.take(self.nbytes)

    def __del__(self) -> None:
        if self.counted:
            amounts.MEMORY.give_back(self.nbytes)

    def flat(self, dtype: torch.dtype) -> torch.Tensor:
        """All of the block as elements of one type."""
        flat = self.flats.get(dtype)
        if flat is None or self.storage.nbytes() != self.nbytes:
            flat = torch.empty(0, dtype=dtype, device="cpu")
            count = self.storage.nbytes() // flat.element_size()
            flat = self.flats[dtype] = _set.redispatch(FIELDS, flat, self.storage, 0, (count,), (1,))
        return flat


def new_storage(cpu: Any) -> Any:
    """A storage of the device that stands for the CPU storage `cpu`."""
    storage = torch._C._construct_storage_from_data_pointer(cpu.data_ptr(), _DEVICE, cpu.nbytes())
    storage._block = Block(cpu)
    return storage


def block_of(tensor: Any) -> Block:
    """What holds the values of a tensor of the device."""
    storage = _untyped_storage(tensor)
    try:
        block: Block = storage._block
    except AttributeError:  # made by torch itself around memory of ours, for a while
        cpu = torch._C._construct_storage_from_data_pointer(storage.data_ptr(), _CPU, storage.nbytes())
        block = storage._block = Block(cpu, counted=False)
    return block


def backing(tensor: Any) -> Any:
    """The CPU tensor over the same memory as a tensor of the device."""
    flat = block_of(tensor).flat(_dtype(tensor))
    cpu = _strided.redispatch(FIELDS, flat, _shape(tensor), _stride(tensor), _offset(tensor))
    if _is_conj(tensor):
        cpu = torch._conj(cpu)
    if _is_neg(tensor):
        cpu = torch._neg_view(cpu)
    return cpu


def wrapped(cpu: Any, storage: Any = None) -> torch.Tensor:
    """A tensor of the device over the memory of a CPU tensor: over `storage`, or over a new one."""
    if storage is None:
        storage = new_storage(_untyped_storage(cpu))
    empty = torch._C._acc.create_empty_tensor((0,), _dtype(cpu))
    made: torch.Tensor = _set.redispatch(FIELDS, empty, storage, _offset(cpu), _shape(cpu), _stride(cpu))
    return made


def same_place(one: Any, other: Any) -> bool:
    """Whether two tensors have the same shape and strides at the same address."""
    return (
        _shape(one) == _shape(other) and _address(one) == _address(other) and _stride(one) == _stride(other)
    )


def put(tensor: Any, cpu: Any) -> None:
    """`tensor` takes size, strides and memory of `cpu`, which was its backing before an operation."""
    storage, memory = _untyped_storage(tensor), _untyped_storage(cpu)
    if storage.data_ptr() != memory.data_ptr() or storage.nbytes() != memory.nbytes():
        storage = new_storage(memory)
    _set.redispatch(FIELDS, tensor, storage, _offset(cpu), _shape(cpu), _stride(cpu))
