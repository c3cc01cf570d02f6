"""Which of the learner's lines made a variable what it is: by the records, else by the text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tutor.course.reading import bound_by, imported_by, is_name, names_in, root, root_of
from tutor.facts import Change, Run, Snapshot, TensorFacts
from tutor.facts import Step as RunStep

#: What a line did to a name. `likely`: its text says that it may have; no record does.
Deed = Literal["made", "rebound", "written", "altered", "deleted", "likely"]

#: What of a tensor's record a fact of a check is about; all other facts are about values.
_SEEN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("shape", "ndim"), ("shape",)),
    "dtype": ("dtype",),
    "device": ("device",),
    **dict.fromkeys(("stride", "contiguous"), ("shape", "stride")),
    "storage_offset": ("offset",),
    "requires_grad": ("requires_grad",),
    "is_leaf": ("is_leaf", "requires_grad"),
    **dict.fromkeys(("grad_fn", "depends_on"), ("grad_fn", "node")),
    **dict.fromkeys(("shares_memory", "same_storage", "is_view_of"), ("storage", "offset")),
    **dict.fromkeys(("grad", "grad_is_none"), ("grad",)),
    **dict.fromkeys(("graph_freed", "training"), ()),
}
#: Attributes in an expression that say which fact the expression is about.
_ASKED = {
    **{each: each for each in ("shape", "ndim", "dtype", "device", "requires_grad", "is_leaf", "grad_fn")},
    **dict.fromkeys(("size", "dim", "numel"), "shape"),
    **dict.fromkeys(("stride", "is_contiguous"), "stride"),
    "grad": "grad",
    "training": "training",
}
#: Methods that change what they are called on; others do where nobody takes their result.
_CHANGING = frozenset(
    {"add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"}
    | {"reverse", "setdefault", "sort", "update"}
)
#: Functions that leave their arguments alone though nobody takes their result.
_LOOKING = frozenset({"print", "len", "repr", "type", "id", "help", "dir", "vars", "isinstance"})
#: Methods that change something else than what they are called on.
_ELSEWHERE = frozenset({"backward", "step", "zero_grad"})
_MODES = frozenset({"train", "eval"})
_ENTRY = re.compile(r"\w+\[(\d+|'\w*'|\"\w*\")\]")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Effect(NamedTuple):
    """What a line (1-based) did to a variable."""

    line: int
    deed: Deed
    name: str


class Effects:
    """What the statements of one run did to the variables that checks ask about."""

    def __init__(self, run: Run, setup: str = "") -> None:
        self._run = run
        self._imported = imported_by(setup) | imported_by(run.source)
        self._statements: dict[int, list[tuple[ast.AST, int]]] = {}

    def last(self, expression: str, fact: str = "") -> Effect | None:
        """The last effect on what `fact` tells of a variable, a path or an expression."""
        found: Effect | None = None
        facts = _facts_of(expression, fact)
        for name in self._names_in(expression):
            before, known = self._run.before, name in self._run.before.tensors
            for step in self._run.steps:
                effect = self._of(step, before, name, expression, facts, known=known)
                before = step.snapshot
                if effect is not None:
                    known = effect.deed != "deleted"
                    if found is None or effect.line >= found.line:
                        found = effect
        return found

    def mention(self, expression: str) -> int | None:
        """The last line whose text names something of an expression, in order to do something with it."""
        names = frozenset(self._names_in(expression))
        lines = [
            line
            for step in self._run.steps
            for node, line in self._nodes(step)
            if isinstance(node, ast.Name) and node.id in names
            if not (isinstance(body := self._nodes(step)[0][0], ast.Expr) and _only_looks(body.value))
        ]
        return lines[-1] if lines else None

    def within(self, step: RunStep, name: str) -> int:
        """The line of a statement that wrote to the memory of `name`."""
        return self._written(step, name, step.snapshot.tensors.get(name))

    @property
    def end(self) -> int | None:
        """The line on which the last statement that ran begins."""
        return self._run.steps[-1].line if self._run.steps else None

    def _names_in(self, expression: str) -> list[str]:
        """The variables of an expression; what was imported is what nobody's line changes."""
        return [name for name in names_in(expression) if name not in self._imported]

    # ── one statement ────────────────────────────────────────────────────────

    def _of(
        self,
        step: RunStep,
        before: Snapshot,
        name: str,
        expression: str,
        facts: frozenset[str],
        *,
        known: bool,
    ) -> Effect | None:
        was, now = before.tensors.get(name), step.snapshot.tensors.get(name)
        own = next((change for change in step.changes if change.name == name), None)
        if deleted := [line for node, line in self._nodes(step) if _deletes(node, name)]:
            return Effect(deleted[-1], "deleted", name)
        bound = [line for node, line in self._nodes(step) if name in bound_by(node)]
        stays = was is not None and now is not None and was.object == now.object
        is_same = known and not stays and _is_same(was, now, facts)
        if bound and not stays and not is_same:
            first = not known and (own is None or own.kind == "new")
            return Effect(self._later(step, name, bound[-1], facts), "made" if first else "rebound", name)
        if own is not None and own.kind in ("new", "rebound") and not is_same:  # by `exec`
            return Effect(step.line, "made" if own.kind == "new" else "rebound", name)
        if own is not None and own.kind == "deleted":
            return Effect(step.line, "deleted", name)
        if self._is_changed(step, name, expression, facts, was, now):
            wrote = not facts <= _SEEN.keys() and any(_wrote(each, name) for each in step.changes)
            deed: Deed = "written" if wrote else "altered"
            gradient = self._of_gradient(step, name) if facts & {"grad", "grad_is_none"} else []
            return Effect(gradient[-1] if gradient else self._written(step, name, now), deed, name)
        if now is None and (likely := self._likely(step, name, facts, expression)):
            return Effect(likely[-1], "likely", name)
        return None

    def _later(self, step: RunStep, name: str, bound: int, facts: frozenset[str]) -> int:
        """Of a statement of several lines that gave the name a value: where it changed that afterwards."""
        if not any(fact not in _SEEN for fact in facts):
            return bound
        lines = [line for line in self._likely(step, name, facts) if line > bound]
        facts_now = step.snapshot.tensors.get(name)
        lines += [line for line in _writing(step, facts_now) if line > bound]
        return max(lines, default=bound)

    def _is_changed(
        self,
        step: RunStep,
        name: str,
        expression: str,
        facts: frozenset[str],
        was: TensorFacts | None,
        now: TensorFacts | None,
    ) -> bool:
        if "graph_freed" in facts and step.backwards:
            return True
        gradient = facts & {"grad", "grad_is_none"}
        if gradient and any(_is_gradient(change.name, name) for change in step.changes):
            return True
        seen = {attribute for fact in facts for attribute in _SEEN.get(fact, ())}
        if was is not None and now is not None and any(getattr(was, a) != getattr(now, a) for a in seen):
            return True
        if all(fact in _SEEN for fact in facts):
            return False
        path = expression if root_of(expression) == name else name
        changes = [each for each in step.changes if facts != {"params"} or each.kind != "written"]
        return any(_concerns(change, name, path, was, now) for change in changes)

    def _written(self, step: RunStep, name: str, facts: TensorFacts | None) -> int:
        """The line of a statement that changed a tensor: by the operations, or else by the text."""
        lines = _writing(step, facts) or self._likely(step, name, frozenset())
        lines = lines or [line for node, line in self._nodes(step) if is_name(node, name)]
        return lines[-1] if lines else step.line

    def _of_gradient(self, step: RunStep, name: str) -> list[int]:
        """Lines of a statement that go backwards, or that reset or write the gradient of `name`."""
        return [line for node, line in self._nodes(step) if _may_change_gradient(node, name)]

    def _likely(self, step: RunStep, name: str, facts: frozenset[str], path: str = "") -> list[int]:
        modes = "training" in facts
        return [
            line
            for node, line in self._nodes(step)
            if _may_change(node, name, modes=modes) and not _is_beside(node, path)
        ]

    def _nodes(self, step: RunStep) -> list[tuple[ast.AST, int]]:
        """What a statement consists of, in the order of the text, with the lines of the run's source."""
        if step.index not in self._statements:
            try:
                body: Sequence[ast.AST] = ast.parse(step.source).body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                body = ()
            found = [(node, step.line + line - 1) for each in body for node, line in _walk(each)]
            self._statements[step.index] = found
        return self._statements[step.index]


