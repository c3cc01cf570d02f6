"""From a frame to the place in the learner's code: line, sub-expression, and the part that is the call.

Code objects and syntax trees only: no frame is kept, and no variable is read.
"""

from __future__ import annotations

import ast
from collections import deque
from itertools import islice
from types import CodeType, FrameType

from tutor.facts import Span
from tutor.kernel.guard import GENUINE, GenuineBuiltins
from tutor.kernel.source import Source
from tutor.kernel.trace.text import one_line

globals()["__builtins__"] = GENUINE

#: Name of the code of frames that stand in for a caller: they are the tracer's, whatever file they say.
STAND_IN = "<torchtutor>"
#: Statements whose functions may still be called, and code objects that are known to be from elsewhere.
_MOST_STATEMENTS = 10_000
_MOST_STRANGERS = 4_096
_MOST_SITES = 20_000
#: Nodes of one expression that are searched for names.
_MOST_NODES = 200
_COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_OPERATIONS = (
    ast.Call,
    ast.BinOp,
    ast.AugAssign,
    ast.Compare,
    ast.Subscript,
    ast.Attribute,
    ast.UnaryOp,
)
#: Attributes of tensors that are operations.
_PROPERTIES = frozenset({"T", "mT", "H", "mH", "real", "imag", "data", "grad"})
#: Nodes whose code may be placed at their last part only, where they go over several lines.
_CHAINED = (ast.Call, ast.Attribute)


class Site:
    """One place in the learner's code. `node` is None where the syntax tree has nothing of this span."""

    __slots__ = (
        *("expression", "filename", "function", "iterates", "line"),
        *("names", "node", "parents", "part", "source", "span", "text", "texts"),
    )

    def __init__(self, code: CodeType, span: Span | None, line: int) -> None:
        self.filename = code.co_filename
        self.function = function_of(code)
        self.span = span
        #: The line on which the call itself stands: in a chain over several lines, its own.
        self.line = line
        self.node: ast.AST | None = None
        #: The node is not called but gone through, by a loop or to be unpacked.
        self.iterates = False
        #: The whole sub-expression on one line, and the part of it that is this call.
        self.expression = ""
        self.part = ""
        self.parents: dict[ast.AST, ast.AST] = {}
        #: Names of variables in it.
        self.names: tuple[str, ...] = ()
        self.text: Text | None = None
        self.texts: dict[ast.AST, str] = {}
        self.source: Source | None = None

    @property
    def elsewhere(self) -> bool:
        """Whether it is in code that was entered before what runs now, so that its line is none of that."""
        return self.source is not None and self.source.over

    def says(self, node: ast.AST) -> str:
        """The text of a part of it on one line."""
        known = self.texts.get(node)
        if known is None:
            known = self.texts[node] = "" if self.text is None else self.text.of(node)
        return known


class Text:
    """The text of one source by spans; its columns count UTF-8 bytes."""

    def __init__(self, source: Source) -> None:
        self._lines = source.encoded

    def between(self, begin: tuple[int, int], end: tuple[int, int]) -> str:
        """From one (line, column) to another, as it stands there."""
        lines = self._lines[begin[0] - 1 : end[0]]
        if not lines:
            return ""
        lines[-1] = lines[-1][: end[1]]
        lines[0] = lines[0][begin[1] :]
        return b"\n".join(lines).decode("utf-8", "replace")

    def of(self, node: ast.AST) -> str:
        """A node's text on one line."""
        span = span_of(node)
        return "" if span is None else one_line(self.between(span[:2], span[2:]))


