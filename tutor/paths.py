"""How the learner's names for tensors are spelled: `w.grad`, `model[0].weight`, `batch["x"]`."""

from __future__ import annotations

import ast

#: A key is not spelled out when it is longer.
LONGEST_KEY = 60
_MOST_BITS = 128


def item(key: object) -> str | None:
    """`["x"]`, `[3]` or `[(0, "a")]`: a subscript as Python source. None for any other kind of key."""
    text = _key(key)
    return f"[{text}]" if text is not None and len(text) <= LONGEST_KEY else None


def _key(key: object) -> str | None:
    kind = type(key)
    if kind is str:
        assert isinstance(key, str)
        return quoted(key) if len(key) <= LONGEST_KEY else None
    if kind is int:
        assert isinstance(key, int)
        return repr(key) if key.bit_length() <= _MOST_BITS else None
    if kind is bool:
        return repr(key)
    if kind is tuple:
        assert isinstance(key, tuple)
        parts = [_key(part) for part in key[:LONGEST_KEY]]
        known = [part for part in parts if part is not None]
        if len(known) < len(key):
            return None
        return f"({known[0]},)" if len(known) == 1 else f"({', '.join(known)})"
    return None


def quoted(text: str) -> str:
    """A string as Python source, in double quotes unless it has some itself."""
    plain = repr(text)
    if plain[0] == "'" and '"' not in plain:
        return f'"{plain[1:-1]}"'
    return plain


def spell(node: ast.AST) -> str | None:
    """`lin.weight`, `model[0].bias`, `batch["x"]` or `xs[i]` as facts name it; None for anything else."""
    parts: list[str] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            parts.append(f".{node.attr}")
        elif isinstance(node, ast.Subscript) and (key := _subscript(node.slice)) is not None:
            parts.append(key)
        else:
            return None
        node = node.value
    return node.id + "".join(reversed(parts))


def _subscript(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return item(node.value) or f"[{ast.unparse(node)}]"
    if isinstance(node, ast.Name | ast.UnaryOp):
        return f"[{ast.unparse(node)}]"
    if isinstance(node, ast.Attribute | ast.Subscript) and (inner := spell(node)) is not None:
        return f"[{inner}]"
    return None
