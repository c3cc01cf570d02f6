"""Reading a statement of the learner's: which code failed, which calls it makes, what it writes into."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tutor.facts import FrameFacts, Span, Step, TensorFacts
from tutor.paths import spell

#: What has a scope of its own: names inside may be others than the learner's variables.
_SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
_BODIES = (ast.stmt, ast.ExceptHandler, ast.match_case)
_LONGEST = 60
_KEYS = (ast.Name, ast.Constant, ast.UnaryOp)
#: Methods that give a view where that is possible, and copy where it is not.
COPY_IF_NEEDED = frozenset({"reshape", "reshape_as", "flatten", "ravel", "contiguous"})


@dataclass(frozen=True)
class Failing:
    """The code that raised: the innermost statement, and the expression in it where that is known."""

    statement: ast.stmt
    #: The statement or function that both stand in.
    source: str
    #: Line of the learner's source at which `source` begins.
    first_line: int
    tensors: Mapping[str, TensorFacts]
    numbers: Mapping[str, int]
    modules: Mapping[str, str]
    #: Whether `source` is the step's own.
    own: bool
    expression: ast.AST | None = None

    @property
    def nodes(self) -> list[ast.AST]:
        """The expression that raised; where it is not known, all that the statement itself evaluates."""
        node = self.expression
        if node is None or isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            return list(evaluated(self.statement, nested=False))
        return [node]

    def line(self, node: ast.AST) -> int:
        """The learner's line of a node of `source`."""
        return int(getattr(node, "lineno", 1)) + self.first_line - 1

    def changed(self, source: str | None) -> str | None:
        """What replaces the faulty code, from an edited `source`: a step as a whole, of a function
        the one statement."""
        if source is None or self.own:
            return source
        lines = source.split("\n")
        more = len(lines) - len(self.source.split("\n"))
        last = (self.statement.end_lineno or self.statement.lineno) + more
        return textwrap.dedent("\n".join(lines[self.statement.lineno - 1 : last]))


@dataclass(frozen=True)
class Write:
    """Code that writes in place: the variable or path that it goes through, and the writing expression."""

    name: str
    node: ast.AST
    #: The method's name for a call, else "".
    method: str = ""


@lru_cache(maxsize=32)
def parse(source: str) -> tuple[ast.stmt, ...]:
    """The statements of `source`; none where it cannot be parsed."""
    try:
        return tuple(ast.parse(source).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def statement_of(step: Step) -> ast.stmt | None:
    """The step's statement."""
    statements = parse(step.source)
    return statements[0] if len(statements) == 1 else None


def raised(step: Step, words: str) -> bool:
    """Whether the step ended with a RuntimeError, torch's error for nearly everything, that says `words`."""
    return step.error is not None and step.error.type == "RuntimeError" and words in step.error.message


def failing(step: Step) -> Failing | None:
    """The code that raised the step's error; None where it is not known."""
    if step.error is None:
        return None
    frame = step.error.frames[-1] if step.error.frames else None
    if frame is None:  # all that is known is the line
        if not step.line <= step.error.line <= step.end_line:
            return None
        frame = FrameFacts("<module>", step.error.line, step.source, None, step.line)
    tree = parse(frame.source)
    line = frame.span[0] if frame.span is not None else frame.line - frame.first_line + 1
    column = frame.span[1] if frame.span is not None else None
    statement = next((one for one in tree if _spans(one, line, column)), None)
    while statement is not None and (inner := _inner(statement, line, column)) is not None:
        statement = inner
    if statement is None:
        return None
    # A variable is at the moment of the error what the snapshot after it shows.
    hidden = frozenset(frame.own)
    around = {n: t for n, t in step.snapshot.tensors.items() if _first_name(n) not in hidden}
    return Failing(
        statement,
        frame.source,
        frame.first_line,
        {**around, **frame.tensors},
        frame.numbers,
        frame.modules,
        own=frame.source == step.source and frame.first_line == step.line,
        expression=at_span((statement,), frame.span),
    )


def _first_name(name: str) -> str:
    return re.split(r"[.\[]", name, maxsplit=1)[0]


def _inner(statement: ast.stmt, line: int, column: int | None) -> ast.stmt | None:
    return next((one for one in _inside(statement) if _spans(one, line, column)), None)


def at_span(tree: Sequence[ast.AST], span: Span | None) -> ast.AST | None:
    """The node that stands exactly there; an expression before a statement."""
    if span is None:
        return None
    found = None
    for node in (node for root in tree for node in ast.walk(root)):
        if isinstance(node, ast.expr | ast.stmt):
            place = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
            if place == span and (found is None or isinstance(found, ast.stmt)):
                found = node
    return None if isinstance(found, ast.Expr) else found


def _inside(statement: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, _BODIES):
            yield from _inside(child)


def _spans(statement: ast.stmt, line: int, column: int | None) -> bool:
    """Whether a place stands in a statement; without a column, whether the line does."""
    last = statement.end_lineno or statement.lineno
    if column is None or statement.lineno > line or line > last:
        return statement.lineno <= line <= last
    after = line > statement.lineno or column >= statement.col_offset
    return after and (line < last or column < (statement.end_col_offset or 0))


def evaluated(root: ast.AST, *, nested: bool = True) -> Iterator[ast.AST]:
    """Nodes that running `root` evaluates in its own scope, in source order.

    With `nested` off, the statements inside a block are left out: of `for` only the header stays."""
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, _SCOPES):
            continue
        yield node
        children = ast.iter_child_nodes(node)
        pending.extend(reversed([c for c in children if nested or not isinstance(c, _BODIES)]))


def path(node: ast.AST) -> str | None:
    """`lin.weight`, `model[0].bias`, `batch["x"]` or `xs[i]` as facts name it; None for anything else."""
    return spell(node)