class _Statement:
    """A top-level statement that ran, with an index of its nodes that is made when first asked for."""

    def __init__(self, source: Source, node: ast.stmt, code: CodeType) -> None:
        self.source, self.node, self.code = source, node, code
        self._text: Text | None = None
        self._spans: dict[Span, list[ast.AST]] = {}
        self._chained: dict[tuple[int, int], ast.AST] = {}
        self.parents: dict[ast.AST, ast.AST] = {}

    @property
    def text(self) -> Text:
        if self._text is None:
            self._text = Text(self.source)
            self._read()
        return self._text

    def find(self, span: Span) -> ast.AST | None:
        """The node whose code has this span: of several the outermost that is an operation."""
        nodes = self._spans.get(span)
        if nodes is None:
            return self._chained.get(span[2:])
        return next((node for node in nodes if isinstance(node, _OPERATIONS)), nodes[-1])

    def _read(self) -> None:
        pending: deque[ast.AST] = deque([self.node])
        while pending:
            node = pending.popleft()
            span = span_of(node)
            if span is not None:
                self._spans.setdefault(span, []).append(node)
                if isinstance(node, _CHAINED):
                    self._chained[span[2:]] = node
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
                pending.append(child)


class Sites:
    """Knows the code of every statement that ran in one namespace."""

    def __init__(self, namespace: dict[str, object]) -> None:
        self._namespace = namespace
        self.clear()

    def clear(self) -> None:
        """Forget all code."""
        self._unread: deque[_Statement] = deque(maxlen=_MOST_STATEMENTS)
        # The code objects are held, so that their ids stay theirs.
        self._home: dict[int, tuple[CodeType, _Statement]] = {}
        self._strangers: dict[int, CodeType] = {}
        self._sites: dict[tuple[int, int], Site] = {}
        self._entered: Source | None = None

    def enter(self, source: Source, node: ast.stmt, code: CodeType) -> None:
        """A statement is about to run; `code` is what it was compiled to."""
        if self._entered is not None and self._entered is not source:
            self._entered.over = True
        self._entered = source
        self._unread.append(_Statement(source, node, code))

    def nearest(self, frame: FrameType | None) -> FrameType | None:
        """The learner's frame at or around `frame`.

        Frames of code that was made from a string, and a handler of the learner's that hands on what
        it was called for, are passed over.
        """
        namespace = self._namespace
        while frame is not None:
            theirs = frame.f_globals is namespace and self.knows(frame.f_code)
            if theirs and (frame.f_code.co_name != "__torch_function__" or not self._hands_on(frame)):
                return frame
            frame = frame.f_back
        return None

    def at(self, frame: FrameType) -> Site:
        """Where a frame of the learner's is just now."""
        return self.place(frame.f_code, frame.f_lasti)

    def place(self, code: CodeType, instruction: int) -> Site:
        """The place of one instruction of code of the learner's."""
        known = self.knows(code)
        site = self._sites.get((id(code), instruction))
        if site is None:
            with GenuineBuiltins():
                site = self._make(code, instruction)
            if known:
                if len(self._sites) >= _MOST_SITES:
                    self._sites.clear()
                self._sites[id(code), instruction] = site
        return site

    def knows(self, code: CodeType) -> bool:
        """Whether this code is from a statement that ran."""
        return id(code) in self._home or self._look_for(code)

    def source(self, code: CodeType) -> Source | None:
        """What was entered that this code is from."""
        return self._home[id(code)][1].source if self.knows(code) else None

    # ── details ──────────────────────────────────────────────────────────────

    def _look_for(self, code: CodeType) -> bool:
        if id(code) in self._strangers or code.co_name == STAND_IN:
            return False
        while self._unread:  # nearly always what is looked for is in the newest
            self._learn(self._unread.pop())
            if id(code) in self._home:
                return True
        if len(self._strangers) >= _MOST_STRANGERS:
            self._strangers.clear()
        self._strangers[id(code)] = code
        return False

    def _learn(self, statement: _Statement) -> None:
        pending = [statement.code]
        while pending:
            code = pending.pop()
            self._home[id(code)] = (code, statement)
            pending.extend(part for part in code.co_consts if isinstance(part, CodeType))

    def _make(self, code: CodeType, instruction: int) -> Site:
        first, last, begin, end = next(
            islice(code.co_positions(), instruction // 2, None), (None, None, None, None)
        )
        line = code.co_firstlineno if first is None else first
        home = self._home.get(id(code))
        if first is None or last is None or begin is None or end is None or home is None:
            site = Site(code, None, line)
            site.source = home[1].source if home is not None else None
            return site
        statement, text = home[1], home[1].text
        found = statement.find((first, begin, last, end))
        node = _meant(found, statement.parents)
        span = (None if node is None else span_of(node)) or (first, begin, last, end)
        site = Site(code, span, line)
        site.source = statement.source
        site.iterates = node is not found and not isinstance(node, ast.Assign)
        site.node, site.text, site.parents = node, text, statement.parents
        walked = () if node is None else islice(ast.walk(node), _MOST_NODES)
        site.names = tuple(dict.fromkeys(one.id for one in walked if isinstance(one, ast.Name)))
        site.expression = one_line(text.between(span[:2], span[2:]))
        site.part = _part(node, text) or site.expression
        site.line = line if node is None else _line_of_call(node)
        return site

    def _hands_on(self, frame: FrameType) -> bool:
        """Whether a `__torch_function__` is just calling the function that it was called for."""
        node = self.at(frame).node
        if not isinstance(node, ast.Call):
            return False
        if isinstance(node.func, ast.Attribute):
            return node.func.attr == "__torch_function__"
        code = frame.f_code
        return (
            isinstance(node.func, ast.Name) and node.func.id in code.co_varnames[: min(2, code.co_argcount)]
        )


def span_of(node: ast.AST) -> Span | None:
    """Span of a syntax node, None where it has no place of its own."""
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    if first is None or last is None:
        return None
    return (first, node.col_offset, last, node.end_col_offset)  # type: ignore[attr-defined]


def _meant(node: ast.AST | None, parents: dict[ast.AST, ast.AST]) -> ast.AST | None:
    """What is iterated over, where the code of doing so is placed at the loop or at the targets.

    Setting an element or an attribute is the whole assignment.
    """
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return node.iter
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return node.generators[0].iter if len(node.generators) == 1 else node
    around = None if node is None else parents.get(node)
    if isinstance(node, ast.Tuple | ast.List) and isinstance(around, ast.Assign) and node in around.targets:
        return around.value
    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
        return around if isinstance(around, ast.Assign) and len(around.targets) == 1 else node
    return node


def function_of(code: CodeType) -> str:
    """Bare name of the function that this code is the body of, or stands in as a comprehension."""
    parts = [part for part in code.co_qualname.split(".") if part not in _COMPREHENSIONS | {"<locals>"}]
    return parts[-1] if parts else "<module>"


def _part(node: ast.AST | None, text: Text) -> str:
    """What of a node follows the value that it is asked of, where that is more than a name: `.reshape(6)`."""
    inner: ast.expr | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        inner = node.func.value
    elif isinstance(node, ast.Attribute | ast.Subscript):
        inner = node.value
    if inner is not None and _is_name(inner):
        return ""
    around, within = None if node is None else span_of(node), None if inner is None else span_of(inner)
    if around is None or within is None:
        return ""
    rest = text.between(within[2:], around[2:])
    opening = "." if not isinstance(node, ast.Subscript) else "["
    at = rest.find(opening)  # what stands before it closes brackets around the value
    return one_line(rest[at:]) if at >= 0 else ""


def _is_name(node: ast.expr) -> bool:
    """`x`, `self.weight`, `torch.nn.functional`: nothing that is an operation by itself."""
    while isinstance(node, ast.Attribute) and node.attr not in _PROPERTIES:
        node = node.value
    return isinstance(node, ast.Name)


def _line_of_call(node: ast.AST) -> int:
    """The line of the name that is called: a chain over several lines has one line for each call."""
    inner = node.func if isinstance(node, ast.Call) else node
    line = inner.end_lineno if isinstance(inner, ast.Attribute) else getattr(node, "lineno", None)
    return line or 0
