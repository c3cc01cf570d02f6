"""What is noted of one gradient while a backward pass runs: a copy of a few of its bytes, and its norm.

It is read from memory, so no operation of torch runs, nothing draws from a generator, and no mode, hook
or profiler of the learner's sees it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from msgspec import Struct

from tutor.facts import GradientFacts, Shape
from tutor.kernel import elements, raw
from tutor.kernel.tensors import shape_of
from tutor.kernel.values import copy_window

#: Gradients up to this many elements are noted whole, of others the first few.
WHOLE = 256
FIRST = 8
#: Elements noted in one pass, and elements whose norm is taken: of one gradient and in one pass.
MOST_NOTED = 8_192
MOST_NORMED = 1 << 18
MOST_NORMED_IN_ALL = 1 << 20
_CHUNK = 1 << 16

_BASE = torch._C.TensorBase
_is_conj, _is_neg = _BASE.is_conj, _BASE.is_neg
_is_zero_tensor = _BASE._is_zerotensor
_is_wrapped = torch._C._functorch.is_functorch_wrapped_tensor
_vector_norm = torch.linalg.vector_norm


class Room(Struct):
    """What may still be read in one pass."""

    noted: int = MOST_NOTED
    normed: int = MOST_NORMED_IN_ALL


class Noted(NamedTuple):
    """A gradient as it was: holds no tensor. Text is made of it when there is time."""

    shape: Shape | None
    dtype: str | None = None
    device: str | None = None
    values: np.ndarray | None = None
    partial: bool = False
    norm: float | None = None
    broken: bool = False

    def facts(self) -> GradientFacts:
        texts = () if self.values is None else elements.texts_of(self.values)
        return GradientFacts(self.shape, self.dtype, self.device, texts, self.partial, self.norm, self.broken)


def facts_of(noted: Noted | None) -> GradientFacts | None:
    """The facts of what was noted, of an undefined gradient None."""
    return None if noted is None else noted.facts()


class _Memory:
    """Numpy's way to see memory that is known to be valid; never outlives the tensor."""

    def __init__(self, address: int, shape: Shape, steps: Shape, kind: str) -> None:
        self.__array_interface__ = {
            "data": (address, True), "shape": shape, "strides": steps, "typestr": kind, "version": 3,
        }  # fmt: skip


def note(gradient: Any, room: Room, measured: bool = False) -> Noted | None:
    """What is noted of a gradient; never raises. Call inside `raw.Reading()`.

    Only where `measured` is the norm of one taken that is not noted whole.
    """
    if gradient is None:
        return None
    try:
        return _note(gradient, room, measured)
    except Exception:  # what torch refuses to tell about exotic tensors
        return Noted(shape_of(gradient))


