"""Bytes of small blocks: element values as short text, and which elements changed."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from tutor.facts import Shape
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

Ranges = tuple[tuple[int, int], ...]

_WIDTH = 7
_NUMERIC = frozenset("biufc")
#: (exponent bits, mantissa bits, bias, has infinities, one zero and NaN at 0x80)
_FLOAT8 = {
    "float8_e5m2": (5, 2, 15, True, False),
    "float8_e4m3fn": (4, 3, 7, False, False),
    "float8_e5m2fnuz": (5, 2, 16, False, True),
    "float8_e4m3fnuz": (4, 3, 8, False, True),
}
#: What quantized dtypes keep: integers, of which the values are made by scale and zero point.
_STORED = {"quint8": "uint8", "qint8": "int8", "qint32": "int32"}


def read_bytes(start: int, nbytes: int) -> bytes:
    """A copy of `nbytes` bytes at an address that is known to be valid."""
    return ctypes.string_at(start, nbytes)


def read_device_bytes(storage: Any) -> bytes | None:
    """A copy of a small storage on an accelerator; None where the device refuses.

    Modes and subclasses of the learner do not see the copy. Call inside `raw.quiet()`.
    """
    try:
        with torch._C._DisableTorchDispatch(), torch.inference_mode():
            view = torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)
            return view.cpu().numpy().tobytes()
    except Exception:  # a failed kernel, a stream being captured
        return None


def element_texts(data: bytes, dtype: str) -> tuple[str, ...] | None:
    """Each element of `data` in about seven characters at most; None where `dtype` is not numeric."""
    values = decode(data, dtype)
    return None if values is None else texts_of(values)


def texts_of(values: np.ndarray) -> tuple[str, ...]:
    """Each of the numbers or booleans in about seven characters at most."""
    if values.dtype.kind == "f":
        return tuple(map(_float_text, values.tolist()))
    if values.dtype.kind == "c":
        return tuple(map(_complex_text, values.tolist()))
    return tuple(map(_plain_text, values.tolist()))


def sizes_of(values: np.ndarray) -> np.ndarray:
    """The numbers as float64; of complex ones their absolute value."""
    with np.errstate(all="ignore"):
        real = np.abs(values.astype(np.complex128)) if values.dtype.kind == "c" else values
        return real.astype(np.float64)


def decode(data: bytes | memoryview, dtype: str) -> np.ndarray | None:
    """The elements in `data` as numbers or booleans; None where `dtype` is not numeric."""
    if dtype == "bfloat16":
        return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)
    if dtype == "complex32":
        halves = np.frombuffer(data, np.float16).astype(np.float32)
        return halves.view(np.complex64)
    if dtype in _FLOAT8:
        return _float8_values(dtype)[np.frombuffer(data, np.uint8)]
    if dtype == "float8_e8m0fnu":
        exponents = np.frombuffer(data, np.uint8)
        return np.where(exponents == 255, np.nan, np.exp2(exponents.astype(np.float64) - 127))
    try:
        decoder = np.dtype(_STORED.get(dtype, dtype))
    except TypeError:  # quantized, packed and bits dtypes
        return None
    if decoder.kind not in _NUMERIC:
        return None
    if decoder.kind == "b":  # any byte but 0 is True
        return np.frombuffer(data, np.uint8) != 0
    return np.frombuffer(data, decoder, count=len(data) // decoder.itemsize)


def _float8_values(dtype: str) -> np.ndarray:
    exponent_bits, mantissa_bits, bias, infinities, unsigned_zero = _FLOAT8[dtype]
    codes = np.arange(256)
    sign = np.where(codes >= 128, -1.0, 1.0)
    exponent = (codes >> mantissa_bits) & ((1 << exponent_bits) - 1)
    fraction = (codes & ((1 << mantissa_bits) - 1)) / (1 << mantissa_bits)
    values = np.where(
        exponent == 0,
        sign * fraction * 2.0 ** (1 - bias),
        sign * (1 + fraction) * 2.0 ** (exponent - bias),
    )
    if unsigned_zero:
        values[0x80] = np.nan
    elif infinities:
        top = exponent == (1 << exponent_bits) - 1
        values[top] = np.where(fraction[top] == 0, sign[top] * np.inf, np.nan)
    else:
        values[[0x7F, 0xFF]] = np.nan
    return values


def _float_text(value: float) -> str:
    text = f"{value:.4g}"
    if "." in text and len(text) <= _WIDTH:
        return text
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size < 1e6 and value == int(value):
        return f"{value:.0f}."
    if 1e3 <= size < 1e6:
        text = f"{value:.1f}"
        return text if len(text) <= _WIDTH else f"{value:.0f}."
    return _shortest(value, _WIDTH)


def _shortest(value: float, width: int) -> str:
    for digits in (4, 3, 2):
        text = f"{value:.{digits}g}"
        if len(text) <= width:
            return text
    return f"{value:.1g}" if width < _WIDTH else text


def _plain_text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _WIDTH else f"{value:.1e}"


def _complex_text(value: complex) -> str:
    real, imaginary = _shortest(value.real + 0.0, 5), _shortest(value.imag, 5)
    return f"{real}{'' if imaginary[0] == '-' else '+'}{imaginary}j"


def changed_bytes(before: bytes, after: bytes) -> np.ndarray:
    """Mask of the bytes that differ; both have the same length."""
    return np.frombuffer(before, np.uint8) != np.frombuffer(after, np.uint8)


def element_ranges(mask: np.ndarray, itemsize: int) -> Ranges:
    """Half-open ranges of elements with at least one changed byte."""
    itemsize = max(1, itemsize)
    count = -(-len(mask) // itemsize)
    padded = np.zeros(count * itemsize, bool)
    padded[: len(mask)] = mask
    changed = padded.reshape(count, itemsize).any(axis=1)
    edges = np.flatnonzero(np.diff(changed, prepend=False, append=False)).tolist()
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def covers_change(mask: np.ndarray, offset: int, shape: Shape, steps: Sequence[int], itemsize: int) -> bool:
    """Whether a strided view of the masked bytes has a changed element; `offset` and `steps` in bytes."""
    try:
        view = np.ndarray((*shape, itemsize), bool, mask, offset, (*steps, 1))
    except (ValueError, TypeError):  # reaches outside the block
        return bool(mask.any())
    return bool(view.any())
