"""From the traceback of an error to the call of torch or numpy at which it arose."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from itertools import islice
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

import torch
from msgspec import Struct, structs

from tutor.facts import Argument, FailedCall
from tutor.facts.failed import Form
from tutor.kernel import raw, static
from tutor.kernel.failed.arguments import UNKNOWN, Describer, Place, members_of, written
from tutor.kernel.failed.layers import describe_layer, path_of
from tutor.kernel.failed.names import is_library, library_class, public_name
from tutor.kernel.failed.scope import Scope
from tutor.kernel.failed.seen import Failure, defaults_of, is_default
from tutor.kernel.failed.signatures import bind
from tutor.kernel.guard import GENUINE
from tutor.kernel.namespace import Snapshots
from tutor.kernel.trace.callers import is_own, without_own
from tutor.kernel.trace.operands import Reader
from tutor.kernel.trace.sites import Site, Sites, span_of

globals()["__builtins__"] = GENUINE

#: Frames that lead to others only.
_PLUMBING = frozenset({"_wrapped_call_impl", "_call_impl", "decorate_context", "wrapper", "_use_grad"})
_PLUMBING |= {"_no_grad_wrapper", "maybe_fallback", "inner", "fn"}
_MOST_FRAMES = 200
_MODULE_CALL = torch.nn.Module._call_impl.__code__
#: Where going through a DataLoader is at work.
_LOADING = "torch.utils.data.dataloader"
_LOADER = "torch.utils.data.DataLoader.__iter__"


class Reading(Struct):
    """What a traceback is read with."""

    namespace: dict[str, Any]
    sites: Sites
    snapshots: Snapshots


class _Learner(Struct):
    """The learner's code that made the call."""

    site: Site
    scope: Scope


def describe_call(trace: TracebackType | None, reading: Reading) -> FailedCall | None:
    """The failed call, None where no call of torch or numpy was at fault. Call inside `raw.Reading()`."""
    links = _links(trace)
    theirs = [
        at
        for at, (frame, _) in enumerate(links)
        if frame.f_globals is reading.namespace and not is_own(frame)
    ]
    if not theirs:
        return None
    frame, instruction = links[theirs[-1]]
    site = reading.sites.place(frame.f_code, instruction)
    learner = _Learner(site, Scope.of(frame, reading.namespace))
    below = links[theirs[-1] + 1 :]
    seen = [one for frame, _ in below if is_own(frame) and (one := _failure(frame)) is not None]
    library = [frame for frame, _ in without_own(below)]
    describer = Describer(Reader(reading.snapshots.objects, reading.snapshots.storages))
    if seen and not seen[0].facts.within and (not library or not _of_module(library[0])):
        return _seen_by_learner(seen[0], learner, describer)
    inner = _inner(seen[-1]) if seen else None
    call = _layer_call(library, learner, describer) or _frame_call(library, learner, describer)
    if call is None and not library:
        call = _written_call(learner, describer)
    if call is None:
        return inner and structs.replace(inner, expression=site.expression, span=site.span)
    if inner is None:
        inner = _inner_frame(library, call.name, describer)
    return structs.replace(call, inner=inner if inner is None or inner.name != call.name else None)


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


def _seen_by_learner(failure: Failure, learner: _Learner, describer: Describer) -> FailedCall:
    """The learner's code asks for the operation; or for a function of numpy's that then asks for it."""
    site = learner.site
    call = structs.replace(_inner(failure), form=failure.form, expression=site.expression, span=site.span)
    outer = _written_call(learner, describer) if isinstance(site.node, ast.Call) else None
    if outer is not None and outer.name.startswith("numpy.") and outer.form == "function":
        return structs.replace(outer, inner=structs.replace(call, form="inner"))
    return call


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


def _layer_call(library: Sequence[FrameType], learner: _Learner, describer: Describer) -> FailedCall | None:
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
    direct = node is not None and learner.scope.value(node.func) is owner
    given = _given(node) if direct and node is not None else {}
    values: dict[int | str, Any] = dict(enumerate(held.get("args") or ()))
    values |= held.get("kwargs") or {}
    arguments = [_described(key, value, "", given.get(key), site, describer) for key, value in values.items()]
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


