"""Which names a piece of Python reads, binds and starts from: of learners' lines, and of what checks ask."""

from __future__ import annotations

import ast


def names_in(expression: str) -> list[str]:
    """The variables that an expression, or the code of a check, reads: not those that it makes itself."""
    try:
        tree = ast.parse(expression)
    except (SyntaxError, ValueError):
        return [expression]
    nodes = list(ast.walk(tree))
    own = {name for node in nodes for name in _own_of(node)}
    names = [node.id for node in nodes if isinstance(node, ast.Name) and node.id not in own]
    names += [each.arg for node in nodes for each in _tried_on(node) if each.arg]
    return list(dict.fromkeys(names)) or [expression]


def _own_of(node: ast.AST) -> list[str]:
    """The names that a part of a check's code makes."""
    if isinstance(node, ast.Name):
        return [node.id] if isinstance(node.ctx, ast.Store) else []
    return [node.arg] if isinstance(node, ast.arg) else bound_by(node)


def _tried_on(node: ast.AST) -> list[ast.keyword]:
    """The variables of the learner's that `rerun` gives other values."""
    return node.keywords if isinstance(node, ast.Call) and is_name(node.func, "rerun") else []


def imported_by(source: str) -> frozenset[str]:
    """What a piece of code imports, by the names it gets."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return frozenset(name for node in imports for name in bound_by(node))


def root_of(path: str) -> str:
    """The variable that a path or expression starts from."""
    try:
        node: ast.AST = ast.parse(path, mode="eval").body
    except SyntaxError:
        return path
    return root(node) or path


def root(node: ast.AST) -> str:
    """The variable that a part of an expression starts from; empty where it starts from none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def bound_by(node: ast.AST) -> list[str]:
    """The names to which a part of a statement gives values."""
    if isinstance(node, ast.Assign | ast.For | ast.AsyncFor):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [name for target in targets for name in _targets(target)]
    if isinstance(node, ast.AugAssign | ast.NamedExpr):
        return _targets(node.target)
    if isinstance(node, ast.AnnAssign):
        return _targets(node.target) if node.value is not None else []
    if isinstance(node, ast.withitem):
        return _targets(node.optional_vars) if node.optional_vars is not None else []
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    return []


def _targets(target: ast.AST) -> list[str]:
    if isinstance(target, ast.Tuple | ast.List):
        return [name for each in target.elts for name in _targets(each)]
    if isinstance(target, ast.Starred):
        return _targets(target.value)
    return [target.id] if isinstance(target, ast.Name) else []


def is_name(node: ast.AST, name: str) -> bool:
    """Whether it is the bare name."""
    return isinstance(node, ast.Name) and node.id == name
