"""What an expression stands for, found without running anything: looked up step by step, or known by type."""

from __future__ import annotations

import ast
import sys
import types
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tutor.kernel import raw, returns, static
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

#: Longer expressions are not looked at; names that lead to expressions that lead to names, so far.
LONGEST = 1_000
DEEPEST = 12
#: Entries of a container that a key is looked for among.
_MOST_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class Live:
    """A value that is there."""

    value: Any


@dataclass(frozen=True, slots=True)
class Typed:
    """A value of which only the class is known."""

    cls: type


Thing = Live | Typed

_modules = sys.modules
_fget = property.__dict__["fget"].__get__
_wrapped = (staticmethod.__dict__["__func__"].__get__, classmethod.__dict__["__func__"].__get__)
_FUNCTIONS = (
    types.FunctionType, types.MethodDescriptorType, types.BuiltinFunctionType, types.WrapperDescriptorType,
)  # fmt: skip
_CONTAINERS = (torch.nn.Sequential, torch.nn.ModuleList, torch.nn.ModuleDict)
#: Types of what torch and numpy compute when the attribute is read.
_COMPUTED: dict[type, dict[str, type]] = {
    torch._C.TensorBase: {
        **dict.fromkeys(("T", "mT", "H", "mH", "real", "imag", "data", "grad"), torch.Tensor),
        **dict.fromkeys(("is_leaf", "requires_grad", "is_cuda", "retains_grad", "is_sparse"), bool),
        "shape": torch.Size, "dtype": torch.dtype, "device": torch.device, "layout": torch.layout,
        "ndim": int, "itemsize": int, "nbytes": int,
    },
    np.ndarray: {
        **dict.fromkeys(("T", "real", "imag"), np.ndarray),
        "shape": tuple, "strides": tuple, "dtype": np.dtype, "ndim": int, "size": int,
        "itemsize": int, "nbytes": int,
    },
}  # fmt: skip
_LITERALS: dict[type[ast.expr], type] = {
    ast.List: list, ast.ListComp: list, ast.Tuple: tuple, ast.Dict: dict, ast.DictComp: dict,
    ast.Set: set, ast.SetComp: set, ast.JoinedStr: str,
}  # fmt: skip


class Resolver:
    """Looks names up in `namespace`; where it has none, in what the text says: imports and assignments."""

    def __init__(
        self,
        namespace: Mapping[str, Any],
        imports: Mapping[str, str] | None = None,
        values: Mapping[str, str] | None = None,
    ) -> None:
        self._namespace = namespace
        self._imports = imports or {}
        self._values = values or {}
        self._depth = 0

    def resolve(self, expression: str) -> Thing | None:
        """What `expression` stands for; None where that cannot be told without running something."""
        node = parse(expression)
        return self.node(node) if node is not None else None

    def node(self, node: ast.expr) -> Thing | None:
        """The same for a parsed expression."""
        match node:
            case ast.Name(id=name):
                return self._name(name)
            case ast.Attribute(value=value, attr=name):
                thing = self.node(value)
                return attribute(thing, name) if thing is not None else None
            case ast.Call(func=func):
                thing = self.node(func)
                return self._call(thing) if thing is not None else None
            case ast.Subscript(value=value, slice=key):
                thing = self.node(value)
                return _item(thing, key) if thing is not None else None
            case ast.BinOp(left=left, right=right):
                return _tensor_like(self.node(left), self.node(right))
            case ast.Compare(left=left, comparators=[right, *_]):
                return _tensor_like(self.node(left), self.node(right))
            case ast.UnaryOp(operand=operand):
                return _tensor_like(self.node(operand))
            case ast.Constant(value=value):
                return Live(value)
        cls = _LITERALS.get(type(node))
        return Typed(cls) if cls is not None else None

    def _name(self, name: str) -> Thing | None:
        if name in self._namespace:
            return Live(self._namespace[name])
        if name in self._values and self._depth < DEEPEST:
            self._depth += 1
            try:
                return self.resolve(self._values[name])
            finally:
                self._depth -= 1
        if name in self._imports:
            return _imported(self._imports[name])
        return Live(GENUINE[name]) if name in GENUINE else None

    def _call(self, thing: Thing) -> Thing | None:
        value: Any = thing.value if isinstance(thing, Live) else None
        if static.is_class(value):
            return Typed(value) if value is not type else None
        kind = _class_of(thing)
        if raw.is_a(value, torch.nn.Sequential):
            layers = list(dict.get(static.own(value), "_modules", {}).values())
            return self._call(Live(layers[-1])) if layers else None
        if issubclass(kind, torch.nn.Module):
            forward = static.find(map(static.content, static.mro(kind)), "forward")
            return _returned(forward)
        return _returned(value)


