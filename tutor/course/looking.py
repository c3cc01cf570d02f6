"""Whether what was entered beside an exercise is a part of the answer, or only looked at something."""

from __future__ import annotations

import ast

from msgspec import UNSET

from tutor.course.claims import Item
from tutor.course.schema import Graded
from tutor.facts import Run
from tutor.facts import Step as RunStep

#: Calls that do something though nothing is seen of it in the namespace.
_DOING = frozenset(
    {"add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"}
    | {"reverse", "setdefault", "sort", "update", "train", "eval", "step", "backward"}
)
#: Calls that give None and do nothing but print.
_PRINTING = frozenset({"print", "help"})


def counts(run: Run, step: Graded) -> bool:
    """Whether what was entered, and ran, belongs to the answer of `step`."""
    if run.cut_short or not run.steps:
        return False
    if not run.ok and not any(_asks(item, "raises") for item in step.checks):
        return False
    prints = any(_asks(item, "stdout") for item in step.checks)
    return not all(only_looked(each, prints_count=prints) for each in run.steps)


def only_looked(step: RunStep, *, prints_count: bool = False) -> bool:
    """Whether a statement is an expression that changed nothing, and that is there to be seen."""
    if step.changes or step.backwards or step.updates or step.error is not None:
        return False
    if prints_count and step.stdout:
        return False
    try:
        body = ast.parse(step.source.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        return False
    nodes = list(ast.walk(body[0]))
    names = [_called(node.func) for node in nodes if isinstance(node, ast.Call)]
    if any(isinstance(node, ast.NamedExpr | ast.Await) for node in nodes):
        return False
    if any(name in _DOING or name.endswith("_") or "seed" in name for name in names):
        return False
    return step.result is not None or not names or names[0] in _PRINTING


def _called(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _asks(item: Item, fact: str) -> bool:
    return getattr(item, fact) is not UNSET or any(_asks(part, fact) for part in item.parts())
