"""Indenting, dedenting and commenting whole lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Cells of one level.
WIDTH = 4
_SPACE = " \t"
_COMMENT = re.compile(r"([ \t]*)# ?")


def indent(lines: Sequence[str]) -> list[str]:
    """Each line that has text, one level deeper."""
    return [" " * WIDTH + line if line.strip(_SPACE) else line for line in lines]


def dedent(lines: Sequence[str]) -> list[str]:
    """Each line up to one level less deep."""
    return [_dedent(line) for line in lines]


def _dedent(line: str) -> str:
    if line.startswith("\t"):
        return line[1:]
    spaces = len(line) - len(line.lstrip(" "))
    return line[min(spaces, WIDTH) :]


def toggle_comment(lines: Sequence[str]) -> list[str]:
    """Comment the lines, all in one column; where every one is a comment already, take the signs away."""
    written = [line for line in lines if line.strip(_SPACE)]
    if all(_COMMENT.match(line) for line in written):
        return [_COMMENT.sub(r"\1", line, count=1) for line in lines]
    spaces = [line[: len(line) - len(line.lstrip(_SPACE))] for line in written]
    first, last = min(spaces), max(spaces)
    column = next((at for at, sign in enumerate(first) if last[at] != sign), len(first))
    return [f"{line[:column]}# {line[column:]}" if line.strip(_SPACE) else line for line in lines]


def stop_before(before: str) -> int:
    """The column that Backspace goes to after `before`: the indent stop, where nothing else stands there."""
    column = len(before)
    if column and not before.strip(" "):
        return (column - 1) // WIDTH * WIDTH
    return max(0, column - 1)


def deepened(before: str) -> str:
    """The indentation of a line that begins after `before`."""
    indentation = before[: len(before) - len(before.lstrip(_SPACE))]
    return indentation + " " * WIDTH if before.rstrip().endswith(":") else indentation
