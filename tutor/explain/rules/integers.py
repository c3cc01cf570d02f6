"""Whole numbers and truth values, which cannot require grad."""

from __future__ import annotations

import ast

from tutor.explain.engine import failure
from tutor.explain.origins import Story
from tutor.explain.past import Past
from tutor.explain.reading import (
    Failing,
    failing,
    insert_after,
    insert_before_attribute,
    insert_line,
    path,
    raised,
    words,
)
from tutor.explain.wording import fill
from tutor.facts import Explanation, Snapshot, Step, TensorFacts

_TITLE = "{what} {kind}, and cannot require grad"
_TEXT = """
A gradient says how a result changes when a number changes by a very small step, and {kind} have no small
steps: only floating point and complex tensors can require grad. {why} {how}
"""
_TRUTHS = "truth values"
_WHOLES = "whole numbers"
_HOLDS = "`{name}` holds"
_THIS_HOLDS = "This tensor holds"
_FROM = ", from {at}"
_WHY_FACTS = "`{name}` has dtype {dtype}{made}."
_WHY_DTYPE = "`{call}` was given `dtype={dtype}`."
_WHY_NUMBERS = "`{call}` makes a tensor of {kind} of what it is given."
_HOW_POINT = "Write the numbers with a decimal point, or give `dtype=torch.float32`."
_HOW_FLOAT = "Convert it first, with `.float()`: that is a new tensor, and it is the one that can learn."
_HOW_INDEX = "If these are indices or labels, they need no gradient: leave requires_grad away."

_WHOLE = frozenset({"int", "int8", "int16", "int32", "int64", "long", "short", "uint8", "bool"})


