"""A call of the learner's function as the expression that it gives back, where it is that simple."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass

from tutor.explain.bindings import Code
from tutor.explain.reading import path

_DEEPEST = 3
#: Calls that are looked at.
_MOST = 50
_LONGEST = 2_000


@dataclass(frozen=True)
class Inlined:
    """An expression with the learner's functions written out."""

    value: ast.expr
    #: The code of `value`.
    source: str


def inlined(value: ast.expr, codes: list[Code]) -> Inlined | None:
    """An expression with what its calls give back, of functions that only name values and return one."""
    if not any(code.functions or code.classes for code in codes):
        return None
    calls = (node for node in ast.walk(value) if isinstance(node, ast.Call))
    if all(_function(call, codes) is None for call in calls):
        return None
    writing = _WritingOut(codes)
    source = ast.unparse(writing.visit(copy.deepcopy(value)))
    if not writing.done or len(source) > _LONGEST:
        return None
    return Inlined(ast.parse(source, mode="eval").body, source)  # with the places of this text


class _WritingOut(ast.NodeTransformer):
    def __init__(self, codes: list[Code]) -> None:
        self._codes = codes
        self._depth = 0
        self._left = _MOST
        self.done = False

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        self._left -= 1
        found = _function(node, self._codes) if self._depth < _DEEPEST and self._left > 0 else None
        given = _arguments(node, *found) if found is not None else None
        inner = _returned(found[0], given) if found is not None and given is not None else None
        if inner is None:
            return node
        self.done = True
        self._depth += 1
        written: ast.AST = self.visit(inner)
        self._depth -= 1
        return written


def _function(call: ast.Call, codes: list[Code]) -> tuple[ast.FunctionDef, ast.expr | None] | None:
    """The function that a call runs, and what is its `self`."""
    name = path(call.func)
    if name is None:
        return None
    for code in reversed(codes):
        if name in code.functions:
            return code.functions[name], None
        if name in code.last_bound:
            break
    receiver, _, method = name.rpartition(".") if isinstance(call.func, ast.Attribute) else (name, "", "")
    kind = _class_of(receiver, codes)
    for node in kind.body if kind is not None else ():
        if (
            isinstance(node, ast.FunctionDef)
            and node.name == (method or "forward")
            and not node.decorator_list
        ):
            return node, call.func.value if isinstance(call.func, ast.Attribute) else call.func
    return None


def _class_of(name: str, codes: list[Code]) -> ast.ClassDef | None:
    """The learner's class that the value of a name was made from."""
    made = next((code.last_bound[name].value for code in reversed(codes) if name in code.last_bound), None)
    kind = path(made.func) if isinstance(made, ast.Call) else None
    if kind is None:
        return None
    return next((code.classes[kind] for code in reversed(codes) if kind in code.classes), None)


def _arguments(
    call: ast.Call, function: ast.FunctionDef, receiver: ast.expr | None
) -> dict[str, ast.expr] | None:
    """Expressions of a function's parameters."""
    parameters = function.args
    if parameters.vararg or parameters.kwarg or any(isinstance(one, ast.Starred) for one in call.args):
        return None
    names = [one.arg for one in (*parameters.posonlyargs, *parameters.args)]
    defaults = dict(zip(reversed(names), reversed(parameters.defaults), strict=False))
    given = defaults | dict(
        zip(names, [*([receiver] if receiver is not None else []), *call.args], strict=False)
    )
    for word in call.keywords:
        if word.arg is None:
            return None
        given[word.arg] = word.value
    wanted = {*names, *(one.arg for one in parameters.kwonlyargs)}
    return given if wanted == set(given) else None


def _returned(function: ast.FunctionDef, given: dict[str, ast.expr]) -> ast.expr | None:
    names = dict(given)
    for statement in function.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # its documentation
        if isinstance(statement, ast.Return) and statement.value is not None:
            return _filled(statement.value, names)
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if not isinstance(statement, ast.Assign) or not isinstance(target, ast.Name):
            return None
        if len(statement.targets) > 1:
            return None
        filled = _filled(statement.value, names)
        if filled is None:
            return None
        names[target.id] = filled
    return None


def _filled(value: ast.expr, names: dict[str, ast.expr]) -> ast.expr | None:
    """`value` with expressions for names; None where that would be long."""
    used = [node.id for node in ast.walk(value) if isinstance(node, ast.Name) and node.id in names]
    sizes = {name: sum(1 for _ in ast.walk(names[name])) for name in set(used)}
    if sum(sizes[name] for name in used) > _LONGEST:
        return None

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return copy.deepcopy(names[node.id]) if node.id in names else node

    filled: ast.expr = Fill().visit(copy.deepcopy(value))
    return filled
