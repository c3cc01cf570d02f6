"""From the traceback of an error to the call of torch or numpy at which it arose."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dis import opname
from types import FrameType, FunctionType, TracebackType
from typing import Any

import torch
from msgspec import Struct, structs

from tutor.facts import Argument, FailedCall, Operand, OpFacts, Span
from tutor.kernel import raw, static
from tutor.kernel.failed.arguments import UNKNOWN, Describer
from tutor.kernel.failed.entered import LOADER, arguments_of, described, entered_by, form_of, given_by
from tutor.kernel.failed.layers import describe_layer, path_of
from tutor.kernel.failed.names import is_library, library_class, public_name
from tutor.kernel.failed.said import corrected
from tutor.kernel.failed.scope import Scope
from tutor.kernel.failed.seen import Failure
from tutor.kernel.failed.signatures import bind
from tutor.kernel.guard import GENUINE
from tutor.kernel.namespace import Snapshots
from tutor.kernel.trace.callers import is_own, without_own
from tutor.kernel.trace.operands import Reader
from tutor.kernel.trace.sites import Site, Sites, span_of

globals()["__builtins__"] = GENUINE

_MOST_FRAMES = 200
_MODULE_CALL = torch.nn.Module._call_impl.__code__


class Reading(Struct):
    """What a traceback is read with."""

    namespace: dict[str, Any]
    sites: Sites
    snapshots: Snapshots
    #: The operations of the running statement so far.
    operations: Callable[[], Sequence[OpFacts]] = tuple


class Learner(Struct):
    """The learner's code that made the call."""

    site: Site
    scope: Scope
    #: Which frame of the traceback it is, and the name of the instruction in it that raised.
    depth: int
    instruction: str


def describe_call(trace: TracebackType | None, reading: Reading, message: str = "") -> FailedCall | None:
    """The failed call, None where no call of torch or numpy was at fault. Call inside `raw.Reading()`.

    Where only the code tells what was given, what the error's `message` says of it counts more."""
    links = _links(trace)
    learner = learner_of(trace, reading)
    if learner is None:
        return None
    site = learner.site
    below = links[learner.depth + 1 :]
    seen = [one for frame, _ in below if is_own(frame) and (one := _failure(frame)) is not None]
    library = [frame for frame, _ in without_own(below)]
    describer = Describer(Reader(reading.snapshots.objects, reading.snapshots.storages))
    if seen and _is_learners(seen[0], library):
        return _seen_by_learner(seen[0], learner, describer)
    inner = _inner(seen[-1]) if seen else None
    call = _layer_call(library, learner, describer) or _frame_call(library, learner, describer)
    if call is None and not library:
        call = _written_call(learner, describer, reading.operations())
        call = call and corrected(call, message, reading.namespace)
    if call is None and library:
        call = _made_call(learner, describer, reading.operations())
    if call is None:
        return inner and structs.replace(inner, expression=site.expression, span=site.span)
    if inner is None:
        inner = _inner_frame(library, call.name, describer)
    return structs.replace(call, inner=inner if inner is None or inner.name != call.name else None)


def _is_learners(failure: Failure, library: Sequence[FrameType]) -> bool:
    """Whether no function of a library's stands between the learner's code and the operation."""
    private = failure.name.rpartition(".")[2].startswith("_") and not failure.name.endswith("__")
    through = bool(library) and (_of_module(library[0]) or private)
    return not failure.facts.within and not through


def learner_of(trace: TracebackType | None, reading: Reading) -> Learner | None:
    """The deepest frame of the learner's that an error passed through."""
    links = _links(trace)
    for depth in range(len(links) - 1, -1, -1):
        frame, instruction = links[depth]
        if frame.f_globals is reading.namespace and not is_own(frame):
            site = reading.sites.place(frame.f_code, instruction)
            scope = Scope.of(frame, reading.namespace)
            return Learner(site, scope, depth, _instruction(frame.f_code.co_code, instruction))
    return None


def _instruction(code: bytes, at: int) -> str:
    """Name of an instruction; a call of Python's own stands at the room behind it."""
    while at > 0 and opname[code[at]] == "CACHE":
        at -= 2
    return opname[code[at]] if at >= 0 else ""


