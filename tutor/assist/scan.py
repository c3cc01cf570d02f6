"""Names in code that may not be finished: what it mentions, imports and assigns."""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from tutor.assist.code import COMMENT, masked
from tutor.view.syntax import START, State, lex_line

_NAME = re.compile(r"(?P<dot>\.\s*)?(?P<name>[^\W\d]\w*)")
_ASSIGNED = re.compile(r"\s*(?P<name>[^\W\d]\w*)\s*=(?!=)\s*(?P<value>\S.*)")
#: Longer right-hand sides are data.
_LONGEST_VALUE = 300


@dataclass(frozen=True, slots=True)
class Scan:
    """What a text says about names. `imports` leads to dotted names, `values` to expressions."""

    names: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    imports: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def about(self, expression: str) -> tuple[dict[str, str], dict[str, str]]:
        """The imports and values that `expression` leads to."""
        imports: dict[str, str] = {}
        values: dict[str, str] = {}
        waiting = [expression]
        while waiting:
            for found in _NAME.finditer(waiting.pop()):
                name = found["name"]
                if name in self.values and name not in values:
                    values[name] = self.values[name]
                    waiting.append(self.values[name])
                if name in self.imports:
                    imports[name] = self.imports[name]
        return imports, values


@dataclass(frozen=True, slots=True)
class _Line:
    names: frozenset[str]
    attributes: frozenset[str]
    imports: tuple[tuple[str, str], ...]
    value: tuple[str, str] | None


def scan(lines: Iterable[str]) -> Scan:
    """All that `lines` say. Lines that were seen before cost nothing."""
    names: set[str] = set()
    attributes: set[str] = set()
    imports: dict[str, str] = {}
    values: dict[str, str] = {}
    state = START
    for line in lines:
        if line:
            found = _line(line, state)
            names |= found.names
            attributes |= found.attributes
            imports.update(found.imports)
            if found.value is not None:
                values[found.value[0]] = found.value[1]
            state = lex_line(line, state)[1]
    return Scan(frozenset(names), frozenset(attributes), imports, values)


@lru_cache(maxsize=16_384)
def _line(line: str, state: State) -> _Line:
    code = masked(line, state)
    names: set[str] = set()
    attributes: set[str] = set()
    for found in _NAME.finditer(code):
        if not keyword.iskeyword(found["name"]):
            (attributes if found["dot"] else names).add(found["name"])
    return _Line(frozenset(names), frozenset(attributes), _imports(code), _value(line, code))


def _imports(code: str) -> tuple[tuple[str, str], ...]:
    statement = code.strip()
    if not statement.startswith(("import ", "from ")):
        return ()
    node = _parse(statement)
    if isinstance(node, ast.Import):
        return tuple((a.asname or a.name.partition(".")[0], a.name if a.asname else a.name.partition(".")[0])
                     for a in node.names)  # fmt: skip
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return tuple((a.asname or a.name, f"{node.module}.{a.name}") for a in node.names if a.name != "*")
    return ()


def _value(line: str, code: str) -> tuple[str, str] | None:
    found = _ASSIGNED.match(code)
    if found is None:
        return None
    end = next((at for at in range(found.start("value"), len(code)) if code[at] in (";", COMMENT)), len(code))
    value = line[found.start("value") : end].strip()
    if len(value) > _LONGEST_VALUE or not isinstance(_parse(value), ast.Expr):
        return None
    return found["name"], value


def _parse(statement: str) -> ast.stmt | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(statement).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return body[0] if body else None
