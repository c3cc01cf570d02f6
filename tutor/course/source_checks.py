"""What the learner's code uses, by its syntax tree: names in text and comments do not count."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.MatMult: "@", ast.Div: "/", ast.FloorDiv: "//",
    ast.Mod: "%", ast.Pow: "**", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=",
    ast.Gt: ">", ast.GtE: ">=", ast.BitAnd: "&", ast.BitOr: "|", ast.Invert: "~",
}  # fmt: skip
_KEYWORDS: dict[type[ast.AST], str] = {
    ast.For: "for", ast.comprehension: "for", ast.AsyncFor: "for", ast.While: "while", ast.If: "if",
    ast.IfExp: "if", ast.With: "with", ast.Try: "try", ast.Lambda: "lambda", ast.FunctionDef: "def",
    ast.ClassDef: "class", ast.Import: "import", ast.ImportFrom: "import", ast.Global: "global",
    ast.Del: "del", ast.Assert: "assert",
}  # fmt: skip


def find_use(tree: ast.AST, wanted: str) -> int | None:
    """The first line that uses a name (`view`, `torch.cat`), operator (`@`) or statement (`for`)."""
    lines = [line for name, line in _uses(tree) if name == wanted or name.endswith("." + wanted)]
    return min(lines, default=None)


def _uses(tree: ast.AST) -> Iterator[tuple[str, int]]:
    aliases = _aliases(tree)
    for node, line in _with_lines(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = _dotted(node)
            root, dot, rest = name.partition(".")
            yield aliases.get(root, root) + dot + rest, line
        elif isinstance(node, ast.keyword) and node.arg:
            yield f"{node.arg}=", line
        elif isinstance(node, ast.AugAssign):
            yield _OPERATORS.get(type(node.op), "") + "=", line
        if isinstance(node, ast.BinOp | ast.UnaryOp):
            yield _OPERATORS.get(type(node.op), ""), line
        elif isinstance(node, ast.Compare):
            for operator in node.ops:
                yield _OPERATORS.get(type(operator), ""), line
        keyword = _KEYWORDS.get(type(node))
        if keyword is not None:
            yield keyword, line


def _with_lines(tree: ast.AST) -> Iterator[tuple[ast.AST, int]]:
    pending = [(tree, 1)]
    while pending:
        node, line = pending.pop()
        line = getattr(node, "lineno", line)
        yield node, line
        pending.extend((child, line) for child in ast.iter_child_nodes(node))


def _aliases(tree: ast.AST) -> dict[str, str]:
    """What imported names stand for: `F` for torch.nn.functional."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update({alias.asname: alias.name for alias in node.names if alias.asname})
        elif isinstance(node, ast.ImportFrom):
            found.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return found


def _dotted(node: ast.AST) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "")
    return ".".join(reversed(parts))
