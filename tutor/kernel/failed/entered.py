"""Functions of torch and numpy that an error passed through, by their frames."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import torch
from msgspec import Struct

from tutor.facts import Argument
from tutor.facts.failed import Form
from tutor.kernel import raw, static
from tutor.kernel.failed.arguments import UNKNOWN, Describer, Place, members_of, written
from tutor.kernel.failed.names import behind, content_of, is_library, library_class, public_name
from tutor.kernel.failed.scope import Scope
from tutor.kernel.failed.seen import defaults_of, is_default
from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.sites import Site, span_of

globals()["__builtins__"] = GENUINE

#: Frames that lead to others only.
_PLUMBING = frozenset({"_wrapped_call_impl", "_call_impl", "decorate_context", "wrapper", "_use_grad"})
_PLUMBING |= {"_no_grad_wrapper", "maybe_fallback", "inner", "fn"}
#: Where going through a DataLoader is at work.
_LOADING = "torch.utils.data.dataloader"
#: What is known by the names of its classes, wherever a method of theirs is written.
_BY_THEIR_OWN = (torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler)
LOADER = "torch.utils.data.DataLoader.__iter__"


class Entered(Struct):
    """A function of the library's that runs in a frame."""

    name: str
    func: Any
    frame: FrameType
    #: What the method is asked of, where it is one.
    receiver: Any = None


def entered_by(frame: FrameType) -> Entered | None:
    """The function that a frame runs, by its public name; None of plumbing and of what is not a library's."""
    code, module = frame.f_code, str(frame.f_globals.get("__name__"))
    if not is_library(module) or code.co_name in _PLUMBING or "<locals>" in code.co_qualname:
        return None
    if module == _LOADING and ("Iter" in code.co_qualname or code.co_name == "__iter__"):
        return Entered(LOADER, None, frame)
    receiver = _receiver(frame)
    owner, _, last = code.co_qualname.rpartition(".")
    if _is_private(last) or last == "__getattr__":
        return None
    if last in ("__init__", "__new__"):
        held = receiver if raw.is_a(receiver, type) else type(receiver)
        kind = library_class(held)
        name = None if kind is None else public_name(kind)
        return None if name is None else Entered(name, kind, frame, receiver)
    func = _find(module, code)
    if func is None:
        return None
    name = public_name(func)
    if owner and any(raw.is_a(receiver, kind) for kind in _BY_THEIR_OWN):
        kind = library_class(type(receiver))
        name = f"{public_name(kind)}.{last}" if kind is not None else name
    if name is None or any(_is_private(part) for part in name.split(".")):
        return None
    return Entered(name, func, frame, receiver)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _receiver(frame: FrameType) -> Any:
    names = frame.f_code.co_varnames
    if not frame.f_code.co_argcount or names[0] not in ("self", "cls"):
        return None
    return frame.f_locals.get(names[0])


def _find(module: str, code: CodeType) -> Any:
    """The function with this code, found by its name; behind decorators too."""
    place: Any = sys.modules.get(module)
    for part in code.co_qualname.split("."):
        if not raw.is_a(place, type) and not raw.is_a(place, ModuleType):
            return None
        place = content_of(place).get(part)
    if type(place) in (classmethod, staticmethod):
        place = place.__func__
    place = behind(place)
    for _ in range(8):
        if type(place) is not FunctionType:
            return None
        if place.__code__ is code:
            return place
        place = place.__dict__.get("__wrapped__")
    return None


def form_of(entered: Entered, site: Site) -> tuple[Form, Mapping[int | str, ast.expr]]:
    """How the learner's code makes this call, and its arguments there; none where it makes another one."""
    node = site.node
    last = entered.name.rpartition(".")[2]
    if site.iterates:
        return "iteration", {}
    if isinstance(node, ast.Assign) and last == "__setattr__" and isinstance(node.targets[0], ast.Attribute):
        return "assignment", {1: node.value}
    if isinstance(node, ast.Attribute):
        return "attribute", {}
    if isinstance(node, ast.Subscript) and last == "__getitem__":
        return "index", {0: node.slice}
    if not isinstance(node, ast.Call):
        return "inner", {}
    word = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    made = raw.is_a(entered.func, type)
    # A class may go by any name; a function is called by its own.
    if made and (word in (last, "__init__") or (entered.receiver is not None and word != "deepcopy")):
        return "class", given_by(node)
    if word == last:
        return "method" if entered.receiver is not None else "function", given_by(node)
    return "inner", {}


def given_by(node: ast.Call) -> dict[int | str, ast.expr]:
    return dict(written(node))


def arguments_of(
    entered: Entered,
    given: Mapping[int | str, ast.expr],
    site: Site | None,
    describer: Describer,
    scope: Scope | None,
) -> Iterator[Argument]:
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
        if node is not None and scope is not None:  # the frame may have bound its name anew
            before = scope.value(node)
            value = value if before is UNKNOWN else before
        place: int | str = name if name in given or at >= len(names) else at
        yield described(place, value, name, node, site, describer)
    rest = code.co_argcount + code.co_kwonlyargcount
    if code.co_flags & inspect.CO_VARARGS:
        more = held.get(code.co_varnames[rest])
        for at, value in enumerate(islice(more if type(more) is tuple else (), 16), len(names)):
            yield described(at, value, "", given.get(at), site, describer)
        rest += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        words = held.get(code.co_varnames[rest])
        for word, value in islice(words.items() if type(words) is dict else (), 16):
            yield described(word, value, word, given.get(word), site, describer)


def _says_all(node: ast.AST | None) -> bool:
    """Whether a call's code has all its arguments, with no star that hides some."""
    if not isinstance(node, ast.Call):
        return False
    starred = any(isinstance(one, ast.Starred) for one in node.args)
    return not starred and all(keyword.arg is not None for keyword in node.keywords)


def _defaults(entered: Entered) -> dict[str, Any]:
    func = entered.func if type(entered.func) is FunctionType else None
    if func is None and raw.is_a(entered.func, type):
        func = static.find(map(static.content, static.mro(entered.func)), entered.frame.f_code.co_name)
    return defaults_of(func) if type(func) is FunctionType else {}


def described(
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
