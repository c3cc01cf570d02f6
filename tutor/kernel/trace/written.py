"""Names of arguments as the learner wrote them, where the code says them beyond doubt.

A name is claimed only when the site is the operation itself: `sum(rows)` adds rows that nobody named.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.kinds import Kind
from tutor.kernel.trace.operands import Found
from tutor.kernel.trace.sites import Site

globals()["__builtins__"] = GENUINE

#: Builtins and numpy functions that do nothing else than one operation.
_STANDS_FOR = {
    "bool": {"bool"}, "float": {"float"}, "int": {"int"}, "complex": {"complex"}, "abs": {"abs"},
    "array": {"asarray", "array"}, "deepcopy": {"deepcopy", "copy"}, "pow": {"pow"}, "round": {"round"},
}  # fmt: skip
_CONVERSIONS = frozenset(
    {"int", "float", "complex", "index", "format", "array", "len", "iter", "str", "repr"}
)
#: How the functions of `torch.linalg` and the like begin: `linalg_inv`.
_FAMILIES = ("linalg", "fft", "special")
_LONGEST_PLAIN = 40
_PLAIN = (int, float, bool, complex, str, type(None), slice, type(...))


class Call:
    """A call of an operation as the learner's frame made it."""

    def __init__(
        self, site: Site, kind: Kind, func: Any, args: tuple[Any, ...], variables: Mapping[str, Any]
    ) -> None:
        self._site, self._kind, self._func, self._args = site, kind, func, args
        #: Values of the names that the site mentions.
        self._variables = variables
        self._keywords: dict[str, ast.expr] = {}
        self._given = self._expressions()

    @property
    def is_operation(self) -> bool:
        """Whether the learner's sub-expression is this very operation."""
        return self._given is not None

    @property
    def part(self) -> str:
        """The part of the sub-expression that is the call: `.reshape(6)`, or all of `torch.relu(x)`."""
        site = self._site
        return site.part if self._kind.method and self._given is not None else site.expression

    def names(self, found: Sequence[Found]) -> list[str]:
        """What each argument is called in the code; empty where that is not said."""
        if self._given is None:
            return [self._variable(one) for one in found]
        return [self._name(one) for one in found]

    def _variable(self, one: Found) -> str:
        """Inside of what the learner called: the argument that is handed through as it is."""
        node = self._site.node
        if not isinstance(node, ast.Call):
            return ""
        handed = (*node.args, *(keyword.value for keyword in node.keywords))
        names = (each.id for each in handed if isinstance(each, ast.Name))
        return next((name for name in names if self._variables.get(name) is one.value), "")

    def plain(self, kwargs: Mapping[str, Any] | None) -> dict[str, str]:
        """Short text of arguments that are numbers, texts and the like, by place."""
        told: dict[str, str] = {}
        for index, value in enumerate(self._args):
            if (text := _plain_text(value)) is not None:
                told[str(index)] = text
        for key, value in kwargs.items() if kwargs else ():
            written = key in self._keywords or (value is not None and not self._kind.parameters)
            if written and (text := _plain_text(value)) is not None:
                told[key] = text
        return told

    def expression(self, argument: int | str) -> ast.expr | None:
        """The code of one argument, by position or keyword; None where it is not said."""
        given = self._given
        if given is None:
            return None
        if isinstance(argument, str):
            node = self._keywords.get(argument)
            # A function written in Python hands on by keyword what it may have been given by position.
            if node is not None or argument not in self._kind.parameters:
                return node
            at = self._kind.parameters.index(argument)
            return given[at] if at < len(given) else None
        if self._kind.parameters and argument < len(self._kind.parameters):
            keyword = self._keywords.get(self._kind.parameters[argument])
            if keyword is not None:
                return keyword
        return given[argument] if argument < len(given) else None

    # ── details ──────────────────────────────────────────────────────────────

    def _name(self, one: Found) -> str:
        node = self.expression(one.argument)
        if node is None:
            return ""
        if one.member is None:
            return self._site.says(node)
        if isinstance(node, ast.List | ast.Tuple):
            if any(isinstance(each, ast.Starred) for each in node.elts[: one.member + 1]):
                return ""
            return self._site.says(node.elts[one.member]) if one.member < len(node.elts) else ""
        if isinstance(node, ast.Name | ast.Attribute):
            return f"{self._site.says(node)}[{one.member}]"
        return ""

    def _expressions(self) -> list[ast.expr | None] | None:
        """Positional arguments as written; None where the site is something else than the operation."""
        node, name = self._site.node, self._kind.name
        if node is None:
            return None
        if self._site.iterates:
            return [node] if name == "unbind" and isinstance(node, ast.expr) else None
        if name == "bool" and not isinstance(node, ast.Call):
            asked = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else node
            return [asked] if isinstance(asked, ast.expr) else None
        if isinstance(node, ast.Call):
            return self._of_call(node)
        if name in _CONVERSIONS and isinstance(node, ast.BinOp | ast.AugAssign | ast.Compare):
            return None
        if isinstance(node, ast.BinOp):
            return self._in_order(node, node.left, node.right)
        if isinstance(node, ast.AugAssign):
            return [node.target, node.value]
        if isinstance(node, ast.Compare):
            return self._of_comparison(node)
        if isinstance(node, ast.UnaryOp):
            return [node.operand]
        return self._of_part(node)

    def _of_part(self, node: ast.AST) -> list[ast.expr | None] | None:
        """Subscripts and attributes, read or set."""
        name = self._kind.name
        value: ast.expr | None = None
        if isinstance(node, ast.Assign):
            value, node = node.value, node.targets[0]
        if isinstance(node, ast.Subscript):
            if name == "getitem":
                return [node.value, node.slice]
            return [node.value, node.slice, value] if name == "setitem" else None
        if isinstance(node, ast.Attribute) and node.attr == name:
            return [node.value, value]
        return None

    def _of_call(self, node: ast.Call) -> list[ast.expr | None] | None:
        called, name = node.func, self._kind.name
        word = _word(called)
        if not self._is_called(called, word, name):
            return None
        stands = word in _STANDS_FOR.get(name, ())
        alone = isinstance(called, ast.Name) or name in ("array", "deepcopy")
        if stands and alone and not self._is_first(node.args):
            return None
        given: list[ast.expr | None] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                break
            given.append(argument)
        self._keywords = {one.arg: one.value for one in node.keywords if one.arg is not None}
        written = len(node.args)
        if self._kind.method and not (stands and alone) and self._is_bound(node, written):
            given.insert(0, self._receiver(called, word))
        return given

    def _receiver(self, called: ast.expr, word: str) -> ast.expr | None:
        """What a method was asked of; None where that is not written (`f = x.add; f(1)`)."""
        if (
            not isinstance(called, ast.Attribute)
            or word != self._kind.name
            or _word(called.value) == "Tensor"
        ):
            return None
        return called.value

    def _is_called(self, called: ast.expr, word: str, name: str) -> bool:
        if word == name or word.rstrip("_") == name.rstrip("_") != "" or word in _STANDS_FOR.get(name, ()):
            return True
        if word and any(name == f"{family}_{word}" for family in _FAMILIES):
            return True
        return isinstance(called, ast.Name) and self._variables.get(called.id) is self._func

    def _is_first(self, written: Sequence[ast.expr]) -> bool:
        """Whether the first argument may be what the operation is asked of: not where that is in a list."""
        node = written[0] if written else None
        if isinstance(node, ast.Name):
            return not self._args or self._variables.get(node.id) is self._args[0]
        return not isinstance(node, ast.List | ast.Tuple | ast.ListComp | ast.GeneratorExp)

    def _is_bound(self, node: ast.Call, written: int) -> bool:
        """Whether a method's first argument stands before its name, not among its arguments."""
        if any(isinstance(one, ast.Starred) for one in node.args):
            return True
        return written < len(self._args)

    def _of_comparison(self, node: ast.Compare) -> list[ast.expr | None] | None:
        if len(node.ops) != 1:
            return None
        if isinstance(node.ops[0], ast.In | ast.NotIn) and self._kind.name != "contains":
            return None  # a list asks each of its members
        if self._kind.name == "contains":
            return [node.comparators[0], node.left]
        return self._in_order(node, node.left, node.comparators[0])

    def _in_order(
        self, node: ast.BinOp | ast.Compare, left: ast.expr, right: ast.expr
    ) -> list[ast.expr | None]:
        """Both operands in the order in which torch got them: a tensor comes before a number."""
        if len(self._args) != 2:
            return [None, None]
        if self._kind.name == "rsub":
            return [right, left]
        if not _is_number(self._args[1]):
            ordinary = all(type(one) in _ORDINARY for one in self._args)
            return [left, right] if ordinary else [None, None]
        if self._kind.name not in _SYMMETRIC:
            turned = isinstance(node, ast.Compare) and _TURNED.get(self._kind.name) is type(node.ops[0])
            return [right, left] if turned else [left, right]
        first, second = _is_written_number(left, self._variables), _is_written_number(right, self._variables)
        if second or first is False:
            return [left, right]
        return [right, left] if first or second is False else [None, None]


