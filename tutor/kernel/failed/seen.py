"""An operation that was seen to raise: what is noted of it while its arguments are still at hand."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from msgspec import Struct, structs

from tutor.facts import Argument, OpFacts
from tutor.facts.failed import Form
from tutor.kernel.failed.arguments import MOST_ARGUMENTS, Describer, Place, members_of
from tutor.kernel.failed.names import public_name
from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.kinds import Kind
from tutor.kernel.trace.sites import Site, span_of
from tutor.kernel.trace.written import Call

globals()["__builtins__"] = GENUINE


_COMPARED = (int, float, bool, str)


class Failure(Struct, frozen=True):
    """Facts of one operation that raised. Stands in the frame of the tracer, where the traceback leads.

    Of the learner's it holds nothing."""

    facts: OpFacts
    name: str
    #: torch's own function, where it is written in Python.
    func: Any
    form: Form
    arguments: tuple[Argument, ...]
    #: The learner's code says this very operation.
    direct: bool


class Asked(Struct):
    """What torch was asked for."""

    func: Any
    kind: Kind
    args: tuple[Any, ...]
    kwargs: dict[str, Any] | None


def note(asked: Asked, call: Call, site: Site, facts: OpFacts, describer: Describer) -> Failure:
    """What is noted of a call that raised. Call inside `raw.Reading()`."""
    direct = not facts.within and call.is_operation
    form = _form(site, asked.kind, call) if direct else "inner" if facts.within else "function"
    name = _name(asked, form)
    known = public_name(asked.func) is not None and type(asked.func) is FunctionType
    func = asked.func if known else None
    given: list[tuple[int | str, Any]] = [*enumerate(asked.args), *(asked.kwargs or {}).items()]
    defaults = {} if func is None else defaults_of(func)
    operands = {one.place: one for one in facts.ins}
    arguments: list[Argument] = []
    for key, value in given[:MOST_ARGUMENTS]:
        node = call.expression(key)
        parameter = _parameter(asked.kind, key)
        if node is None and (is_default(defaults, parameter, value) or (value is None and not direct)):
            continue
        text = "" if node is None else site.says(node)
        span = None if node is None else span_of(node)
        at = Place(str(key), parameter, text, span)
        told = describer.argument(value, at, members_of(node, site.says))
        arguments.append(_as_before(told, operands))
    return Failure(facts, name, func, form, tuple(arguments), direct)


def _as_before(told: Argument, operands: Mapping[str, Any]) -> Argument:
    """The argument with the operands as they were before the call, by the names that they have."""
    before = operands.get(told.place)
    if before is not None:
        return structs.replace(told, operand=before)
    return structs.replace(told, items=tuple(operands.get(one.place, one) for one in told.items))


def _parameter(kind: Kind, key: int | str) -> str:
    if isinstance(key, str):
        return key
    return kind.parameters[key] if key < len(kind.parameters) else ""


def defaults_of(func: FunctionType) -> dict[str, Any]:
    """Defaults of a function's parameters, by their names."""
    names = func.__code__.co_varnames[: func.__code__.co_argcount]
    found = dict(zip(reversed(names), reversed(func.__defaults__ or ()), strict=False))
    return found | (func.__kwdefaults__ or {})


def is_default(defaults: Mapping[str, Any], parameter: str, value: Any) -> bool:
    """Whether a value is what the parameter has where nothing is given."""
    if parameter not in defaults:
        return False
    own = defaults[parameter]
    return own is value or (type(own) is type(value) and type(own) in _COMPARED and own == value)


def _name(asked: Asked, form: Form) -> str:
    """The public name; operators by the name of the function that does the same."""
    name = public_name(asked.func) or f"torch.{asked.kind.name}"
    if form == "operator":
        import torch

        if callable(vars(torch).get(asked.kind.name)):
            return f"torch.{asked.kind.name}"
        if hasattr(torch._C.TensorBase, asked.kind.name):
            return f"torch.Tensor.{asked.kind.name}"
    return name


def _form(site: Site, kind: Kind, call: Call) -> Form:
    node = site.node
    if site.iterates:
        return "iteration"
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.Compare | ast.UnaryOp) and kind.name != "bool":
        return "operator"
    if isinstance(node, ast.Assign):
        return "assignment"
    if isinstance(node, ast.Subscript):
        return "index" if kind.name == "getitem" else "function"
    if isinstance(node, ast.Attribute):
        return "attribute"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and kind.method:
        return "method" if call.expression(0) is node.func.value else "function"
    return "function"
