"""Steps of real code: executed here, described by the kernel's own snapshots."""

import ast

from tutor.facts import ErrorFacts, Run, Snapshot, Step, apply
from tutor.kernel.namespace import Snapshots


def run_code(source: str) -> Run:
    """Run `source` statement by statement until one fails."""
    namespace: dict[str, object] = {}
    snapshots = Snapshots(namespace, frozenset(["__builtins__"]))
    state = Snapshot()
    steps: list[Step] = []
    for index, node in enumerate(ast.parse(source).body):
        error = None
        try:
            exec(compile(ast.Module([node], []), "live.py", "exec"), namespace)
        except Exception as problem:
            error = ErrorFacts(type(problem).__name__, str(problem), node.end_lineno or 1)
        delta = snapshots.take({name.id for name in ast.walk(node) if isinstance(name, ast.Name)})
        state = apply(state, delta)
        span = (index, node.lineno, node.end_lineno or node.lineno)
        text = ast.get_source_segment(source, node) or ""
        steps.append(Step(*span, text, "", 0, None, (), state, delta.changes, error, 0.001))
        if error is not None:
            break
    return Run(source=source, filename="live.py", steps=tuple(steps), error=error, elapsed=0.01)