def _forward(kind: type) -> Any:
    """The library's own `forward` of a class of modules; None of the learner's, or where there is none."""
    found = static.find(map(static.content, static.mro(kind)), "forward")
    if type(found) is not FunctionType or found.__code__.co_name != "forward":
        return None
    return found if is_library(found.__globals__.get("__name__")) else None


# ── a function of the library's ──────────────────────────────────────────────


class _Entered(Struct):
    """A function of the library's that runs in a frame."""

    name: str
    func: Any
    frame: FrameType
    #: What the method is asked of, where it is one.
    receiver: Any = None


def _frame_call(library: Sequence[FrameType], learner: _Learner, describer: Describer) -> FailedCall | None:
    entered = next((one for frame in library if (one := _entered(frame)) is not None), None)
    if entered is None:
        return None
    site = learner.site
    if entered.name == _LOADER:
        return FailedCall(_LOADER, "iteration", site.expression, site.span, source="frame")
    form, given = _form_of(entered, site)
    arguments = list(_frame_arguments(entered, given, site, describer, learner))
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
        one = _entered(frame)
        if one is None or one.name == outer or any(part.startswith("_") for part in one.name.split(".")):
            continue
        if one.name == _LOADER or raw.is_a(one.receiver, torch.nn.Module):
            continue
        arguments = list(_frame_arguments(one, {}, None, describer, None))
        bound = bind(one.name, one.func, arguments)
        facts = (bound.arguments, None, bound.signatures, bound.parameters)
        return FailedCall(one.name, "inner", "", None, *facts, source="frame")
    return None


def _entered(frame: FrameType) -> _Entered | None:
    """The function that a frame runs, by its public name; None of plumbing and of what is not a library's."""
    code, module = frame.f_code, str(frame.f_globals.get("__name__"))
    if not is_library(module) or code.co_name in _PLUMBING or "<locals>" in code.co_qualname:
        return None
    if module == _LOADING and ("Iter" in code.co_qualname or code.co_name == "__iter__"):
        return _Entered(_LOADER, None, frame)
    receiver = _receiver(frame)
    owner, _, last = code.co_qualname.rpartition(".")
    if last.startswith("_") and not last.endswith("__"):
        return None
    if last in ("__init__", "__new__"):
        held = receiver if raw.is_a(receiver, type) else type(receiver)
        kind = library_class(held)
        name = None if kind is None else public_name(kind)
        return None if name is None else _Entered(name, kind, frame, receiver)
    func = _find(module, code)
    if func is None:
        return None
    name = public_name(func)
    if owner and raw.is_a(receiver, torch.optim.Optimizer):
        kind = library_class(type(receiver))
        name = f"{public_name(kind)}.{last}" if kind is not None else name
    return None if name is None else _Entered(name, func, frame, receiver)


def _receiver(frame: FrameType) -> Any:
    names = frame.f_code.co_varnames
    if not frame.f_code.co_argcount or names[0] not in ("self", "cls"):
        return None
    return frame.f_locals.get(names[0])


def _find(module: str, code: CodeType) -> Any:
    """The function with this code, found by its name; behind decorators too."""
    import sys

    place: Any = sys.modules.get(module)
    for part in code.co_qualname.split("."):
        if place is None:
            return None
        place = static.content(place).get(part) if raw.is_a(place, type) else vars(place).get(part)
    place = getattr(place, "__func__", place)
    if type(place) is property:
        place = place.fget
    for _ in range(8):
        if type(place) is not FunctionType:
            return None
        if place.__code__ is code:
            return place
        place = place.__dict__.get("__wrapped__")
    return None


