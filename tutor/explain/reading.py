"""Reading a statement of the learner's: which code failed, which calls it makes, what it writes into."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import lru_cache

from tutor.facts import Step, TensorFacts

#: What has a scope of its own: names inside may be others than the learner's variables.
_SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
_BODIES = (ast.stmt, ast.ExceptHandler, ast.match_case)
_LONGEST = 60
#: Methods that give a view where that is possible, and copy where it is not.
COPY_IF_NEEDED = frozenset({"reshape", "reshape_as", "flatten", "ravel", "contiguous"})


@dataclass(frozen=True)
class Failing:
    """The innermost statement that raised. `tensors` is empty where its names are not variables."""

    statement: ast.stmt
    source: str
    tensors: dict[str, TensorFacts]
    #: Whether `source` is the step's own, so that it can be edited.
    own: bool

    @property
    def nodes(self) -> list[ast.AST]:
        """What the statement itself evaluates, without the statements inside it."""
        return list(evaluated(self.statement, nested=False))


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
    """The statement that raised the step's error; None where its code is not known."""
    if step.error is None:
        return None
    if not step.line <= step.error.line <= step.end_line:
        return _failing_elsewhere(step.error.traceback, step.error.line)
    statement = statement_of(step)
    line = step.error.line - step.line + 1
    in_scope = False
    while statement is not None:
        in_scope = in_scope or isinstance(statement, _SCOPES)
        inner = next((s for s in _inside(statement) if _spans(s, line)), None)
        if inner is None:
            break
        statement = inner
    if statement is None:
        return None
    # A variable is at the moment of the error what the snapshot after it shows.
    return Failing(statement, step.source, {} if in_scope else step.snapshot.tensors, own=True)


def _failing_elsewhere(traceback: str, line: int) -> Failing | None:
    """The line as the traceback quotes it: inside a function, so no name in it is a variable for sure."""
    frames = re.findall(r'^  File "(.*)", line (\d+), in .*\n    (.*)$', traceback, re.MULTILINE)
    quoted = [code for file, number, code in frames if file == frames[0][0] and int(number) == line]
    statements = parse(quoted[-1].strip()) if quoted else ()
    return Failing(statements[0], quoted[-1].strip(), {}, own=False) if len(statements) == 1 else None


def _inside(statement: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, _BODIES):
            yield from _inside(child)


def _spans(statement: ast.stmt, line: int) -> bool:
    return statement.lineno <= line <= (statement.end_lineno or statement.lineno)


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
    """`lin.weight` or `model[0].bias` as snapshots write it; None for anything else."""
    parts: list[str] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            parts.append(f".{node.attr}")
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            if type(node.slice.value) is not int:
                return None
            parts.append(f"[{node.slice.value}]")
        else:
            return None
        node = node.value
    return node.id + "".join(reversed(parts))


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
