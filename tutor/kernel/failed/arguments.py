"""Arguments of a call as facts. Nothing of the learner's is called."""

from __future__ import annotations

import ast
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from msgspec import Struct

from tutor.facts import Argument, Operand, Span
from tutor.facts.failed import ArgumentKind
from tutor.kernel import elements, raw
from tutor.kernel.failed.names import public_name
from tutor.kernel.guard import GENUINE
from tutor.kernel.replay.gradients import memory_of
from tutor.kernel.trace.operands import Found, Reader, is_subject
from tutor.paths import quoted

globals()["__builtins__"] = GENUINE

#: Members that are looked at, characters of a value, how deep lists are gone into, arguments of a call.
_MOST_MEMBERS = 64
_LONGEST_VALUE = 80
_DEEPEST = 4
MOST_ARGUMENTS = 32
_MOST_BITS = 256
#: Elements whose extremes are looked for: of all arguments of a call.
_MOST_ELEMENTS = 1 << 20
_NUMBERS = (int, float, bool, complex)
_CONSTANTS = (torch.dtype, torch.device, torch.layout, torch.memory_format)
_DICTS = (dict, OrderedDict)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.BuiltinMethodType)
_EMPTY: tuple[Any, ...] = ([], (), {}, {}.values(), {}.items(), "", range(1))
_ITERATORS: tuple[Any, ...] = (
    types.GeneratorType,
    *(type(iter(one)) for one in _EMPTY),
    map,
    filter,
    zip,
    enumerate,
)
_LISTS = (list, tuple, torch.Size)
#: Values of arguments that are not known.
UNKNOWN = object()


class Place(Struct, frozen=True):
    """Where an argument stands, in the call and in the learner's code."""

    place: str
    parameter: str = ""
    text: str = ""
    span: Span | None = None


class Describer:
    """Describes the arguments of one call. Call inside `raw.Reading()`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._elements = _MOST_ELEMENTS

    def argument(self, value: Any, at: Place, name: Callable[[int | str], str] = lambda _: "") -> Argument:
        """Facts of one argument; `name` tells what a member of it is called in the learner's code."""
        told: dict[str, Any] = {
            "kind": kind_of(value),
            "type": "" if value is UNKNOWN else raw.type_name(value),
        }
        if is_subject(value):
            told["operand"] = self._reader.read(Found(at.place, None, value), at.text)
            told |= self._extremes(value)
        elif type(value) in _LISTS:
            self._list(value, at, name, told)
        elif type(value) in _DICTS:
            members = [pair for pair in islice(dict.items(value), _MOST_MEMBERS) if type(pair[0]) is str]
            told |= {"length": len(value), "keys": tuple(key[:_LONGEST_VALUE] for key, _ in members)}
            told["items"] = self._items(members, at, name)
        elif value is not UNKNOWN:
            told["value"] = plain_text(value)
        return Argument(at.place, at.parameter, at.text, at.span, **told)

    def operand(self, value: Any, name: str, place: str = "0") -> Operand:
        """Facts of one tensor."""
        return self._reader.read(Found(place, None, value), name)

    def _list(self, value: Any, at: Place, name: Callable[[int | str], str], told: dict[str, Any]) -> None:
        members = list(islice(tuple.__iter__(value) if isinstance(value, tuple) else value, _MOST_MEMBERS))
        told["length"] = len(value)
        told["items"] = self._items(enumerate(members), at, name)
        told["types"] = tuple(dict.fromkeys(raw.type_name(one) for one in members if one is not UNKNOWN))
        layers = (raw.type_name(one) for one in members if raw.is_a(one, torch.nn.Module))
        told["layers"] = tuple(dict.fromkeys(layers))
        if members and all(type(one) in (list, tuple) for one in members):
            told["lengths"] = tuple(len(one) for one in members)
        if not told["items"]:
            told["value"] = plain_text(value)

    def _items(self, members: Any, at: Place, name: Callable[[int | str], str]) -> tuple[Operand, ...]:
        found = []
        for key, one in members:
            if is_subject(one):
                place = f"{at.place}[{quoted(key) if type(key) is str else key}]"
                found.append(self._reader.read(Found(place, None, one), name(key)))
        return tuple(found)

    def _extremes(self, value: Any) -> dict[str, Any]:
        """The smallest and the greatest element, and whether some are NaN."""
        try:
            values = self._values(value)
            if values is None or values.dtype.kind not in "biuf" or not values.size:
                return {}
            broken = np.isnan(values) if values.dtype.kind == "f" else None
            nan = broken is not None and bool(broken.any())
            values = values[~broken] if nan and broken is not None else values
            if not values.size:
                return {"nan": nan}
            low, high = values.min().item(), values.max().item()
        except Exception:  # what torch refuses to tell about exotic tensors
            return {}
        return {
            "low": int(low) if type(low) is bool else low,
            "high": int(high) if type(high) is bool else high,
        } | ({"nan": True} if nan else {})

    def _values(self, value: Any) -> np.ndarray | None:
        if raw.is_array(value):
            if type(value) is not np.ndarray or value.size > self._elements:
                return None
            self._elements -= value.size
            return value.ravel()
        if not raw.is_plain(value) or not raw.is_readable(value) or raw.numel(value) > self._elements:
            return None
        view = memory_of(value)
        if view is None:
            return None
        self._elements -= view.size
        return elements.decode(view.tobytes(), raw.dtype_text[raw.dtype(value)])


