"""A graph as text that leaves torchtutor: the DOT language of Graphviz, and plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tutor.facts import GraphOutline, NodeFacts, Snapshot
from tutor.translation import say
from tutor.view.graph_rows import Choices, What, rows
from tutor.view.graph_shape import GraphShape
from tutor.view.palette import INK
from tutor.view.tree import FREED, OVERWRITTEN, Painter, cut_words, saved_words
from tutor.view.words import clean, line_word, shape_word

#: Cells of a line of plain text: nothing is cut off but what is absurd.
WIDEST = 1_000


def dot(outline: GraphOutline, details: Mapping[int, NodeFacts], title: str = "") -> str:
    """The graph in DOT. Edges run as gradients do, from the root to the leaves.

    Names of the learner's are data: whatever is in them, it stays inside its quotation marks.
    """
    return "\n".join(_dot(outline, details, title)) + "\n"


def _dot(outline: GraphOutline, details: Mapping[int, NodeFacts], title: str) -> Iterator[str]:
    yield f"digraph {_quoted(title or 'graph')} {{"
    yield f"  graph [label={_quoted(title)}, labelloc=t, fontname={_quoted('sans-serif')}];"
    yield '  node [shape=box, style="rounded,filled", fillcolor="#f3f1ec", color="#94948f",'
    yield '        fontname="monospace", fontsize=10];'
    yield '  edge [color="#6d6f73", arrowsize=0.7];'
    freed, overwritten = set(outline.freed), set(outline.overwritten)
    for at, number in enumerate(outline.numbers):
        words = list(_words(outline, at, details.get(number)))
        look = ""
        if at in overwritten:
            words.append(say(OVERWRITTEN))
            look = ', fillcolor="#f7d7d3", color="#b3261e"'
        elif at in freed:
            words.append(say(FREED))
            look = ', fillcolor="#ffffff", style="rounded,dashed"'
        elif at in outline.variables or outline.name(at) == "AccumulateGrad":
            look = ', fillcolor="#d9e6f7", color="#1f63c4"'
        elif at in outline.tensors:
            look = ', fillcolor="#d8efe6", color="#0b7a62"'
        yield f"  n{number} [label={_quoted(*words)}{look}];"
    for at, followers in enumerate(outline.followers):
        for to in followers:
            yield f"  n{outline.numbers[at]} -> n{outline.numbers[to]};"
    if outline.truncated:
        yield f'  cut [shape=plaintext, style="", label={_quoted(cut_words(outline))}];'
    yield "}"


def _words(outline: GraphOutline, at: int, node: NodeFacts | None) -> Iterator[str]:
    yield clean(outline.name(at))
    names = [name for name in (outline.variables.get(at), *outline.tensors.get(at, ())) if name]
    if names:
        yield clean(", ".join(names))
    if node is not None:
        if node.outputs and node.outputs[0]:
            yield shape_word(node.outputs[0])
        yield from saved_words(node)
        if node.origin is not None:
            yield clean(f"{line_word(node.origin)}: {node.origin.expression}")
    yield from map(clean, outline.hooks.get(at, ()))


def _quoted(*lines: str) -> str:
    """Lines as one quoted string of DOT: only `"` and `\\` have a meaning inside."""
    escaped = (clean(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def plain(outline: GraphOutline, details: Mapping[int, NodeFacts], snapshot: Snapshot) -> str:
    """The drawing of the inspector with nothing folded away, as text."""
    shape = GraphShape(outline)
    painter = Painter(shape, dict(details), snapshot, INK, WIDEST)
    every = Choices(opened=frozenset(outline.numbers))
    lines = [painter.line(row).plain.rstrip() for row in rows(shape, every) if row.what is not What.FOLD]
    if outline.truncated:
        lines.append(cut_words(outline))
    return "\n".join(lines) + "\n"
