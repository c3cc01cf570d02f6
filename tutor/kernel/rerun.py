"""The learner's code once more, on other values: what tells computed results from written ones."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from tutor.kernel import raw
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

#: Called by what runs again, where a variable was bound inside of a block.
_BOUND = "<bound>"
#: Statements that surely bind, and expressions that bind names of their own.
_DEFINED = (ast.Assign, ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
#: What sets where random numbers begin.
_SEEDING = ("manual_seed", "manual_seed_all", "seed", "default_rng", "RandomState", "Random")


class Untried(Exception):
    """Nothing can be said: the code has no such variable, or does not run to its end so."""


class Unbound(Untried):
    """The code has no such variable."""


def run_again(
    source: str, names: dict[str, Any], changes: Mapping[str, Any], seed: int | None = None
) -> dict[str, Any]:
    """The names that `source` leaves, if each variable of `changes` gets another value when first bound.

    Numbers are put into the tensor or array that the code made, so that its dtype, its views and what it
    requires stay; a function is called with the value and all names, and gives what is to stand for it. Under
    another seed, each seed that the code sets is another one as well.
    """
    pending = dict(changes)

    def bound(name: str, *own: Any) -> Any:
        value = own[0] if own else names.get(name)
        if name in pending and (own or name in names):
            value = _put(name, value, pending.pop(name), names)
            if not own:
                names[name] = value
        return value

    for name in tuple(pending):
        bound(name)
    names[_BOUND] = bound  # and stays: what the code leaves may call it
    try:
        tree = _begun(ast.parse(source), seed)
        walrus = _Walrus(set(pending))
        for node in _told(tree.body, set(pending)):
            module = ast.Module([walrus.visit(node)], [])
            exec(compile(module, "<rerun>", "exec", dont_inherit=True), names)
    except Untried:
        raise
    except Exception as error:
        raise Untried(str(error)) from error
    if pending:
        raise Unbound(", ".join(pending))
    return names


def _begun(tree: ast.Module, seed: int | None) -> ast.Module:
    """Random numbers begin elsewhere, and so do those of code that sets seeds."""
    if seed is None:
        return tree
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    seeded: ast.Module = _Seeded(seed).visit(tree)
    return seeded


def _told(body: list[ast.stmt], wanted: set[str], own: bool = False) -> list[ast.stmt]:
    """These statements, with a call after each that binds such a name; `own` names are a function's."""
    told: list[ast.stmt] = []
    for node in body:
        found = wanted.intersection(_bound_by(node))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            shared = {name for each in ast.walk(node) if isinstance(each, ast.Global) for name in each.names}
            given = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
            node.body = _told(_told(node.body, wanted & shared), wanted - shared - given, own=True)
        elif not isinstance(node, ast.ClassDef):
            for block in _blocks(node):
                block[:] = _told(block, wanted, own)
        if isinstance(node, ast.With | ast.AsyncWith):
            taken = {name for item in node.items for name in _bound_by(item)}
            node.body[:0] = _calls(taken & wanted, node, own)
        told.append(node)
        # A block of a function need not have bound what it could bind.
        if not own or isinstance(node, _DEFINED) or (isinstance(node, ast.AnnAssign) and node.value):
            told += _calls(found, node, own)
    return told


def _calls(found: set[str], node: ast.stmt, own: bool) -> list[ast.stmt]:
    made: list[ast.stmt] = []
    for name in sorted(found):
        values: list[ast.expr] = [ast.Constant(name), *([ast.Name(name, ast.Load())] if own else ())]
        call = ast.Call(ast.Name(_BOUND, ast.Load()), values, [])
        new = ast.Assign([ast.Name(name, ast.Store())], call) if own else ast.Expr(call)
        made.append(ast.fix_missing_locations(ast.copy_location(new, node)))
    return made