def root(node: ast.AST, names: Container[str]) -> str | None:
    """The name of `names` that an expression such as `w.data[0]` or `w.view(-1)` starts from."""
    while True:
        found = path(node)
        if found is not None and found in names:
            return found
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        else:
            return None


def words(node: ast.AST, source: str) -> str:
    """The code of an expression as the learner wrote it, on one line."""
    code = " ".join((ast.get_source_segment(source, node) or "").split())
    return code if len(code) <= _LONGEST else code[: _LONGEST - 1] + "…"


def writes(nodes: Iterator[ast.AST] | list[ast.AST], names: Container[str]) -> list[Write]:
    """Every write into the memory of one of `names` that these nodes spell out."""
    return [write for node in nodes for write in _writes(node, names)]


def _writes(node: ast.AST, names: Container[str]) -> Iterator[Write]:
    targets: list[tuple[ast.AST, str]] = []
    if isinstance(node, ast.AugAssign):
        targets = [(node.target, "")]
    elif isinstance(node, ast.Assign):
        targets = [(target, "") for target in node.targets if isinstance(target, ast.Subscript)]
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and is_in_place(node.func.attr):
            targets = [(node.func.value, node.func.attr)]
        targets += [(keyword.value, "") for keyword in node.keywords if keyword.arg == "out"]
    for target, method in targets:
        name = root(target, names)
        if name is not None:
            yield Write(name, node, method)


def is_in_place(method: str) -> bool:
    """Whether a method's name says that it changes its tensor's values."""
    return method.endswith("_") and not method.endswith("__") and method not in _NO_WRITE


_NO_WRITE = {
    "requires_grad_", "detach_", "t_", "transpose_", "squeeze_", "unsqueeze_", "swapaxes_", "swapdims_",
    "rename_", "share_memory_", "as_strided_", "resize_", "set_",
}  # fmt: skip


def rename_method(source: str, function: ast.Attribute, name: str) -> str | None:
    """`source` with the method of this call renamed."""
    if function.end_lineno is None or function.end_col_offset is None:
        return None
    lines = [line.encode() for line in source.split("\n")]
    line, end = lines[function.end_lineno - 1], function.end_col_offset
    old = function.attr.encode()
    if line[:end].endswith(old):
        lines[function.end_lineno - 1] = line[: end - len(old)] + name.encode() + line[end:]
        return b"\n".join(lines).decode()
    return None


def insert_after(source: str, node: ast.expr, code: str) -> str:
    """`source` with `code` put right behind an expression."""
    lines = [line.encode() for line in source.split("\n")]
    row, column = (node.end_lineno or node.lineno) - 1, node.end_col_offset or 0
    lines[row] = lines[row][:column] + code.encode() + lines[row][column:]
    return b"\n".join(lines).decode()


def wrap(source: str, statement: ast.stmt, header: str) -> str | None:
    """`source` with `statement` put under `header`; None where it does not stand on lines of its own."""
    lines = source.split("\n")
    first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
    before = lines[first].encode()[: statement.col_offset].decode()
    after = lines[last - 1].encode()[statement.end_col_offset :].decode().strip()
    if before.strip() or (after and not after.startswith("#")) or _has_long_string(statement):
        return None
    body = [f"    {line}" if line.strip() else line for line in lines[first:last]]
    return "\n".join([*lines[:first], before + header, *body, *lines[last:]])


def _has_long_string(statement: ast.stmt) -> bool:
    strings = (ast.Constant, ast.JoinedStr)
    return any(isinstance(n, strings) and n.lineno != n.end_lineno for n in ast.walk(statement))


def insert_line(source: str, statement: ast.stmt, code: str, *, after: bool = True) -> str | None:
    """`source` with a line of code before or after a statement that stands on lines of its own."""
    lines = source.split("\n")
    first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
    indent = lines[first].encode()[: statement.col_offset].decode()
    if indent.strip() or lines[last - 1].encode()[statement.end_col_offset :].decode().strip().startswith(
        ";"
    ):
        return None
    at = last if after else first
    return "\n".join([*lines[:at], indent + code, *lines[at:]])


def remove(source: str, node: ast.expr, inner: ast.expr) -> str | None:
    """`source` with `node` replaced by `inner`, an expression that it begins with."""
    code = ast.get_source_segment(source, inner)
    if code is None or (node.lineno, node.col_offset) != (inner.lineno, inner.col_offset):
        return None
    lines = [line.encode() for line in source.split("\n")]
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    joined = lines[first][: node.col_offset] + code.encode() + lines[last][node.end_col_offset :]
    return b"\n".join([*lines[:first], joined, *lines[last + 1 :]]).decode()


def replace(source: str, statement: ast.stmt, code: Sequence[str]) -> str | None:
    """`source` with a statement that stands on lines of its own replaced by lines of code."""
    lines = source.split("\n")
    first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
    indent = lines[first].encode()[: statement.col_offset].decode()
    rest = lines[last - 1].encode()[statement.end_col_offset :].decode().strip()
    if indent.strip() or (rest and not rest.startswith("#")):
        return None
    return "\n".join([*lines[:first], *(indent + line for line in code), *lines[last:]])


def insert_before_attribute(source: str, function: ast.Attribute, code: str) -> str | None:
    """`source` with `code` before the last `.name` of an attribute."""
    lines = [line.encode() for line in source.split("\n")]
    row, end = (function.end_lineno or 1) - 1, function.end_col_offset or 0
    dot = lines[row][:end].rfind(b".")
    if dot < 0 or lines[row][dot + 1 : end].strip() != function.attr.encode():
        return None
    lines[row] = lines[row][:dot] + code.encode() + lines[row][dot:]
    return b"\n".join(lines).decode()
