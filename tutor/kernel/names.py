"""The learner's names for tensors: variables, what modules, optimizers and containers hold, gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch

from tutor.facts import TensorKind
from tutor.kernel import attributes, containers, optimizers, raw
from tutor.kernel.containers import Contents
from tutor.kernel.tensors import Named

#: Paths below variables (`lin.weight`, `w.grad`) in one snapshot; modules visited for them.
MAX_PATHS = 4_000
MAX_MODULES = 20_000
#: Paths into containers (`batch["x"]`) in one snapshot, and tensors that one container shows.
MAX_CONTAINED = 1_000
MAX_IN_ONE = 100
#: Containers inside containers are followed down to this depth.
MAX_DEPTH = 3
#: Entries other than numbers and text that are looked at in one snapshot, and for one variable.
MAX_LOOKS = 5_000
MAX_LOOKS_FOR_ONE = 500
_LISTS = (torch.nn.Sequential, torch.nn.ModuleList, torch.nn.ParameterList)

_NOTHING, _TENSOR, _ARRAY, _MODULE, _CONTAINER, _OPTIMIZER = range(6)


def is_tracked(value: object) -> bool:
    """Whether `value` is a tensor, an array or a module."""
    return type(value) is torch.Tensor or _sort(value) in (_TENSOR, _ARRAY, _MODULE)


def is_searched(value: object) -> bool | None:
    """False for a tensor, an array or a module, True for what is searched for them, None for the rest."""
    sort = _TENSOR if type(value) is torch.Tensor else _sort(value)
    return None if sort == _NOTHING else sort in (_CONTAINER, _OPTIMIZER)


def _sort(value: object) -> int:
    kind = type(value)
    if kind is torch.Tensor:
        return _TENSOR
    if id(kind) in containers.SCALARS:
        return _NOTHING
    if id(kind) in containers.BUILT_IN:
        return _CONTAINER
    if raw.is_a(value, torch._C.TensorBase):
        return _TENSOR
    if raw.is_a(value, np.ndarray):
        return _ARRAY
    if raw.is_a(value, torch.nn.Module):
        return _MODULE
    if raw.is_a(value, torch.optim.Optimizer):
        return _OPTIMIZER
    return _CONTAINER if attributes.has_attributes(kind) else _NOTHING


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
    """Turns variables into named tensors and arrays, within a budget of paths. Use once.

    `parameters` are names (by `id()`) that an optimizer's parameters are known to have.
    """

    def __init__(self, parameters: Mapping[int, str] | None = None) -> None:
        self._paths = MAX_PATHS
        #: One for each module that may be visited.
        self._visits = iter(range(MAX_MODULES))
        self._contained = MAX_CONTAINED
        self._looks = MAX_LOOKS
        #: Paths that the budget left out, as far as they were seen; of containers see `beyond`.
        self.omitted = 0
        #: Containers that were not looked at to the end: path, variable, container, entries looked at.
        self._cut: list[tuple[str, str, Any, int]] = []
        #: Variables that are containers with something in them.
        self.holding: set[str] = set()
        #: Tensors met in containers that got no path, by the path of the container.
        self._nameless: dict[str, int] = {}
        #: Names of parameters that optimizers keep something about.
        self.parameters = dict(parameters or {})
        #: Where names of tensors are found, by `id()`; made when the first optimizer is met.
        self._names: dict[int, str] | None = None
        self._variables: list[tuple[str, object]] = []
        #: Modules and optimizers that are variables: as an object's attributes they are not shown again.
        self._named: set[int] = set()
        #: Modules that are being walked.
        self._open: set[int] = set()

    def collect(self, variables: Iterable[tuple[str, object]]) -> list[Named]:
        """Tensors and arrays, what modules, optimizers and containers hold, and gradients, in order."""
        self._variables = list(variables)
        sorts = [_sort(value) for _, value in self._variables]
        whole = (_MODULE, _OPTIMIZER)
        self._named = {id(v) for (_, v), sort in zip(self._variables, sorts, strict=True) if sort in whole}
        found: list[Named] = []
        for (name, value), sort in zip(self._variables, sorts, strict=True):
            if sort == _TENSOR:
                gradient = gradient_of(value)
                found.append(Named(name, name, "tensor", value, gradient))
                if gradient is not None and self._spend():
                    found.append(Named(name + ".grad", name, "gradient", gradient))
            elif sort == _ARRAY:
                found.append(Named(name, name, "ndarray", value))
            elif sort == _MODULE:
                found.extend(self._within(self._collect_module(name, name, value)))
            elif sort in (_OPTIMIZER, _CONTAINER):
                held = self._within(self._collect_holder(name, name, sort, value, (), found))
                if held:
                    self.holding.add(name)
                    found.extend(held)
        return found

    def _within(self, items: Iterator[Named]) -> list[Named]:
        """All of `items`, which belong to one variable, within what one variable may have of the budget."""
        rest = max(0, self._looks - MAX_LOOKS_FOR_ONE)
        self._looks -= rest
        held = list(items)
        self._looks += rest
        return held

    def _collect_holder(
        self,
        path: str,
        root: str,
        sort: int,
        value: Any,
        above: tuple[int, ...],
        found: Iterable[Named] = (),
    ) -> Iterator[Named]:
        if sort == _OPTIMIZER:
            state, contents = optimizers.state_of(value, lambda tensor: self._name_of(tensor, found))
            if contents is not None:
                yield from self._collect_container(f"{path}.state", root, state, contents, above)
        if (contents := containers.read(value)) is not None:
            yield from self._collect_container(path, root, value, contents, above)

    def _name_of(self, parameter: object, found: Iterable[Named]) -> str | None:
        """How the learner names a parameter: by a variable, in a module, else by where it was met."""
        key = id(parameter)
        if key not in self.parameters:
            if self._names is None:
                self._names = {}
                for path, value in self._leaves():
                    self._names.setdefault(id(value), path)
                for item in found:
                    self._names.setdefault(id(item.value), item.path)
            if key in self._names:
                self.parameters[key] = self._names[key]
        return self.parameters.get(key)

    def _leaves(self) -> Iterator[tuple[str, object]]:
        for name, value in self._variables:
            sort = _sort(value)
            if sort == _TENSOR:
                yield name, value
            elif sort == _MODULE:
                parts = _module_parts(name, value, iter(range(MAX_MODULES)))
                yield from ((path, tensor) for path, role, tensor in parts if role != "tensor")

    @property
    def cut(self) -> list[tuple[str, int]]:
        """Containers of which some may be left out, with something that tells whether that changed."""
        lengths = [(path, containers.size(value)) for path, _, value, _ in self._cut]
        return [*lengths, *self._nameless.items()]

    def beyond(self) -> dict[str, int]:
        """How many tensors more there are in containers than have paths, as far as they can be counted."""
        counts = dict(self._nameless)
        for path, root, value, start in self._cut:
            count = containers.count(value, start, MAX_DEPTH, all_of_it=root in self.holding)
            counts[path] = counts.get(path, 0) + count
        return {path: count for path, count in counts.items() if count}

    def _collect_container(
        self, path: str, root: str, container: object, contents: Contents, above: tuple[int, ...]
    ) -> Iterator[Named]:
        shown = 0
        inside = (id(container), *above)
        passed = self._named.union(inside) if contents.kind == "attributes" else inside
        for at, value in enumerate(contents.values):
            if id(type(value)) in containers.SCALARS:
                continue
            if shown >= MAX_IN_ONE or self._contained <= 0 or self._looks <= 0:
                self._cut.append((path, root, container, at))
                return
            self._looks -= 1
            sort = _sort(value)
            shown += sort in (_TENSOR, _ARRAY)
            if sort != _NOTHING and id(value) not in passed:
                yield from self._collect_entry(path, contents.suffix(at), root, sort, value, inside)
        if shown and contents.size > len(contents.values):
            self._cut.append((path, root, container, len(contents.values)))

    def _collect_entry(
        self, holder: str, suffix: str | None, root: str, sort: int, value: Any, above: tuple[int, ...]
    ) -> Iterator[Named]:
        path = holder + (suffix or "")
        if sort in (_CONTAINER, _OPTIMIZER):
            if suffix is None or len(above) >= MAX_DEPTH:
                self._cut.append((path, root, value, 0))
            else:
                yield from self._collect_holder(path, root, sort, value, above)
        elif suffix is None:
            self._leave_out(holder)
        elif sort == _MODULE:
            yield from self._collect_module(path, root, value, holder, above)
        elif sort == _ARRAY:
            self._contained -= 1
            yield Named(path, root, "ndarray", value, None, holder)
        else:
            self._contained -= 1
            gradient = gradient_of(value)
            hidden = bool(self._open) and raw.is_a(value, torch.nn.Parameter)
            yield Named(path, root, "tensor", value, gradient, holder, hidden)
            if gradient is not None and self._spend(holder):
                yield Named(path + ".grad", root, "gradient", gradient, None, holder)

    def _collect_module(
        self, name: str, root: str, module: object, holder: str = "", above: tuple[int, ...] = ()
    ) -> Iterator[Named]:
        if id(module) in self._open:
            return
        hidden = bool(self._open)  # a module is being walked, and this is in a container of its
        self._open.add(id(module))
        for path, role, value in _module_parts(name, module, self._visits):
            if role == "tensor":
                if len(above) < MAX_DEPTH and (contents := containers.read(value)) is not None:
                    yield from self._collect_container(path, root, value, contents, above)
            elif self._spend(holder):
                gradient = gradient_of(value)
                yield Named(path, root, role, value, gradient, holder, hidden and role == "parameter")
                if gradient is not None and self._spend(holder):
                    yield Named(path + ".grad", root, "gradient", gradient, None, holder)
        self._open.discard(id(module))

    def _spend(self, holder: str = "") -> bool:
        """Whether there is room for a path, in the container at `holder` if that is not empty."""
        if holder:
            self._contained -= 1
            if self._contained < 0:
                self._leave_out(holder)
            return self._contained >= 0
        if self._paths > 0:
            self._paths -= 1
            return True
        self.omitted += 1
        return False

    def _leave_out(self, holder: str) -> None:
        self._nameless[holder] = self._nameless.get(holder, 0) + 1


def _module_parts(name: str, module: Any, visits: Iterator[object]) -> Iterator[tuple[str, TensorKind, Any]]:
    """Parameters and buffers in the order of `named_parameters`, tied ones under every path.

    A module that has more than those comes itself, as "tensor". Each module takes one of `visits`.
    """
    pending: list[tuple[str, Any, tuple[Any, ...]]] = [(name, module, ())]
    while pending and next(visits, None) is not None:
        path, module, above = pending.pop()
        fields = raw.module_dict(module)
        indexed = _is_list(module)
        for key, value in _members(fields, "_parameters"):
            if raw.is_tensor(value):
                yield _join(path, key, indexed), "parameter", value
        for key, value in _members(fields, "_buffers"):
            if raw.is_tensor(value):
                yield _join(path, key, indexed), "buffer", value
        if _has_more(fields):
            yield path, "tensor", module
        inside = (id(module), *above)
        children = [
            (_join(path, key, indexed), child, inside)
            for key, child in _members(fields, "_modules")
            if raw.is_a(child, torch.nn.Module) and id(child) not in inside
        ]
        pending.extend(reversed(children))


def _has_more(fields: Any) -> bool:
    """Whether a module's dictionary has something to look into besides what every module has."""
    if not raw.is_a(fields, dict):
        return False
    usual = next(iter(dict.keys(fields)), None) == "training"  # then what every module has comes first
    return not containers.is_plain(islice(dict.values(fields), len(attributes.MODULE) if usual else 0, None))


def find(namespace: dict[str, object], paths: Sequence[str]) -> list[object]:
    """The tensors and arrays at `paths` such as `x` or `lin.weight`; None where there is none."""
    roots = dict.fromkeys(path.partition(".")[0].partition("[")[0] for path in paths)
    with raw.Reading():
        there = [(root, namespace[root]) for root in roots if root in namespace]
        if any(".state[" in path for path in paths):  # spelled by the names of other variables
            there = [(name, value) for name, value in dict.copy(namespace).items() if type(name) is str]
        found = {item.path: item.value for item in Collector().collect(there)}
    return [found.get(path) for path in paths]


def _members(fields: Any, name: str) -> list[tuple[str, Any]]:
    members: Any = dict.get(fields, name) if raw.is_a(fields, dict) else None
    if (not members and type(members) is dict) or not raw.is_a(members, dict):
        return []
    return [(key, value) for key, value in dict.items(members) if type(key) is str]


def _is_list(module: object) -> bool:
    first, second, third = _LISTS
    return raw.is_a(module, first) or raw.is_a(module, second) or raw.is_a(module, third)


def _join(path: str, key: str, indexed: bool) -> str:
    return f"{path}[{key}]" if indexed and key.isdigit() else f"{path}.{key}"
