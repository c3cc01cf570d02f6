"""A piece of the learner's source, split into top-level statements."""

from __future__ import annotations
import __future__

import ast
import linecache
from collections.abc import Iterator
from functools import cached_property
from types import CodeType

TOP_LEVEL_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUTURES = {name: getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}


class Source:
    """Parsed source. Raises SyntaxError (or ValueError, for null bytes) when it is not Python."""

    def __init__(self, text: str, filename: str, flags: int) -> None:
        self.text = text
        self.filename = filename
        self.flags = flags
        self.lines = text.split("\n")
        #: Whether something else was entered since: its lines are none of what runs now.
        self.over = False
        # Compiled whole once, so that what is wrong anywhere is said before anything runs.
        self.tree = compile(text, filename, "exec", ast.PyCF_ONLY_AST | flags, dont_inherit=True)
        compile(self.tree, filename, "exec", flags, dont_inherit=True)
        # A None time keeps linecache from looking for a file of that name.
        linecache.cache[filename] = (len(text), None, [line + "\n" for line in self.lines], filename)

    @cached_property
    def encoded(self) -> list[bytes]:
        """The lines in UTF-8, by which columns of syntax nodes count."""
        return [line.encode("utf-8", "surrogatepass") for line in self.lines]

    @property
    def statements(self) -> list[ast.stmt]:
        return self.tree.body

    def spans(self) -> tuple[tuple[int, int], ...]:
        """First and last line of each statement, 1-based."""
        return tuple((node.lineno, node.end_lineno or node.lineno) for node in self.statements)

    def segment(self, node: ast.stmt) -> str:
        """The statement's own text, decorators included."""
        first = self.first_line(node)
        column = node.col_offset if first == node.lineno else 0
        last = node.end_lineno or node.lineno
        lines = self.encoded[first - 1 : last]
        if not isinstance(node, _BLOCKS):  # a comment on the last line of a block belongs to it
            lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][column:]
        return b"\n".join(lines).decode("utf-8", "replace")

    def first_line(self, node: ast.stmt) -> int:
        """The line on which a statement begins, with its decorators."""
        return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])

    def code(self, node: ast.stmt) -> CodeType:
        """Code of one statement: evaluates to the value of an expression, else executes."""
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                self.flags |= _FUTURES.get(alias.name, 0)
        if isinstance(node, ast.Expr):
            expression = ast.Expression(node.value)
            return compile(expression, self.filename, "eval", self.flags, dont_inherit=True)
        module = ast.Module([node], [])
        return compile(module, self.filename, "exec", self.flags, dont_inherit=True)


def names_in(code: CodeType) -> set[str]:
    """Names that this code, or code defined inside it, reads or writes outside its own locals."""
    names: set[str] = set()
    todo = [code]
    while todo:
        current = todo.pop()
        names.update(current.co_names)
        todo.extend(const for const in current.co_consts if isinstance(const, CodeType))
    return names


def docstring_of(tree: ast.Module) -> str | None:
    """What plain Python would bind to `__doc__`."""
    return ast.get_docstring(tree, clean=False)


class Definitions:
    """The imports, functions, classes and literal constants of all cells so far, newest of each name.

    Spawned workers import them from a file, and `inspect.getsource` reads classes from it.
    """

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}

    def add(self, node: ast.stmt, text: str) -> bool:
        """Remember a statement; False when it is not one that a worker may repeat."""
        keys = list(_keys(node, text))
        for key in keys:
            self._parts.pop(key, None)
        if not keys:
            return False
        self._parts[keys[0]] = text
        return True

    def text(self) -> str:
        return "\n\n".join(self._parts.values()) + "\n"

    def clear(self) -> None:
        self._parts.clear()


def _keys(node: ast.stmt, text: str) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        if getattr(node, "module", None) != "__future__":
            yield text
    elif isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
        try:
            ast.literal_eval(node.value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
