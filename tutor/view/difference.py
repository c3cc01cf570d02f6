"""Two pieces of code side by side, as lines: what one has and the other has not."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from rich.text import Text

from tutor.translation import say
from tutor.view.palette import Palette
from tutor.view.syntax import highlight


def compare(yours: str, other: str) -> list[tuple[str, str]]:
    """Sign and line: `-` is only yours, `+` only the other's. Blank lines and spaces at ends do not count."""
    mine, theirs = _lines(yours), _lines(other)
    matcher = difflib.SequenceMatcher(None, mine, theirs, autojunk=False)
    rows: list[tuple[str, str]] = []
    for tag, start, end, from_, to in matcher.get_opcodes():
        if tag == "equal":
            rows += [(" ", line) for line in mine[start:end]]
        else:
            rows += [("-", line) for line in mine[start:end]]
            rows += [("+", line) for line in theirs[from_:to]]
    return rows


def is_same(rows: list[tuple[str, str]]) -> bool:
    """Whether there is no difference."""
    return all(sign == " " for sign, _ in rows)


def difference_lines(yours: str, solution: str, palette: Palette) -> Iterator[Text]:
    """The comparison in colour; the signs tell it without."""
    rows = compare(yours, solution)
    if is_same(rows):
        yield Text(say("Your code is the solution, line by line."), palette.foreground)
        return
    yield Text(say("- only in yours   + only in the solution"), palette.muted)
    colors = {"-": palette.warning, "+": palette.success, " ": palette.muted}
    for sign, line in rows:
        code = highlight(line, palette)[0] if sign != " " else Text(line, palette.muted)
        yield Text.assemble((f"{sign} ", colors[sign]), code)


def _lines(code: str) -> list[str]:
    return [line.rstrip() for line in code.split("\n") if line.strip()]
