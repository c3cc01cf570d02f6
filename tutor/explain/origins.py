"""Where a name's value comes from: the assignments before it, in this code and in the run so far."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tutor.explain.past import Past, first_line
from tutor.explain.reading import Failing, at_span, parse, path
from tutor.facts import Step, TensorFacts

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: Methods that put their argument into a list, or change a tensor by it.
_ADDING = frozenset({"append", "extend", "insert", "add"})
_RECORDING_OFF = ("no_grad", "inference_mode")

#: Piece of code, line, column: a later place is greater.
Place = tuple[int, int, int]


@dataclass(frozen=True)
class Code:
    """A piece of the learner's code: an earlier statement, the step's own, or a function."""

    order: int
    source: str
    #: The learner's line of its first line.
    first_line: int
    tensors: Mapping[str, TensorFacts]
    #: None for a statement; for a function, the name.
    function: str | None = None

    @cached_property
    def tree(self) -> tuple[ast.stmt, ...]:
        return parse(self.source)

    def line(self, node: ast.AST) -> int:
        """The learner's line of a node."""
        return int(getattr(node, "lineno", 1)) + self.first_line - 1

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
    def line(self) -> int:
        return self.code.line(self.statement)

    @property
    def place(self) -> Place:
        """Where the name has the value: behind the statement."""
        if isinstance(self.statement, (*_LOOPS, ast.With, ast.AsyncWith)):
            return self.code.start(self.statement.body[0])
        return self.code.end(self.statement)

    @property
    def facts(self) -> TensorFacts | None:
        """What is known of the value, where the statement ran at top level and left it."""
        return self.code.tensors.get(self.name)

    def loops(self) -> list[ast.AST]:
        return [node for node in self.around if isinstance(node, _LOOPS)]


@dataclass(frozen=True)
class Origin:
    """A binding that a read may see. `carried`: from an earlier round of a loop around both."""

    binding: Binding
    carried: ast.AST | None = None


class Story:
    """All bindings of names that the failing code can read, in order."""

    def __init__(self, step: Step, past: Past, found: Failing) -> None:
        moments = [Code(at, m.source, m.line, m.tensors) for at, m in enumerate(past)]
        last = Code(len(moments), step.source, first_line(step), step.snapshot.tensors)
        self.codes = [*moments, last]
        self._by_name: dict[str, list[Binding]] = {}
        for code in self.codes:
            self._learn(code)
        #: The code of each frame that the error passed through, and the call in it that led on.
        self.frames: list[tuple[Code, ast.AST | None]] = []
        for frame in step.error.frames if step.error is not None else ():
            if frame.function == "<module>":
                code = last
            else:
                code = self._add(frame.source, frame.first_line, frame.tensors, frame.function)
            call = at_span(code.tree, frame.span)
            self.frames.append((code, call))
        self.here = self.frames[-1][0] if self.frames and not found.own else last
        self.found = found
        self._entered: dict[int, Code] = {}

    def _add(self, source: str, line: int, tensors: Mapping[str, TensorFacts], function: str) -> Code:
        code = Code(len(self.codes), source, line, tensors, function)
        self.codes.append(code)
        self._learn(code)
        return code

    def _learn(self, code: Code) -> None:
        for binding in bindings_of(code):
            self._by_name.setdefault(binding.name, []).append(binding)

    def enter(self, code: Code, function: ast.AST) -> Code:
        """A function that was defined in `code`, as a piece of code of its own."""
        if id(function) not in self._entered:
            first = int(getattr(function, "lineno", 1))
            lines = code.source.split("\n")[first - 1 : getattr(function, "end_lineno", first)]
            decorators = getattr(function, "decorator_list", [])
            top = min([first, *(one.lineno for one in decorators)])
            lines = code.source.split("\n")[top - 1 : getattr(function, "end_lineno", first)]
            text = textwrap.dedent("\n".join(lines))
            name = str(getattr(function, "name", ""))
            self._entered[id(function)] = self._add(text, code.first_line + top - 1, {}, name)
        return self._entered[id(function)]

    def argument(self, code: Code, name: str) -> tuple[ast.expr, Code, ast.AST] | None:
        """What the caller passed for a parameter of a function that is running: its code and the call."""
        at = next((i for i, (one, _) in enumerate(self.frames) if one is code), 0)
        function = code.tree[0] if code.tree else None
        call = self.frames[at - 1][1] if at else None
        if not isinstance(function, _FUNCTIONS) or not isinstance(call, ast.Call):
            return None
        parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        if parameters[:1] == ["self"]:
            parameters = parameters[1:]
        given = {word.arg: word.value for word in call.keywords if word.arg}
        if not any(isinstance(one, ast.Starred) for one in call.args):
            given.update(zip(parameters, call.args, strict=False))
        return (given[name], self.frames[at - 1][0], call) if name in given else None

    def origins(self, name: str, code: Code, at: Place, around: tuple[ast.AST, ...]) -> list[Origin]:
        """The bindings that `name`, read at a place, may come from: the last one, and those it adds to."""
        known = [b for b in self._by_name.get(name, ()) if self._visible(b, code, name)]
        loops = [node for node in around if isinstance(node, _LOOPS)]
        found: list[Origin] = []
        before = [b for b in known if b.place <= at]
        for binding in reversed(before):
            found.append(Origin(binding))
            if not binding.adds:
                break
        # A read that comes before every binding in its loop sees the round before.
        for loop in reversed(loops):
            first = found[0].binding if found else None
            if first is not None and loop in first.around and not first.adds:
                break
            later = [b for b in known if (loop in b.around and b.place > at) or (b.adds and loop in b.around)]
            if later:
                found.append(Origin(later[-1], loop))
                break
        return found

    def _visible(self, binding: Binding, code: Code, name: str) -> bool:
        if binding.code.order == code.order:
            return True
        if code.function is not None and name.split(".", maxsplit=1)[0].split("[", maxsplit=1)[
            0
        ] in self._own(code):
            return False
        return binding.code.function is None

    def _own(self, code: Code) -> set[str]:
        names: set[str] = set()
        for node in code.tree[:1]:
            if isinstance(node, _FUNCTIONS):
                arguments = node.args
                every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
                names.update(argument.arg for argument in every)
        names.update(n for n, known in self._by_name.items() if any(b.code is code for b in known))
        return names

    def definition(self, name: str) -> tuple[Code, ast.AST] | None:
        """The last function or class of this name, in code that ran."""
        for code in reversed(self.codes):
            for node in code.tree:
                if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and node.name == name:
                    return code, node
        return None

    def called(self, call: ast.Call) -> tuple[Code, ast.AST] | None:
        """The learner's function that a call runs: by name, or `forward` of an instance of a class."""
        name = path(call.func)
        if name is None:
            return None
        defined = self.definition(name)
        if defined is None:
            kind = self.found.modules.get(name) or self._class_of(name)
            defined = self.definition(kind) if kind is not None else None
        if defined is None and "." in name:
            return self._method(name.rpartition(".")[2])
        if defined is None or not isinstance(defined[1], ast.ClassDef):
            return defined
        methods = (one for one in defined[1].body if isinstance(one, _FUNCTIONS) and one.name == "forward")
        method = next(methods, None)
        return (defined[0], method) if method is not None else None

    def _method(self, name: str) -> tuple[Code, ast.AST] | None:
        """The method of this name in the learner's classes, where only one class has it."""
        found = [
            (code, node)
            for code in self.codes
            if code.function is None
            for top in code.tree
            if isinstance(top, ast.ClassDef)
            for node in top.body
            if isinstance(node, _FUNCTIONS) and node.name == name
        ]
        return found[0] if len(found) == 1 else None

    def _class_of(self, name: str) -> str | None:
        known = self._by_name.get(name)
        value = known[-1].value if known else None
        return path(value.func) if isinstance(value, ast.Call) else None


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


