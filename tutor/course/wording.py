"""A validator's complaint as a sentence for the author of the lesson."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from tutor.course.claims import Cases, CheckItem, Close, Raises, Warns
from tutor.course.document import Where
from tutor.course.schema import SCHEMA, STEP_KINDS, Ask, Lesson, Mistake, QuizChoice
from tutor.translation import later, say, translated

_TYPES = {
    "str": later("plain text"),
    "int": later("a whole number"),
    "float": later("a number"),
    "bool": later("true or false"),
    "array": later("a list"),
    "object": later("a mapping of keys to values"),
    "null": later("nothing"),
}

#: What stands below a step, by the key that it stands under.
_BELOW: dict[str, type[Struct]] = {
    "ask": Ask,
    "choices": QuizChoice,
    "mistakes": Mistake,
    "checks": CheckItem,
    "any": CheckItem,
    "not": CheckItem,
    "close": Close,
    "grad": Close,
    "raises": Raises,
    "warns": Warns,
    "cases": Cases,
}

#: What the keys may be that have only a few values.
_ALLOWED = {"device": later("any, cpu, sim or cuda"), "form": later("shape, number, boolean or text")}

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<key>.*)`\Z", re.DOTALL)
_WRONG_TYPE = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`\Z")
_TOO_SHORT = re.compile(r"Expected `array` of length >= (?P<count>\d+)\Z")
_TOO_LONG = re.compile(r"Expected `array` of length <= (?P<count>\d+)\Z")
_BOUND = re.compile(r"Expected `int` (?P<bound>[<>]= -?\d+)\Z")
_PATTERN = "Expected `str` matching regex"


def sentence_for(complaint: str, path: Where, data: Any) -> tuple[str, str | None]:
    """The sentence, and the key it speaks of where it is about a key and not about the value at `path`."""
    name = _name(path)
    value = _at(data, path)
    if found := _UNKNOWN.match(complaint):
        return _unknown_key(found["key"], path, data), found["key"]
    if found := _MISSING.match(complaint):
        return say("{name} has no `{key}`; add it", name=name, key=found["key"]), None
    if path and path[-1] == "kind":
        return say(
            "{value} is not a kind of step that this version knows ({known})",
            value=_shown(value),
            known=_listed(STEP_KINDS),
        ), None
    if complaint.startswith("Invalid enum value"):
        allowed = translated(_ALLOWED.get(str(path[-1]), str(SCHEMA)))
        return say(
            "{name} is {value}; it must be {allowed}", name=name, value=_shown(value), allowed=allowed
        ), None
    if found := _WRONG_TYPE.match(complaint):
        wanted, got = _typed(found["wanted"]), _typed(found["got"])
        message = say("{name} must be {wanted}, not {got}", name=name, wanted=wanted, got=got)
        advice = _hint(found, value)
        return say("{complaint}; {advice}", complaint=message, advice=advice) if advice else message, None
    if found := _TOO_SHORT.match(complaint):
        return say(
            "{name} has {count} of at least {least} entries; add more",
            name=name,
            count=len(value),
            least=found["count"],
        ), None
    if found := _TOO_LONG.match(complaint):
        return say(
            "{name} has {count} entries, more than {most}; leave some out",
            name=name,
            count=len(value),
            most=found["count"],
        ), None
    if found := _BOUND.match(complaint):
        return say("{name} must be {bound}; choose another number", name=name, bound=found["bound"]), None
    if complaint.startswith(_PATTERN):
        return _pattern(name, path, value), None
    return f"{name}: {complaint}", None


def _unknown_key(key: str, path: Where, data: Any) -> str:
    known = [f.encode_name for f in fields(_struct_at(path, data))]
    if path:
        known = ["kind", *known] if len(path) == 2 else known
    near = get_close_matches(key, known, n=1)
    advice = (
        say("did you mean `{name}`?", name=near[0])
        if near
        else say("the keys here are {known}", known=_listed(known))
    )
    return say("{name} has no key {key}; {advice}", name=_name(path), key=_shown(key), advice=advice)


def _struct_at(path: Where, data: Any) -> type[Struct]:
    if not path:
        return Lesson
    if len(path) == 2:
        return STEP_KINDS[_at(data, path)["kind"]]
    return _BELOW[next(part for part in reversed(path) if isinstance(part, str))]


def _pattern(name: str, path: Where, value: Any) -> str:
    if path[-1] == "id":
        return say("the id {id} must be made of lower-case letters, digits and hyphens", id=_shown(value))
    if path[0] == "requires":
        return say("{name} must be versions such as '>=2.4' or '>=2.4, <3'", name=name)
    if not isinstance(value, str) or not value.strip():
        return say("{name} is empty; write some text", name=name)
    return say("{name} must be one line", name=name)


def _hint(found: re.Match[str], value: Any) -> str:
    if found["got"] == "null":
        return say("write a value")
    if found["wanted"] == "str" and isinstance(value, bool | int | float):
        return say("put it in quotes")
    return ""


def _typed(names: str) -> str:
    kinds = (translated(_TYPES.get(name, name)) for name in names.split(" | "))
    return f" {say('or')} ".join(kinds)


def _name(path: Where) -> str:
    if not path:
        return say("the lesson")
    steps = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[2:])
    if path[0] == "steps" and len(path) > 1:
        number = int(path[1]) + 1
        if not steps:
            return say("step {n}", n=number)
        return say("step {n}'s `{key}`", n=number, key=steps.lstrip("."))
    return "`" + ".".join(map(str, path)) + "`"


def _at(data: Any, path: Where) -> Any:
    for part in path:
        data = data[part]
    return data


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _listed(names: Any) -> str:
    *most, last = names
    return say("{some} and {other}", some=", ".join(most), other=last) if most else str(last)
