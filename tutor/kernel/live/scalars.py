"""Numbers that can be read from another thread without running code and without waiting for a device."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tutor.kernel import raw
from tutor.kernel.elements import decode, read_bytes
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_item = torch._C.TensorBase.item
_is_wrapped = torch._C._functorch.is_functorch_wrapped_tensor
_PLAIN = (torch.Tensor, torch.nn.Parameter)
_NUMBERS = (np.float64, np.float32, np.float16, np.int64, np.int32)
_FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_DTYPES = frozenset((*_FLOATS, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8))
_KEYS = tuple(
    key
    for name in ("Python", "Functionalize", "Meta", "Negative", "Conjugate", "ZeroTensor")
    if (key := getattr(torch._C.DispatchKey, name, None)) is not None
)
_MOST = 1 << 53


def is_plain_tensor(value: Any) -> bool:
    """A tensor that is of torch's own class and no wrapper of torch.func's."""
    return type(value) in _PLAIN and not _is_wrapped(value)


def number_of(value: Any) -> int | float | None:
    """The number that `value` is, if it is one or a tensor of one element that lies in the CPU's memory."""
    kind = type(value)
    if kind is float:
        return float(value)
    if kind is int:
        return int(value) if -_MOST <= value <= _MOST else None
    if kind in _NUMBERS:
        return number_of(value.item())
    if kind in _PLAIN:
        return _element(value)
    return None


def _element(tensor: Any) -> int | float | None:
    if not raw.is_readable(tensor) or _is_wrapped(tensor) or raw.layout(tensor) is not torch.strided:
        return None
    if raw.numel(tensor) != 1 or raw.dtype(tensor) not in _DTYPES or raw.is_quantized(tensor):
        return None
    through = raw.dispatch_keys(tensor)
    if any(raw.has_key(through, key) for key in _KEYS):
        return None
    # A storage that was made smaller than its tensors must not be read.
    end = (raw.storage_offset(tensor) + 1) * raw.element_size(tensor)
    if raw.storage_nbytes(raw.untyped_storage(tensor)) < end:
        return None
    return number_of(_item(tensor) if raw.is_cpu(tensor) else _read(tensor))


def _read(tensor: Any) -> Any:
    """The element at the tensor's address: asking for it would be an operation of the learner's."""
    address = raw.data_ptr(tensor)
    data = read_bytes(address, raw.element_size(tensor)) if address else b""
    values = decode(data, raw.dtype_text[raw.dtype(tensor)])
    return values.tolist()[0] if values is not None and len(values) else None