def is_zero(tensor: Any) -> bool:
    """Whether every element is zero; of a big tensor, every one of a sample."""
    try:
        if not _is_plain(tensor) or not raw.is_readable(tensor):
            return False
        itemsize, size = raw.element_size(tensor), raw.numel(tensor)
        address = raw.data_ptr(tensor) if size else 0
        there = raw.storage_nbytes(raw.untyped_storage(tensor)) - raw.storage_offset(tensor) * itemsize
        if address and there >= itemsize and any(elements.read_bytes(address, itemsize - 1)):
            return False  # all but the byte of the sign
        nbytes = size * itemsize
        whole = address and there >= nbytes and size <= _CHUNK and raw.is_contiguous(tensor)
        if whole and elements.read_bytes(address, nbytes) == bytes(nbytes):
            return True
        view, dtype = _view(tensor, itemsize), raw.dtype_text[raw.dtype(tensor)]
        if view is None:
            return bool(raw.numel(tensor) == 0)
        if view.size <= _CHUNK:
            return not _any(view.tobytes(), dtype)
        flat = view.flat
        parts = flat[:1_000], flat[:: view.size // 1_000]
        return not any(_any(part.tobytes(), dtype) for part in parts)
    except Exception:
        return False


def _any(data: bytes, dtype: str) -> bool:
    values = elements.decode(data, dtype)
    return values is None or bool(values.any())


def _note(gradient: Any, room: Room, measured: bool) -> Noted:
    if not _is_plain(gradient):
        return Noted(shape_of(gradient), raw.dtype_text[raw.dtype(gradient)])
    shape = tuple(raw.shape(gradient))
    dtype = raw.dtype_text[raw.dtype(gradient)]
    device = raw.device_text[raw.device(gradient)]
    count = raw.numel(gradient)
    wanted = count if count <= WHOLE else FIRST
    if device == "meta" or elements.decode(b"", dtype) is None:
        return Noted(shape, dtype, device)
    if count == 0:
        return Noted(shape, dtype, device)
    room.noted -= wanted
    if room.noted < 0:
        wanted = 0
    normed = measured and count <= MOST_NORMED and count <= room.normed
    room.normed -= count if normed else 0
    if device in raw.READABLE:
        values, norm, broken = _read(gradient, dtype, wanted, normed)
    else:
        values, norm, broken = _fetch(gradient, shape, dtype, wanted, normed)
    if values is not None:
        values = values.conj() if _is_conj(gradient) else values
        values = -values if _is_neg(gradient) else values
    return Noted(shape, dtype, device, values, wanted < count, norm, broken)


def memory_of(tensor: Any) -> np.ndarray | None:
    """A tensor's own memory in the CPU as plain bytes of elements; None where it is not what one would read.

    It must not outlive the tensor."""
    if not _is_plain(tensor) or _is_conj(tensor) or _is_neg(tensor) or _is_zero_tensor(tensor):
        return None
    return _view(tensor, raw.element_size(tensor))


def _is_plain(tensor: Any) -> bool:
    """Whether the elements lie in memory by strides, and are what anybody would read there."""
    return not (
        raw.dispatches_to_python(tensor)
        or raw.is_nested(tensor)
        or raw.layout(tensor) is not torch.strided
        or raw.is_quantized(tensor)
        or _is_wrapped(tensor)
    )


def _read(
    gradient: Any, dtype: str, wanted: int, normed: bool
) -> tuple[np.ndarray | None, float | None, bool]:
    view = _view(gradient, raw.element_size(gradient))
    if view is None:  # zeros that torch has not written down, or memory that was given back
        zeros = elements.decode(bytes(wanted * raw.element_size(gradient)), dtype)
        return (zeros, 0.0, False) if _is_zero_tensor(gradient) else (None, None, False)
    values = elements.decode(view.flat[:wanted].tobytes(), dtype)
    if wanted == view.size and values is not None:
        return values, *_measure(iter([values]))
    return values, *(_measure(_chunks(view, dtype)) if normed else (None, False))


def _view(tensor: Any, itemsize: int) -> np.ndarray | None:
    """The tensor's own memory as plain bytes of elements; None where not all of it is there."""
    shape, strides, address = tuple(raw.shape(tensor)), raw.stride(tensor), raw.data_ptr(tensor)
    if not address or 0 in shape:
        return None
    reach = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if (raw.storage_offset(tensor) + reach + 1) * itemsize > raw.storage_nbytes(raw.untyped_storage(tensor)):
        return None
    steps = tuple(stride * itemsize for stride in strides)
    return np.asarray(_Memory(address, shape, steps, f"|V{itemsize}"))


def _chunks(view: np.ndarray, dtype: str) -> Iterator[np.ndarray]:
    if view.flags.c_contiguous:
        flat = view.reshape(-1)
        parts = (flat[at : at + _CHUNK] for at in range(0, flat.size, _CHUNK))
    else:
        parts = (
            chunk.copy()
            for chunk in np.nditer(view, flags=["external_loop", "buffered"], order="K", buffersize=_CHUNK)
        )
    for part in parts:
        values = elements.decode(memoryview(part.view(np.uint8)), dtype)
        if values is not None:
            yield values


def _measure(chunks: Iterator[np.ndarray]) -> tuple[float | None, bool]:
    """The norm over all chunks, and whether some element is NaN or infinite."""
    total, broken = 0.0, False
    with np.errstate(all="ignore"):
        for chunk in chunks:
            values = np.abs(chunk) if chunk.dtype.kind == "c" else chunk
            values = values if values.dtype.itemsize >= 4 else values.astype(np.float32)
            # Not `dot`, which would wake all the threads of a BLAS.
            part = float(np.einsum("i,i->", values, values))
            if not 1e-30 < part < 1e30:  # the squares may have gone beyond what the dtype can hold
                part = float(np.einsum("i,i->", values, values, dtype=np.float64, casting="unsafe"))
                broken = broken or (not math.isfinite(part) and not bool(np.isfinite(values).all()))
            total += part
    return (math.sqrt(total), broken) if math.isfinite(total) else (None, broken)


def _fetch(
    gradient: Any, shape: Shape, dtype: str, wanted: int, normed: bool
) -> tuple[np.ndarray | None, float | None, bool]:
    """The same from an accelerator, unless its work is being captured: a copy would spoil the capture."""
    if raw.device_text[raw.device(gradient)][:4] == "cuda" and torch.cuda.is_current_stream_capturing():
        return None, None, False
    data = copy_window(gradient, _corner(shape, wanted)) if wanted else None
    values = None if data is None else elements.decode(data, dtype)
    norm = None
    if normed:
        try:
            with torch._C._DisableTorchDispatch(), torch.inference_mode():
                norm = float(_vector_norm(gradient, dtype=None))
        except Exception:
            norm = None
    broken = norm is not None and not math.isfinite(norm)
    return values, None if broken else norm, broken


def _corner(shape: Shape, wanted: int) -> Shape:
    """The window at the first element that holds about `wanted` elements."""
    window: list[int] = []
    for size in reversed(shape):
        window.append(max(1, min(size, wanted)))
        wanted //= window[-1]
    return tuple(reversed(window))
