"""Formulas: expressions of Python and torch, filled in with numbers, simplified, and written for people."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_COMPUTE: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_SYMBOLS: dict[type, str] = {
    ast.Add: " + ", ast.Sub: " - ", ast.Mult: "·", ast.Div: " / ", ast.MatMult: " @ ",
    ast.Gt: " > ", ast.Lt: " < ", ast.GtE: " ≥ ", ast.LtE: " ≤ ", ast.Eq: " = ",
    ast.BitAnd: " and ",
}  # fmt: skip
_STRENGTH: dict[type, int] = {
    ast.BitAnd: 1, ast.Compare: 2, ast.Add: 3, ast.Sub: 3, ast.Mult: 5, ast.Div: 5, ast.MatMult: 5,
    ast.USub: 6, ast.Pow: 7,
}  # fmt: skip
_ATOM = 9
_SPELLED = {"pi": "π"}


def fill(expression: str, values: Mapping[str, float | str]) -> str:
    """`expression` with numbers or other names for names, and what then is simple made simple."""
    tree = ast.parse(expression, mode="eval")
    return ast.unparse(_Filler(values).visit(tree).body)


class _Filler(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, float | str]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._values.get(node.id)
        if isinstance(value, str):
            return ast.Name(value, ast.Load())
        return node if value is None else _constant(value)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.USub):
            if (number := _number(node.operand)) is not None:
                return _constant(-number)
            if isinstance(node.operand, ast.UnaryOp) and isinstance(node.operand.op, ast.USub):
                return node.operand.operand
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        left, right = _number(node.left), _number(node.right)
        if left is not None and right is not None and type(node.op) in _COMPUTE:
            return _computed(node, left, right)
        return _neutral(node, left, right)


def _computed(node: ast.BinOp, left: float, right: float) -> ast.expr:
    try:
        value = _COMPUTE[type(node.op)](left, right)
    except (ArithmeticError, ValueError):
        return node
    return node if isinstance(value, complex) or len(repr(value)) > 12 else _constant(value)


def _neutral(node: ast.BinOp, left: float | None, right: float | None) -> ast.expr:
    """What is left of an operation with 1 or 0, where that is the other side itself."""
    match node.op:
        case ast.Mult() if left == 1:
            return node.right
        case ast.Mult() | ast.Div() | ast.Pow() if right == 1:
            return node.left
        case ast.Mult() if left == -1:
            return ast.UnaryOp(ast.USub(), node.right)
        case ast.Mult() if right == -1:
            return ast.UnaryOp(ast.USub(), node.left)
        case ast.Add() if left == 0:
            return node.right
        case ast.Add() | ast.Sub() if right == 0:
            return node.left
    return node


def _number(node: ast.expr) -> float | None:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    return None


def _constant(value: float) -> ast.expr:
    if type(value) is float and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def spell(expression: str, names: Mapping[str, str]) -> str:
    """`expression` as it is written for people, with the learner's names for its letters."""
    return _Speller(names).text(ast.parse(expression, mode="eval").body)[0]


class _Speller:
    """Text of a tree, and how strongly its outermost operator binds."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def text(self, node: ast.expr) -> tuple[str, int]:
        match node:
            case ast.Name(id=name):
                return self._names.get(name) or _SPELLED.get(name, name), _ATOM
            case ast.Constant(value=value):
                return (f"{value:.6g}" if type(value) is float else repr(value)), _ATOM
            case ast.BinOp() | ast.UnaryOp() | ast.Compare():
                return self._operator(node)
            case ast.Attribute(value=value, attr="T" | "mT"):
                return f"{self._inside(value, _ATOM)}ᵀ", _ATOM
            case ast.Attribute(value=value, attr=attribute):
                return f"{self._inside(value, _ATOM)}.{attribute}", _ATOM
            case ast.Call(func=function, args=arguments, keywords=keywords):
                return self._call(function, arguments, keywords), _ATOM
            case ast.Tuple(elts=items):
                inside = ", ".join(self._inside(item, 0) for item in items)
                return f"({inside}{',' if len(items) == 1 else ''})", _ATOM
            case ast.Subscript(value=value, slice=index):
                return f"{self._inside(value, _ATOM)}[{self._inside(index, 0).strip('()')}]", _ATOM
        return ast.unparse(node), _ATOM

    def _operator(self, node: ast.expr) -> tuple[str, int]:
        match node:
            case ast.BinOp(op=ast.Pow()):
                return self._power(node), _STRENGTH[ast.Pow]
            case ast.BinOp(left=left, op=op, right=right):
                strength = _STRENGTH[type(op)]
                commutes = isinstance(op, ast.Add | ast.Mult)
                after = self._inside(right, strength if commutes else strength + 1)
                leads = isinstance(left, ast.UnaryOp) and strength == 5  # -a·b needs no parentheses
                quotient = isinstance(left, ast.BinOp) and isinstance(left.op, ast.Div)
                least = 6 if quotient and not isinstance(op, ast.Div) and strength == 5 else strength
                return f"{self._inside(left, 4 if leads else least)}{_SYMBOLS[type(op)]}{after}", strength
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"-{self._inside(operand, 5)}", 4
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                sides = self._inside(left, 3), self._inside(right, 3)
                return _SYMBOLS[type(op)].join(sides), _STRENGTH[ast.Compare]
        return ast.unparse(node), 0

    def _inside(self, node: ast.expr, least: int) -> str:
        written, strength = self.text(node)
        return written if strength >= least else f"({written})"

    def _power(self, node: ast.BinOp) -> str:
        base = self._inside(node.left, _ATOM)
        number = _number(node.right)
        if isinstance(number, int) and abs(number) < 1000:
            return base + str(number).translate(_SUPERSCRIPT)
        return f"{base}^{self._inside(node.right, _ATOM)}"

    def _call(self, function: ast.expr, arguments: list[ast.expr], keywords: list[ast.keyword]) -> str:
        match function, arguments:
            case ast.Name(id="on"), [condition]:
                return f"[{self._inside(condition, 0)}]"
            case ast.Name(id="abs"), [inner]:
                return f"|{self._inside(inner, 0)}|"
            case ast.Name(id="sqrt"), [inner]:
                return f"√{self._inside(inner, _ATOM)}"
        given = [self._inside(argument, 0) for argument in arguments]
        given += [f"{word.arg}={self._inside(word.value, 0)}" for word in keywords]
        return f"{self._inside(function, _ATOM)}({', '.join(given)})"
