"""Where a name's value comes from: the assignments before it, in this code and in the run so far."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from tutor.explain.bindings import FUNCTIONS, LOOPS, Binding, Code, Place
from tutor.explain.past import Past
from tutor.explain.reading import Failing, at_span, path
from tutor.facts import FrameFacts, Step, TensorFacts

_RECORDING_OFF = ("no_grad", "inference_mode")


@dataclass(frozen=True)
class Origin:
    """A binding that a read may see. `carried`: from an earlier round of a loop around both."""

    binding: Binding
    carried: ast.AST | None = None


class Story:
    """All bindings of names that the failing code can read, in order."""

    def __init__(self, step: Step, past: Past, found: Failing) -> None:
        last = past.now(step)
        self.codes = [*past.codes, last]
        self._order = last.order
        self._by_name: dict[str, list[Binding]] = {}
        for code in self.codes:
            self._learn(code)
        #: What is running: the step's own code, and functions that it called.
        self.running: tuple[Code, ...] = (last,)
        #: The code of each frame that the error passed through, and the call in it that led on.
        self.frames: list[tuple[Code, ast.AST | None]] = []
        for frame in step.error.frames if step.error is not None else ():
            code = last if frame.function == "<module>" else self._frame(frame)
            call = at_span(code.tree, frame.span)
            self.frames.append((code, call))
        self.running += tuple(code for code, _ in self.frames)
        self.here = self.frames[-1][0] if self.frames and not found.own else last
        self.found = found
        self._entered: dict[int, Code] = {}

    def _frame(self, frame: FrameFacts) -> Code:
        """The function of a frame; it may have been entered with an earlier statement."""
        home = next((code for code in reversed(self.codes) if _defines(code, frame)), self.running[0])
        return self._add(home, frame.source, frame.first_line, frame.tensors, frame.function)

    def _add(
        self, home: Code, source: str, line: int, tensors: Mapping[str, TensorFacts], function: str
    ) -> Code:
        self._order += 1
        code = Code(self._order, source, line, tensors, function, home.entry, home.over)
        self.codes.append(code)
        self._learn(code)
        return code

    def _learn(self, code: Code) -> None:
        for binding in code.bindings:
            self._by_name.setdefault(binding.name, []).append(binding)

    def enter(self, code: Code, function: ast.AST) -> Code:
        """A function that was defined in `code`, as a piece of code of its own."""
        if id(function) not in self._entered:
            first = int(getattr(function, "lineno", 1))
            decorators = getattr(function, "decorator_list", [])
            top = min([first, *(one.lineno for one in decorators)])
            lines = code.source.split("\n")[top - 1 : getattr(function, "end_lineno", first)]
            text = textwrap.dedent("\n".join(lines))
            name = str(getattr(function, "name", ""))
            self._entered[id(function)] = self._add(code, text, code.first_line + top - 1, {}, name)
        return self._entered[id(function)]

    def argument(self, code: Code, name: str) -> tuple[ast.expr, Code, ast.AST] | None:
        """What the caller passed for a parameter of a function that is running: its code and the call."""
        at = next((i for i, (one, _) in enumerate(self.frames) if one is code), 0)
        function = code.tree[0] if code.tree else None
        call = self.frames[at - 1][1] if at else None
        if not isinstance(function, FUNCTIONS) or not isinstance(call, ast.Call):
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
        loops = [node for node in around if isinstance(node, LOOPS)]
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
            if isinstance(node, FUNCTIONS):
                arguments = node.args
                every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
                names.update(argument.arg for argument in every)
        names.update(n for n, known in self._by_name.items() if any(b.code is code for b in known))
        return names

    def definition(self, name: str) -> tuple[Code, ast.AST] | None:
        """The last function or class of this name, in code that ran."""
        for code in reversed(self.codes):
            for node in code.tree:
                if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name == name:
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
        methods = (one for one in defined[1].body if isinstance(one, FUNCTIONS) and one.name == "forward")
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
            if isinstance(node, FUNCTIONS) and node.name == name
        ]
        return found[0] if len(found) == 1 else None

    def _class_of(self, name: str) -> str | None:
        known = self._by_name.get(name)
        value = known[-1].value if known else None
        return path(value.func) if isinstance(value, ast.Call) else None


def _defines(code: Code, frame: FrameFacts) -> bool:
    """Whether a function of this text stands at this line in a statement."""
    at = frame.first_line - code.first_line
    lines = code.source.split("\n")[at : at + frame.source.count("\n") + 1] if at >= 0 else []
    return code.function is None and [*map(str.strip, lines)] == [*map(str.strip, frame.source.split("\n"))]


# ── what switches recording off ──────────────────────────────────────────────


def switched_off(around: tuple[ast.AST, ...]) -> ast.AST | None:
    """The with block or function around some code in which autograd does not record."""
    for node in reversed(around):
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                verdict = _switches(item.context_expr)
                if verdict is not None:
                    return node if verdict else None
        elif isinstance(node, FUNCTIONS) and any(_switches(one) for one in node.decorator_list):
            return node
    return None


def switch_node(node: ast.AST) -> ast.AST:
    """Where the switch itself is written: of a function, its decorator."""
    if isinstance(node, FUNCTIONS):
        return next((one for one in node.decorator_list if _switches(one)), node)
    return node


def switch_text(node: ast.AST) -> str:
    """The code that switches recording off, such as `with torch.no_grad():`."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return f"with {', '.join(ast.unparse(item) for item in node.items)}:"
    if isinstance(node, FUNCTIONS):
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