#: Operations that torch is asked for in the same words when the number stands first.
_SYMMETRIC = frozenset({"add", "mul", "eq", "ne", "bitwise_and", "bitwise_or", "bitwise_xor"})
_TURNED = {"gt": ast.Lt, "lt": ast.Gt, "ge": ast.LtE, "le": ast.GtE}
_ORDINARY = (torch.Tensor, torch.nn.Parameter)


def _word(called: ast.expr) -> str:
    """The last word of what is called."""
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _is_number(value: object) -> bool:
    return type(value) in (int, float, bool, complex)


def _is_written_number(node: ast.expr, variables: Mapping[str, Any]) -> bool | None:
    """Whether an operand is a plain number, None where the code alone does not say."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.UnaryOp):
        return _is_written_number(node.operand, variables)
    if isinstance(node, ast.Name) and node.id in variables:
        return _is_number(variables[node.id])
    return None


def _plain_text(value: Any) -> str | None:
    """Text of a value whose type is plain through and through, None of anything else."""
    kind = type(value)
    if kind in _PLAIN:
        text = _slice_text(value) if kind is slice else f'"{value}"' if kind is str else repr(value)
    elif kind in (tuple, list) or (kind.__module__ == "torch" and kind.__name__ == "Size"):
        if len(value) > 16:
            return None
        parts = [_plain_text(one) for one in value]
        if any(part is None for part in parts):
            return None
        inner = ", ".join(part or "" for part in parts)
        text = f"[{inner}]" if kind is list else f"({inner},)" if len(parts) == 1 else f"({inner})"
    elif kind.__module__ == "torch" and kind.__name__ in ("dtype", "device", "layout", "memory_format"):
        text = str(value)
    else:
        return None
    return text if text is None or len(text) <= _LONGEST_PLAIN else f"{text[: _LONGEST_PLAIN - 1]}…"


def _slice_text(value: slice) -> str | None:
    bounds = (value.start, value.stop, value.step)
    if any(type(one) not in (int, type(None)) for one in bounds):
        return None
    begin, end, step = ("" if one is None else str(one) for one in bounds)
    return f"{begin}:{end}:{step}" if step else f"{begin}:{end}"
