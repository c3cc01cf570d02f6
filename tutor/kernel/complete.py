"""Names that can stand somewhere, without running anything of the learner's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from tutor.facts import Complete
from tutor.kernel import raw, static
from tutor.kernel.guard import GENUINE
from tutor.kernel.resolve import Live, Resolver, Thing, entries

globals()["__builtins__"] = GENUINE

#: More are not told.
MOST = 5_000


def complete(namespace: Mapping[str, Any], request: Complete) -> tuple[str, ...]:
    """Variables, or attributes or text keys of what the request's expression stands for."""
    try:
        with raw.Reading():
            if not request.expression:
                return _readable(dict(namespace))
            thing = Resolver(namespace, request.imports, request.values).resolve(request.expression)
            if thing is None:
                return ()
            return _readable(_keys(thing) if request.keys else _attributes(thing), keys=request.keys)
    except Exception:  # a dictionary that another thread changed meanwhile
        return ()


def _attributes(thing: Thing) -> Iterable[object]:
    if isinstance(thing, Live):
        for space in static.spaces(thing.value):
            yield from list(space)
        return
    for space in map(static.content, static.mro(thing.cls)):
        yield from list(space)
        notes = space.get("__annotations__")
        if type(notes) is dict:
            yield from list(notes)


def _keys(thing: Thing) -> Iterable[object]:
    value: Any = thing.value if isinstance(thing, Live) else None
    if raw.is_a(value, torch.nn.ModuleDict):
        value = dict.get(static.own(value), "_modules", {})
    return [key for key, _ in entries(value)] if raw.is_a(value, dict) else []


def _readable(names: Iterable[object], *, keys: bool = False) -> tuple[str, ...]:
    """Real text only: `str` subclasses may hold code, and lone surrogates cannot be sent."""
    found: dict[str, None] = {}
    for name in names:
        if type(name) is str and (name.isidentifier() if not keys else name.isprintable() and len(name) < 60):
            found[name] = None
            if len(found) >= MOST:
                break
    return tuple(found)
