"""Losses that are kept with the graph behind them, round after round."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.explain.engine import outcome
from tutor.explain.flow import one_line, swap
from tutor.explain.past import Past
from tutor.explain.reading import parse, path
from tutor.explain.wording import count_text, fill
from tutor.facts import Explanation, Snapshot, Step, TensorFacts

_HOW_ITEM = "Keep `.item()` of the loss, the number alone."
_TITLE = "`{name}` keeps the graph of every round"
_TEXT = """
{what}, and each loss brings its whole history along: every tensor that was computed on the way to it
stays in memory as long as `{name}` lives. backward has run already, so nobody needs the history any more,
and memory grows with every round. {how}
"""
_LIST = "`{name}` holds {count} that backward began from"
_SUM = "`{code}` ({at}) adds up losses that backward began from, so `{name}` has a history of {count}"
_HOW = "Keep the number alone: `{better}`."


@outcome
def kept_graphs(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when tensors from which backward passes of this statement began were gathered, two at least,
    in a container, or added up over the rounds under a name that still has a history."""
    roots = {node for one in step.backwards for node in one.root_nodes if node is not None}
    rounds = sum(one.hits for one in step.backwards if one.hit == 1)
    if rounds < 2:
        return None
    found = _in_container(step, roots) or _in_sum(step, roots, past, rounds)
    if found is None:
        return None
    name, what, node = found
    better, fix = _better(step, node)
    how = fill(_HOW, better=better) if better else _HOW_ITEM
    title = fill(_TITLE, name=name)
    return Explanation("kept-graphs", "warning", title, fill(_TEXT, name=name, what=what, how=how), fix, ())


def _in_container(step: Step, roots: set[int]) -> tuple[str, str, ast.expr | None] | None:
    held: dict[str, list[TensorFacts]] = {}
    for name, facts in step.snapshot.tensors.items():
        if facts.node in roots and name.endswith("]"):
            held.setdefault(name.rpartition("[")[0], []).append(facts)
    several = [name for name, some in held.items() if len({f.object for f in some}) > 1]
    if not several:
        return None
    name = several[0]
    beyond = step.snapshot.beyond.get(name, 0)
    known = sum(key.startswith(f"{name}[") for key in step.snapshot.tensors)
    what = fill(_LIST, name=name, count=count_text(known + beyond, "tensor"))
    node = next((n.args[0] for n in _calls(step, ("append",)) if _owner(n) == name and n.args), None)
    return name, what, node


def _in_sum(step: Step, roots: set[int], past: Past, rounds: int) -> tuple[str, str, ast.expr | None] | None:
    here = past.now(step)
    for op in step.operations:
        if op.name not in ("add", "add_") or not any(one.node in roots for one in op.ins):
            continue
        for name, facts in step.snapshot.tensors.items():
            made = facts.origin is not None and facts.origin.line == op.line and facts.node is not None
            if not made or facts.node in roots or facts.shape not in ((), (1,)):
                continue
            node = _added(step, name)
            if node is not None:
                losses = count_text(rounds, "round")
                what = fill(_SUM, code=op.expression, at=here.at_deed(op), name=name, count=losses)
                return name, what, node
    return None


def _added(step: Step, name: str) -> ast.expr | None:
    """What is added to a name in `name += it` or `name = name + it`."""
    for root in parse(step.source):
        for node in ast.walk(root):
            if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and path(node.target) == name:
                return node.value
            value = node.value if isinstance(node, ast.Assign) else None
            if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and path(value.left) == name:
                return value.right
    return None


def _better(step: Step, node: ast.expr | None) -> tuple[str, str | None]:
    """The code of the kept loss as a number, and the step with it."""
    name = path(node) if node is not None else None
    if node is None or name is None:
        return "", None
    return f"{one_line(node, step.source)}.item()", swap(step.source, node, f"{name}.item()")


def _calls(step: Step, methods: tuple[str, ...]) -> Iterator[ast.Call]:
    for root in parse(step.source):
        for node in ast.walk(root):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in methods
            ):
                yield node


def _owner(call: ast.Call) -> str | None:
    return path(call.func.value) if isinstance(call.func, ast.Attribute) else None
