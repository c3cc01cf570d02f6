"""The learner's code once more, on other values: what tells computed results from written ones."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from tutor.kernel import raw
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE


class Untried(Exception):
    """Nothing can be said: the code has no such variable, or does not run to its end so."""


def run_again(
    source: str, names: dict[str, Any], changes: Mapping[str, Any], seed: int | None = None
) -> dict[str, Any]:
    """The names that `source` leaves, if each variable of `changes` gets another value when first bound.

    Numbers are put into the tensor or array that the code made, so that its dtype, its views and what it
    requires stay; a function is called with the value and all names, and gives what is to stand for it.
    """
    pending = dict(changes)
    if seed is not None:
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
    for name in [name for name in pending if name in names]:
        _put(names, name, pending.pop(name))
    try:
        for node in ast.parse(source).body:
            exec(compile(ast.Module([node], []), "<rerun>", "exec", dont_inherit=True), names)
            bound = set(_bound_by(node)) & pending.keys() if pending else ()
            for name in bound:
                if name in names:
                    _put(names, name, pending.pop(name))
    except Exception as error:
        raise Untried(str(error)) from error
    if pending:
        raise Untried(", ".join(pending))
    return names


def _bound_by(node: ast.AST) -> Iterator[str]:
    """Names that a statement of the top level binds; what functions and classes bind inside is their own."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    if not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _bound_by(child)


def _put(names: dict[str, Any], name: str, change: Any) -> None:
    old = names[name]
    if callable(change):
        made = change(old, names)
        if made is not None:
            names[name] = made
    elif raw.is_tensor(old):
        new = torch.as_tensor(change)
        if new.shape != old.shape:
            raise Untried(name)
        old.data.copy_(new)
    elif raw.is_array(old):
        np.copyto(old, change, casting="unsafe")
    else:
        names[name] = change


def plain(value: Any) -> Any:
    """Numbers alone, of tensors, arrays and containers: how they are kept is for other facts to ask."""
    if raw.is_tensor(value) or raw.is_array(value):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value
