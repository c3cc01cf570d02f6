"""Pieces of the learner's code, and the names that get a value in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tutor.explain.entries import At, Entry, quoted
from tutor.explain.reading import evaluated, parse, path
from tutor.facts import BackwardFacts, OpCount, OpFacts, TensorFacts, UpdateFacts

LOOPS = (ast.For, ast.AsyncFor, ast.While)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: Methods that put their argument into a list, or change a tensor by it.
_ADDING = frozenset({"append", "extend", "insert", "add"})

#: Piece of code, line, column: a later place is greater.
Place = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Code:
    """A piece of the learner's code: an earlier statement, the step's own, or a function."""

    order: int
    source: str
    #: The learner's line of its first line.
    first_line: int
    tensors: Mapping[str, TensorFacts]
    #: None for a statement; for a function, the name.
    function: str | None = None
    #: What it was entered with, and whether something else was entered since.
    entry: Entry = field(default_factory=Entry)
    over: bool = False
    #: What it did, as far as that was seen.
    operations: tuple[OpFacts, ...] = ()
    backwards: tuple[BackwardFacts, ...] = ()
    updates: tuple[UpdateFacts, ...] = ()

    @cached_property
    def bindings(self) -> tuple[Binding, ...]:
        """All bindings, in order; those inside functions only where it is one."""
        return tuple(_within(self, self.tree, (), top=self.function is not None))

    @cached_property
    def last_bound(self) -> Mapping[str, Binding]:
        """The last binding of each name."""
        return {binding.name: binding for binding in self.bindings}

    @cached_property
    def functions(self) -> Mapping[str, ast.FunctionDef]:
        """The first function of each name at its top level, save those with decorators."""
        nodes = [node for node in self.tree if isinstance(node, ast.FunctionDef) and not node.decorator_list]
        return {node.name: node for node in reversed(nodes)}

    @cached_property
    def classes(self) -> Mapping[str, ast.ClassDef]:
        """The first class of each name at its top level."""
        return {node.name: node for node in reversed(self.tree) if isinstance(node, ast.ClassDef)}

    @cached_property
    def tree(self) -> tuple[ast.stmt, ...]:
        return parse(self.source)

    def line(self, node: ast.AST) -> int:
        """The learner's line of a node."""
        return int(getattr(node, "lineno", 1)) + self.first_line - 1

    def at(self, node: ast.AST) -> At:
        """The learner's line of a node, to be named in a sentence."""
        return self.at_line(self.line(node))

    def at_line(self, line: int) -> At:
        """A line of the learner's that is one of its own, to be named in a sentence."""
        quote = quoted(self.source, line - self.first_line + 1)
        whole = self.function is None and "\n" not in self.source.strip()
        return At(line, self.entry, self.over, quote, whole)

    def at_deed(self, done: OpFacts | OpCount | BackwardFacts | UpdateFacts) -> At:
        """Where something that it did was called, to be named in a sentence: its line, or earlier code's."""
        return At(done.line, Entry(), over=True) if done.elsewhere else self.at_line(done.line)

    def start(self, node: ast.AST) -> Place:
        return (self.order, getattr(node, "lineno", 0), getattr(node, "col_offset", 0))

    def end(self, node: ast.AST) -> Place:
        return (self.order, getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0)


@dataclass(frozen=True)
class Binding:
    """A name or path that got a value."""

    name: str
    value: ast.expr
    code: Code
    statement: ast.stmt
    #: What stands around it, the outermost first: loops, with blocks, functions.
    around: tuple[ast.AST, ...]
    #: Whether the earlier value is part of the new one: `+=`, `append`.
    adds: bool = False

    @property
    def at(self) -> At:
        """Where it stands, to be named in a sentence."""
        return self.code.at(self.statement)

    @property
    def place(self) -> Place:
        """Where the name has the value: behind the statement."""
        if isinstance(self.statement, (*LOOPS, ast.With, ast.AsyncWith)):
            return self.code.start(self.statement.body[0])
        return self.code.end(self.statement)

    @property
    def facts(self) -> TensorFacts | None:
        """What is known of the value, where the statement ran at top level and left it."""
        return self.code.tensors.get(self.name)

    def loops(self) -> list[ast.AST]:
        return [node for node in self.around if isinstance(node, LOOPS)]


def surroundings(code: Code, node: ast.AST) -> tuple[ast.AST, ...]:
    """The statements that a node stands in, the outermost first."""
    around: list[ast.AST] = []
    start = code.start(node)
    body: list[ast.AST] = list(code.tree)
    while body:
        inner = next((s for s in body if code.start(s) <= start < code.end(s)), None)
        if inner is None or inner is node:
            break
        if isinstance(inner, ast.stmt):
            around.append(inner)
        body = list(ast.iter_child_nodes(inner))
    return tuple(around)


def _within(
    code: Code, body: tuple[ast.stmt, ...] | list[ast.stmt], around: tuple[ast.AST, ...], *, top: bool
) -> Iterator[Binding]:
    for statement in body:
        if isinstance(statement, FUNCTIONS):
            if top:  # the function that this code is
                yield from _within(code, statement.body, (*around, statement), top=False)
            continue
        if isinstance(statement, ast.ClassDef):
            continue
        for name, value, adds in assigned(statement):
            inside = (*around, statement) if isinstance(statement, (*LOOPS, ast.With)) else around
            yield Binding(name, value, code, statement, inside, adds)
        deeper = (*around, statement)
        for part in ("body", "orelse", "finalbody"):
            yield from _within(code, getattr(statement, part, []), deeper, top=False)
        for clause in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
            yield from _within(code, clause.body, deeper, top=False)


def assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr, bool]]:
    """Names and paths that a statement itself binds, with the value and whether it is added to."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _targets(target, statement.value)
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign) and statement.value is not None:
        adds = isinstance(statement, ast.AugAssign)
        yield from ((name, value, adds) for name, value, _ in _targets(statement.target, statement.value))
    elif isinstance(statement, ast.For | ast.AsyncFor):
        yield from _targets(statement.target, statement.iter)
    elif isinstance(statement, ast.With | ast.AsyncWith):
        for item in statement.items:
            if item.optional_vars is not None:
                yield from _targets(item.optional_vars, item.context_expr)
    elif isinstance(statement, ast.Expr):
        yield from _added(statement.value)
    is_block = hasattr(statement, "body")
    nodes = evaluated(statement, nested=False) if is_block else ast.walk(statement)
    named = (node for node in nodes if isinstance(node, ast.NamedExpr))
    yield from ((node.target.id, node.value, False) for node in named)


def _added(call: ast.expr) -> Iterator[tuple[str, ast.expr, bool]]:
    """`losses.append(loss)` and `total.add_(loss)`."""
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args:
        name, method = path(call.func.value), call.func.attr
        if name is not None and method in (*_ADDING, "add_", "sub_", "mul_", "copy_"):
            yield name, call.args[-1], True


def _targets(target: ast.AST, value: ast.expr) -> Iterator[tuple[str, ast.expr, bool]]:
    if isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        matched = len(parts) == len(target.elts) and not any(isinstance(p, ast.Starred) for p in parts)
        for at, one in enumerate(target.elts):
            yield from _targets(one, parts[at] if matched else value)
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value, value)
    elif (name := path(target)) is not None:
        yield name, value, False
