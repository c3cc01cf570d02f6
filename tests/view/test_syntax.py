"""Line-by-line colouring agrees with pygments over the whole document."""

import argparse
import ast
import asyncio.base_events
import contextlib
import inspect
import textwrap
from types import ModuleType

import hypothesis.strategies as st
import pytest
import rich.text
from hypothesis import given
from pygments.lexers.python import PythonLexer
from pygments.token import Token

from tutor.view.palette import INK, PALETTES
from tutor.view.syntax import START, highlight, lex_line, style_for


def whole(source: str) -> list[object]:
    """The style of every character but newlines, from one pass over the document."""
    styles = []
    for _, token, text in PythonLexer().get_tokens_unprocessed(source):
        styles += [style_for(token, INK)] * (len(text) - text.count("\n"))
    return styles


def by_line(source: str) -> list[object]:
    styles = []
    state = START
    for line in source.split("\n"):
        spans, state = lex_line(line, state)
        assert "".join(line[start:end] for start, end, _ in spans) == line
        for start, end, token in spans:
            styles += [style_for(token, INK)] * (end - start)
    return styles


REAL = [argparse, ast, asyncio.base_events, contextlib, inspect, textwrap, rich.text]


@pytest.mark.parametrize("module", REAL, ids=lambda module: module.__name__)
def test_real_source_is_coloured_as_by_the_whole_document(module: ModuleType) -> None:
    source = inspect.getsource(module)
    assert by_line(source) == whole(source)


@pytest.mark.parametrize(
    "source",
    [
        'x = """one\n"two" \'three\'\n"""  # not "open\ny = 1',
        "x = '''one\n\"\"\" still\n''' + \"'\"\nz",
        'f"{a}" + rb"\\d" + f"""{\nx["k"]!r:>{w}}\n""" + "end"',
        '# it\'s a """ comment\nx = 1',
        's = "an escaped \\" quote # no comment"  # comment',
        "s = 'never closed\nx = 1",
        'x = """escaped \\""" still open\n"""\ny = None',
        "x = 1 + \\\n  2  # three",
        "@decorator\nclass A(B):\n    async def f(self): ...",
        "이름 = '값'  # 주석",
    ],
)
def test_quotes_comments_and_fields(source: str) -> None:
    assert by_line(source) == whole(source)


def test_an_open_triple_quote_reaches_the_next_line_and_no_further() -> None:
    _, state = lex_line('x = f"""{1 + ')
    assert state != START
    spans, state = lex_line('2} text""" + y', state)
    tokens = {line: token for start, end, token in spans for line in ['2} text""" + y'[start:end]]}
    assert tokens[" text"] in Token.Literal.String
    assert tokens["2"] in Token.Literal.Number
    assert state == START


@given(st.lists(st.text(alphabet="abf{}()'\"\\#:= \t!r이", max_size=20), max_size=6))
def test_any_text_is_covered_without_gaps(lines: list[str]) -> None:
    by_line("\n".join(lines))


def test_a_line_too_long_to_read_stays_plain() -> None:
    assert lex_line("x = " + "1" * 5_000, START) == ((), START)


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
def test_highlight_keeps_the_text(palette) -> None:
    source = "def f(x):\n    return 'a' + 1"
    lines = highlight(source, palette)
    assert [line.plain for line in lines] == source.split("\n")
    assert len({str(span.style) for line in lines for span in line.spans}) >= 4
