"""YAML text as plain data that remembers where everything stood.

A lesson needs only a small part of YAML: mappings, lists and scalars. What could surprise an
author (`no` meaning false, dates, tags) or blow up a reader (aliases, depth) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from tutor.translation import say

#: Keys and list indices from the top of the document to a value.
Where = tuple[str | int, ...]

MAX_DEPTH = 12

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
#: What PyYAML itself refuses; found here first so that the place is exact.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Escapes in double quotes can still spell these; on a terminal they would be commands.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_KEY = re.compile(r"[\w.-]{1,60}\Z")
_CONSTANTS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL_FLOATS = {".inf": "inf", "-.inf": "-inf", "+.inf": "inf", ".nan": "nan"}


class Place(NamedTuple):
    """Where a value starts (0-based) and how it was written (`|`, `>`, quotes, or None for plain)."""

    line: int
    column: int
    style: str | None = None


class DocumentError(Exception):
    """Text that is not a document; `place` is where."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message, place)
        self.message = message
        self.place = place


class Document(NamedTuple):
    """Plain data with the place of every value and of every key."""

    data: Any
    values: dict[Where, Place]
    keys: dict[Where, Place]
    lines: list[str]


def read(text: str) -> Document:
    """The one document in `text`; raises DocumentError with the place of the first mistake."""
    text = text.removeprefix("\ufeff")
    lines = _LINE_BREAK.split(text)
    if found := _UNPRINTABLE.search(text):
        place = place_of(text, found.start())
        raise DocumentError(
            say("the character {character!r} may not stand in a lesson; remove it", character=found[0]), place
        )
    builder = _Builder(text)
    try:
        data = builder.document()
    except yaml.MarkedYAMLError as error:
        raise _left_open(text, lines, error) or _broken(error, lines) from None
    except yaml.YAMLError as error:
        raise DocumentError(say("this is not valid YAML: {error}", error=error), Place(0, 0)) from None
    return Document(data, builder.values, builder.keys, lines)


def place_of(text: str, index: int) -> Place:
    """The place of the character at `index`."""
    before = _LINE_BREAK.split(text[:index])
    return Place(len(before) - 1, len(before[-1]))


def _left_open(text: str, lines: list[str], error: yaml.MarkedYAMLError) -> DocumentError | None:
    """Of a quote that nothing closes, the next one that opens is the end: the place is where it began."""
    mark = error.problem_mark
    if mark is not None and mark.line < len(lines) and "escape" in str(error.problem):
        said = say(
            "this is not valid YAML: a backslash in double quotes begins an escape; "
            "put this text in single quotes"
        )
        # One parser marks the backslash, another what follows it.
        backslash = lines[mark.line].rfind("\\", 0, mark.column + 1)
        return DocumentError(said, Place(mark.line, max(0, backslash)))
    if error.context_mark is not None and "quoted scalar" in str(error.context):
        said = say(
            "this is not valid YAML: the text in quotes that begins here is not closed; "
            "close it where it ends"
        )
        return DocumentError(said, Place(error.context_mark.line, error.context_mark.column))
    opened: Any = None
    try:
        for token in yaml.scan(text, Loader=_Loader):
            if mark is not None and token.start_mark.line > mark.line:
                break
            if isinstance(token, yaml.ScalarToken) and token.style in ("'", '"'):
                opened = token
    except yaml.YAMLError:
        pass
    if opened is None or mark is None or opened.start_mark.line == opened.end_mark.line:
        return None
    if opened.end_mark.line != mark.line:
        return None
    said = say(
        "this is not valid YAML: the text in quotes that begins here ends in line {line} only; "
        "close it where it ends",
        line=opened.end_mark.line + 1,
    )
    return DocumentError(said, _start(opened))


def _broken(error: yaml.MarkedYAMLError, lines: list[str]) -> DocumentError:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line, mark.column) if mark else Place(0, 0)
    if place.line >= len(lines):
        # Where the text ends too early, the parsers disagree about the line that it ends on.
        place = Place(len(lines) - 1, len(lines[-1]))
    line = lines[place.line]
    if line[place.column : place.column + 1] == "\t":
        return DocumentError(say("a tab cannot indent a lesson; use spaces"), place)
    if "mapping values" in str(error.problem):
        advice = say("put text that contains `: ` in quotes, or indent this line as the ones beside it")
    elif "alias" in str(error.problem) or "anchor" in str(error.problem):
        advice = say("put text that starts with `*` or `&` in quotes")
    else:
        advice = say("look at the indentation, quotes and brackets here")
    problem = ", ".join(part for part in (error.context, error.problem) if part)
    message = say("this is not valid YAML ({problem}); {advice}", problem=problem, advice=advice)
    return DocumentError(message, place)


class _Builder:
    """Builds data from parser events: one pass, nothing constructed that was not asked for."""

    def __init__(self, text: str) -> None:
        self.values: dict[Where, Place] = {}
        self.keys: dict[Where, Place] = {}
        self._events: Iterator[Any] = yaml.parse(text, Loader=_Loader)

    def document(self) -> Any:
        next(self._events)
        event = next(self._events)
        data = self._value(next(self._events), ()) if isinstance(event, yaml.DocumentStartEvent) else None
        if data is None:
            raise DocumentError(say("the file is empty; a lesson starts with `schema: 1`"), Place(0, 0))
        next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.DocumentStartEvent):
            raise DocumentError(say("a second document starts here; a file holds one lesson"), _start(event))
        return data

    def _value(self, event: Any, path: Where) -> Any:
        place = _start(event)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise DocumentError(say("anchors and aliases are not read here; write the value out"), place)
        if event.tag is not None:
            raise DocumentError(
                say("tags such as {tag!r} are not read here; leave it out", tag=event.tag), place
            )
        if len(path) > MAX_DEPTH:
            message = say("this is nested more than {depth} levels deep; flatten it", depth=MAX_DEPTH)
            raise DocumentError(message, place)
        self.values[path] = place
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return _scalar(event)

    def _mapping(self, path: Where) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = event.value if isinstance(event, yaml.ScalarEvent) else None
            if key is None or event.anchor or event.tag or not _KEY.match(key):
                raise DocumentError(say("a key must be one plain word; write `key: value`"), _start(event))
            if key in mapping:
                first = self.keys[(*path, key)].line + 1
                message = say(
                    "`{key}` stands here a second time (first on line {first}); keep one",
                    key=key,
                    first=first,
                )
                raise DocumentError(message, _start(event))
            self.keys[(*path, key)] = _start(event)
            mapping[key] = self._value(next(self._events), (*path, key))
        return mapping

    def _sequence(self, path: Where) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items


def _start(event: Any) -> Place:
    mark = event.start_mark
    return Place(mark.line, mark.column, getattr(event, "style", None))


def _scalar(event: Any) -> Any:
    text: str = event.value
    if found := _CONTROL.search(text):
        message = say(
            "the control character {character!r} may not stand in a lesson; remove it", character=found[0]
        )
        raise DocumentError(message, _start(event))
    if not event.implicit[0]:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text) or text in _SPECIAL_FLOATS:
        return float(_SPECIAL_FLOATS.get(text, text))
    return text
