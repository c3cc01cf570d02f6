"""Lines to be put in order. An arrangement is Python text in which a line that is left out is a comment."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from tutor.translation import say

_SIGN = re.compile(r"(\s*)# ?")


def rows(text: str) -> list[str]:
    """The lines of a text that have something on them, as they stand."""
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def is_left_out(line: str) -> bool:
    """Whether a line of an arrangement is not to run."""
    return _SIGN.match(line) is not None


def toggled(line: str) -> str:
    """The line left out, or taken in again; its indentation stays."""
    if is_left_out(line):
        return _SIGN.sub(r"\1", line, count=1)
    text = line.lstrip()
    return f"{line[: len(line) - len(text)]}# {text}"


def taken(text: str) -> list[str]:
    """The lines of an arrangement that run."""
    return [line for line in rows(text) if not is_left_out(line)]


def pool(solution: str, distractors: Sequence[str]) -> list[str]:
    """The lines that there are: those of the solution, then those that do not belong."""
    return rows(solution) + [line.rstrip() for line in distractors]


def shuffled(lines: Sequence[str], salt: str, avoid: Sequence[Sequence[str]]) -> list[str]:
    """The lines in an order that is the same for everybody, and none of those to avoid where that can be."""
    order: list[str] = []
    for turn in range(20):
        keys = [hashlib.sha256(f"{salt}/{turn}/{n}/{line}".encode()).digest() for n, line in enumerate(lines)]
        order = [line for _, line in sorted(zip(keys, lines, strict=True))]
        if order not in [list(each) for each in avoid]:
            break
    return order


def with_rest(text: str, lines: Sequence[str]) -> str:
    """An answer as an arrangement of all lines: those that it does not use are left out at its end."""
    spare = Counter(lines) - Counter(taken(text))
    return "\n".join([*taken(text), *map(toggled, spare.elements())])


def fits(text: str, lines: Sequence[str]) -> bool:
    """Whether a text is an arrangement of just these lines."""
    return Counter(toggled(row) if is_left_out(row) else row for row in rows(text)) == Counter(lines)


def strangers(text: str, lines: Sequence[str]) -> list[str]:
    """Lines of an answer that are not there to be used, or not as often."""
    return list((Counter(taken(text)) - Counter(lines)).elements())


class OrderError(ValueError):
    """What was typed is no order of the lines; the message is a sentence that says why."""


def ordered(lines: Sequence[str], typed: str) -> str:
    """The arrangement that numbers say: `3 1 2` takes these lines in this order and leaves out the others."""
    numbers = typed.replace(",", " ").split()
    if not all(each.isascii() and each.isdecimal() and 0 < int(each) <= len(lines) for each in numbers):
        raise OrderError(
            say("Type the numbers of the lines in their order, each from 1 to {count}.", count=len(lines))
        )
    chosen = [int(each) for each in numbers]
    twice = next((number for number, count in Counter(chosen).items() if count > 1), None)
    if twice is not None:
        raise OrderError(say("Line {line} can be used only once.", line=twice))
    if not chosen:
        raise OrderError(say("Type the numbers of the lines in their order, for example: 2 1 3."))
    code = [toggled(line) if is_left_out(line) else line for line in lines]
    rest = [toggled(line) for n, line in enumerate(code, 1) if n not in chosen]
    return "\n".join([*(code[n - 1] for n in chosen), *rest])
