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

_TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
    "null": "nothing",
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
_ALLOWED = {"device": "any, cpu, sim or cuda", "form": "shape, number, boolean or text"}

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
        return f"{name} has no `{found['key']}`; add it", None
    if path and path[-1] == "kind":
        return f"{_shown(value)} is not a kind of step that this version knows ({_listed(STEP_KINDS)})", None
    if complaint.startswith("Invalid enum value"):
        allowed = _ALLOWED.get(str(path[-1]), str(SCHEMA))
        return f"{name} is {_shown(value)}; it must be {allowed}", None
    if found := _WRONG_TYPE.match(complaint):
        wanted, got = _typed(found["wanted"]), _typed(found["got"])
        return f"{name} must be {wanted}, not {got}{_hint(found, value)}", None
    if found := _TOO_SHORT.match(complaint):
        return f"{name} has {len(value)} of at least {found['count']} entries; add more", None
    if found := _TOO_LONG.match(complaint):
        return f"{name} has {len(value)} entries, more than {found['count']}; leave some out", None
    if found := _BOUND.match(complaint):
        return f"{name} must be {found['bound']}; choose another number", None
    if complaint.startswith(_PATTERN):
        return _pattern(name, path, value), None
    return f"{name}: {complaint}", None


def _unknown_key(key: str, path: Where, data: Any) -> str:
    known = [f.encode_name for f in fields(_struct_at(path, data))]
    if path:
        known = ["kind", *known] if len(path) == 2 else known
    near = get_close_matches(key, known, n=1)
    advice = f"did you mean `{near[0]}`?" if near else f"the keys here are {_listed(known)}"
    return f"{_name(path)} has no key {_shown(key)}; {advice}"


def _struct_at(path: Where, data: Any) -> type[Struct]:
    if not path:
        return Lesson
    if len(path) == 2:
        return STEP_KINDS[_at(data, path)["kind"]]
    return _BELOW[next(part for part in reversed(path) if isinstance(part, str))]


def _pattern(name: str, path: Where, value: Any) -> str:
    if path[-1] == "id":
        return f"the id {_shown(value)} must be made of lower-case letters, digits and hyphens"
    if path[0] == "requires":
        return f"{name} must be versions such as '>=2.4' or '>=2.4, <3'"
    if not isinstance(value, str) or not value.strip():
        return f"{name} is empty; write some text"
    return f"{name} must be one line"


def _hint(found: re.Match[str], value: Any) -> str:
    if found["got"] == "null":
        return "; write a value"
    if found["wanted"] == "str" and isinstance(value, bool | int | float):
        return "; put it in quotes"
    return ""


def _typed(names: str) -> str:
    return " or ".join(_TYPES.get(name, name) for name in names.split(" | "))


def _name(path: Where) -> str:
    if not path:
        return "the lesson"
    steps = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[2:])
    if path[0] == "steps" and len(path) > 1:
        return f"step {int(path[1]) + 1}" + (f"'s `{steps.lstrip('.')}`" if steps else "")
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
    return f"{', '.join(most)} and {last}" if most else str(last)
