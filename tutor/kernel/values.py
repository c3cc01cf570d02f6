"""A window of one tensor's values as short text, read from its memory: never the whole of a big one."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
import torch

from tutor.facts import Overview, Shape, Values
from tutor.kernel import elements, raw
from tutor.kernel.identity import Identities
from tutor.kernel.names import find
from tutor.kernel.storage import Place, fake_device, is_fake, locate

#: Most elements in one window, whatever was asked for.
MAX_ELEMENTS = 1_024
#: Elements of a tensor that are looked through for the least, the greatest and what is not finite.
MAX_OVERVIEW = 1 << 18

_BASE = torch._C.TensorBase
_set, _to_cpu, _as_bytes, _flatten = _BASE.set_, _BASE.cpu, _BASE.view, _BASE.reshape
_is_conj, _is_neg, _numpy, _empty = _BASE.is_conj, _BASE.is_neg, _BASE.numpy, torch.empty
_no_dispatch, _inference = torch._C._DisableTorchDispatch, torch.inference_mode


def preview(
    namespace: dict[str, object], number: int, name: str, limits: Shape, around: Shape = ()
) -> Values:
    """The answer to a `Preview`: what `name` holds near `around`, or why that is not told."""
    (value,) = find(namespace, (name,))
    if value is None:
        return Values(number, name, reason="there is no tensor under this name")
    with raw.Reading():
        try:
            return _read(value, number, name, limits, around)
        except Exception as error:  # what torch refuses to tell about exotic tensors
            return Values(number, name, reason=str(error).split("\n", 1)[0][:100] or "it cannot be read")


def _read(value: Any, number: int, name: str, limits: Shape, around: Shape) -> Values:
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
    first, window = _window(shape, limits, around)
    if elements.decode(b"", dtype) is None:
        return Values(number, name, reason=f"no plain values can be shown for {_plain(dtype)}")
    if 0 in window:
        return Values(number, name, window=window)
    if place is None or place.start >= place.end:
        return Values(number, name, reason="its memory has been given back")
    corner = sum(index * step for index, step in zip(first, steps, strict=True))
    readable = place.device in raw.READABLE
    data = (
        _gather(place, address + corner, window, steps, itemsize)
        if readable
        else copy_window(value, window, first)
    )
    if data is None:
        return Values(number, name, reason="its memory cannot be read from here")
    decoded = elements.decode(data, dtype)
    if decoded is None:
        return Values(number, name, reason=f"no plain values can be shown for {_plain(dtype)}")
    note = ""
    if raw.is_tensor(value):
        note = _note(value)
        decoded = decoded.conj() if _is_conj(value) else decoded
        decoded = -decoded if _is_neg(value) else decoded
    everything = _gather_all(place, address, shape, steps, itemsize) if readable else None
    whole = None if everything is None else elements.decode(everything, dtype)
    return Values(
        number,
        name,
        window=window,
        texts=elements.texts_of(decoded),
        start=first,
        numbers=tuple(elements.sizes_of(decoded).tolist()),
        exact=tuple(map(repr, decoded.tolist())),
        overview=None if whole is None else _overview(-whole if _is_negative(value) else whole),
        note=note,
    )


def _is_negative(value: Any) -> bool:
    return raw.is_tensor(value) and _is_neg(value)


def _overview(whole: np.ndarray) -> Overview:
    sizes = elements.sizes_of(whole)
    finite = np.isfinite(sizes)
    inside = sizes[finite]
    nans = int(np.isnan(sizes).sum())
    low, high = (float(inside.min()), float(inside.max())) if len(inside) else (None, None)
    return Overview(low, high, nans, len(sizes) - len(inside) - nans)


def _note(tensor: Any) -> str:
    """What is to be said about values that are not simply what memory holds, or not simply the tensor's."""
    if raw.is_quantized(tensor):
        return "the stored integers, as int_repr() has them; dequantize() has the values"
    if _is_conj(tensor):
        return "conjugated as it is read: memory holds the other sign"
    return "negated as it is read: memory holds the other sign" if _is_neg(tensor) else ""


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
    if raw.device_text[raw.device(value)] == "meta":
        return "a meta tensor has a shape and a dtype, and no values"
    if torch._C._functorch.is_functorch_wrapped_tensor(value):
        return "inside a function transform it stands for many tensors"
    return None


def _window(shape: Sequence[int], limits: Shape, around: Shape) -> tuple[Shape, Shape]:
    """Where the window begins, and how many indices of each dimension it has.

    A row of many, else rows and columns in few slices.
    """
    slices, rows, columns = limits
    bounds = [columns, rows] if len(shape) > 1 else [rows * columns] * len(shape)
    for size in reversed(shape[:-2]):
        bounds.append(slices)
        slices = max(1, slices // max(1, min(size, slices)))
    window: list[int] = []
    room = MAX_ELEMENTS
    for size, bound in zip(reversed(shape), bounds, strict=True):
        window.append(min(size, max(1, bound), room))
        room = max(1, room // max(1, window[-1]))
    window.reverse()
    wanted = around if len(around) == len(shape) else (0,) * len(shape)
    first = (max(0, min(at - n // 2, size - n)) for at, size, n in zip(wanted, shape, window, strict=True))
    return tuple(first), tuple(window)


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


def _gather_all(
    place: Place, address: int, shape: Shape, steps: Sequence[int], itemsize: int
) -> bytes | None:
    """The bytes of all elements, where they are not too many and lie in known memory."""
    if not place.readable or prod(shape) > MAX_OVERVIEW:
        return None
    reach = [(size - 1) * step for size, step in zip(shape, steps, strict=True)]
    low = address + sum(part for part in reach if part < 0)
    high = address + sum(part for part in reach if part > 0) + itemsize
    if low < place.start or high > place.end:
        return None
    memory = (ctypes.c_char * (high - low)).from_address(low)
    return np.ndarray(shape, f"V{itemsize}", memory, address - low, tuple(steps)).tobytes()


def copy_window(tensor: Any, window: Shape, start: Shape = ()) -> bytes | None:
    """The window copied from an accelerator; None where the device refuses. Modes and hooks do not see it."""
    try:
        with _no_dispatch(), _inference():
            view = _empty(0, dtype=raw.dtype(tensor), device=raw.device(tensor))
            storage, steps = raw.untyped_storage(tensor), raw.stride(tensor)
            offset = raw.storage_offset(tensor) + sum(map(operator.mul, start, steps))
            view = _set(view, storage, offset, window, steps)
            flat = _flatten(_to_cpu(view), -1)
            return bytes(_numpy(_as_bytes(flat, torch.uint8)).tobytes())
    except Exception:  # a failed kernel, a stream being captured
        return None
