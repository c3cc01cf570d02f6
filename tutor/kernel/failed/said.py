"""What an error's words say of arguments that only the code tells about: types, as torch saw them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from msgspec import structs

from tutor.facts import Argument, FailedCall
from tutor.kernel import raw, static
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_POINTED = re.compile(
    r"argument '(?P<name>\w+)'(?: \(position (?P<at>\d+)\))? must be .+?,? (?:not|but got) (?P<type>[\w.]+)"
)
_OPERANDS = re.compile(
    r"unsupported operand type\(s\) for \S+(?: or pow\(\))?: '([\w.]+)' and '([\w.]+)'"
    r"|'\S+' not supported between instances of '([\w.]+)' and '([\w.]+)'"
)
_GIVEN = re.compile(r"invalid combination of arguments - got \(([^()]*)\)")
_MEMBER = re.compile(
    r"expected Tensor as element (?P<at>\d+) in argument (?P<argument>\d+), but got (?P<type>[\w.]+)"
)
_TENSORS = frozenset({"Tensor", "Parameter", "Buffer"})
_ARRAYS = frozenset({"ndarray", "numpy.ndarray"})
#: Classes that are looked through for one of a name.
_MOST_CLASSES = 20_000
_name: Any = vars(type)["__name__"]
_subclasses: Any = vars(type)["__subclasses__"]


def corrected(call: FailedCall, message: str, namespace: Mapping[str, Any]) -> FailedCall:
    """The call with arguments as the error names their types, where those were not known or only likely."""
    types = _types(call, message)
    arguments = [
        _as_said(one, types[one.place], namespace) if one.place in types else one for one in call.arguments
    ]
    member = _MEMBER.search(message)
    if member is not None:
        arguments = [
            _without(one, member, namespace) if one.place == member["argument"] else one for one in arguments
        ]
    return structs.replace(call, arguments=tuple(arguments))


def _types(call: FailedCall, message: str) -> dict[str, str]:
    """The type that the words give to the arguments at their places."""
    pair = _OPERANDS.match(message) if call.form == "operator" else None
    if pair is not None:
        return {str(at): one for at, one in enumerate(each for each in pair.groups() if each)}
    own = 1 if call.form == "method" else 0
    told = _POINTED.search(message)
    if told is not None:
        by_name = next(
            (one.place for one in call.arguments if told["name"] in (one.parameter, one.place)), None
        )
        place = str(int(told["at"]) - 1 + own) if told["at"] is not None and by_name is None else by_name
        return {} if place is None else {place: told["type"]}
    given = _GIVEN.search(message)
    if given is None:
        return {}
    found: dict[str, str] = {}
    for at, one in enumerate(given[1].split(", ")):
        word, _, kind = one.rpartition("=")
        found[word or str(at + own)] = kind
    return found


def _as_said(one: Argument, said: str, namespace: Mapping[str, Any]) -> Argument:
    """An argument by the words' type, where they contradict what the code made likely or say more."""
    if said in _TENSORS or (one.type and one.kind != "tensor"):
        return one
    if said in _ARRAYS:
        return structs.replace(one, kind="array", type="ndarray")
    bare = Argument(one.place, one.parameter, one.text, one.span)
    return structs.replace(bare, kind="module", type=said) if is_layer(said, namespace) else bare


def _without(one: Argument, member: re.Match[str], namespace: Mapping[str, Any]) -> Argument:
    """A list whose member is none of the tensors in it."""
    place, said = f"{one.place}[{member['at']}]", member["type"]
    layers = (*one.layers, said) if said not in one.layers and is_layer(said, namespace) else one.layers
    items = tuple(each for each in one.items if each.place != place)
    return structs.replace(one, items=items, layers=layers)


def is_layer(name: str, namespace: Mapping[str, Any]) -> bool:
    """Whether a class of this bare name is one of modules, and no other of the learner's has that name."""
    own = namespace.get(name)
    if raw.is_a(own, type) and torch.nn.Module not in static.mro(own):
        return False
    pending, seen = [torch.nn.Module], set[int]()
    while pending and len(seen) < _MOST_CLASSES:
        kind = pending.pop()
        if id(kind) in seen:
            continue
        seen.add(id(kind))
        if _name.__get__(kind) == name:
            return True
        pending.extend(_subclasses(kind))
    return False