def _facts_of(expression: str, fact: str) -> frozenset[str]:
    """What is asked: the fact, or what the attributes in the expression say."""
    if fact in _SEEN or expression.isidentifier():
        return frozenset({fact})
    try:
        tree = ast.parse(expression)
    except (SyntaxError, ValueError):
        return frozenset({fact})
    attributes = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    found = frozenset(_ASKED[each] for each in attributes if each in _ASKED)
    return found or frozenset({fact})


def _walk(statement: ast.AST, line: int = 1) -> Iterator[tuple[ast.AST, int]]:
    """What runs as part of a statement, in the order of the text: not what is inside of functions."""
    line = getattr(statement, "lineno", line)
    yield statement, line
    if isinstance(statement, _SCOPES):
        return
    for child in ast.iter_child_nodes(statement):
        yield from _walk(child, line)


def _is_beside(node: ast.AST, path: str) -> bool:
    """Whether another entry of the same thing is changed: `net[2]`, where `path` is `net[0].weight`."""
    if isinstance(node, ast.Assign | ast.Delete):
        changed = node.targets
    elif isinstance(node, ast.AugAssign):
        changed = [node.target]
    else:
        changed = [node.func] if isinstance(node, ast.Call) else []
    asked = _entry(path)
    others = [_entry(ast.unparse(each)) for each in changed]
    return asked is not None and bool(others) and all(each not in (None, asked) for each in others)


