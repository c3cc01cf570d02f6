"""Python colouring one line at a time, so that an edit costs one line and not the document."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pygments.lexer import ExtendedRegexLexer, LexerContext
from pygments.lexers.python import PythonLexer
from pygments.token import Token as AnyToken
from rich.style import Style
from rich.text import Text

from tutor.view.palette import Palette

#: A pygments token type (its `_TokenType` is private).
Token = Any
#: Start and end column (characters, half open) and token.
Span = tuple[int, int, Token]
#: What a line starts inside of (an open triple quote, an f-string field, …): pygments' stack of states.
State = tuple[str, ...]
START: State = ("root",)

#: Longer lines are data, not code that somebody reads: they stay plain.
LONGEST = 2_000
#: Unclosed f-string fields deepen the state; beyond this the text is not Python.
DEEPEST = 40


class _LineLexer(ExtendedRegexLexer, PythonLexer):
    """PythonLexer whose stack of states can be put in before a line and taken out after it."""


_LEXER = _LineLexer()


@lru_cache(maxsize=16_384)
def lex_line(line: str, state: State = START) -> tuple[tuple[Span, ...], State]:
    """Spans of one line (no newline in it) that starts in `state`, and the state after it. Cached."""
    if len(line) > LONGEST:
        return (), state
    context = LexerContext(line + "\n", 0, stack=list(state))
    tokens = _LEXER.get_tokens_unprocessed(context=context)
    spans = tuple(
        (start, min(start + len(text), len(line)), token)
        for start, token, text in tokens
        if text and start < len(line)
    )
    after = tuple(context.stack)
    return spans, after if len(after) <= DEEPEST else START


@lru_cache(maxsize=2_048)
def style_for(token: Token, palette: Palette) -> Style | None:
    """The style of a token, or None where the plain foreground serves."""
    styles = _styles(palette)
    while token is not None:
        if token in styles:
            return styles[token]
        token = token.parent
    return None


@lru_cache(maxsize=8)
def _styles(palette: Palette) -> dict[Token, Style | None]:
    quiet = Style.parse(palette.label)
    keyword, number = Style.parse(palette.keyword), Style.parse(palette.number)
    function = Style.parse(palette.function)
    return {
        AnyToken.Comment: Style.parse(f"italic {palette.muted}"),
        AnyToken.Keyword: keyword,
        AnyToken.Keyword.Constant: number,
        AnyToken.Literal.Number: number,
        AnyToken.Literal.String: Style.parse(palette.string),
        AnyToken.Name.Function: function,
        AnyToken.Name.Builtin: function,
        AnyToken.Name.Builtin.Pseudo: None,
        AnyToken.Name.Class: function,
        AnyToken.Name.Decorator: function,
        AnyToken.Operator: quiet,
        AnyToken.Operator.Word: keyword,
        AnyToken.Punctuation: quiet,
        AnyToken.Error: Style.parse(palette.error),
    }


def highlight(source: str, palette: Palette) -> list[Text]:
    """The lines of `source`, coloured; unsafe characters are the caller's to clean."""
    lines = []
    state = START
    for line in source.split("\n"):
        spans, state = lex_line(line, state)
        text = Text(line, style=palette.foreground, end="")
        for start, end, token in spans:
            style = style_for(token, palette)
            if style is not None:
                text.stylize(style, start, end)
        lines.append(text)
    return lines
