"""Pieces of source on one line."""

from __future__ import annotations

import io
import tokenize

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

#: Characters of one piece; what is longer loses its middle.
LONGEST = 400
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]},.:")
_SKIPPED = frozenset({tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT})


def one_line(text: str) -> str:
    """The text as it is; over several lines, without line breaks and comments; never too long."""
    if "\n" in text:
        text = _joined(text)
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}…{text[-half:]}"


def _joined(text: str) -> str:
    try:
        # In brackets line breaks mean nothing, wherever the piece was cut from.
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({text}\n)").readline))
    except (tokenize.TokenError, SyntaxError):
        return " ".join(text.split())
    kept = [token for token in tokens if token.type not in _SKIPPED and token.type != tokenize.ENDMARKER]
    parts: list[str] = []
    before = None
    for token in kept[1:-1]:
        if before is not None and _apart(before, token):
            parts.append(" ")
        parts.append(" ".join(token.string.split("\n")) if token.type != tokenize.STRING else token.string)
        before = token
    return "".join(parts).replace("\n", " ")


def _apart(before: tokenize.TokenInfo, token: tokenize.TokenInfo) -> bool:
    if before.end[0] == token.start[0]:
        return token.start[1] > before.end[1]
    return before.string not in _OPENING and token.string not in _CLOSING and before.string != "."
