"""Attributes read from dictionaries alone: no property, `__getattr__`, `__dir__` or metaclass of the
learner's runs. `inspect.getattr_static` would do, did it not ask metaclasses before Python 3.12.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from tutor.kernel import raw
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

mro = type.__dict__["__mro__"].__get__
content = type.__dict__["__dict__"].__get__
_SLOTS = (types.GetSetDescriptorType, types.MemberDescriptorType)
#: Where `torch.nn.Module` keeps what it finds by `__getattr__`.
_PARTS = ("_modules", "_parameters", "_buffers")

#: Stands for what is not there.
MISSING = object()


def is_class(value: object) -> bool:
    return raw.is_a(value, type)


def own(value: object) -> dict[str, Any]:
    """The object's own dictionary; empty where it has none that can be read without running code."""
    classes = (content(kind) for kind in mro(type(value)))
    slot: Any = next((space["__dict__"] for space in classes if "__dict__" in space), None)
    found = slot.__get__(value) if type(slot) in _SLOTS else {}
    return found if type(found) is dict else {}


def spaces(value: object) -> Iterator[Any]:
    """The dictionaries in which attributes of `value` are looked up, its own first."""
    if is_class(value):
        yield from map(content, mro(value))
        return
    fields = own(value)
    yield fields
    for part in _PARTS:
        found = dict.get(fields, part)
        if type(found) is dict:
            yield found
    yield from map(content, mro(type(value)))


def find(spaces: Iterator[Any], name: str) -> Any:
    """What `name` stands for in the first of the dictionaries that has it, or MISSING."""
    return next((space[name] for space in spaces if name in space), MISSING)


def is_descriptor(value: object) -> bool:
    """Whether reading an attribute that holds `value` in its class would run `__get__`."""
    return any("__get__" in content(kind) for kind in mro(type(value)))
