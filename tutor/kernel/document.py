"""Signature and documentation of live objects, read without running anything of the learner's."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Mapping
from typing import Any

import torch

from tutor.facts import Document, Documentation
from tutor.kernel import raw, static
from tutor.kernel.guard import GENUINE
from tutor.kernel.resolve import Live, Resolver, Thing, Typed, member, parse

globals()["__builtins__"] = GENUINE

#: Characters of documentation that are told.
LONGEST = 8_000
_LONGEST_DEFAULT = 40

_FUNCTION = {
    name: types.FunctionType.__dict__[name].__get__
    for name in ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__dict__")
}
#: C types whose objects have documentation and a signature in text.
_COMPILED: dict[type, tuple[Any, ...]] = {
    kind: tuple(kind.__dict__[name].__get__ if name in kind.__dict__ else None for name in
                ("__doc__", "__text_signature__", "__name__"))
    for kind in (
        types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType,
        types.GetSetDescriptorType, types.ClassMethodDescriptorType,
    )
}  # fmt: skip
_type_signature = type.__dict__["__text_signature__"].__get__
_property_doc = property.__dict__["__doc__"].__get__
_property_getter = property.__dict__["fget"].__get__


def document(namespace: Mapping[str, Any], request: Document) -> Documentation:
    """What there is to read about the request's expression."""
    try:
        with raw.Reading():
            resolver = Resolver(namespace, request.imports, request.values)
            found = _subject(resolver, request.expression)
            if found is None:
                return Documentation(request.id)
            name = request.expression.rpartition(".")[2]
            signature, text = _describe(name, found)
    except Exception:  # a dictionary that another thread changed meanwhile
        return Documentation(request.id)
    return Documentation(request.id, signature, inspect.cleandoc(_plain(text))[:LONGEST])


def _subject(resolver: Resolver, expression: str) -> Thing | None:
    """What the expression stands for; a descriptor stands for itself, for it is what has documentation."""
    node = parse(expression)
    if isinstance(node, ast.Attribute) and (owner := resolver.node(node.value)) is not None:
        found = member(owner, node.attr)
        if type(found) in (staticmethod, classmethod):
            return resolver.node(node)
        return Live(found) if found is not static.MISSING else resolver.node(node)
    return resolver.node(node) if node is not None else None


def _describe(name: str, thing: Thing) -> tuple[str, str]:
    if isinstance(thing, Typed):
        return f"{name}: {_name(thing.cls)}", _class_doc(thing.cls)
    value = thing.value
    kind = type(value)
    if kind is types.FunctionType:
        value = _unwrapped(value)
        return _signature(name, value), _FUNCTION["__doc__"](value)
    if kind in _COMPILED:
        doc, signature, _ = (read(value) if read is not None else None for read in _COMPILED[kind])
        return _compiled(name, _plain(signature), _plain(doc))
    if kind is property:
        doc = _property_doc(value) if type(_property_getter(value)) is types.FunctionType else ""
        return f"{name}  (property)", doc
    if static.is_class(value):
        return _class_signature(name, value), _class_doc(value)
    if kind is types.ModuleType:
        return f"module {_plain(static.own(value).get('__name__')) or name}", _plain(
            static.own(value).get("__doc__")
        )
    if raw.is_a(value, torch.nn.Module):
        forward = static.find(map(static.content, static.mro(kind)), "forward")
        called = _signature(name, forward) if type(forward) is types.FunctionType else name
        return f"{called}  # {_name(kind)}", _class_doc(kind)
    return f"{name}: {_name(kind)}", _class_doc(kind)


def _unwrapped(function: Any) -> Any:
    """The function that a decorator of `functools.wraps` stands for."""
    fields = _FUNCTION["__dict__"](function)
    inner = fields.get("__wrapped__") if type(fields) is dict else None
    return inner if type(inner) is types.FunctionType else function


def _compiled(name: str, signature: str, doc: str) -> tuple[str, str]:
    """torch writes signatures into the first line of the documentation."""
    doc = inspect.cleandoc(doc)
    first, _, rest = doc.partition("\n")
    if first.startswith(f"{name}("):
        return first, rest
    if signature:
        inside = signature.removeprefix("(").removesuffix(")").split(", ")
        parts = [part for part in inside if not part.startswith("$")]
        return f"{name}({', '.join(parts[1:] if parts[:1] == ['/'] else parts)})", doc
    return name, doc


def _class_signature(name: str, cls: Any) -> str:
    for method in ("__init__", "__new__"):
        found = static.find(map(static.content, static.mro(cls)), method)
        if type(found) is types.FunctionType:
            return _signature(name, found)
    signature = _plain(_type_signature(cls)) if type(cls) is type else ""
    return _compiled(name, signature, "")[0] if signature else f"class {name}"


def _class_doc(cls: type) -> str:
    for kind in static.mro(cls)[:-1]:
        text = _plain(static.content(kind).get("__doc__"))
        if text:
            return text
    return ""


def _signature(name: str, function: Any) -> str:
    """`name(a, b=1, *, c) -> Tensor`, from the function's code; defaults that are not plain are `…`."""
    code = _FUNCTION["__code__"](function)
    defaults = _FUNCTION["__defaults__"](function) or ()
    keywords = _FUNCTION["__kwdefaults__"](function) or {}
    names = list(code.co_varnames)
    positional, only = names[: code.co_argcount], code.co_kwonlyargcount
    parts = positional[: len(positional) - len(defaults)]
    parts += [f"{n}={_default(v)}" for n, v in zip(positional[len(parts) :], defaults, strict=True)]
    if code.co_posonlyargcount:
        parts.insert(code.co_posonlyargcount, "/")
    if positional and positional[0] in ("self", "cls"):
        parts = parts[1:]
    after = code.co_argcount + only
    if code.co_flags & inspect.CO_VARARGS:
        parts.append(f"*{names[after]}")
        after += 1
    elif only:
        parts.append("*")
    for n in names[code.co_argcount : code.co_argcount + only]:
        parts.append(f"{n}={_default(keywords[n])}" if n in keywords else n)
    if code.co_flags & inspect.CO_VARKEYWORDS:
        parts.append(f"**{names[after]}")
    return f"{name}({', '.join(parts)})"


def _default(value: Any) -> str:
    kind = type(value)
    if kind in (int, float, bool, type(None), str) and len(text := repr(value)) <= _LONGEST_DEFAULT:
        return text
    if kind is torch.dtype or kind is torch.device:
        return str(value)
    return _name(value) if static.is_class(value) else "…"


def _name(cls: Any) -> str:
    return str.__str__(type.__dict__["__name__"].__get__(cls))


def _plain(text: Any) -> str:
    """Text that can be sent; anything else is nothing."""
    return text.encode("utf-8", "replace").decode() if type(text) is str else ""
