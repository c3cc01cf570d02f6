"""How the rows of the page are shared out between prose, code and output."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wants:
    """`rows` are there for the three of them; the others would show everything of each.

    `output` counts only what must be seen together: an error with its explanation and fix."""

    rows: int
    prose: int
    code: int
    output: int = 0
    #: A question is open, which needs the lesson's text more than the output.
    choosing: bool = False
    #: The output has the focus.
    reading: bool = False


@dataclass(frozen=True, slots=True)
class Shares:
    """Rows at most; the code has what is left."""

    prose: int
    output: int


def share(wants: Wants) -> Shares:
    """The prose gets what code and output do not need; only an error takes rows from it again.

    It does not depend on how much was printed, so that the page does not jump with each run."""
    rows = max(4, wants.rows)
    least_code = 3 if rows < 16 else 4
    code = min(max(wants.code, least_code), rows // 2)
    output = 2 if rows < 12 else max(3, rows // 5)
    if wants.choosing:
        output = 2
    floor = max(3, rows // 4)
    if wants.output > output:
        output = min(wants.output, max(output, rows // 2 - 1))
    prose = min(wants.prose, max(floor, rows - code - output), rows - least_code - 1)
    room = rows - prose
    if wants.reading and rows < 20:
        return Shares(prose, max(1, room - least_code))
    # On a page without a text the output has all that the code does not need.
    most = max(rows * 2 // 5, output) if prose else rows
    return Shares(prose, max(1, min(most, max(room - code, min(output, room - least_code)))))
