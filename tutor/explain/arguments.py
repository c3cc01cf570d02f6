"""The tensors that a failing expression works on, with their shapes as far as facts or message tell."""

from __future__ import annotations

import ast
import re

from tutor.explain.operands import Operand, Scope
from tutor.explain.reading import Failing, path, words
from tutor.explain.strides import broadcast
from tutor.facts import CallFacts, Shape

_LIBRARIES = ("torch", "F", "nn", "np")


def scope_of(found: Failing) -> Scope:
    """The names of the failing code."""
    return Scope(found.tensors, found.source, found.numbers)


def is_function(call: ast.Call) -> bool:
    """Whether a call is of a function of torch, not of a tensor's method."""
    return not isinstance(call.func, ast.Attribute) or (path(call.func) or "").split(".")[0] in _LIBRARIES


def parts(node: ast.AST) -> list[ast.expr]:
    """The operands of an operator, a method (its tensor first) or a function."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.AugAssign):
        return [node.target, node.value]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if not isinstance(node, ast.Call):
        return []
    given = [one for one in node.args if not isinstance(one, ast.Starred)]
    given += [word.value for word in node.keywords if word.arg is not None]
    if isinstance(node.func, ast.Attribute) and not is_function(node):
        return [node.func.value, *given]
    return given


def operand(found: Failing, node: ast.AST, shape: Shape | None = None) -> Operand | None:
    """An expression with its shape: from the facts, else the one that torch quoted."""
    known = scope_of(found).operand(node)
    if known is not None:
        return known
    shape = shape if shape is not None else _elementwise(found, node)
    return Operand(words(node, found.source), "", shape, ()) if shape is not None else None


def _elementwise(found: Failing, node: ast.AST) -> Shape | None:
    """The shape of arithmetic on known tensors and plain numbers."""
    if isinstance(node, ast.Constant):
        return () if isinstance(node.value, int | float) else None
    if isinstance(node, ast.UnaryOp):
        inner = operand(found, node.operand)
        return inner.shape if inner is not None else None
    if not isinstance(node, ast.BinOp) or isinstance(node.op, ast.MatMult):
        return None
    left, right = operand(found, node.left), operand(found, node.right)
    return broadcast(left.shape, right.shape) if left is not None and right is not None else None


def called_with(found: Failing, call: CallFacts | None, node: ast.AST) -> list[Operand]:
    """Arguments of a call into torch.nn, by the names that torch has for them, in the learner's words."""
    if call is None or not isinstance(node, ast.Call):
        return []
    own = [(n, t) for n, t in call.tensors.items() if not n.startswith("self.") and t.shape is not None]
    given = {word.arg: word.value for word in node.keywords if word.arg}
    listed = [one for one in node.args if not isinstance(one, ast.Starred)]
    found_: list[Operand] = []
    for at, (name, facts) in enumerate(own):
        written = given.get(name) or (listed[at] if at < len(listed) else None)
        known = scope_of(found).operand(written) if written is not None else None
        text = words(written, found.source) if written is not None else name
        label = known.name if known is not None else ""
        found_.append(Operand(text, label, facts.shape or (), facts.stride or ()))
    return found_


def quoted_shapes(message: str) -> list[Shape]:
    """Shapes of the two factors of a product, as far as the message quotes them."""
    told = re.search(r"\((\d+(?:x\d+)*) and (\d+(?:x\d+)*)\)", message)
    told = told or re.search(r"mat \((\d+x\d+)\), vec \((\d+)\)", message)
    told = told or re.search(r"expected tensor \[(\d+)\] and src \[(\d+)\]", message)
    return [tuple(map(int, part.split("x"))) for part in told.groups()] if told else []
