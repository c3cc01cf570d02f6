"""Writing graphs to files, and drawing them with Graphviz where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tutor.facts import GraphOutline, NodeFacts, Snapshot
from tutor.view.graph_dot import dot, plain

#: What a graph can be written as, with the ending of such files.
FORMATS = {"dot": ".dot", "text": ".txt", "svg": ".svg"}
#: Seconds that Graphviz may take.
PATIENCE = 60
#: Nodes beyond which Graphviz would take longer than anybody waits.
MOST_DRAWN = 3_000
INSTALL = "install Graphviz (graphviz.org), or export as DOT or text"


class ExportError(Exception):
    """A graph could not be written; the text is one sentence for people."""


def written_as(
    kind: str, outline: GraphOutline, details: Mapping[int, NodeFacts], snapshot: Snapshot, title: str
) -> bytes:
    """The graph as a file of this kind would hold it. ExportError where Graphviz is missing or refuses."""
    if kind == "text":
        return plain(outline, details, snapshot).encode()
    source = dot(outline, details, title).encode()
    return source if kind == "dot" else _drawn(source, len(outline.kind))


def _drawn(source: bytes, nodes: int) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise ExportError(f"SVG needs Graphviz, whose program `dot` is not on the PATH: {INSTALL}.")
    if nodes > MOST_DRAWN:
        raise ExportError(f"Graphviz cannot lay out {nodes:,} nodes in time: export as DOT or text.")
    try:
        done = subprocess.run(
            [program, "-Tsvg"], input=source, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise ExportError(f"Graphviz took longer than {PATIENCE} s: export as DOT or text.") from None
    except OSError as error:
        raise ExportError(f"Graphviz could not be started ({error.strerror or error}): {INSTALL}.") from None
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().split("\n")[0][:200]
        raise ExportError(f"Graphviz refused the graph ({said or done.returncode}): export as DOT or text.")
    return done.stdout


def write(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write a file. FileExistsError where there is one already, ExportError where it cannot be written."""
    try:
        with path.open("wb" if overwrite else "xb") as file:
            file.write(data)
    except FileExistsError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ExportError(f"{path}: {reason}: choose another file.") from None
