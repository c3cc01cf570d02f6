"""Where a GPU refuses tensors of both devices, and in which words: torch's own for CUDA."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_BASE = torch._C.TensorBase
_device = _BASE.device.__get__
_dim = _BASE.dim

_SAME = "Expected all tensors to be on the same device, but "
#: Operations that take indices from the host, and write values beside them.
_INDEXING = re.compile(r"aten::(_unsafe_|_)?index(_put)?(_impl)?_?$")
_MASKING = re.compile(r"aten::masked_(fill|scatter)_?$")
#: Lengths of sequences, which the loss reads on the host.
_ON_HOST = {"aten::_ctc_loss": ("input_lengths", "target_lengths", "targets")}


def out_of_memory(nbytes: int, allocated: int, total: int) -> Exception:
    """What torch raises where a device has no room."""
    free = max(0, total - allocated)
    refusal: Exception = torch.OutOfMemoryError(
        f"SIM out of memory. Tried to allocate {_size(nbytes)}. The simulated device has a total capacity of "
        f"{_size(total)} of which {_size(free)} is free; {_size(allocated)} is allocated by PyTorch."
    )
    return refusal


def _size(nbytes: int) -> str:
    if nbytes < 1 << 20:
        return f"{nbytes} bytes"
    return f"{nbytes / (1 << 30):.2f} GiB" if nbytes >= 1 << 30 else f"{nbytes / (1 << 20):.2f} MiB"


def not_dense(operation: Any) -> Exception:
    """What the simulated device does not have."""
    name = operation._schema.name.removeprefix("aten::")
    return NotImplementedError(
        f"`{name}` works with sparse or otherwise packed tensors, which the simulated device does not have: "
        "do it on the CPU, with `.cpu()` first"
    )


def sparse(operation: Any, *_: Any, **__: Any) -> Any:
    raise not_dense(operation)


def check(operation: Any, args: Any, kwargs: Any) -> None:
    """Raises RuntimeError where tensors of both devices meet and a GPU does not take them."""
    name = operation._schema.name
    tensors = [pair for pair in _tensors(operation, args, kwargs) if pair[0] not in _ON_HOST.get(name, ())]
    if _INDEXING.match(name):
        _check_indexing(tensors)
        return
    if _MASKING.match(name):
        _check_mask(tensors)
        tensors = [(argument, tensor) for argument, tensor in tensors if argument != "mask"]
    if "conv" in name:
        _check_convolution(dict(tensors))
    entry = _entry(name, operation._overloadname)
    if "device_check: NoCheck" in entry or _MASKING.match(name):
        arguments = operation._schema.arguments
        _check_iterated(
            tensors, {one.name for one in arguments if one.alias_info and one.alias_info.is_write}
        )
    else:
        _check_all(tensors, _method(operation, entry))


def _tensors(operation: Any, args: Any, kwargs: Any) -> Iterator[tuple[str, Any]]:
    """Every tensor that is handed over, with the name of its argument, in the order of torch's checks."""
    arguments = operation._schema.arguments
    given = {argument.name: value for argument, value in zip(arguments, args, strict=False)} | kwargs
    for argument in sorted(arguments, key=lambda argument: not argument.is_out):
        value = given.get(argument.name)
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, _BASE):
                yield argument.name, item


def _check_all(tensors: list[tuple[str, Any]], method: str) -> None:
    """What torch puts before most of its CUDA kernels."""
    common = _device(tensors[0][1])
    for name, tensor in tensors:
        if _device(tensor) != common:
            raise RuntimeError(
                f"{_SAME}got {name} is on {_device(tensor)}, different from other tensors on {common} "
                f"(when checking argument in method {method})"
            )


def _check_iterated(tensors: list[tuple[str, Any]], written: set[str]) -> None:
    """What its kernels for single elements check themselves: a number on the host is no tensor to them."""
    devices = [_device(tensor) for _, tensor in tensors]
    common = next((device for device in devices if device.type != "cpu"), None)
    for name, tensor in tensors:
        number = not _dim(tensor) and name not in written
        if _device(tensor).type == "cpu" and not number:
            raise RuntimeError(f"{_SAME}found at least two devices, {common} and {_device(tensor)}!")


def _check_indexing(tensors: list[tuple[str, Any]]) -> None:
    indexed = _device(tensors[0][1])
    for name, tensor in tensors[1:]:
        if name == "indices":
            if _device(tensor).type not in {"cpu", indexed.type}:
                raise RuntimeError(
                    f"indices should be either on cpu or on the same device as the indexed tensor ({indexed})"
                )
        elif _device(tensor) != indexed and _dim(tensor):
            raise RuntimeError(f"{_SAME}found at least two devices, {_other(indexed, tensor)}!")


def _other(indexed: Any, tensor: Any) -> str:
    accelerator, host = sorted((indexed, _device(tensor)), key=lambda device: device.type == "cpu")
    return f"{accelerator} and {host}"


def _check_mask(tensors: list[tuple[str, Any]]) -> None:
    given = dict(tensors)
    mask, self = _device(given["mask"]), _device(given["self"])
    if mask != self:
        raise RuntimeError(
            f"expected self and mask to be on the same device, but got mask on {mask} and self on {self}"
        )


def _check_convolution(given: dict[str, Any]) -> None:
    data, weight = given.get("input", given.get("self")), given.get("weight")
    if data is not None and weight is not None and _device(data) != _device(weight):
        sparse = " or input should be a MKLDNN tensor and weight is a dense tensor"
        raise RuntimeError(
            f"Input type ({data.type()}) and weight type ({weight.type()}) should be the same"
            + (sparse if _device(data).type == "cpu" else "")
        )


def _method(operation: Any, entry: str) -> str:
    """torch's name for the CUDA kernel of an operation, as its generator spells it."""
    name = operation._schema.name.removeprefix("aten::")
    overload = "" if operation._overloadname == "default" else operation._overloadname
    if any(argument.is_out for argument in operation._schema.arguments):
        name += "_out"
    if "structured" in entry:
        return f"wrapper_CUDA_{name}" + (f"_{overload}" if overload else "")
    return f"wrapper_CUDA_{overload}_{name}"


def _entry(name: str, overload: str) -> str:
    """What torch's table of operations, which comes with it, says of one; empty where it is not there."""
    table = _table()
    full = name.removeprefix("aten::") + ("" if overload == "default" else f".{overload}")
    begin = table.find(f"\n- func: {full}(")
    if begin < 0:
        return ""
    end = table.find("\n- func: ", begin + 1)
    return table[begin : end if end > 0 else None]


def _table() -> str:
    package = find_spec("torchgen")
    if package is None or package.origin is None:
        return ""
    path = Path(package.origin).parent / "packaged" / "ATen" / "native" / "native_functions.yaml"
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
