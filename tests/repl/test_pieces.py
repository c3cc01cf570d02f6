"""Lines become pieces that mean what the whole text means."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tutor.repl.out import PROSE, Out
from tutor.repl.pieces import Gatherer, Piece, crowded, extent, has_several_lines, is_finished, next_indent

STATEMENTS = (
    "x = 1",
    "for i in range(2):\n    print(i)\n\n    print(i)",
    "for i in x:\n    pass\nelse:\n    y = 1",
    "if a:\n    b\nelif c:\n    d\nelse:\n    e",
    "try:\n    a\nexcept ValueError:\n    b\nfinally:\n    c",
    "@decorator\ndef f(x):\n    # why\n    return x\n",
    "s = '''\nfirst\n:not a command\n    x\n'''",
    "y = f(\n    1,\n2,\n)",
    "z = 1 + \\\n2",
    "class A:\n\n    def f(self):\n        return 1\n\n    x = 2",
    "async def g():\n    await h()",
    "await g()",
    "if x: y = 1",
    "a = 1; b = 2",
    "match x:\n    case 1:\n        y\n    case _:\n        z",
    "# only a comment",
    "",
)


def gather(text: str, *, script: bool) -> list[Piece]:
    gatherer = Gatherer(script=script)
    pieces = [piece for line in text.split("\n") for piece in gatherer.add(line)]
    return [*pieces, *gatherer.end()]


@given(st.lists(st.sampled_from(STATEMENTS), max_size=8))
def test_a_script_is_cut_between_statements_and_keeps_their_lines(parts):
    text = "\n".join(parts)
    pieces = gather(text, script=True)
    whole = ast.parse(text).body
    found = [
        (ast.dump(node), node.lineno + piece.line - 1)
        for piece in pieces
        for node in ast.parse(piece.text).body
    ]
    assert found == [(ast.dump(node), node.lineno) for node in whole]


def test_a_simple_statement_of_a_script_does_not_wait_for_the_next():
    gatherer = Gatherer(script=True)
    assert [piece.text for piece in gatherer.add("x = 1")] == ["x = 1"]
    assert not list(gatherer.add("if x:"))
    assert not list(gatherer.add("    y = 1"))
    assert [piece.text for piece in gatherer.add(":table")] == ["if x:\n    y = 1", ":table"]


def test_a_wrong_block_of_a_script_stays_in_one_piece():
    pieces = gather("def f():\n    x = = 1\n    y = 2\nz = 3", script=True)
    assert [piece.text for piece in pieces] == ["def f():\n    x = = 1\n    y = 2", "z = 3"]


def test_typed_blocks_end_at_an_empty_line():
    assert [p.text for p in gather("for i in x:\n    print(i)\n\nx = 1", script=False)] == [
        "for i in x:\n    print(i)",
        "x = 1",
    ]


@pytest.mark.parametrize(
    ("source", "finished"),
    [
        ("x = 1", True),
        ("x = (", False),
        ("'''abc", False),
        ("x = \\", False),
        ("if x:", False),
        ("if x:\n    y", False),
        ("if x:\n    y\n    ", True),
        ("if x: y", False),
        ("@d", False),
        ("@d\ndef f(): pass\n", True),
        ("a = 1\nb = 2", True),
        ("x = = 1", True),
        ("x = 'abc", True),
        ("await f()", True),
        ("", True),
        (":help", True),
        ("'\\d'", True),
    ],
)
def test_enter_runs_what_is_whole(source, finished):
    assert is_finished(source) is finished


def test_deep_nesting_and_null_bytes_are_wrong_and_not_fatal():
    assert extent("(" * 100_000 + ")" * 100_000) == "wrong"
    assert extent("x = 1\0") == "wrong"


@pytest.mark.parametrize(
    ("line", "indent"),
    [
        ("x = 1", ""),
        ("for i in x:  # each", "    "),
        ("    if y:", "        "),
        ("        return y", "    "),
        ("    pass", ""),
        ("    passed = 1", "    "),
        ("break", ""),
    ],
)
def test_the_next_line_is_indented_as_python_wants_it(line, indent):
    assert next_indent(line) == indent


def test_statements_that_share_a_line_are_crowded():
    assert crowded("a = 1; b = 2\nc = 3") == {0, 1}
    assert crowded('x = """\n"""; y = 1; z = 2') == {0, 1, 2}
    assert crowded("a = 1\nb = 2") == crowded("a = = 1") == frozenset()


def test_one_line_with_several_statements_needs_no_echo():
    assert not has_several_lines("a = 1; b = 2")
    assert not has_several_lines("if a:\n    b")
    assert has_several_lines("a = 1\nb = 2")


def test_what_explains_a_word_is_broken_between_words_and_stays_in_its_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = "짧은 낱말 여럿으로 된 긴 설명 " * 6
    Out(colour=False).entry("  :word    ", words)
    first, *others = capsys.readouterr().out.rstrip("\n").split("\n")
    assert first.startswith("  :word    짧은")
    assert others
    assert all(line.startswith(" " * 11) and line[11] != " " for line in others)
    assert all(cell_len(line) <= PROSE for line in (first, *others))
    assert " ".join([first[11:], *(line.strip() for line in others)]) == words.strip()
