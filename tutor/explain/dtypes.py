"""Dtypes in words: what they hold, and what torch's messages call them."""

from __future__ import annotations

import re

from tutor.explain.wording import phrase

#: What C++ and the names of tensor classes call dtypes.
_NAMES = {
    "Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16",
    "ComplexFloat": "complex64", "ComplexDouble": "complex128", "ComplexHalf": "complex32",
    "long int": "int64", "int": "int32", "float": "float32", "double": "float64", "bool": "bool",
    "unsigned char": "uint8", "signed char": "int8", "short": "int16", "long": "int64",
    "c10::Half": "float16", "c10::BFloat16": "bfloat16", "c10::complex<float>": "complex64",
    "c10::complex<double>": "complex128", "int64_t": "int64", "uint8_t": "uint8", "int8_t": "int8",
    "int16_t": "int16", "int32_t": "int32",
}  # fmt: skip
_METHODS = {"float32": "float", "float64": "double", "float16": "half", "int64": "long", "int32": "int"}
_TRUTHS = "truth values"
_WHOLES = "whole numbers"
_COMPLEX = "complex numbers"
_REALS = "floating point numbers"


def is_real(dtype: str | None) -> bool:
    """Whether a dtype holds floating point numbers."""
    return (dtype or "").startswith(("float", "bfloat"))


def is_whole(dtype: str | None) -> bool:
    """Whether a dtype holds whole numbers or truth values."""
    return (dtype or "").startswith(("int", "uint", "bool"))


def holds(dtype: str | None) -> str:
    """`whole numbers`, `truth values`, `floating point numbers`."""
    if dtype == "bool":
        return phrase(_TRUTHS)
    if is_whole(dtype):
        return phrase(_WHOLES)
    return phrase(_COMPLEX if (dtype or "").startswith("complex") else _REALS)


def plain(name: str) -> str:
    """torch's `Long` and C++'s `long int` as `int64`."""
    name = name.strip("'\" ").removeprefix("torch.").removesuffix("Tensor")
    return _NAMES.get(name, name)


def convert(dtype: str) -> str:
    """The method that converts to a dtype, `.float()` or `.to(torch.int16)`."""
    return f".{_METHODS[dtype]}()" if dtype in _METHODS else f".to(torch.{dtype})"


def least(dtype: str) -> tuple[int, int] | None:
    """The smallest and the greatest number that a dtype of whole numbers can hold."""
    told = re.fullmatch(r"(u?)int(\d+)", dtype)
    if told is None:
        return (0, 1) if dtype == "bool" else None
    bits = int(told[2])
    return (0, 2**bits - 1) if told[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