def _links(trace: TracebackType | None) -> list[tuple[FrameType, int]]:
    links: list[tuple[FrameType, int]] = []
    while trace is not None:
        links.append((trace.tb_frame, trace.tb_lasti))
        trace = trace.tb_next
    return links


def _failure(frame: FrameType) -> Failure | None:
    found = frame.f_locals.get("failure")
    return found if type(found) is Failure else None


# ── an operation that was seen ───────────────────────────────────────────────


def _seen_by_learner(failure: Failure, learner: Learner, describer: Describer) -> FailedCall:
    """The learner's code asks for the operation; or for a function of numpy's that then asks for it."""
    site = learner.site
    call = structs.replace(_inner(failure), form=failure.form, expression=site.expression, span=site.span)
    outer = _written_call(learner, describer) if isinstance(site.node, ast.Call) else None
    if outer is None or outer.form != "function":
        return call
    if outer.name.startswith("numpy."):
        return structs.replace(_completed(outer, call), inner=structs.replace(call, form="inner"))
    if failure.direct:
        same = outer.name.rpartition(".")[2] == call.name.rpartition(".")[2]
        return structs.replace(call, name=outer.name) if same and call.form == "function" else call
    return structs.replace(_completed(outer, call), inner=structs.replace(call, form="inner"))


def _completed(outer: FailedCall, inner: FailedCall) -> FailedCall:
    """A call whose arguments are told as what was asked for inside of it has them."""
    if len(outer.arguments) == len(inner.arguments) == 1:
        return structs.replace(outer, arguments=(_as_in(outer.arguments[0], inner.arguments[0]),))
    known = {one.parameter: one for one in inner.arguments if one.parameter}
    told = (_as_in(one, known[one.parameter]) if one.parameter in known else one for one in outer.arguments)
    return structs.replace(outer, arguments=tuple(told))


def _as_in(had: Argument, has: Argument) -> Argument:
    """An argument of which only the code is known, as it was handed on."""
    if had.operand is not None or (had.type and had.kind != "tensor"):
        return had
    same = structs.replace(has, place=had.place, parameter=had.parameter, text=had.text, span=had.span)
    return _with_names(same)


def _inner(failure: Failure) -> FailedCall:
    bound = bind(failure.name, failure.func, failure.arguments)
    return FailedCall(
        failure.name,
        "inner",
        failure.facts.expression,
        failure.facts.span,
        bound.arguments,
        signatures=bound.signatures,
        parameters=bound.parameters,
        source="operation",
    )


# ── a layer ──────────────────────────────────────────────────────────────────


def _of_module(frame: FrameType) -> bool:
    return frame.f_code.co_name in ("_wrapped_call_impl", "_call_impl")


def _layer_call(library: Sequence[FrameType], learner: Learner, describer: Describer) -> FailedCall | None:
    """The deepest module that was called on the way."""
    if not library or not _of_module(library[0]):
        return None
    calls = [frame for frame in library if frame.f_code is _MODULE_CALL]
    if not calls:
        return None
    held = calls[-1].f_locals
    owner = held.get("self")
    if not raw.is_a(owner, torch.nn.Module):
        return None
    kind = library_class(type(owner)) or torch.nn.Module
    name = public_name(kind) or "torch.nn.Module"
    forward = static.find(map(static.content, static.mro(type(owner))), "forward")
    func = (
        forward if type(forward) is FunctionType and is_library(forward.__globals__.get("__name__")) else None
    )
    path = path_of(owner, learner.scope.variables, learner.scope.namespace)
    site = learner.site
    node = site.node if isinstance(site.node, ast.Call) else None
    given = given_by(node) if node is not None and _calls(node, owner, library[0], learner.scope) else {}
    values: dict[int | str, Any] = dict(enumerate(held.get("args") or ()))
    values |= held.get("kwargs") or {}
    arguments = [described(key, value, "", given.get(key), site, describer) for key, value in values.items()]
    bound = bind(f"{name}.forward", func, arguments)
    layer = describe_layer(owner, path, describer)
    return FailedCall(
        name,
        "module",
        site.expression,
        site.span,
        bound.arguments,
        layer,
        bound.signatures,
        bound.parameters,
        source="frame",
    )