def kind_of(value: Any) -> ArgumentKind:
    """What sort of argument a value is."""
    if value is None:
        return "none"
    if raw.is_tensor(value):
        return "tensor"
    if raw.is_array(value):
        return "array"
    kind = type(value)
    for kinds, name in _KINDS:
        if kind in kinds:
            return name
    if raw.is_a(value, torch.nn.Module):
        return "module"
    if raw.is_a(value, type):
        return "class"
    return "object"


_KINDS: tuple[tuple[tuple[Any, ...], ArgumentKind], ...] = (
    (_NUMBERS, "number"),
    ((str, bytes), "text"),
    (_CONSTANTS, "constant"),
    ((slice, type(...)), "constant"),
    ((list,), "list"),
    ((tuple, torch.Size), "tuple"),
    (_DICTS, "dict"),
    (_FUNCTIONS, "function"),
    (_ITERATORS, "iterator"),
)


def plain_text(value: Any, longest: int = _LONGEST_VALUE) -> str | None:
    """Source of a value whose type is plain through and through, of a class or function its public name.

    None of anything else. Nothing of the learner's is called: their classes are known by name only.
    """
    text = _text(value, 0)
    return text if text is None or len(text) <= longest else f"{text[: longest - 1]}…"


def _text(value: Any, depth: int) -> str | None:
    kind = type(value)
    if kind is int:
        return repr(value) if value.bit_length() <= _MOST_BITS else None
    if kind in (float, bool, complex) or value is None or value is ...:
        return "..." if value is ... else repr(value)
    if kind is str:
        return quoted(value[: _LONGEST_VALUE + 1])
    if kind is slice:
        return _slice(value)
    if kind in _CONSTANTS:
        return repr(value) if kind is torch.device else str(value)
    if kind in _LISTS:
        return _sequence(value, kind is list, depth)
    if kind in _FUNCTIONS or raw.is_a(value, type):
        return public_name(value)
    return None


def _sequence(value: Any, is_list: bool, depth: int) -> str | None:
    if depth >= _DEEPEST:
        return "…"
    parts: list[str] = []
    for one in islice(value, _MOST_MEMBERS):
        part = _text(one, depth + 1)
        if part is None:
            return None
        parts.append(part)
    inner = ", ".join([*parts, *(["…"] if len(value) > len(parts) else [])])
    return f"[{inner}]" if is_list else f"({inner},)" if len(value) == 1 else f"({inner})"


def _slice(value: slice) -> str | None:
    bounds = (value.start, value.stop, value.step)
    if any(type(one) not in (int, type(None)) for one in bounds):
        return None
    begin, end, step = ("" if one is None else str(one) for one in bounds)
    return f"{begin}:{end}:{step}" if step else f"{begin}:{end}"


def members_of(node: ast.AST | None, says: Callable[[ast.AST], str]) -> Callable[[int | str], str]:
    """What a member of an argument is called: `a` of `[a, b]`, `xs[0]` of `xs`."""

    def name(key: int | str) -> str:
        if isinstance(node, ast.List | ast.Tuple) and type(key) is int:
            before = node.elts[: key + 1]
            starred = any(isinstance(one, ast.Starred) for one in before)
            return "" if starred or key >= len(node.elts) else says(node.elts[key])
        if isinstance(node, ast.Name | ast.Attribute):
            return f"{says(node)}[{quoted(key) if type(key) is str else key}]"
        return ""

    return name


def written(node: ast.Call) -> Iterator[tuple[int | str, ast.expr]]:
    """Arguments of a call in code, by position or keyword, up to where a star hides positions."""
    for index, one in enumerate(node.args):
        if isinstance(one, ast.Starred):
            break
        yield index, one
    for keyword in node.keywords:
        if keyword.arg is not None:
            yield keyword.arg, keyword.value
