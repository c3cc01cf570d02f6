"""The `for` loops of the learner's source, and which iteration one is in: only what is certain."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tutor.facts import LoopFacts
from tutor.kernel import raw
from tutor.kernel.guard import GENUINE
from tutor.kernel.live.scalars import is_plain_tensor, number_of

globals()["__builtins__"] = GENUINE

#: Value of a name where the code runs; `MISSING` where it has none.
Lookup = Callable[[str], Any]
MISSING = object()
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_CHANGING = frozenset(
    ("append", "extend", "insert", "pop", "remove", "clear", "add", "discard", "update", "popitem")
)
_ARITHMETIC: dict[type, Callable[[int, int], int]] = {
    ast.Add: int.__add__,
    ast.Sub: int.__sub__,
    ast.Mult: int.__mul__,
    ast.FloorDiv: int.__floordiv__,
}
#: Larger numbers are not reckoned with.
_MOST = 1 << 62


class Uncertain(Exception):
    """What is asked for cannot be known without running code of the learner's."""


@dataclass(eq=False)
class Loop:
    """One `for` statement; `seen` are values that a length was reckoned from, which may not change."""

    node: ast.For | ast.AsyncFor
    #: The variable that is shown, and whether it counts iterations by `enumerate` or by `range`.
    name: str = ""
    counter: str = ""
    stored: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    entered: bool = False
    seen: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        target, over = self.node.target, self.node.iter
        body = [inner for part in self.node.body for inner in _walk(part)]
        self.stored = frozenset(_stored(body))
        self.changed = self.stored | frozenset(_mutated(body))
        called = over.func.id if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) else ""
        if isinstance(target, ast.Name):
            self.name = target.id
            self.counter = called if called == "range" else ""
        elif (
            isinstance(target, ast.Tuple | ast.List) and target.elts and isinstance(target.elts[0], ast.Name)
        ):
            self.name = target.elts[0].id
            self.counter = called if called == "enumerate" else ""
        if self.name in self.stored or isinstance(self.node, ast.AsyncFor):
            self.counter = ""

    @property
    def last_line(self) -> int:
        """The last line of the body."""
        return self.node.body[-1].end_lineno or self.node.lineno

    def facts(self, line: int, lookup: Lookup) -> LoopFacts | None:
        """How far the loop is, while `line` runs; None before it has been seen inside of its body."""
        if self.node.body[0].lineno <= line:
            self.entered = True
        if not self.entered or not self.name:
            return None
        value = number_of(lookup(self.name))
        if value is None:
            return None
        number = total = None
        if self.counter and type(value) is int:
            number, total = self._place(value, lookup)
        return LoopFacts(self.node.lineno, self.name, f"{value:.6g}", number, total)

    def _place(self, value: int, lookup: Lookup) -> tuple[int | None, int | None]:
        """Which iteration has `value`, and of how many."""
        assert isinstance(self.node.iter, ast.Call)
        call = self.node.iter
        if not _is_genuine(self.counter, lookup):
            return None, None
        try:
            if self.counter == "range":
                over = self._range(call, lookup)
                return (over.index(value) + 1, len(over)) if value in over else (None, None)
            start = self._start(call, lookup)
        except Uncertain:
            return None, None
        number = value - start + 1
        if number < 1:
            return None, None
        try:
            total = self._length(call.args[0], lookup)
        except Uncertain:
            return number, None
        return (number, total) if number <= total else (number, None)

    def _start(self, call: ast.Call, lookup: Lookup) -> int:
        given = [each.value for each in call.keywords if each.arg == "start"]
        if not 1 <= len(call.args) <= 2 or len(call.keywords) > len(given):
            raise Uncertain
        rest = [*call.args[1:], *given]
        return self._number(rest[0], lookup) if rest else 0

    def _range(self, call: ast.Call, lookup: Lookup) -> range:
        if call.keywords or not 1 <= len(call.args) <= 3:
            raise Uncertain
        numbers = [self._number(each, lookup) for each in call.args]
        if len(numbers) == 3 and numbers[2] == 0:
            raise Uncertain
        return range(*numbers)

    def _number(self, node: ast.expr, lookup: Lookup) -> int:
        """A whole number that the loop's head was given."""
        match node:
            case ast.Constant(value=int(value)) if type(value) is int:
                return value
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(operand, lookup)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _reckon(op, self._number(left, lookup), self._number(right, lookup))
            case ast.Name(id=name):
                value = lookup(name)
                if type(value) is int:
                    return self._settled(name, _bounded(value))
            case ast.Call(func=ast.Name(id="len"), args=[inner], keywords=[]) if _is_genuine("len", lookup):
                return self._length(inner, lookup)
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=which):
                return self._size(name, which, lookup)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="size"), args=[which], keywords=[]
            ):
                return self._size(name, which, lookup)
        raise Uncertain

    def _size(self, name: str, which: ast.expr, lookup: Lookup) -> int:
        """One size of a plain tensor."""
        value, at = lookup(name), self._number(which, lookup)
        if not is_plain_tensor(value):
            raise Uncertain
        shape = raw.shape(value)
        if not -len(shape) <= at < len(shape):
            raise Uncertain
        return self._settled(name, shape[at])

    def _length(self, node: ast.expr, lookup: Lookup) -> int:
        """How many elements iterating gives."""
        match node:
            case ast.Name(id=name):
                value = lookup(name)
                if type(value) in (list, tuple, str, dict, set, frozenset, range):
                    return self._settled(name, len(value))
                if is_plain_tensor(value) and raw.shape(value):
                    return self._settled(name, raw.shape(value)[0])
            case ast.Call(func=ast.Name(id="range")) if _is_genuine("range", lookup):
                return len(self._range(node, lookup))
            case ast.Call(func=ast.Name(id="zip"), args=args, keywords=[]) if args:
                if _is_genuine("zip", lookup):
                    return min(self._length(each, lookup) for each in args)
        raise Uncertain

    def _settled(self, name: str, value: int) -> int:
        """`value`, where nothing has changed it since the loop's head saw it, as far as can be told."""
        if name in self.changed or self.seen.setdefault(name, value) != value:
            raise Uncertain
        return value


