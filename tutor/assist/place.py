"""What stands before the cursor: a name, an attribute of something, or a key; or nothing to complete."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import Literal

from tutor.assist.code import STRING, masked
from tutor.view.syntax import START, State

_WORD = re.compile(r"[^\W\d]\w*$")
_CHARACTER = re.compile(r"\w")
_OPENERS = {")": "(", "]": "[", "}": "{"}
_FROM = re.compile(r"\s*from\s+(?P<module>[\w.]+)\s+import\s+\(?(?:[\w\s,]*[,\s])?$")
_IMPORT = re.compile(r"\s*(?:from|import)\s+(?:[\w.]+(?:\s+as\s+\w+)?\s*,\s*)*(?P<module>[\w.]*)$")
#: After these a name is being made, not used.
_MAKES = re.compile(r"(?:^|[^\w.])(?:def|class|as|import|from)\s+$")


@dataclass(frozen=True, slots=True)
class Place:
    """`word` stands before the cursor: the beginning of a `kind`, below `expression` where that has text."""

    kind: Literal["name", "attribute", "key"]
    word: str
    expression: str = ""
    #: `expression` is the dotted name of a module, as an import statement has it.
    module: bool = False


def place_at(before: str, state: State = START) -> Place | None:
    """The place at the end of `before`, a line that began in `state`."""
    code = masked(before, state)
    found = _WORD.search(code)
    start = found.start() if found is not None else len(code)
    word = before[start:]
    imported = _FROM.match(code[:start])
    if imported is not None:
        return Place("attribute", word, imported["module"], module=True)
    if code[start - 1 : start] == ".":
        imported = _IMPORT.match(code[: start - 1])
        if imported is not None:
            return Place("attribute", word, imported["module"], module=True) if imported["module"] else None
        first = primary_start(code, start - 1)
        return Place("attribute", word, before[first : start - 1]) if first is not None else None
    if not word:
        return _key(before, code)
    if _CHARACTER.match(code[start - 1 : start]) or _MAKES.search(code[:start]):
        return None
    return Place("name", word)


def _key(before: str, code: str) -> Place | None:
    """Inside the string of `d["`."""
    opened = len(code.rstrip(STRING))
    text = before[opened:]
    if text[:1] not in ("'", '"') or text[0] in text[1:] or "\\" in text or code[opened - 1 : opened] != "[":
        return None
    first = primary_start(code, opened - 1)
    return Place("key", text[1:], before[first : opened - 1]) if first is not None else None


def primary_start(code: str, end: int) -> int | None:
    """Where the expression begins that an attribute or an index at `end` belongs to; `code` is masked."""
    at = end
    while at > 0:
        character = code[at - 1]
        if character in _OPENERS:
            opened = _opener(code, at - 1)
            if opened is None:
                return None
            at = opened
            before = code[at - 1 : at]
            if character == "}" or not (before and (before in _OPENERS or _CHARACTER.match(before))):
                return at
        elif character == STRING:
            return len(code[:at].rstrip(STRING))
        else:
            found = _WORD.search(code[:at])
            if found is None or keyword.iskeyword(found[0]):
                return None
            at = found.start()
            if code[at - 1 : at] != ".":
                return at
            at -= 1
    return None


def _opener(code: str, at: int) -> int | None:
    """Where the bracket that closes at `at` opens."""
    waiting = [code[at]]
    for place in range(at - 1, -1, -1):
        character = code[place]
        if character in _OPENERS:
            waiting.append(character)
        elif character in "([{":
            if _OPENERS[waiting.pop()] != character:
                return None
            if not waiting:
                return place
    return None


def expression_at(line: str, column: int, state: State = START) -> tuple[str, int] | None:
    """The dotted name under the cursor, else the one whose call the cursor is in, and where it ends."""
    code = masked(line, state)
    end = column
    while end < len(code) and _CHARACTER.match(code[end]):
        end += 1
    if _WORD.search(code[:end]) is not None and (start := primary_start(code, end)) is not None:
        return line[start:end], end
    return _called(line, code, column)


def _called(line: str, code: str, column: int) -> tuple[str, int] | None:
    depth = 0
    for at in range(min(column, len(code)) - 1, -1, -1):
        if code[at] in _OPENERS:
            depth += 1
        elif code[at] in "([{":
            if depth == 0 and code[at] == "(" and (start := primary_start(code, at)) is not None:
                return line[start:at], at
            depth = max(0, depth - 1)
    return None
