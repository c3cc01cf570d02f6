"""Writing graphs to files, and drawing them with Graphviz where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tutor.facts import GraphOutline, NodeFacts, Snapshot
from tutor.translation import later, say, translated
from tutor.view.graph_dot import dot, plain

#: What a graph can be written as, with the ending of such files.
FORMATS = {"dot": ".dot", "text": ".txt", "svg": ".svg"}
#: Seconds that Graphviz may take.
PATIENCE = 60
#: Nodes beyond which Graphviz would take longer than anybody waits.
MOST_DRAWN = 3_000
INSTALL = later("install Graphviz (graphviz.org), or export as DOT or text")


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
        raise ExportError(
            say(
                "SVG needs Graphviz, whose program `dot` is not on the PATH: {advice}.",
                advice=translated(INSTALL),
            )
        )
    if nodes > MOST_DRAWN:
        raise ExportError(
            say("Graphviz cannot lay out {nodes:,} nodes in time: export as DOT or text.", nodes=nodes)
        )
    try:
        done = subprocess.run(
            [program, "-Tsvg"], input=source, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise ExportError(
            say("Graphviz took longer than {seconds} s: export as DOT or text.", seconds=PATIENCE)
        ) from None
    except OSError as error:
        reason, advice = error.strerror or str(error), translated(INSTALL)
        raise ExportError(
            say("Graphviz could not be started ({reason}): {advice}.", reason=reason, advice=advice)
        ) from None
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().split("\n")[0][:200]
        reason = said or str(done.returncode)
        raise ExportError(say("Graphviz refused the graph ({reason}): export as DOT or text.", reason=reason))
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
        raise ExportError(say("{path}: {reason}: choose another file.", path=path, reason=reason)) from None
