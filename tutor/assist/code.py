"""A line of code with its strings and comments masked, so that only code is looked at."""

from __future__ import annotations

from functools import lru_cache

from pygments.token import Comment, String

from tutor.view.syntax import START, State, lex_line

STRING, COMMENT = "\x01", "\x02"


@lru_cache(maxsize=16_384)
def masked(line: str, state: State = START) -> str:
    """`line`, as long as it is, with STRING and COMMENT in place of what stands in strings and comments."""
    characters = list(line)
    for start, end, token in lex_line(line, state)[0]:
        if token in String:
            characters[start:end] = STRING * (end - start)
        elif token in Comment:
            characters[start:end] = COMMENT * (end - start)
    return "".join(characters)


def state_after(lines: list[str]) -> State:
    """What the line after `lines` begins inside of."""
    state = START
    for line in lines:
        state = lex_line(line, state)[1]
    return state
