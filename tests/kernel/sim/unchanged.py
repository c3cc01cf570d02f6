"""What the children of the tests run: torch on the CPU, as it is and beside the device."""

from __future__ import annotations

import copy
import functools
import io
import os
import pickle
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset, random_split

_ROOM = str(Path("tutor", "kernel", "sim"))


def patched() -> list[str]:
    """The attributes of torch's modules and classes whose code lies in the room of the device."""
    found = set()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "torch" and isinstance(module, types.ModuleType):
            for attribute, value in list(vars(module).items()):
                places = {attribute: value}
                if isinstance(value, type):
                    places = {f"{attribute}.{inner}": each for inner, each in vars(value).items()}
                found |= {f"{name}.{place}" for place, each in places.items() if _is_of_room(each)}
    return sorted(found)


def _is_of_room(value: Any) -> bool:
    if isinstance(value, property):
        return any(map(_is_of_room, (value.fget, value.fset)))
    if isinstance(value, (staticmethod, classmethod)):
        return _is_of_room(value.__func__)
    if isinstance(value, functools.partial):
        return _is_of_room(value.func)
    return isinstance(value, types.FunctionType) and _ROOM in value.__code__.co_filename


def traces() -> list[Any]:
    """Whatever would show the device in this process."""
    kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    return [
        *patched(),
        *(name for name in sys.modules if name.startswith("tutor.kernel.sim")),
        *(name for name in ("aten::add.Tensor", "aten::copy_", "aten::empty.memory_format")
          if kernel(name, "PrivateUse1")),
        *([] if torch._C._get_privateuse1_backend_name() == "privateuseone" else ["the name"]),
        *(["an accelerator"] if str(torch.accelerator.current_accelerator()) == "sim" else []),
    ]  # fmt: skip


def save_samples(count: int, path: str) -> None:
    """Into a file: of each of torch's operators, what becomes of its first samples on the CPU."""
    from torch.testing._internal.common_methods_invocations import op_db

    from benchmarks.simulation.compare import full_name, on_cpu
    from benchmarks.simulation.exceptions import EXCEPTIONS

    warnings.simplefilter("ignore")
    told = {}
    for operator in op_db:
        name = full_name(operator)
        if name not in EXCEPTIONS["unwritten"][1] and torch.float32 in operator.supported_dtypes("cpu"):
            told[name] = [_plain(result) for result in on_cpu(operator, count)]
    torch.save(told, path)


def _plain(result: Any) -> list[Any]:
    if not isinstance(result, list):
        return [f"{type(result).__name__}: {result}"]
    return [_held(one) if isinstance(one, torch.Tensor) else repr(one) for one in result]


def _held(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor as it can be saved."""
    dense = tensor.detach().to_dense()
    return torch.empty(dense.shape, dtype=dense.dtype).copy_(dense)


def unlike(path: str, other: str) -> tuple[list[str], list[str]]:
    """The operators in two files of which something differs, and those of which only the last bits do."""
    with warnings.catch_warnings(action="ignore"):  # some types are experimental
        told, others = torch.load(path), torch.load(other)
    differing, close = [], []
    for name in told.keys() | others.keys():
        if _equal(told.get(name), others.get(name)):
            continue
        try:
            torch.testing.assert_close(_tensors(told[name]), _tensors(others[name]), equal_nan=True)
            close.append(name)
        except (AssertionError, KeyError):
            differing.append(name)
    return differing, close


def _equal(one: Any, other: Any) -> bool:
    from benchmarks.simulation.compare import bits

    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and torch.equal(bits(one), bits(other))
    return bool(one == other)


def _tensors(samples: list[Any]) -> list[torch.Tensor]:
    return [one for sample in samples for one in sample if isinstance(one, torch.Tensor)]


def answers(lines: list[str]) -> dict[str, str]:
    """What each line leaves in `a`, or raises, as text."""
    told = {}
    names = (torch, nn, copy, io, os, pickle, DataLoader, TensorDataset, random_split)
    for line in lines:
        space: dict[str, Any] = {name.__name__.rpartition(".")[2]: name for name in names}
        space["F"] = functional
        torch.manual_seed(0)
        try:
            exec(line, space)
            told[line] = repr(space["a"])
        except Exception as error:  # is the answer
            told[line] = f"{type(error).__name__}: {error}"
    return told