def _children(node: ast.AST) -> list[ast.AST]:
    """As `ast.iter_child_nodes`, which would call what the learner has put in the place of builtins."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]
    return found


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    todo = [node]
    while todo:
        current = todo.pop()
        yield current
        todo += _children(current)


def _reckon(op: ast.operator, one: int, other: int) -> int:
    if isinstance(op, ast.FloorDiv) and other == 0:
        raise Uncertain
    return _bounded(_ARITHMETIC[type(op)](one, other))


def _bounded(value: int) -> int:
    if abs(value) > _MOST:
        raise Uncertain
    return value


def _is_genuine(name: str, lookup: Lookup) -> bool:
    return lookup(name) is GENUINE[name]


def _stored(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Names that get another value."""
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name


def _mutated(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Names whose object may get longer or shorter."""
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if attribute in _CHANGING:
                yield name
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                yield name


class Scope:
    """The body of a statement or function: its loops, and the names that it gives values."""

    def __init__(self, node: ast.AST) -> None:
        self.loops: list[Loop] = []
        names: dict[str, None] = {}
        todo = [node]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            todo = [*node.body]
        while todo:
            inner = todo.pop(0)
            if isinstance(inner, _SCOPES):
                continue
            if isinstance(inner, ast.For | ast.AsyncFor):
                self.loops.append(Loop(inner))
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                names[inner.id] = None
            todo[:0] = _children(inner)
        #: In the order in which they stand in the source.
        self.stored = tuple(names)

    def around(self, line: int) -> list[Loop]:
        """The loops that `line` is inside of, outermost first."""
        return [loop for loop in self.loops if loop.node.lineno <= line <= loop.last_line]


def function_at(node: ast.AST, name: str, first_line: int) -> ast.AST | None:
    """The definition inside `node` that code of this name and first line was compiled from."""
    for inner in _walk(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner.name == name:
            lines = [inner.lineno, *(one.lineno for one in inner.decorator_list)]
            if min(lines) == first_line:
                return inner
    return None
