"""Changes of the learner's code at the place of an expression, for fixes."""

from __future__ import annotations

import ast


def replace_expression(source: str, node: ast.expr, code: str) -> str:
    """`source` with other code in place of an expression."""
    lines = [line.encode() for line in source.split("\n")]
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    joined = lines[first][: node.col_offset] + code.encode() + lines[last][node.end_col_offset or 0 :]
    return b"\n".join([*lines[:first], joined, *lines[last + 1 :]]).decode()


def insert_before(source: str, node: ast.expr, code: str) -> str:
    """`source` with code right before an expression."""
    lines = [line.encode() for line in source.split("\n")]
    line = lines[node.lineno - 1]
    lines[node.lineno - 1] = line[: node.col_offset] + code.encode() + line[node.col_offset :]
    return b"\n".join(lines).decode()


def with_method(source: str, node: ast.expr, code: str) -> str:
    """`source` with a method such as `.unsqueeze(1)` called on an expression."""
    simple = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    text = ast.get_source_segment(source, node) or ""
    return replace_expression(source, node, f"{text if simple else f'({text})'}{code}")


def closed(text: str) -> str:
    """Code that a method can be put behind, as text of a sentence."""
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return f"({text})"
    simple = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    return text if simple else f"({text})"