def _calls(node: ast.Call, owner: Any, first: FrameType, scope: Scope) -> bool:
    """Whether the learner's code calls this very module."""
    value = scope.value(node.func)
    if value is not UNKNOWN:
        return value is owner
    # What `nn.Linear(3, 2)(x)` calls has no name: it is what was called first.
    held = first.f_locals
    positional = held.get("args")
    alike = type(positional) is tuple and len(positional) == len(node.args)
    return isinstance(node.func, ast.Call | ast.Subscript) and held.get("self") is owner and alike


def _forward(kind: type) -> Any:
    """The library's own `forward` of a class of modules; None of the learner's, or where there is none."""
    found = static.find(map(static.content, static.mro(kind)), "forward")
    if type(found) is not FunctionType or found.__code__.co_name != "forward":
        return None
    return found if is_library(found.__globals__.get("__name__")) else None


# ── a function of the library's ──────────────────────────────────────────────


def _frame_call(library: Sequence[FrameType], learner: Learner, describer: Describer) -> FailedCall | None:
    entered = next((one for frame in library if (one := entered_by(frame)) is not None), None)
    if entered is None:
        return None
    site = learner.site
    if entered.name == LOADER:
        return FailedCall(LOADER, "iteration", site.expression, site.span, source="frame")
    form, given = form_of(entered, site)
    arguments = list(arguments_of(entered, given, site, describer, learner.scope))
    bound = bind(entered.name, entered.func, arguments)
    receiver = entered.receiver
    layer = None
    if form != "class" and raw.is_a(receiver, torch.nn.Module):
        path = path_of(receiver, learner.scope.variables, learner.scope.namespace)
        layer = describe_layer(receiver, path, describer)
    return FailedCall(
        entered.name,
        form,
        site.expression,
        site.span,
        bound.arguments,
        layer,
        bound.signatures,
        bound.parameters,
        source="frame",
    )


def _inner_frame(library: Sequence[FrameType], outer: str, describer: Describer) -> FailedCall | None:
    """The deepest public function or class of the library's that was entered."""
    for frame in reversed(library[-_MOST_FRAMES:]):
        one = entered_by(frame)
        if one is None or one.name == outer or any(part.startswith("_") for part in one.name.split(".")):
            continue
        if one.name == LOADER or raw.is_a(one.receiver, torch.nn.Module):
            continue
        arguments = list(arguments_of(one, {}, None, describer, None))
        bound = bind(one.name, one.func, arguments)
        facts = (bound.arguments, None, bound.signatures, bound.parameters)
        return FailedCall(one.name, "inner", "", None, *facts, source="frame")
    return None


# ── what only the code tells ─────────────────────────────────────────────────


def _written_call(
    learner: Learner, describer: Describer, operations: Sequence[OpFacts] = ()
) -> FailedCall | None:
    """The call that the learner's code spells out, where its names lead to torch or numpy."""
    site, scope = learner.site, learner.scope
    told = scope.call(site) if _runs(site.node, learner.instruction) else None
    if told is None:
        return None
    arguments = []
    for key, node in told.arguments:
        one = _with_names(described(key, scope.outline(node), "", node, site, describer))
        one = one if one.type else _as_made(one, node, learner, operations)
        arguments.append(_with_members(one, node, learner, operations))
    bound = bind(told.name, told.func, arguments)
    layer = None
    if raw.is_a(told.receiver, torch.nn.Module):
        path = path_of(told.receiver, scope.variables, scope.namespace)
        layer = describe_layer(told.receiver, path, describer)
    return FailedCall(
        told.name,
        told.form,
        site.expression,
        site.span,
        bound.arguments,
        layer,
        bound.signatures,
        bound.parameters,
        source="code",
    )


