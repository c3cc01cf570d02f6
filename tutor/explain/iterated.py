"""What the loop variable of a comprehension stands for, by the names that the learner has outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from tutor.explain.reading import path
from tutor.facts import TensorFacts

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
#: Methods that go through what a container holds.
_VALUES = frozenset({"values", "items", "parameters", "named_parameters"})


def comprehensions(root: ast.AST) -> list[ast.AST]:
    """The comprehensions in some code."""
    return [node for node in ast.walk(root) if isinstance(node, COMPREHENSIONS)]


def is_loop_variable(name: str, comprehension: ast.AST) -> bool:
    """Whether a comprehension binds this name."""
    targets = (one.target for one in getattr(comprehension, "generators", []))
    return any(isinstance(n, ast.Name) and n.id == name for target in targets for n in ast.walk(target))


def elements(name: str, comprehension: ast.AST, tensors: Mapping[str, TensorFacts]) -> Iterator[TensorFacts]:
    """The named tensors that a comprehension goes through under `name`."""
    for one in getattr(comprehension, "generators", []):
        for known in _matched(one.target, one.iter, name):
            if isinstance(known, str):
                yield from _held(known, tensors)
            elif (inner := path(known)) is not None and inner in tensors:
                yield tensors[inner]


def _matched(target: ast.AST, source: ast.expr, name: str) -> Iterator[str | ast.expr]:
    """Elements as they are written, or the container that they come from."""
    if isinstance(target, ast.Tuple | ast.List):
        yield from _unpacked(target, source, name)
    elif not isinstance(target, ast.Name) or target.id != name:
        return
    elif isinstance(source, ast.List | ast.Tuple | ast.Set):
        yield from source.elts
    elif isinstance(source, ast.Call):
        function = source.func
        wrapped = isinstance(function, ast.Name) and function.id in ("list", "tuple", "reversed", "sorted")
        if wrapped and source.args:
            yield from _matched(target, source.args[0], name)
        elif isinstance(function, ast.Attribute) and function.attr in _VALUES:
            yield path(function.value) or ""
    else:
        yield path(source) or ""


def _unpacked(target: ast.Tuple | ast.List, source: ast.expr, name: str) -> Iterator[str | ast.expr]:
    """Of `k, v in d.items()`, `i, h in enumerate(hs)`, `a, b in zip(xs, ys)` and pairs written out."""
    if isinstance(source, ast.List | ast.Tuple):
        yield from _from_pairs(target, source.elts, name)
    if not isinstance(source, ast.Call):
        return
    function = source.func
    called = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if called == "zip":
        for one, value in zip(target.elts, source.args, strict=False):
            yield from _matched(one, value, name)
    elif called == "enumerate" and source.args and len(target.elts) == 2:
        yield from _matched(target.elts[1], source.args[0], name)
    elif called in ("items", "named_parameters") and len(target.elts) == 2:
        yield from _matched(target.elts[1], source, name)


def _from_pairs(target: ast.Tuple | ast.List, pairs: list[ast.expr], name: str) -> Iterator[str | ast.expr]:
    for pair in pairs:
        if isinstance(pair, ast.Tuple | ast.List) and len(pair.elts) == len(target.elts):
            for one, value in zip(target.elts, pair.elts, strict=True):
                if isinstance(one, ast.Name) and one.id == name:
                    yield value


def _held(container: str, tensors: Mapping[str, TensorFacts]) -> Iterator[TensorFacts]:
    """The tensors that a container holds itself."""
    for key, facts in tensors.items():
        if container and key.startswith((f"{container}[", f"{container}.")) and not key.endswith(".grad"):
            yield facts