def _entry(path: str) -> int | str | None:
    """The index or key directly behind a variable, such as 0 of `net[0].weight`; None where there is none."""
    match = _ENTRY.match(path)
    return None if match is None else ast.literal_eval(match[1])


def _deletes(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Delete) and any(is_name(target, name) for target in node.targets)


def _may_change(node: ast.AST, name: str, *, modes: bool) -> bool:
    """Whether a part of a statement looks as if it changed what `name` holds."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and root(node.func) == name:
        method = node.func.attr
        if modes or method in _MODES:
            return modes and method in _MODES
        return method in _CHANGING or (method.endswith("_") and not method.endswith("__"))
    if modes:
        return False
    if isinstance(node, ast.Assign | ast.Delete):
        return any(_changes_part(target, name) for target in node.targets)
    if isinstance(node, ast.AugAssign | ast.For):
        return _changes_part(node.target, name)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not _only_looks(node.value):
        call = node.value
        given = [*call.args, *(each.value for each in call.keywords)]
        return _is_changing(call.func, name) or any(root(each) == name for each in given)
    return False


def _may_change_gradient(node: ast.AST, name: str) -> bool:
    """Whether a part of a statement goes backwards, resets gradients, or writes to that of `name`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ("backward", "zero_grad") or (
            _may_change(node, name, modes=False) and ".grad" in ast.unparse(node.func)
        )
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
        targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
        return any(root(target) == name and ".grad" in ast.unparse(target) for target in targets)
    return False


def _is_changing(node: ast.AST, name: str) -> bool:
    """`out.append` of `out`, and `rows[0].append`: not what is called on something that `name` made."""
    if not isinstance(node, ast.Attribute) or node.attr in _ELSEWHERE:
        return False
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return is_name(node, name)


def _only_looks(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _LOOKING


def _changes_part(target: ast.AST, name: str) -> bool:
    return isinstance(target, ast.Attribute | ast.Subscript) and root(target) == name


# ── the records ──────────────────────────────────────────────────────────────


def _is_same(was: TensorFacts | None, now: TensorFacts | None, facts: frozenset[str]) -> bool:
    """Whether another tensor under a name is as the one before in what is asked."""
    seen = [attribute for fact in facts for attribute in _SEEN.get(fact, ("",))]
    if was is None or now is None or not seen or "" in seen or "grad" in seen:
        return False
    return all(getattr(was, attribute) == getattr(now, attribute) for attribute in seen)


def _wrote(change: Change, name: str) -> bool:
    return change.kind == "written" and root_of(change.name) == name


def _is_gradient(path: str, name: str) -> bool:
    return path.endswith(".grad") and root_of(path) == name


def _concerns(change: Change, name: str, path: str, was: TensorFacts | None, now: TensorFacts | None) -> bool:
    """Whether a change is one of the value that `path` leads to."""
    if root_of(change.name) != name:
        return False
    if change.name.endswith(".grad") and ".grad" not in path:
        return False
    if change.kind == "altered":
        return was is not None and now is not None and change.name == name and was.shape != now.shape
    return change.name.startswith(path) or path.startswith(change.name) or path == name


def _writing(step: RunStep, facts: TensorFacts | None) -> list[int]:
    """Lines of the statement whose operations wrote to the memory of a tensor, in the order of the calls."""
    if facts is None:
        return []
    lines = range(step.line, step.end_line + 1)
    return [
        operation.line
        for operation in step.operations
        if operation.line in lines
        and any(
            written.object == facts.object
            or (written.storage is not None and written.storage == facts.storage)
            for write in operation.wrote
            for written in (operation.ins[write.argument],)
        )
    ]
