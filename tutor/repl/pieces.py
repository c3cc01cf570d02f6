"""From lines to pieces of code that can run."""

from __future__ import annotations

import ast
import codeop
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

#: What marks a command; no Python statement begins so.
COMMAND = ":"

_compile = codeop.CommandCompiler()
_compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

_BLOCKS = (
    ast.AsyncFor, ast.AsyncFunctionDef, ast.AsyncWith, ast.ClassDef, ast.For, ast.FunctionDef,
    ast.If, ast.Match, ast.Try, ast.TryStar, ast.While, ast.With,
)  # fmt: skip
#: The first word of a line in the first column that goes on with the statement above it.
_GOES_ON = re.compile(r"(?:else|elif|except|finally)\b|[)\]}]")
_LEAVES = re.compile(r"\s*(?:return|pass|break|continue|raise)\b")


@dataclass(frozen=True)
class Piece:
    """Code to run at once, or a command; `line` is the number of its first line in what was read."""

    text: str
    line: int = 1

    @property
    def is_command(self) -> bool:
        return self.text.lstrip().startswith(COMMAND)


def extent(source: str) -> Literal["incomplete", "open", "complete", "wrong"]:
    """How far `source` goes; `open` can run, but ends in a block that more lines may go on with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if _compile(source, "<input>", "exec") is None:
                return "incomplete"
            body = ast.parse(source).body
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            return "wrong"
    return "open" if body and isinstance(body[-1], _BLOCKS) else "complete"


def is_finished(source: str) -> bool:
    """Whether Enter at the end of `source` runs it: a block needs an empty line, as in Python's own prompt,
    and what is wrong runs so that the kernel says what is wrong."""
    if source.lstrip().startswith(COMMAND):
        return True
    found = extent(source)
    if found == "open":
        return source.rpartition("\n")[2].strip() == ""
    return found != "incomplete"


def line_spans(source: str) -> list[tuple[int, int]]:
    """First and last line of each statement, 1-based; none where `source` is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            body = ast.parse(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
    return [(node.lineno, node.end_lineno or node.lineno) for node in body]


def has_several_lines(source: str) -> bool:
    """Whether there are several statements, not all on one line."""
    return "\n" in source and len(line_spans(source)) > 1


def crowded(source: str) -> frozenset[int]:
    """Indices of the statements that share a line with another."""
    pairs = enumerate(pairwise(line_spans(source)))
    return frozenset(at for index, (one, two) in pairs if two[0] <= one[1] for at in (index, index + 1))


def next_indent(line: str) -> str:
    """Indentation of the line after `line`: deeper after a colon, back after `return` and its like."""
    code = line.split("#", 1)[0].rstrip()
    indent = line[: len(line) - len(line.lstrip())]
    if code.endswith(":"):
        return indent + "    "
    return indent[:-4] if _LEAVES.match(line) else indent


class Gatherer:
    """Joins lines to pieces. With `script`, as a file is read: a block ends where the next statement
    begins; else as it is typed: a block ends at an empty line."""

    def __init__(self, *, script: bool) -> None:
        self._script = script
        self._lines: list[str] = []
        self._first = 1
        self._count = 0

    @property
    def waiting(self) -> bool:
        """Whether a piece has begun and not ended."""
        return bool(self._lines)

    def add(self, line: str) -> Iterator[Piece]:
        """Take one line, without its end; the pieces that are whole now."""
        if self._lines and self._ends_before(line):
            yield from self.end()
        self._count += 1
        if not self._lines:
            if not line.strip():
                return
            self._first = self._count
        self._lines.append(line)
        if self._ends_with(line):
            yield from self.end()

    def end(self) -> Iterator[Piece]:
        """What is left when no more lines come."""
        if self._lines:
            yield Piece("\n".join(self._lines).rstrip(), self._first if self._script else 1)
            self._lines.clear()

    def drop(self) -> None:
        """Forget what has begun."""
        self._lines.clear()

    def _ends_before(self, line: str) -> bool:
        if not self._script or not line.strip() or line[0] in " \t#" or _GOES_ON.match(line):
            return False
        return extent("\n".join(self._lines)) != "incomplete"

    def _ends_with(self, line: str) -> bool:
        source = "\n".join(self._lines)
        if not self._script:
            return is_finished(source)
        if len(self._lines) == 1 and source.startswith(COMMAND):
            return True
        # To look at each line inside a block or brackets would be slow; the next statement ends those.
        return line[:1] not in ("", " ", "\t", "#") and extent(source) == "complete"