def _as_made(one: Argument, node: ast.expr, learner: Learner, operations: Sequence[OpFacts]) -> Argument:
    """An argument that was worked out just before: by the operation that gave it, or at least its kind."""
    instance = learner.scope.instance_of(node)
    if instance is not None:
        text = raw.class_text(instance)
        return structs.replace(one, kind="module", type=text) if _is_layer(instance) else one
    kind, made = learner.scope.class_of(node), _made(one.span, learner.site, operations)
    if made is not None:
        kind = torch.Tensor
        one = structs.replace(one, operand=structs.replace(made, name=one.text, place=one.place))
    if kind is torch.Tensor:
        return structs.replace(one, kind="tensor", type="Tensor")
    return one if kind is None else structs.replace(one, kind="array", type="ndarray")


def _is_layer(kind: Any) -> bool:
    return kind is not None and torch.nn.Module in static.mro(kind)


def _made(span: Span | None, site: Site, operations: Sequence[OpFacts]) -> Operand | None:
    """What an expression of the learner's gave, where it is one operation with one result."""
    if span is None:
        return None
    fits = (one for one in reversed(operations) if one.span == span and one.filename == site.filename)
    outs = next((one.outs for one in fits if one.outs), ())
    return outs[0] if len(outs) == 1 else None


def _with_members(one: Argument, node: ast.expr, learner: Learner, operations: Sequence[OpFacts]) -> Argument:
    """A list that is written out, with what is known of the members that have no names."""
    if (
        not isinstance(node, ast.List | ast.Tuple)
        or one.kind not in ("list", "tuple")
        or one.value is not None
    ):
        return one
    site, scope = learner.site, learner.scope
    known = {each.place: each for each in one.items}
    types, layers = list[str](), list(one.layers)
    for at, member in enumerate(node.elts):
        place, value = f"{one.place}[{at}]", scope.value(member)
        instance = scope.instance_of(member) if value is UNKNOWN else None
        made = _made(span_of(member), site, operations) if value is UNKNOWN and instance is None else None
        if made is not None:
            known[place] = structs.replace(made, name=site.says(member), place=place)
        kind = instance or scope.class_of(member) if value is UNKNOWN else type(value)
        types.extend(["Tensor"] if made is not None else [] if kind is None else [raw.class_text(kind)])
        layers.extend([raw.class_text(instance)] if _is_layer(instance) else [])
    order = [f"{one.place}[{at}]" for at in range(len(node.elts))]
    items = tuple(known[place] for place in order if place in known)
    kinds = {"types": tuple(dict.fromkeys(types)), "layers": tuple(dict.fromkeys(layers))}
    return structs.replace(one, items=items, **kinds)


def _made_call(learner: Learner, describer: Describer, operations: Sequence[OpFacts]) -> FailedCall | None:
    """The call of what a function of torch makes of another one: `torch.vmap(f)(x)`."""
    node, site = learner.site.node, learner.site
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Call):
        return None
    func = learner.scope.value(node.func.func)
    name = None if func is UNKNOWN else public_name(func)
    if name is None:
        return None
    scope = learner.scope
    arguments = []
    for key, given in given_by(node).items():
        one = described(key, scope.value(given), "", given, site, describer)
        arguments.append(one if one.type else _as_made(one, given, learner, operations))
    return FailedCall(name, "inner", site.expression, site.span, tuple(arguments))


#: Instructions that do what a piece of code says; others at its place do something with its result.
_DOING: tuple[tuple[tuple[type, ...], tuple[str, ...]], ...] = (
    ((ast.Call,), ("CALL", "PRECALL")),
    ((ast.BinOp, ast.AugAssign), ("BINARY_OP",)),
    ((ast.Compare,), ("COMPARE_OP", "CONTAINS_OP")),
    ((ast.UnaryOp,), ("UNARY_",)),
    ((ast.Subscript, ast.Assign), ("BINARY_", "STORE_S", "DELETE_S")),
)


def _runs(node: ast.AST | None, instruction: str) -> bool:
    return any(isinstance(node, kinds) and instruction.startswith(names) for kinds, names in _DOING)


def _with_names(one: Argument) -> Argument:
    operand = one.operand
    if operand is None or operand.name:
        return one
    return structs.replace(one, operand=structs.replace(operand, name=one.text))
