"""Whether a tensor has NaN or infinite elements, read from memory: no operation of torch runs for it."""

from __future__ import annotations

from math import isfinite, isnan
from struct import Struct
from typing import Any, Literal

import numpy as np

from tutor.facts import Operand
from tutor.kernel import elements, raw
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

Broken = Literal["nan", "inf"]
#: Bytes of one tensor that are looked at; of a bigger one nothing is said.
_MOST = 1 << 16
_ONE = {"float32": Struct("f"), "float64": Struct("d"), "float16": Struct("e")}
_SIZES = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}


def broken(tensor: Any, facts: Operand) -> Broken | None:
    """What is wrong with the elements of a plain tensor in CPU memory; None also where that is not seen."""
    size = _SIZES.get(facts.dtype or "")
    if size is None or facts.device not in raw.READABLE or facts.storage is None or facts.kind == "ndarray":
        return None
    count = raw.numel(tensor)
    if not 0 < count * size <= _MOST or not raw.is_plain(tensor) or not raw.is_contiguous(tensor):
        return None
    there = raw.storage_nbytes(raw.untyped_storage(tensor)) - raw.storage_offset(tensor) * size
    address = raw.data_ptr(tensor)
    if not address or there < count * size:
        return None
    data = elements.read_bytes(address, count * size)
    if count == 1 and facts.dtype in _ONE:
        return _one(_ONE[facts.dtype].unpack(data)[0])
    values = elements.decode(data, facts.dtype or "")
    if values is None or bool(np.isfinite(values).all()):
        return None
    return "nan" if bool(np.isnan(values).any()) else "inf"


def is_broken_number(value: Any) -> bool:
    """Whether a result without dimensions is NaN or infinite, where that costs next to nothing to see."""
    if not raw.is_plain(value) or raw.shape(value) or not raw.is_readable(value):
        return False
    dtype = raw.dtype_text[raw.dtype(value)]
    if dtype not in _ONE or raw.layout_text[raw.layout(value)] != "strided":
        return False
    address = raw.data_ptr(value)
    if not address or raw.storage_nbytes(raw.untyped_storage(value)) < _SIZES[dtype]:
        return False
    return not isfinite(_ONE[dtype].unpack(elements.read_bytes(address, _SIZES[dtype]))[0])


def _one(value: float) -> Broken | None:
    return None if isfinite(value) else "nan" if isnan(value) else "inf"