def bindings_of(code: Code) -> Iterator[Binding]:
    """All bindings in a piece of code, in order; those inside functions only where it is one."""
    yield from _within(code, code.tree, (), top=code.function is not None)


def _within(
    code: Code, body: tuple[ast.stmt, ...] | list[ast.stmt], around: tuple[ast.AST, ...], *, top: bool
) -> Iterator[Binding]:
    for statement in body:
        if isinstance(statement, _FUNCTIONS):
            if top:  # the function that this code is
                yield from _within(code, statement.body, (*around, statement), top=False)
            continue
        if isinstance(statement, ast.ClassDef):
            continue
        for name, value, adds in assigned(statement):
            inside = (*around, statement) if isinstance(statement, (*_LOOPS, ast.With)) else around
            yield Binding(name, value, code, statement, inside, adds)
        deeper = (*around, statement)
        for field in ("body", "orelse", "finalbody"):
            yield from _within(code, getattr(statement, field, []), deeper, top=False)
        for part in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
            yield from _within(code, part.body, deeper, top=False)


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
    if not hasattr(statement, "body"):
        named = (node for node in ast.walk(statement) if isinstance(node, ast.NamedExpr))
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


# ── what switches recording off ──────────────────────────────────────────────


def switched_off(around: tuple[ast.AST, ...]) -> ast.AST | None:
    """The with block or function around some code in which autograd does not record."""
    for node in reversed(around):
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                verdict = _switches(item.context_expr)
                if verdict is not None:
                    return node if verdict else None
        elif isinstance(node, _FUNCTIONS) and any(_switches(one) for one in node.decorator_list):
            return node
    return None


def switch_node(node: ast.AST) -> ast.AST:
    """Where the switch itself is written: of a function, its decorator."""
    if isinstance(node, _FUNCTIONS):
        return next((one for one in node.decorator_list if _switches(one)), node)
    return node


def switch_text(node: ast.AST) -> str:
    """The code that switches recording off, such as `with torch.no_grad():`."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return f"with {', '.join(ast.unparse(item) for item in node.items)}:"
    if isinstance(node, _FUNCTIONS):
        return next(f"@{ast.unparse(one)}" for one in node.decorator_list if _switches(one))
    return ast.unparse(node)


def _switches(node: ast.expr) -> bool | None:
    """True where it switches recording off, False where on, None where neither."""
    function = node.func if isinstance(node, ast.Call) else node
    name = (path(function) or "").rpartition(".")[2]
    arguments = node.args if isinstance(node, ast.Call) else []
    first = arguments[0].value if arguments and isinstance(arguments[0], ast.Constant) else None
    if name in _RECORDING_OFF:
        return first is not False
    if name == "set_grad_enabled":
        return first is False if isinstance(first, bool) else None
    return False if name == "enable_grad" else None


def set_off_before(story: Story, code: Code, at: Place) -> tuple[Code, ast.stmt] | None:
    """The statement `torch.set_grad_enabled(False)` that still holds at a place."""
    off: tuple[Code, ast.stmt] | None = None
    for one in story.codes:
        if one.function is not None:
            continue
        for statement in one.tree:
            if one.end(statement) > at and one.order >= code.order:
                break
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                name = (path(statement.value.func) or "").rpartition(".")[2]
                if name == "set_grad_enabled":
                    off = (one, statement) if _switches(statement.value) else None
    return off
