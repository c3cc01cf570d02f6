"""`param.data = …` across devices, which `Module.to` relies on: the parameter stays the same object."""

from __future__ import annotations

import functools
from typing import Any

import torch

from tutor.kernel.guard import GENUINE
from tutor.kernel.sim.names import NAME

globals()["__builtins__"] = GENUINE

_BASE = torch._C.TensorBase
_data = _BASE.data
_device = _BASE.device.__get__
_detach = _BASE.detach
_quiet = torch._C.DisableTorchFunction


def teach() -> None:
    """torch believes that ours and the CPU's tensors cannot stand for each other; as for CUDA's, they can."""
    torchs = torch._has_compatible_shallow_copy_type

    @functools.wraps(torchs)
    def compatible(tensor: Any, other: Any) -> bool:
        return torchs(tensor, other) or _crosses(tensor, other)

    torch._has_compatible_shallow_copy_type = compatible
    torch.Tensor.data = property(_data.__get__, _set_data, _data.__delete__, _data.__doc__)


def _crosses(tensor: Any, other: Any) -> bool:
    types = {_device(tensor).type, _device(other).type}
    return types == {NAME, "cpu"} and tensor.layout == other.layout == torch.strided


def _set_data(tensor: Any, value: Any) -> None:
    with_device = isinstance(tensor, _BASE) and isinstance(value, _BASE)
    if not with_device or not _crosses(tensor, value) or tensor.grad_fn is not None:
        _data.__set__(tensor, value)
        return
    with _quiet(), torch.no_grad():
        _exchange(tensor, _detach(value))


def _exchange(tensor: Any, moved: Any) -> None:
    """`tensor` goes on as what `moved` is, and keeps what belongs to the object."""
    moved.requires_grad_(tensor.requires_grad)
    hooks, after = tensor._backward_hooks, tensor._post_accumulate_grad_hooks
    gradient = tensor.grad
    torch._C._swap_tensor_impl(tensor, moved)
    if gradient is not None:
        _set_data(gradient, gradient.to(_device(tensor)))
        tensor.grad = gradient
    if hooks is not None:
        tensor._backward_hooks = hooks
    if after is not None:
        tensor._post_accumulate_grad_hooks = after
