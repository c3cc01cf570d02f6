"""Attributes of the learner's objects, read without running anything of theirs: dictionaries and slots."""

from __future__ import annotations

import sys
import types
from functools import cache
from typing import Any, NamedTuple

import torch

from tutor.kernel import raw, static

#: A class made by a `class` statement, as opposed to one built into an extension.
_HEAP_TYPE = 1 << 9
_flags = type.__dict__["__flags__"].__get__
_is_subtype = type.__subclasscheck__
_item_of: Any = tuple.__getitem__
#: Where objects hold no tensors of the learner's, or only by way of something that is looked at anyhow.
_ELSEWHERE = sys.stdlib_module_names | {"tutor", "builtins"}
_TEXT = frozenset({id(str)})
_NAMESPACES = frozenset({id(types.SimpleNamespace)})
#: What torch returns several tensors in: they have the fields in `__match_args__`.
_RETURNED = frozenset(
    id(kind) for kind in vars(torch.return_types).values() if type(kind) is type and issubclass(kind, tuple)
)
_TUPLE_FIELD = type(static.content(NamedTuple("_", [("x", int)]))["x"])
#: What every module has in its dictionary; its tensors are found in ways of their own.
MODULE = frozenset(torch.nn.Module().__dict__)


class _Slotted:
    __slots__ = ("x",)


_SLOT = type(static.content(_Slotted)["x"])


def has_attributes(kind: type) -> bool:
    """Whether instances of `kind` are looked into: named tuples, dataclasses, objects of the learner's."""
    if id(kind) in _NAMESPACES or _is_subtype(tuple, kind):
        return True
    if not _flags(kind) & _HEAP_TYPE or _is_subtype(type, kind):
        return False
    return _module(kind).partition(".")[0] not in _ELSEWHERE or _has_fields(kind)


def read(value: Any) -> tuple[list[str], list[object]]:
    """Names and values of what `value` holds in attributes; empty for what is not looked into.

    Of modules and optimizers, what every one of them has is left out.
    """
    kind = type(value)
    if raw.is_a(value, tuple):
        fields = _tuple_fields(value, static.mro(kind))
        return list(fields), [_item_of(value, at) for at in range(len(fields))]
    if not has_attributes(kind):
        return [], []
    known = _known(value)
    space = _own(value)
    names = [name for name in _names(kind, space) if name not in known and name.isidentifier()]
    if _module(kind) != "__main__":  # how a library arranges its objects is its own affair
        names = [name for name in names if name[0] != "_"]
    held = [(name, _attribute(value, space, name)) for name in names]
    held = [pair for pair in held if pair[1] is not static.MISSING]
    return [name for name, _ in held], [each for _, each in held]


def _known(value: object) -> frozenset[str]:
    if raw.is_a(value, torch.nn.Module):
        return MODULE
    return _of_optimizers() if raw.is_a(value, torch.optim.Optimizer) else frozenset()


@cache
def _of_optimizers() -> frozenset[str]:
    """What every optimizer has in its dictionary. Making one imports torch's compiler, which takes a second:
    the learner has waited for that where there is an optimizer."""
    return frozenset(torch.optim.SGD([torch.zeros(1)], 0.1).__dict__)


def _own(value: Any) -> dict[str, Any]:
    """The object's dictionary; keys that are not exactly text could run code when they are compared."""
    space = static.own(value)
    if _TEXT.issuperset(map(id, map(type, space))):
        return space
    return {name: each for name, each in list(dict.items(space)) if type(name) is str}


def _names(kind: type, space: dict[str, Any]) -> list[str]:
    """Fields of a dataclass in their order, then slots, then whatever else was set."""
    mro = static.mro(kind)
    declared: Any = static.find(map(static.content, mro), "__dataclass_fields__")
    fields = list(declared) if type(declared) is dict else []
    slots = [
        name
        for each in reversed(mro)
        for name, slot in list(static.content(each).items())
        if type(slot) is _SLOT and _flags(each) & _HEAP_TYPE
    ]
    return list(dict.fromkeys(name for name in (*fields, *slots, *list(space)) if type(name) is str))


def _attribute(value: object, space: dict[str, Any], name: str) -> Any:
    """An attribute from the instance's own dictionary or slot."""
    found = static.find(map(static.content, static.mro(type(value))), name)
    if type(found) is _SLOT:
        try:
            return found.__get__(value)
        except AttributeError:
            return static.MISSING
    if found is not static.MISSING and static.is_descriptor(found):
        return static.MISSING
    return dict.get(space, name, static.MISSING)


def _has_fields(kind: type) -> bool:
    return any("__dataclass_fields__" in static.content(each) for each in static.mro(kind))


def _module(kind: type) -> str:
    module = static.content(kind).get("__module__")
    return module if type(module) is str else ""


def _tuple_fields(value: Any, mro: tuple[type, ...]) -> tuple[str, ...]:
    kind, size = type(value), tuple.__len__(value)
    if id(kind) in _RETURNED:
        names: Any = static.content(kind)["__match_args__"]
        return tuple(names[:size])
    names = static.find(map(static.content, mro), "_fields")
    if type(names) is not tuple or len(names) != size or any(type(name) is not str for name in names):
        return ()
    # Only where reading the attribute is reading the item: a subclass may have put code in its place.
    found = (static.find(map(static.content, mro), name) for name in names)
    return names if all(type(each) is _TUPLE_FIELD for each in found) else ()