def parse(expression: str) -> ast.expr | None:
    """The expression, if it is one of reasonable size."""
    if len(expression) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def member(thing: Thing, name: str) -> Any:
    """What is stored under `name` where attributes are looked up; static.MISSING where there is none."""
    if isinstance(thing, Live):
        return static.find(static.spaces(thing.value), name)
    return static.find(map(static.content, static.mro(thing.cls)), name)


def attribute(thing: Thing, name: str) -> Thing | None:
    """The attribute `name`; descriptors are not run, but their types may be known."""
    found = member(thing, name)
    if isinstance(thing, Live) and not static.is_class(thing.value):
        fields = static.own(thing.value)
        if name in fields:
            return Live(fields[name])
    if found is static.MISSING:
        return _declared(thing, name)
    kind = type(found)
    if kind is staticmethod or kind is classmethod:
        return Live(_wrapped[kind is classmethod](found))
    if kind is property:
        getter = _fget(found)
        return _returned(getter) if type(getter) is types.FunctionType else None
    if kind in (types.GetSetDescriptorType, types.MemberDescriptorType):
        return _computed(thing, name)
    if kind in _FUNCTIONS or static.is_class(found) or not static.is_descriptor(found):
        return Live(found)
    return None


def _declared(thing: Thing, name: str) -> Thing | None:
    """An attribute that a class only annotates, as torch's modules do with `weight: Tensor`."""
    if isinstance(thing, Live):
        return None
    for space in map(static.content, static.mro(thing.cls)):
        notes = space.get("__annotations__")
        noted: Any = notes.get(name) if type(notes) is dict else None
        if static.is_class(noted):
            return Typed(noted)
    return None


def _class_of(thing: Thing) -> type:
    return type(thing.value) if isinstance(thing, Live) else thing.cls


def _computed(thing: Thing, name: str) -> Thing | None:
    kind = _class_of(thing)
    for base, known in _COMPUTED.items():
        if base in static.mro(kind) and name in known:
            return Typed(known[name])
    return None


def _returned(function: Any) -> Thing | None:
    if type(function) is types.FunctionType:
        annotation = returns.annotated(function)
        if annotation is not None:
            noted: Any = annotation[0]
            scope = annotation[1]
            if type(noted) is str:
                found = Resolver(scope).resolve(noted)
                noted = found.value if isinstance(found, Live) else static.MISSING
            return Typed(noted) if static.is_class(noted) and noted is not type(None) else None
    cls = returns.of_operator(function)
    return Typed(cls) if cls is not None else None


def _item(thing: Thing, node: ast.expr) -> Thing | None:
    like = _tensor_like(thing)
    if like is not None:
        return like
    if isinstance(thing, Typed):
        return Typed(str) if thing.cls is str else None
    value = thing.value
    try:
        key = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if type(value) in (list, tuple) and type(key) is int:
        return Live(value[key]) if -len(value) <= key < len(value) else None
    if any(raw.is_a(value, cls) for cls in _CONTAINERS):
        value = dict.get(static.own(value), "_modules", {})
        if type(key) is int and type(value) is dict:
            key = str(key % len(value)) if value else ""
    if type(value) is dict and type(key) in (str, int):
        return next((Live(v) for k, v in entries(value) if type(k) is type(key) and k == key), None)
    return None


def entries(mapping: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """The first entries of a real dict; keys are not compared or hashed."""
    return list(dict.items(mapping))[:_MOST_ENTRIES]


def _tensor_like(*things: Thing | None) -> Thing | None:
    """A tensor (else an array) where one of `things` is one: what operators and indexing make of it."""
    kinds = [_class_of(thing) for thing in things if thing is not None]
    for base, cls in ((torch._C.TensorBase, torch.Tensor), (np.ndarray, np.ndarray)):
        if any(base in static.mro(kind) for kind in kinds):
            return Typed(cls)
    return None


def _imported(dotted: str) -> Thing | None:
    """What an import statement would bind, of what is imported already."""
    parts = dotted.split(".")
    for size in range(len(parts), 0, -1):
        module = _modules.get(".".join(parts[:size]))
        if module is not None:
            thing: Thing | None = Live(module)
            for name in parts[size:]:
                thing = attribute(thing, name) if thing is not None else None
            return thing
    return None
