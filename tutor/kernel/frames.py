"""Frames that an exception passed through, as facts: which expression raised, and on what.

Everything is read by dictionary and by position: nothing of the learner's is called.
"""

from __future__ import annotations

import ast
import linecache
import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from types import CodeType, FrameType, TracebackType
from typing import Any

import torch
from msgspec import Struct

from tutor.facts import CallFacts, FrameFacts, Span, TensorFacts
from tutor.kernel import raw
from tutor.kernel.failed.layers import path_of
from tutor.kernel.guard import GENUINE
from tutor.kernel.names import gradient_of
from tutor.kernel.source import Source
from tutor.kernel.tensors import Named
from tutor.kernel.trace.sites import STAND_IN
from tutor.paths import spell

globals()["__builtins__"] = GENUINE

#: Frames that are described: the outermost, and the deepest.
_MOST_FRAMES = 8
#: Paths of one frame, and characters of a source.
_MOST_PATHS = 300
_LONGEST_SOURCE = 20_000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
#: Stands for a value that is not known.
NOTHING = object()

#: Facts of tensors under paths, with identities as snapshots have them.
Describe = Callable[[Sequence[Named]], Sequence[TensorFacts]]


class Statement(Struct, frozen=True):
    """The top-level statement that is running."""

    text: str
    line: int
    column: int
    #: What was entered that a code object is from.
    source: Callable[[CodeType], Source | None] = lambda code: None


def describe_frames(
    trace: TracebackType | None, namespace: dict[str, Any], statement: Statement, describe: Describe
) -> tuple[tuple[FrameFacts, ...], CallFacts | None]:
    """The learner's frames of a traceback, and the deepest call into torch.nn below them."""
    links = list(_links(trace))
    theirs = [at for at, (frame, _, _) in enumerate(links) if frame.f_globals is namespace]
    if not theirs:
        return (), None
    chosen = theirs if len(theirs) <= _MOST_FRAMES else [theirs[0], *theirs[1 - _MOST_FRAMES :]]
    frames = tuple(_frame(*links[at], namespace, statement, describe) for at in chosen)
    below = [frame for frame, _, _ in links[theirs[-1] + 1 :]]
    return frames, _call(below, links[theirs[-1]][0], namespace, describe)


def _links(trace: TracebackType | None) -> Iterator[tuple[FrameType, int, int]]:
    while trace is not None:
        if trace.tb_frame.f_code.co_name != STAND_IN:
            yield trace.tb_frame, trace.tb_lineno, trace.tb_lasti
        trace = trace.tb_next


# ── one frame ────────────────────────────────────────────────────────────────


def _frame(
    frame: FrameType,
    line: int,
    instruction: int,
    namespace: dict[str, Any],
    statement: Statement,
    describe: Describe,
) -> FrameFacts:
    code = frame.f_code
    span = _span(code, instruction)
    variables = variables_of(frame, namespace)
    if code.co_name == "<module>" or _is_within(frame, statement):
        text, first, column = statement.text, statement.line, statement.column
    else:
        text, first, column = _definition(code, statement.source(code))
    placed = _placed(span, first, column) if text else None
    # `.0` is what a comprehension runs over.
    own = tuple(name for name in variables if name.isidentifier())
    found: dict[str, Any] = {name: variables[name] for name in own}
    scope = Paths(variables, namespace)
    for path in islice(_paths(text), _MOST_PATHS):
        value = scope.value(path)
        if value is not NOTHING:
            found[spell(path) or ast.unparse(path)] = value
    tensors, numbers, modules = _sorted(found, describe)
    source = statement.source(code)
    over = source is not None and source.over
    return FrameFacts(code.co_name, line, text, placed, first, own, tensors, numbers, modules, over)


