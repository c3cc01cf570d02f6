"""What stands in the brackets of `x[...]`: positions, masks, index tensors, each with its dimension."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from tutor.explain import subjects
from tutor.explain.operands import Scope
from tutor.explain.reading import Failing, failing
from tutor.facts import Argument, Operand, Shape, Step


@dataclass(frozen=True)
class Part:
    """One of the things that stand in the brackets, and the dimension that it is about."""

    node: ast.expr
    text: str
    dim: int
    value: object = None
    tensor: Operand | None = None
    #: Smallest and greatest position of a tensor or list.
    low: int | None = None
    high: int | None = None
    shape: Shape | None = None
    mask: bool = False


def takes(part: Part) -> int:
    """How many dimensions a part is about."""
    return len(part.shape or ()) if part.mask else 0 if part.dim < 0 else 1


def parts_of(step: Step, index: Argument, count: int) -> list[Part] | None:
    """The parts of an index with the dimension of each, in order; None where it cannot be read."""
    try:
        tree = ast.parse(f"_[{index.text}]", mode="eval").body
    except (SyntaxError, ValueError):
        return None
    assert isinstance(tree, ast.Subscript)
    nodes = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    found = failing(step)
    read = [_read(found, f"_[{index.text}]", node, index, at, len(nodes)) for at, node in enumerate(nodes)]
    behind = 0
    for at, one in enumerate(read):
        if isinstance(one.node, ast.Constant) and one.node.value is ...:
            behind = count - sum(takes(other) for other in (*read[:at], *read[at + 1 :]))
    placed, dim = [], 0
    for one in read:
        if isinstance(one.node, ast.Constant) and one.node.value is ...:
            dim += max(behind, 0)
            continue
        if one.dim < 0:
            continue
        placed.append(
            Part(one.node, one.text, dim, one.value, one.tensor, one.low, one.high, one.shape, one.mask)
        )
        dim += takes(one)
    return placed


def _read(found: Failing | None, source: str, node: ast.expr, index: Argument, at: int, many: int) -> Part:
    """One part; its dimension is -1 where it takes none."""
    text = ast.get_source_segment(source, node) or ""
    if isinstance(node, ast.Constant) and (node.value is None or node.value is ...):
        return Part(node, text, -1)
    if isinstance(node, ast.Slice):
        return Part(node, text, 0)
    whole = many == 1
    items = [index.operand] if whole and index.operand is not None else index.items
    operand = next((one for one in items if whole or one.place.endswith(f"[{at}]")), None)
    if operand is not None:
        if operand.dtype in ("bool", "uint8"):
            return Part(node, text, 0, None, operand, shape=operand.shape, mask=True)
        low = int(index.low) if whole and index.low is not None else None
        high = int(index.high) if whole and index.high is not None else None
        return Part(node, text, 0, None, operand, low, high, shape=operand.shape)
    value = _value(found, node, index, at, whole)
    if type(value) is int:
        return Part(node, text, 0, value, None, value, value)
    if isinstance(value, list) and value:
        sizes = (len(value),)
        if all(type(one) is bool for one in value):
            return Part(node, text, 0, None, None, shape=sizes, mask=True)
        if all(type(one) is int for one in value):
            return Part(node, text, 0, None, None, min(value), max(value), sizes)
    return Part(node, text, 0)


def _value(found: Failing | None, node: ast.expr, index: Argument, at: int, whole: bool) -> object:
    """The number or list that a part of an index is."""
    if whole:
        return subjects.plain(index)
    members = _members(index.value)
    if len(members) == index.length and (value := subjects.value_of(members[at])) is not None:
        return value
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return Scope(found.tensors, found.source, found.numbers).integer(node) if found is not None else None


def _members(value: str | None) -> list[str]:
    """The texts of the parts of a tuple that may have slices among them."""
    source = f"_[{(value or '()')[1:-1]}]"
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError):
        return []
    inner = tree.slice if isinstance(tree, ast.Subscript) else None
    nodes = inner.elts if isinstance(inner, ast.Tuple) else [inner] if inner is not None else []
    return [ast.get_source_segment(source, node) or "" for node in nodes]