def _form_of(entered: _Entered, site: Site) -> tuple[Form, Mapping[int | str, ast.expr]]:
    """How the learner's code makes this call, and its arguments there; none where it makes another one."""
    node = site.node
    last = entered.name.rpartition(".")[2]
    if site.iterates:
        return "iteration", {}
    if isinstance(node, ast.Assign) and last == "__setattr__" and isinstance(node.targets[0], ast.Attribute):
        return "assignment", {1: node.value}
    if isinstance(node, ast.Attribute):
        return "attribute", {}
    if not isinstance(node, ast.Call):
        return "inner", {}
    word = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    made = raw.is_a(entered.func, type)
    # A class may go by any name; a function is called by its own.
    if made and (word in (last, "__init__") or (entered.receiver is not None and word != "deepcopy")):
        return "class", _given(node)
    if word == last:
        return "method" if entered.receiver is not None else "function", _given(node)
    return "inner", {}


def _given(node: ast.Call) -> dict[int | str, ast.expr]:
    return dict(written(node))


def _frame_arguments(
    entered: _Entered,
    given: Mapping[int | str, ast.expr],
    site: Site | None,
    describer: Describer,
    learner: _Learner | None,
) -> Any:
    """Arguments as a frame has them; of those that nobody wrote only what is not the default."""
    code, held = entered.frame.f_code, entered.frame.f_locals
    bound = 1 if entered.receiver is not None and not entered.name.startswith("torch.Tensor.") else 0
    names = code.co_varnames[bound : code.co_argcount]
    only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    defaults = _defaults(entered)
    all_written = bool(given) and site is not None and _says_all(site.node)
    every: tuple[str, ...] = (*names, *only)
    for at, name in enumerate(every):
        key: int | str = at if at < len(names) else name
        node = given.get(key) if key in given else given.get(name)
        value = held.get(name, UNKNOWN)
        if node is None and (all_written or value is UNKNOWN or is_default(defaults, name, value)):
            continue
        if node is not None and learner is not None:  # the frame may have bound its name anew
            before = learner.scope.value(node)
            value = value if before is UNKNOWN else before
        place: int | str = name if name in given or at >= len(names) else at
        yield _described(place, value, name, node, site, describer)
    rest = code.co_argcount + code.co_kwonlyargcount
    if code.co_flags & inspect.CO_VARARGS:
        more = held.get(code.co_varnames[rest])
        for at, value in enumerate(islice(more if type(more) is tuple else (), 16), len(names)):
            yield _described(at, value, code.co_varnames[rest], given.get(at), site, describer)
        rest += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        words = held.get(code.co_varnames[rest])
        for word, value in islice(words.items() if type(words) is dict else (), 16):
            yield _described(word, value, word, given.get(word), site, describer)


def _says_all(node: ast.AST | None) -> bool:
    """Whether a call's code has all its arguments, with no star that hides some."""
    if not isinstance(node, ast.Call):
        return False
    starred = any(isinstance(one, ast.Starred) for one in node.args)
    return not starred and all(keyword.arg is not None for keyword in node.keywords)


def _defaults(entered: _Entered) -> dict[str, Any]:
    func = entered.func if type(entered.func) is FunctionType else None
    if func is None and raw.is_a(entered.func, type):
        func = static.find(map(static.content, static.mro(entered.func)), entered.frame.f_code.co_name)
    return defaults_of(func) if type(func) is FunctionType else {}


def _described(
    key: int | str,
    value: Any,
    parameter: str,
    node: ast.expr | None,
    site: Site | None,
    describer: Describer,
) -> Argument:
    if node is None or site is None:
        return describer.argument(value, Place(str(key), parameter))
    at = Place(str(key), parameter, site.says(node), span_of(node))
    return describer.argument(value, at, members_of(node, site.says))


# ── what only the code tells ─────────────────────────────────────────────────


def _written_call(learner: _Learner, describer: Describer) -> FailedCall | None:
    """The call that the learner's code spells out, where its names lead to torch or numpy."""
    site, scope = learner.site, learner.scope
    told = scope.call(site)
    if told is None:
        return None
    arguments = [
        _described(key, scope.value(node), "", node, site, describer) for key, node in told.arguments
    ]
    arguments = [_with_names(one) for one in arguments]
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


def _with_names(one: Argument) -> Argument:
    operand = one.operand
    if operand is None or operand.name:
        return one
    return structs.replace(one, operand=structs.replace(operand, name=one.text))