def _span(code: CodeType, instruction: int) -> Span | None:
    position = next(islice(code.co_positions(), instruction // 2, None), None)
    if position is None or None in position:
        return None
    first, last, begin, end = position
    return (first, begin, last, end)  # type: ignore[return-value]


def _placed(span: Span | None, first: int, column: int) -> Span | None:
    """The span as it stands in a source whose lines all lost `column` columns, or its first did."""
    if span is None or span[0] < first:
        return None
    every = column < 0
    cut = abs(column)
    begin = span[1] - cut if every or span[0] == first else span[1]
    end = span[3] - cut if every or span[2] == first else span[3]
    return (span[0] - first + 1, begin, span[2] - first + 1, end)


def _is_within(frame: FrameType, statement: Statement) -> bool:
    """Whether the frame's code is part of the running statement: a lambda or comprehension in it."""
    back = frame.f_back
    inside = frame.f_code.co_name in _COMPREHENSIONS or frame.f_code.co_name == "<lambda>"
    last = statement.line + statement.text.count("\n")
    same = back is not None and back.f_code.co_filename == frame.f_code.co_filename
    return (
        inside
        and same
        and back is not None
        and back.f_code.co_name == "<module>"
        and (statement.line <= frame.f_code.co_firstlineno <= last)
    )


def _definition(code: CodeType, source: Source | None) -> tuple[str, int, int]:
    """The definition that this code comes from, its first line, and minus its indentation."""
    known = linecache.cache.get(code.co_filename, (0, None, [], ""))[2]  # type: ignore[misc]
    lines = known if source is None else [line + "\n" for line in source.lines]
    text = "".join(lines)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "", 0, 0
    node = _innermost(tree, code)
    if node is None:
        return "", 0, 0
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
    cut = textwrap.dedent("".join(lines[first - 1 : node.end_lineno])).rstrip("\n")
    return (cut, first, -node.col_offset) if len(cut) <= _LONGEST_SOURCE else ("", 0, 0)


def _innermost(tree: ast.AST, code: CodeType) -> ast.stmt | None:
    """The function of this code; of a lambda or comprehension the one around it, or its statement."""
    line, best = code.co_firstlineno, None
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.stmt):
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
            if not first <= line <= (node.end_lineno or first):
                continue
            if best is None or isinstance(node, _FUNCTIONS) or isinstance(best, ast.ClassDef):
                best = node
            if isinstance(node, _FUNCTIONS) and node.name == code.co_name and first == line:
                return node
        pending.extend(ast.iter_child_nodes(node))
    return best


def variables_of(frame: FrameType, namespace: dict[str, Any]) -> dict[str, Any]:
    """Local variables; of a comprehension in a function also those around it."""
    if frame.f_locals is namespace:
        return {}
    back = frame.f_back
    around: dict[str, Any] = {}
    if frame.f_code.co_name in _COMPREHENSIONS and back is not None and back.f_globals is namespace:
        around = variables_of(back, namespace)
    return {**around, **frame.f_locals}


# ── paths ────────────────────────────────────────────────────────────────────


def _paths(text: str) -> Iterator[ast.expr]:
    """Chains of attributes and subscripts in a source: `self.w`, `pair[0]`, `batch["x"]`, `xs[i]`."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    seen: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Name) and _is_path(node):
            key = ast.dump(node)
            if key not in seen:
                seen.add(key)
                yield node


def _is_path(node: ast.expr) -> bool:
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Subscript) and not isinstance(
            node.slice, ast.Constant | ast.Name | ast.UnaryOp
        ):
            return False
        if not isinstance(node, ast.Attribute | ast.Subscript):
            return False
        node = node.value
    return True


class Paths:
    """Values of paths, read from dictionaries, lists and tuples of the exact types only."""

    def __init__(self, variables: dict[str, Any], namespace: dict[str, Any]) -> None:
        self._variables = variables
        self._namespace = namespace

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            found = self._variables.get(node.id, NOTHING)
            return self._namespace.get(node.id, NOTHING) if found is NOTHING else found
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value)
            return NOTHING if owner is NOTHING else _attribute(owner, node.attr)
        if isinstance(node, ast.Subscript):
            owner = self.value(node.value)
            return NOTHING if owner is NOTHING else _item(owner, self._key(node.slice))
        return NOTHING

    def _key(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self._key(node.operand)
            return -number if type(number) is int else NOTHING
        key = self.value(node)
        return key if type(key) in (int, str) else NOTHING


def _attribute(owner: Any, name: str) -> Any:
    if raw.is_tensor(owner) or raw.is_array(owner) or raw.is_a(owner, type):
        return NOTHING
    if raw.is_a(owner, torch.nn.Module):
        fields = raw.module_dict(owner)
        for part in (fields, *(dict.get(fields, key) for key in ("_parameters", "_buffers", "_modules"))):
            if type(part) is dict and name in part:
                return part[name]
        return NOTHING
    try:
        fields = object.__getattribute__(owner, "__dict__")
    except Exception:
        return NOTHING
    return fields.get(name, NOTHING) if type(fields) is dict else NOTHING


def _item(owner: Any, key: Any) -> Any:
    if type(owner) in (list, tuple):
        return owner[key] if type(key) is int and -len(owner) <= key < len(owner) else NOTHING
    if type(owner) is dict:
        plain = type(key) in (int, str) and all(type(each) in (int, str) for each in islice(owner, 10_000))
        return owner.get(key, NOTHING) if plain else NOTHING
    if raw.is_a(owner, torch.nn.Sequential) or raw.is_a(owner, torch.nn.ModuleList):
        members = dict.get(raw.module_dict(owner), "_modules")
        if type(key) is int and type(members) is dict:
            keys = list(members)
            return members[keys[key]] if -len(keys) <= key < len(keys) else NOTHING
    return NOTHING


def _sorted(
    found: dict[str, Any], describe: Describe
) -> tuple[dict[str, TensorFacts], dict[str, int], dict[str, str]]:
    """Facts of tensors, whole numbers, and types of modules."""
    named: list[Named] = []
    numbers: dict[str, int] = {}
    modules: dict[str, str] = {}
    for path, value in found.items():
        if type(value) is int:
            if abs(value) < 1 << 62:
                numbers[path] = value
        elif raw.is_tensor(value):
            named.append(_named(path, value))
        elif raw.is_array(value):
            named.append(Named(path, path, "ndarray", value))
        elif raw.is_a(value, torch.nn.Module):
            modules[path] = raw.type_name(value)
            named.extend(_named(f"{path}.{key}", one) for key, one in _parameters(value))
    facts = describe(named[:_MOST_PATHS])
    return {one.name: one for one in facts}, numbers, modules


def _named(path: str, value: Any) -> Named:
    return Named(path, path, "tensor", value, gradient_of(value))


def _parameters(module: Any) -> Iterator[tuple[str, Any]]:
    members = dict.get(raw.module_dict(module), "_parameters")
    if type(members) is dict:
        yield from ((key, value) for key, value in members.items() if raw.is_tensor(value))


# ── calls of torch ───────────────────────────────────────────────────────────


def _call(
    frames: list[FrameType], learner: FrameType, namespace: dict[str, Any], describe: Describe
) -> CallFacts | None:
    inside = [f for f in frames if str(f.f_globals.get("__name__", "")).startswith("torch.nn.")]
    inside = [f for f in inside if f.f_code.co_name not in ("_wrapped_call_impl", "_call_impl")]
    if not inside:
        return None
    frame = inside[-1]
    owner = next((o for f in reversed(inside) if (o := _module_of(f)) is not None), None)
    # A layer's own forward says more than the function that it hands its input to.
    if owner is not None and _module_of(frame) is None:
        frame = next(f for f in reversed(inside) if _module_of(f) is owner)
    named = [_named(name, value) for name, value in frame.f_locals.items() if raw.is_tensor(value)]
    if owner is not None:
        named.extend(_named(f"self.{key}", value) for key, value in _parameters(owner))
    facts = {one.name: one for one in describe(named[:_MOST_PATHS])}
    kind = None if owner is None else raw.type_name(owner)
    path = "" if owner is None else path_of(owner, variables_of(learner, namespace), namespace)
    return CallFacts(frame.f_code.co_name, kind, path or None, facts)


def _module_of(frame: FrameType) -> Any:
    owner = frame.f_locals.get("self")
    return owner if raw.is_a(owner, torch.nn.Module) else None