@failure
def integer_requires_grad(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor of whole numbers or truth values was to require grad."""
    told = raised(step, "can require gradients") or raised(step, "must be floating point or complex dtype")
    found = failing(step) if told else None
    if found is None:
        return None
    node = found.nodes[0] if found.expression is not None else None
    target = _target(found, node)
    facts = _facts(found, target)
    call = target if isinstance(target, ast.Call) else node if isinstance(node, ast.Call) else None
    if facts is not None and _is_real(facts.dtype):
        return None
    dtype = facts.dtype if facts is not None else _dtype_of(call)
    compared = isinstance(target, ast.Compare) or (dtype is None and _has_booleans(call))
    kind = _TRUTHS if dtype == "bool" or compared else _WHOLES
    names = (facts.name,) if facts is not None else ()
    title = fill(_TITLE, what=fill(_HOLDS, name=facts.name) if facts is not None else _THIS_HOLDS, kind=kind)
    why = _why(step, past, found, facts, call, kind)
    fix = _fix(found, node, target, facts, call)
    how = _HOW_FLOAT if facts is not None or not _is_constructor(call) else _HOW_POINT
    text = fill(_TEXT, kind=kind, why=why, how=f"{fill(how)} {fill(_HOW_INDEX)}")
    return Explanation("integer-requires-grad", "error", title, text, found.changed(fix), names)


def _is_real(dtype: str | None) -> bool:
    return (dtype or "float").startswith(("float", "bfloat", "complex"))


def _target(found: Failing, node: ast.AST | None) -> ast.AST | None:
    """The expression of the tensor that was to require grad."""
    if isinstance(found.statement, ast.Assign) and not isinstance(node, ast.Call):
        aim = found.statement.targets[0]
        if isinstance(aim, ast.Attribute) and aim.attr == "requires_grad":
            return aim.value
        if isinstance(aim, ast.Attribute) and aim.attr == "data":
            return found.statement.value
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute) and node.func.attr == "requires_grad_":
        return node.func.value
    if (path(node.func) or "").rpartition(".")[2] in ("Parameter", "zeros_like", "ones_like", "rand_like"):
        given = [word.value for word in node.keywords if word.arg in ("data", "input")]
        return node.args[0] if node.args else given[0] if given else None
    if (path(node.func) or "").rpartition(".")[2] in ("tensor", "as_tensor") and node.args:
        return node.args[0] if path(node.args[0]) in found.tensors else None
    return None


def _facts(found: Failing, target: ast.AST | None) -> TensorFacts | None:
    return found.tensors.get(path(target) or "") if target is not None else None


def _dtype_of(call: ast.AST | None) -> str | None:
    if not isinstance(call, ast.Call):
        return None
    given = next((word.value for word in call.keywords if word.arg == "dtype"), None)
    return ast.unparse(given).rpartition(".")[2] if given is not None else None


def _has_booleans(call: ast.AST | None) -> bool:
    data = call.args[0] if isinstance(call, ast.Call) and call.args else None
    constants = [n for n in ast.walk(data) if isinstance(n, ast.Constant)] if data is not None else []
    return bool(constants) and isinstance(constants[0].value, bool)


def _is_constructor(call: ast.AST | None) -> bool:
    return isinstance(call, ast.Call) and (path(call.func) or "").startswith("torch.")


def _why(
    step: Step, past: Past, found: Failing, facts: TensorFacts | None, call: ast.AST | None, kind: str
) -> str:
    if facts is not None:
        story = Story(step, past, found)
        code = story.here
        origins = story.origins(facts.name, code, code.start(found.statement), ())
        made = fill(_FROM, at=origins[0].binding.at) if origins else ""
        return fill(_WHY_FACTS, name=facts.name, dtype=facts.dtype, made=made)
    dtype = _dtype_of(call)
    if not isinstance(call, ast.Call):
        return ""
    code_text = words(call, found.source)
    if dtype is not None:
        return fill(_WHY_DTYPE, call=code_text, dtype=f"torch.{dtype}" if dtype in _WHOLE else dtype)
    return fill(_WHY_NUMBERS, call=code_text, kind=kind)


def _fix(
    found: Failing,
    node: ast.AST | None,
    target: ast.AST | None,
    facts: TensorFacts | None,
    call: ast.AST | None,
) -> str | None:
    """The statement with floating point numbers where they are whole."""
    source, statement = found.source, found.statement
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute):
        aim = statement.targets[0]
        if aim.attr == "requires_grad" and facts is not None:
            return insert_line(source, statement, f"{facts.name} = {facts.name}.float()", after=False)
    last_name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
    if last_name == "requires_grad_" and isinstance(target, ast.expr):
        if isinstance(statement, ast.Expr) and statement.value is node and facts is not None:
            return insert_line(source, statement, f"{facts.name} = {facts.name}.float()", after=False)
        if not isinstance(target, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            function = node.func if isinstance(node, ast.Call) else None
            if not isinstance(function, ast.Attribute):
                return None
            return insert_before_attribute(source, function, ".float()")
        return insert_after(source, target, ".float()")
    name = (path(node.func) or "").rpartition(".")[2] if isinstance(node, ast.Call) else ""
    if name == "Parameter" and isinstance(target, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
        return insert_after(source, target, ".float()")
    if isinstance(node, ast.Call) and _is_constructor(node):
        given = next((word.value for word in node.keywords if word.arg == "dtype"), None)
        if given is not None:
            return replace_node(source, given, "torch.float32")
        given_all = [*node.args, *(word.value for word in node.keywords)]
        last = max(given_all, key=lambda one: (one.end_lineno or 0, one.end_col_offset or 0))
        return insert_after(source, last, ", dtype=torch.float32")
    return None


def replace_node(source: str, node: ast.expr, code: str) -> str | None:
    """`source` with an expression on one line replaced."""
    if node.lineno != node.end_lineno:
        return None
    lines = [line.encode() for line in source.split("\n")]
    line = lines[node.lineno - 1]
    lines[node.lineno - 1] = line[: node.col_offset] + code.encode() + line[node.end_col_offset :]
    return b"\n".join(lines).decode()
