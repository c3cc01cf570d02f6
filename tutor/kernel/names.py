"""The learner's names for tensors: variables, parameters and buffers of modules, gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from tutor.facts import TensorKind
from tutor.kernel import raw
from tutor.kernel.tensors import Named

#: Paths below variables (`lin.weight`, `w.grad`) in one snapshot; modules visited for them.
MAX_PATHS = 4_000
MAX_MODULES = 20_000
#: Types of no interest; they live as long as Python, so their ids are theirs.
_PLAIN = frozenset(map(id, (int, float, str, bool, type(None), bytes, complex, list, dict, tuple, set, type)))
_LISTS = (torch.nn.Sequential, torch.nn.ModuleList, torch.nn.ParameterList)

_NOTHING, _TENSOR, _ARRAY, _MODULE = range(4)


def is_tracked(value: object) -> bool:
    """Whether `value` is a tensor, an array or a module."""
    return type(value) is torch.Tensor or _sort(value) != _NOTHING


def _sort(value: object) -> int:
    kind = type(value)
    if kind is torch.Tensor:
        return _TENSOR
    if id(kind) in _PLAIN:
        return _NOTHING
    if raw.is_a(value, torch._C.TensorBase):
        return _TENSOR
    if raw.is_a(value, np.ndarray):
        return _ARRAY
    return _MODULE if raw.is_a(value, torch.nn.Module) else _NOTHING


def is_module(value: object) -> bool:
    return _sort(value) == _MODULE


def gradient_of(tensor: Any) -> Any:
    """`.grad` where reading it is silent (leaves and tensors that retain it), else None."""
    try:
        if raw.is_leaf(tensor) or raw.retains_grad(tensor):
            return raw.grad(tensor)
    except Exception:
        pass
    return None


class Collector:
    """Turns variables into named tensors and arrays, within a budget of paths. Use once."""

    def __init__(self) -> None:
        self._paths = MAX_PATHS
        self._modules = MAX_MODULES
        #: Paths that the budget left out, as far as they were seen.
        self.omitted = 0

    def collect(self, variables: Iterable[tuple[str, object]]) -> list[Named]:
        """Tensors and arrays, what modules hold, and the gradients, in order."""
        found: list[Named] = []
        for name, value in variables:
            sort = _sort(value)
            if sort == _TENSOR:
                gradient = gradient_of(value)
                found.append(Named(name, name, "tensor", value, gradient))
                if gradient is not None and self._spend():
                    found.append(Named(name + ".grad", name, "gradient", gradient))
            elif sort == _ARRAY:
                found.append(Named(name, name, "ndarray", value))
            elif sort == _MODULE:
                found.extend(self._collect_module(name, value))
        return found

    def _collect_module(self, name: str, module: object) -> Iterator[Named]:
        for path, role, tensor in self._module_tensors(name, module):
            if self._spend():
                gradient = gradient_of(tensor)
                yield Named(path, name, role, tensor, gradient)
                if gradient is not None and self._spend():
                    yield Named(path + ".grad", name, "gradient", gradient)

    def _spend(self) -> bool:
        if self._paths > 0:
            self._paths -= 1
            return True
        self.omitted += 1
        return False

    def _module_tensors(self, name: str, module: Any) -> Iterator[tuple[str, TensorKind, Any]]:
        """Parameters and buffers in the order of `named_parameters`, tied ones under every path."""
        pending: list[tuple[str, Any, tuple[Any, ...]]] = [(name, module, ())]
        while pending and self._modules > 0:
            self._modules -= 1
            path, module, above = pending.pop()
            fields = raw.module_dict(module)
            indexed = any(raw.is_a(module, cls) for cls in _LISTS)
            for key, value in _members(fields, "_parameters"):
                if raw.is_tensor(value):
                    yield _join(path, key, indexed), "parameter", value
            for key, value in _members(fields, "_buffers"):
                if raw.is_tensor(value):
                    yield _join(path, key, indexed), "buffer", value
            inside = (id(module), *above)
            children = [
                (_join(path, key, indexed), child, inside)
                for key, child in _members(fields, "_modules")
                if raw.is_a(child, torch.nn.Module) and id(child) not in inside
            ]
            pending.extend(reversed(children))


def find(namespace: dict[str, object], paths: Sequence[str]) -> list[object]:
    """The tensors and arrays at `paths` such as `x` or `lin.weight`; None where there is none."""
    roots = dict.fromkeys(path.partition(".")[0].partition("[")[0] for path in paths)
    with raw.Reading():
        there = [(root, namespace[root]) for root in roots if root in namespace]
        found = {item.path: item.value for item in Collector().collect(there)}
    return [found.get(path) for path in paths]


def _members(fields: Any, name: str) -> list[tuple[str, Any]]:
    members: Any = dict.get(fields, name) if raw.is_a(fields, dict) else None
    if not raw.is_a(members, dict):
        return []
    return [(key, value) for key, value in dict.items(members) if type(key) is str]


def _join(path: str, key: str, indexed: bool) -> str:
    return f"{path}[{key}]" if indexed and key.isdigit() else f"{path}.{key}"
