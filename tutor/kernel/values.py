"""A window of one tensor's values as short text, read from its memory: never the whole of a big one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch

from tutor.facts import Shape, Values
from tutor.kernel import elements, raw
from tutor.kernel.identity import Identities
from tutor.kernel.names import find
from tutor.kernel.storage import Place, fake_device, is_fake, locate

#: Most elements in one window, whatever was asked for.
MAX_ELEMENTS = 1_024

_BASE = torch._C.TensorBase
_set, _to_cpu, _as_bytes, _flatten = _BASE.set_, _BASE.cpu, _BASE.view, _BASE.reshape
_is_conj, _is_neg, _numpy, _empty = _BASE.is_conj, _BASE.is_neg, _BASE.numpy, torch.empty
_no_dispatch, _inference = torch._C._DisableTorchDispatch, torch.inference_mode


def preview(namespace: dict[str, object], number: int, name: str, limits: Shape) -> Values:
    """The answer to a `Preview`: what `name` holds near its first element, or why that is not told."""
    (value,) = find(namespace, (name,))
    if value is None:
        return Values(number, name, reason="there is no tensor under this name")
    with raw.Reading():
        try:
            return _read(value, number, name, limits)
        except Exception as error:  # what torch refuses to tell about exotic tensors
            return Values(number, name, reason=str(error).split("\n", 1)[0][:100] or "it cannot be read")


def _read(value: Any, number: int, name: str, limits: Shape) -> Values:
    reason = _reason(value)
    if reason:
        return Values(number, name, reason=reason)
    place = locate(value, Identities())
    if raw.is_array(value):
        shape, address = raw.array_shape(value), raw.array_address(value)
        itemsize, dtype = raw.array_dtype(value).itemsize, raw.array_dtype(value).str
        steps = raw.array_strides(value)
    else:
        shape, address = tuple(raw.shape(value)), raw.data_ptr(value)
        itemsize, dtype = raw.element_size(value), raw.dtype_text[raw.dtype(value)]
        steps = tuple(stride * itemsize for stride in raw.stride(value))
    window = _window(shape, limits)
    if elements.decode(b"", dtype) is None:
        return Values(number, name, reason=f"no plain values can be shown for {_plain(dtype)}")
    if 0 in window:
        return Values(number, name, window=window)
    if place is None or place.start >= place.end:
        return Values(number, name, reason="its memory has been given back")
    on_cpu = place.device == "cpu"
    data = _gather(place, address, window, steps, itemsize) if on_cpu else copy_window(value, window)
    if data is None:
        return Values(number, name, reason="its memory cannot be read from here")
    decoded = elements.decode(data, dtype)
    if decoded is None:
        return Values(number, name, reason=f"no plain values can be shown for {_plain(dtype)}")
    if raw.is_tensor(value):
        decoded = decoded.conj() if _is_conj(value) else decoded
        decoded = -decoded if _is_neg(value) else decoded
    return Values(number, name, window=window, texts=elements.texts_of(decoded))


def _plain(dtype: str) -> str:
    return dtype if dtype.isidentifier() else f"numpy dtype {dtype[:30]}"


def _reason(value: Any) -> str | None:
    """Why a kind of tensor has no grid of values; None where it has one."""
    if raw.is_array(value):
        return None
    if is_fake(value):
        return f"a fake tensor: it stands for one on {fake_device(value)} and has no values"
    if raw.dispatches_to_python(value):
        return f"what the values are is up to the class {raw.type_name(value)}"
    if raw.is_nested(value):
        return "nested: its parts have shapes of their own"
    layout = raw.layout_text[raw.layout(value)]
    if layout != "strided":
        return f"{layout}: the values are not laid out by strides"
    if raw.is_quantized(value):
        return "quantized: int_repr() has the stored integers, dequantize() the values"
    if raw.device_text[raw.device(value)] == "meta":
        return "a meta tensor has a shape and a dtype, and no values"
    if torch._C._functorch.is_functorch_wrapped_tensor(value):
        return "inside a function transform it stands for many tensors"
    return None


def _window(shape: Sequence[int], limits: Shape) -> Shape:
    """How many indices of each dimension are shown: a row of many, else rows and columns in few slices."""
    slices, rows, columns = limits
    bounds = [columns, rows] if len(shape) > 1 else [rows * columns] * len(shape)
    for size in reversed(shape[:-2]):
        bounds.append(slices)
        slices = max(1, slices // max(1, min(size, slices)))
    window: list[int] = []
    room = MAX_ELEMENTS
    for size, bound in zip(reversed(shape), bounds, strict=True):
        window.append(min(size, bound, room))
        room = max(1, room // max(1, window[-1]))
    return tuple(reversed(window))


def _gather(place: Place, address: int, window: Shape, steps: Sequence[int], itemsize: int) -> bytes | None:
    """The bytes of the window's elements in order; None where one would lie outside known memory."""
    if not place.readable:
        return None
    reach = [(size - 1) * step for size, step in zip(window, steps, strict=True)]
    low = address + sum(part for part in reach if part < 0)
    high = address + sum(part for part in reach if part > 0) + itemsize
    if low < place.start or high > place.end:
        return None
    read = elements.read_bytes
    return b"".join(
        read(address + sum(index * step for index, step in zip(at, steps, strict=True)), itemsize)
        for at in product(*map(range, window))
    )


def copy_window(tensor: Any, window: Shape) -> bytes | None:
    """The window copied from an accelerator; None where the device refuses. Modes and hooks do not see it."""
    try:
        with _no_dispatch(), _inference():
            view = _empty(0, dtype=raw.dtype(tensor), device=raw.device(tensor))
            storage, offset = raw.untyped_storage(tensor), raw.storage_offset(tensor)
            view = _set(view, storage, offset, window, raw.stride(tensor))
            flat = _flatten(_to_cpu(view), -1)
            return bytes(_numpy(_as_bytes(flat, torch.uint8)).tobytes())
    except Exception:  # a failed kernel, a stream being captured
        return None
