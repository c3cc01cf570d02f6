"""What the learner's code says in other places: the classes, what a name was set to, and edits for fixes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.explain.bindings import FUNCTIONS, Binding, Code
from tutor.explain.entries import At
from tutor.explain.past import Past
from tutor.explain.reading import Failing, parse
from tutor.facts import Step
from tutor.language import current_language

_MODULES = ("Module", "Sequential", "ModuleList", "ModuleDict", "LightningModule")


@dataclass(frozen=True)
class Defined:
    """A class as the learner wrote it."""

    code: Code
    node: ast.ClassDef

    @property
    def at(self) -> At:
        """Where it stands, to be named in a sentence."""
        return self.code.at(self.node)

    @property
    def methods(self) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
        """Its own methods; of several with one name the last, as Python has it."""
        return {one.name: one for one in self.node.body if isinstance(one, FUNCTIONS)}

    @property
    def bases(self) -> tuple[str, ...]:
        """The last words of what it derives from: `Module` of `nn.Module`."""
        return tuple(ast.unparse(base).rpartition(".")[2] for base in self.node.bases)

    def set_in(self, method: str) -> dict[str, tuple[ast.stmt, ast.expr]]:
        """Attributes that a method sets by `self.name = value`, with the last value of each."""
        found: dict[str, tuple[ast.stmt, ast.expr]] = {}
        body = self.methods.get(method)
        for statement in ast.walk(body) if body is not None else ():
            if isinstance(statement, ast.Assign):
                targets = [t for each in statement.targets for t in _flat(each)]
                value = statement.value
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                targets, value = [statement.target], statement.value
            else:
                continue
            for target in targets:
                if isinstance(target, ast.Attribute) and is_self(target.value, body):
                    found[target.attr] = (statement, value)
        return found


def _flat(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            yield from _flat(one)
    else:
        yield target


def is_self(node: ast.expr, method: ast.AST | None) -> bool:
    """Whether an expression is the first parameter of a method."""
    first = method.args.args[:1] if isinstance(method, FUNCTIONS) else []
    return isinstance(node, ast.Name) and bool(first) and node.id == first[0].arg


def codes(step: Step, past: Past) -> list[Code]:
    """All code that is known, the newest first."""
    return [past.now(step), *reversed(past.codes)]


def defined(step: Step, past: Past, name: str) -> Defined | None:
    """The newest class of this name that the learner wrote."""
    for code in codes(step, past):
        found = [
            node
            for root in code.tree
            for node in ast.walk(root)
            if isinstance(node, ast.ClassDef) and node.name == name
        ]
        if found:
            return Defined(code, found[-1])
    return None


def is_module(step: Step, past: Past, found: Defined | None) -> bool:
    """Whether a class of the learner's derives from nn.Module, as far as its code tells."""
    for _ in range(8):
        if found is None:
            return False
        if any(base in _MODULES for base in found.bases):
            return True
        found = next((one for base in found.bases if (one := defined(step, past, base)) is not None), None)
    return False


def in_nn(step: Step, past: Past, name: str) -> str:
    """`nn.Parameter`, or `torch.nn.Parameter` where the learner's code has no `nn`."""
    named = (node for code in codes(step, past) for root in code.tree for node in ast.walk(root))
    known = any(isinstance(node, ast.Name) and node.id == "nn" for node in named)
    return f"nn.{name}" if known else f"torch.nn.{name}"


def last_set(step: Step, past: Past, found: Failing, name: str) -> Binding | None:
    """What a name or path was last set to before the failing statement, as far as the code tells."""
    if not found.own:
        inside = Code(0, found.source, found.first_line, {}, function="")
        earlier = [one for one in inside.bindings if one.name == name and _before(one, found)]
        if earlier:
            return earlier[-1]
        if name.partition(".")[0].partition("[")[0] in _parameters(found):
            return None
    for code in codes(step, past):
        named = [one for one in code.bindings if one.name == name]
        if code.order == past.now(step).order and found.own:
            named = [one for one in named if _before(one, found)]
        if named:
            return named[-1]
    return None


def _before(binding: Binding, found: Failing) -> bool:
    return binding.statement.lineno < found.statement.lineno


def _parameters(found: Failing) -> set[str]:
    tree = parse(found.source)
    return {
        one.arg
        for root in tree
        if isinstance(root, FUNCTIONS)
        for one in (*root.args.posonlyargs, *root.args.args, *root.args.kwonlyargs)
    }


def source_of(binding: Binding) -> str:
    """The code of a binding's value on one line."""
    return " ".join((ast.get_source_segment(binding.code.source, binding.value) or "").split())


def articled(name: str) -> str:
    """A type's name with its article, as it is spoken: `a Linear`, `an Encoder`, `an LSTM`."""
    if current_language() != "en":
        return name
    letters = len(name) > 1 and not name[1].islower()
    vowel = name[:1] in ("AEFHILMNORSX" if letters else "AEIO")
    return f"a{'n' if vowel else ''} {name}"


# ── edits ────────────────────────────────────────────────────────────────────


def substitute(source: str, node: ast.expr, code: str) -> str:
    """`source` with an expression replaced by other code."""
    lines = [line.encode() for line in source.split("\n")]
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    joined = lines[first][: node.col_offset] + code.encode() + lines[last][node.end_col_offset :]
    return b"\n".join([*lines[:first], joined, *lines[last + 1 :]]).decode()


def changed(found: Failing | None, node: ast.expr | None, code: str) -> str | None:
    """The fix that replaces one expression of the failing statement; None where it is not there."""
    if found is None or node is None:
        return None
    return found.changed(substitute(found.source, node, code))


def call_of(found: Failing | None) -> ast.Call | None:
    """The call that raised, where it was one."""
    return found.expression if found is not None and isinstance(found.expression, ast.Call) else None


def given(call: ast.Call | None, parameter: str, place: int | None = None) -> ast.expr | None:
    """The code of an argument by its keyword, or by its place."""
    if call is None:
        return None
    for word in call.keywords:
        if word.arg == parameter:
            return word.value
    plain = not any(isinstance(one, ast.Starred) for one in call.args)
    return call.args[place] if plain and place is not None and place < len(call.args) else None