class _Seeded(ast.NodeTransformer):
    """Adds to each seed that the code sets."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def visit(self, node: ast.AST) -> Any:
        self.generic_visit(node)
        if isinstance(node, ast.Call) and node.args:
            function = node.func
            name = getattr(function, "attr", getattr(function, "id", ""))
            if name in _SEEDING:
                more = ast.BinOp(node.args[0], ast.Add(), ast.Constant(self._seed))
                node.args[0] = ast.fix_missing_locations(ast.copy_location(more, node.args[0]))
        return node


class _Walrus(ast.NodeTransformer):
    """Calls where an expression of the top level binds one of these names, before its value is used."""

    def __init__(self, wanted: set[str]) -> None:
        self._wanted = wanted

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            return node
        self.generic_visit(node)
        if not isinstance(node, ast.NamedExpr) or node.target.id not in self._wanted:
            return node
        call = ast.Call(ast.Name(_BOUND, ast.Load()), [ast.Constant(node.target.id), node], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        if block := getattr(node, name, None):
            yield block
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _bound_by(node: ast.AST) -> Iterator[str]:
    """Names that a statement of the top level binds; what functions and classes bind inside is their own."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    if not isinstance(node, _SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from _bound_by(child)


def _put(name: str, old: Any, change: Any, names: dict[str, Any]) -> Any:
    """What is to stand for the value that a variable was given."""
    if callable(change):
        made = change(old, names)
        return old if made is None else made
    if raw.is_tensor(old):
        new = torch.as_tensor(change)
        if new.shape != old.shape:
            raise Untried(f"{name} has shape {tuple(old.shape)}, these numbers {tuple(new.shape)}")
        old.data.copy_(new)
        return old
    if raw.is_array(old):
        np.copyto(old, change, casting="unsafe")
        return old
    return change


def plain(value: Any) -> Any:
    """Numbers alone, of tensors, arrays and containers: how they are kept is for other facts to ask."""
    if raw.is_tensor(value) or raw.is_array(value):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


def instead(source: str, value: Any, change: Any) -> tuple[str, int]:
    """The source with other numbers wherever it writes down those of a value, and in how many places it does.

    One number alone cannot be told apart from such that mean something else: it stands nowhere.
    """
    tree = ast.parse(source)
    if len(_numbers(plain(value))) < 2:
        return "", 0
    other = _Instead(plain(value), plain(change))
    tree = other.visit(tree)
    return (ast.unparse(ast.fix_missing_locations(tree)) if other.places else ""), other.places


def lacks(source: str, value: Any, solution: str, names: Mapping[str, Any]) -> bool:
    """Whether nothing in the code can stand for this value, which the solution writes down in numbers.

    Some of its numbers are nowhere in the code, and no variable holds them.
    """
    numbers = _numbers(plain(value))
    written, found = _written(solution), _written(source)
    if len(numbers) < 2 or written is None or not set(map(abs, numbers)) <= written:
        return False
    if found is None or set(map(abs, numbers)) <= found:
        return False
    return not any(sorted(_numbers(plain(each))) == sorted(numbers) for each in _data(names))


class _Instead(ast.NodeTransformer):
    def __init__(self, old: Any, new: Any) -> None:
        self.places = 0
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.List | ast.Tuple) and isinstance(node.ctx, ast.Load):
            try:
                same = plain(ast.literal_eval(node)) == self._old
            except (ValueError, TypeError):
                same = False
            if same:
                self.places += 1
                made = ast.parse(repr(self._new), mode="eval").body
                return ast.copy_location(made, node)
        return self.generic_visit(node)


def _written(source: str) -> set[float] | None:
    """The numbers that stand in this code, without their signs; None where some may stand in texts."""
    found: set[float] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, int | float):
                found.add(abs(float(node.value)))
            elif isinstance(node.value, str | bytes) and re.search(r"\d", str(node.value)):
                return None
    return found


def _data(names: Mapping[str, Any]) -> list[Any]:
    return [
        value
        for value in names.values()
        if type(value) in (list, tuple)
        or raw.is_array(value)
        or (raw.is_tensor(value) and raw.numel(value) < 1000)
    ]


def _numbers(value: Any) -> list[float]:
    """All numbers of a plain value, in order."""
    if isinstance(value, list | tuple):
        return [number for each in value for number in _numbers(each)]
    return [float(value)] if isinstance(value, bool | int | float) else []
