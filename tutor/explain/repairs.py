"""Fixes that change one argument of the failed call, or one expression, in the failing source."""

from __future__ import annotations

import ast
import re

from msgspec.structs import replace

from tutor.explain import calls
from tutor.explain.reading import Failing, failing
from tutor.facts import Argument, FailedCall, Step

#: What `.float()` can be put behind without brackets.
_CLOSED = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)


def code_of(node: ast.expr, source: str) -> str:
    """The code of an expression on one line, in full."""
    return " ".join((ast.get_source_segment(source, node) or "").split())


def closed(node: ast.expr, source: str) -> str:
    """Its code, in brackets where a method could not be put behind it otherwise."""
    code = code_of(node, source)
    is_list = isinstance(node, ast.List | ast.Tuple | ast.Dict | ast.Set)
    return code if isinstance(node, _CLOSED) or is_list else f"({code})"


def closed_text(code: str) -> str:
    """The same of code that is an expression by itself; other text stays as it is."""
    try:
        return closed(ast.parse(code, mode="eval").body, code)
    except (SyntaxError, ValueError):
        return code


def exchange(found: Failing, node: ast.expr, code: str) -> str | None:
    """What replaces the faulty statement: `code` in the place of an expression."""
    lines = [line.encode() for line in found.source.split("\n")]
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    if last >= len(lines):
        return None
    joined = lines[first][: node.col_offset] + code.encode() + lines[last][node.end_col_offset :]
    source = b"\n".join([*lines[:first], joined, *lines[last + 1 :]]).decode()
    if not found.own and first != last:
        return None  # the statement in the function has other lines now
    return found.changed(source)


def place(step: Step, call: FailedCall, argument: Argument) -> tuple[Failing, ast.expr] | None:
    """The code of an argument of the failed call, for a change."""
    found = failing(step)
    if found is None:
        return None
    node = calls.node_of(found, call, argument)
    if node is None and argument.span is None:
        whole = found.expression
        parts = whole.args if isinstance(whole, ast.Call) else []
        parts = [whole.left, whole.right] if isinstance(whole, ast.BinOp) else parts
        same = [one for one in parts if code_of(one, found.source) == argument.text]
        node = same[0] if len(same) == 1 and argument.text else None
    return (found, node) if node is not None else None


def given(step: Step, call: FailedCall, argument: Argument, template: str) -> tuple[str, str | None]:
    """An argument put into `template`, as in `torch.tensor({})`, and the fix that has it so.

    `{closed}` stands for the code with a method behind it."""
    at = place(step, call, argument)
    if at is None:
        text = argument.text or argument.parameter
        return template.format(text, closed=text), None
    found, node = at
    code = template.format(code_of(node, found.source), closed=closed(node, found.source))
    if template.startswith("{closed}") and not isinstance(node, _CLOSED):
        return code, _behind_brackets(found, node, template.removeprefix("{closed}")) or exchange(
            found, node, code
        )
    return code, exchange(found, node, code)


def _behind_brackets(found: Failing, node: ast.expr, suffix: str) -> str | None:
    """A method put behind brackets that are there already: `(a == b).mean()` as `(a == b).float().mean()`."""
    line = found.source.split("\n")[node.lineno - 1].encode()
    begin, end = node.col_offset, node.end_col_offset or 0
    alone = node.lineno == node.end_lineno and line[begin - 1 : begin] == b"(" and line[end : end + 1] == b")"
    if not alone or re.search(rb"[\w\])]$", line[: begin - 1]):
        return None
    source = found.source.split("\n")
    source[node.lineno - 1] = (line[: end + 1] + suffix.encode() + line[end + 1 :]).decode()
    return found.changed("\n".join(source))


def outer(step: Step, call: FailedCall, argument: Argument) -> Argument:
    """With the code that the learner wrote, where the first layer of a Sequential gets what that gets."""
    found = failing(step)
    node = found.expression if found is not None else None
    if found is None or not isinstance(node, ast.Call) or len(node.args) != 1 or call.module is None:
        return argument
    owner = re.sub(r"(\[0\])+$", "", call.module.path)
    if owner == call.module.path or code_of(node.func, found.source) != owner:
        return argument
    return replace(argument, text=code_of(node.args[0], found.source))
