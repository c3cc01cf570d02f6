"""DOT is valid whatever the learner's names are; what is drawn is the graph."""

from __future__ import annotations

import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tutor.export import ExportError, write, written_as
from tutor.facts import GraphOutline, NodeFacts, Snapshot
from tutor.view.graph_dot import dot, plain

TOKEN = re.compile(r'\s+|"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|[0-9.]+|->|[{}\[\];,=]', re.DOTALL)
HOSTILE = st.text(
    st.one_of(st.sampled_from("\"\\\n\r\t\x00{}[];<>|&%#'`$𝕏가é\ud800\u202e"), st.characters()), max_size=12
)


def tokens(source: str) -> list[str]:
    """The words of DOT source, as its grammar has them; fails on anything else."""
    found, at = [], 0
    while at < len(source):
        match = TOKEN.match(source, at)
        assert match is not None, source[at : at + 40]
        at = match.end()
        if not match[0].isspace():
            found.append(match[0])
    return found


@st.composite
def outlines(draw: st.DrawFn) -> tuple[GraphOutline, dict[int, NodeFacts]]:
    count = draw(st.integers(1, 8))
    kinds = draw(st.lists(HOSTILE, min_size=1, max_size=3))
    below = [st.lists(st.integers(at + 1, count - 1), max_size=3) for at in range(count - 1)]
    followers = [*map(draw, below), []]
    some = st.integers(0, count - 1)
    outline = GraphOutline(
        kinds,
        draw(st.lists(st.integers(0, len(kinds) - 1), min_size=count, max_size=count)),
        [10 + at for at in range(count)],
        followers,
        draw(st.dictionaries(some, HOSTILE, max_size=3)),
        draw(st.dictionaries(some, st.tuples(HOSTILE), max_size=3)),
        draw(st.dictionaries(some, st.tuples(HOSTILE), max_size=2)),
        draw(st.lists(some, max_size=2, unique=True)),
        draw(st.lists(some, max_size=2, unique=True)),
        count + draw(st.integers(0, 2)),
    )
    saved = draw(st.dictionaries(HOSTILE, st.one_of(HOSTILE, st.integers()), max_size=2))
    return outline, {10: NodeFacts("n10", "x", saved=saved, outputs=((2, 3),))}


@given(outlines(), HOSTILE)
@settings(max_examples=300, deadline=None)
def test_whatever_the_names_are_the_structure_is_the_graphs(made, title):
    outline, details = made
    source = dot(outline, details, title)
    source.encode()
    words = tokens(source)
    depth = 0
    for word in words:
        depth += (word in "{[") - (word in "}]") if len(word) == 1 else 0
        assert depth >= 0
    assert depth == 0
    arrows = [(words[at - 1], words[at + 1]) for at, word in enumerate(words) if word == "->"]
    edges = [
        (f"n{10 + at}", f"n{10 + to}") for at, following in enumerate(outline.followers) for to in following
    ]
    assert sorted(arrows) == sorted(edges)
    statements = [
        word for at, word in enumerate(words[:-1]) if re.fullmatch(r"n\d+", word) and words[at + 1] == "["
    ]
    assert statements == [f"n{number}" for number in outline.numbers]


@given(outlines())
@settings(max_examples=100, deadline=None)
def test_text_has_a_line_for_every_node_that_is_reached(made):
    outline, details = made
    reached, pending = set(), [0]
    while pending:
        node = pending.pop()
        if node not in reached:
            reached.add(node)
            pending += outline.followers[node]
    spelled = structs.replace(outline, kinds=["K"] * len(outline.kinds), variables={}, tensors={}, hooks={})
    lines = plain(spelled, {}, Snapshot()).split("\n")[: -1 - outline.truncated]
    assert sum("↑" not in line and "↓" not in line for line in lines) == len(reached)
    assert "\x00" not in plain(outline, details, Snapshot())


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@given(outlines(), HOSTILE)
@settings(max_examples=25, deadline=None)
def test_graphviz_takes_it(made, title):
    outline, details = made
    source = dot(outline, details, title).encode()
    done = subprocess.run(["dot", "-Tcanon"], input=source, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


SMALL = GraphOutline(["MulBackward0", "AccumulateGrad"], [0, 1], [1, 2], [[1], []], {1: "w"}, total=2)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_svg_is_drawn_where_graphviz_is_installed():
    data = written_as("svg", SMALL, {}, Snapshot(), "backward from y")
    root = ET.fromstring(data)
    assert root.tag.endswith("svg")
    assert "MulBackward0" in "".join(root.itertext())


def test_without_graphviz_one_sentence_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExportError, match=r"SVG needs Graphviz.*install Graphviz.*or export as DOT or text"):
        written_as("svg", SMALL, {}, Snapshot(), "")


def test_a_graphviz_that_fails_is_one_sentence(monkeypatch, tmp_path):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho 'Error: no layout' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(ExportError, match=r"refused the graph .*no layout"):
        written_as("svg", SMALL, {}, Snapshot(), "")


def test_nothing_is_written_over_without_being_told(tmp_path):
    path = tmp_path / "graph.dot"
    write(path, b"one")
    with pytest.raises(FileExistsError):
        write(path, b"two")
    assert path.read_bytes() == b"one"
    write(path, b"two", overwrite=True)
    assert path.read_bytes() == b"two"
    with pytest.raises(ExportError, match="choose another file"):
        write(tmp_path / "no" / "such" / "folder.dot", b"")
    with pytest.raises(ExportError):
        write(tmp_path, b"", overwrite=True)
