"""Values as the source that a learner would write for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite, isnan
from typing import Any

import torch

#: Elements up to which a tensor's values are written out.
WRITTEN_OUT = 12
DEFAULTS = (torch.float32, torch.int64, torch.bool, torch.complex64)
#: What tensors of no, one and two dimensions are called.
KINDS = ("single number", "vector", "matrix")
#: Parameters whose own names are what a learner would call such a tensor.
TELLING = ("weight", "bias", "target", "index", "mask", "src", "anchor", "positive", "negative", "indices")


class UnwritableError(Exception):
    """The value has no source: it is a callable, or of a layout that nobody writes."""


@dataclass(frozen=True)
class Argument:
    """One argument of the failing call: its code, its parameter, and what it is, in short texts."""

    text: str
    parameter: str = ""
    facts: tuple[str, ...] = ()
    #: Whether `text` is an expression of variables, which stands for itself, and not a literal.
    named: bool = False
    #: The tensors of a list.
    parts: tuple[Argument, ...] = ()


@dataclass
class Writer:
    """Puts tensors into variables, one line each, and everything else where it is used."""

    lines: list[str] = field(default_factory=list)
    _names: dict[int, str] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)
    _free: list[str] = field(default_factory=lambda: [*"abcdefghjkmnpqrstuvw"])

    def argument(self, value: Any, parameter: str = "") -> Argument:
        """The argument that stands for `value`, with the lines that it needs written."""
        if isinstance(value, torch.Tensor):
            return Argument(self.tensor(value, parameter), parameter, tensor_facts(value), named=True)
        if isinstance(value, list | tuple) and any(isinstance(each, torch.Tensor) for each in value):
            parts = tuple(self.argument(each) for each in value)
            text = ", ".join(part.text for part in parts)
            text = f"[{text}]" if isinstance(value, list) else f"({text}{',' if len(parts) == 1 else ''})"
            return Argument(text, parameter, (type(value).__name__,), parts=parts)
        text = literal(value)
        return Argument(text, parameter, (text, type(value).__name__))

    def tensor(self, value: torch.Tensor, parameter: str = "") -> str:
        """The name of a tensor, written down where it is new; one tensor has one name."""
        known = self._names.get(id(value))
        if known is None:
            known = self._name(parameter)
            self._names[id(value)] = known
            self._kept.append(value)  # or its id would be used again
            self.lines.append(f"{known} = {construction(value)}")
        return known

    def _name(self, parameter: str) -> str:
        taken = set(self._names.values())
        if parameter in TELLING and parameter not in taken:
            return parameter
        if parameter in ("input", "self") and "x" not in taken:
            return "x"
        return self._free.pop(0)


def tensor_facts(value: torch.Tensor) -> tuple[str, ...]:
    """What a tensor is, in the texts that can stand for it in a sentence."""
    shape = "[" + ", ".join(map(str, value.shape)) + "]"
    facts = [shape, str(value.dtype).removeprefix("torch."), str(value.device)]
    facts += [f"{value.numel():,} element", f"{value.dim()}-D", f"{value.dim()} dimension"]
    facts += [str(size) for size in value.shape] + list(KINDS[value.dim() : value.dim() + 1])
    if value.layout is not torch.strided:
        facts.append(str(value.layout).removeprefix("torch."))
    if value.layout is torch.strided and value.device.type != "meta" and value.numel() <= WRITTEN_OUT:
        facts += [f"{each:g}" for each in value.flatten().tolist() if not isinstance(each, complex)]
    return tuple(dict.fromkeys(facts))


def literal(value: Any) -> str:
    """Source of a plain value. UnwritableError of anything else."""
    if isinstance(value, float) and isnan(value):
        return 'float("nan")'
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    if isinstance(value, bool | int | float | complex | type(None)):
        return repr(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
        return repr(value)
    if isinstance(value, torch.device):
        return f'"{value}"'
    if isinstance(value, torch.Size):
        return literal(tuple(value))
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(literal, value)) + ("," if len(value) == 1 else "") + ")"
    raise UnwritableError(f"a {type(value).__name__} has no source")


def construction(value: torch.Tensor) -> str:
    """Source that makes a tensor of the same shape, strides, dtype, device, and values where they are few."""
    if type(value) not in (torch.Tensor, torch.nn.Parameter):
        raise UnwritableError(f"a {type(value).__name__} has no source")
    plain = value.detach()
    if plain.layout is not torch.strided:
        code = construction(plain.to_dense()) + f".to_sparse(layout={plain.layout})"
    elif plain.device.type == "meta":
        code = f'torch.empty({_shape(plain)}, dtype={plain.dtype}, device="meta")'
    elif plain.is_contiguous() or plain.numel() <= 1:
        code = _dense(plain)
    else:
        places = 1 + sum((n - 1) * s for n, s in zip(plain.shape, plain.stride(), strict=True))
        code = f"{_dense(plain.new_zeros(places))}.as_strided({tuple(plain.shape)}, {plain.stride()})"
    if isinstance(value, torch.nn.Parameter):
        return f"nn.Parameter({code})"
    return f"{code}.requires_grad_()" if value.requires_grad else code


def _dense(plain: torch.Tensor) -> str:
    dtype = "" if plain.dtype in DEFAULTS else f", dtype={plain.dtype}"
    if plain.numel() == 0 and plain.dim() > 1:
        return f"torch.zeros({_shape(plain)}{dtype or _other(plain)})"
    if plain.numel() <= WRITTEN_OUT and plain.dim() <= 4:
        values = _rounded(plain.tolist())
        return f"torch.tensor({literal(values)}{dtype or (_other(plain) if not plain.numel() else '')})"
    flat = plain.flatten()  # torch compares no more than 64 dimensions
    first = flat[0]
    if bool((flat == first).all()):
        return f"torch.full({_shape(plain, tuple_=True)}, {literal(_rounded(first.item()))}{dtype})"
    if plain.dtype is torch.bool:
        return f"torch.rand({_shape(plain)}) > 0.5"
    if not plain.dtype.is_floating_point and not plain.dtype.is_complex:
        low, high = int(flat.min()), int(flat.max())
        return f"torch.randint({low}, {high + 1}, {_shape(plain, tuple_=True)}{dtype})"
    made = "rand" if plain.dtype.is_floating_point and bool(((flat >= 0) & (flat <= 1)).all()) else "randn"
    return f"torch.{made}({_shape(plain)}{dtype or _other(plain)})"


def _other(plain: torch.Tensor) -> str:
    """The dtype where a float constructor has to be told."""
    return "" if plain.dtype is torch.float32 else f", dtype={plain.dtype}"


def _shape(plain: torch.Tensor, *, tuple_: bool = False) -> str:
    sizes = tuple(plain.shape)
    return literal(sizes) if tuple_ or not sizes else ", ".join(map(str, sizes))


def _rounded(values: Any) -> Any:
    if isinstance(values, list):
        return [_rounded(each) for each in values]
    return round(values, 4) if isinstance(values, float) and isfinite(values) else values
