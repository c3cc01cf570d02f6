"""Names of attributes, read from dictionaries alone: no property, `__getattr__`, `__dir__` or metaclass of
the learner's runs.

The text of this module is executed in the kernel, in a scope of its own, so it imports only what is
everywhere. `inspect.getattr_static` would do, did it not ask metaclasses before Python 3.12.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any

_mro = type.__dict__["__mro__"].__get__
_content = type.__dict__["__dict__"].__get__
_SLOTS = (types.GetSetDescriptorType, types.MemberDescriptorType)
#: Where `torch.nn.Module` keeps what it finds by `__getattr__`.
_PARTS = ("_modules", "_parameters", "_buffers")


def attribute_names(value: object, path: Sequence[str]) -> list[str]:
    """Attributes of what `path` leads to from `value`; none where it leads through a descriptor, whose
    value is not known without running it."""
    for name in path:
        value = next((space[name] for space in _spaces(value) if name in space), _NOTHING)
    if value is _NOTHING or any("__get__" in _content(kind) for kind in _mro(type(value))):
        return []
    return sorted({name for space in _spaces(value) for name in space if type(name) is str})


_NOTHING = property()


def _spaces(value: object) -> list[Mapping[str, Any]]:
    """The dictionaries in which attributes of `value` are looked up."""
    classes = [_content(kind) for kind in _mro(type(value))]
    if issubclass(type(value), type):
        return [*map(_content, _mro(value)), *classes]
    slot: Any = next((content["__dict__"] for content in classes if "__dict__" in content), None)
    own = slot.__get__(value) if type(slot) in _SLOTS else {}
    if type(own) is not dict:
        return classes
    parts = [own[part] for part in _PARTS if part in own]
    return [own, *(part for part in parts if type(part) is dict), *classes]
