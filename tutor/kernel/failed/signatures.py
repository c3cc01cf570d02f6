"""What a function of torch takes, from torch's own schemas, Python signatures and documentation."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import typing
from collections.abc import Iterator, Sequence
from types import FunctionType
from typing import Any

import numpy as np
import torch
from msgspec import Struct, structs

from tutor.facts import Argument
from tutor.kernel import raw
from tutor.kernel.failed.arguments import plain_text
from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.kinds import spelled_out

globals()["__builtins__"] = GENUINE

_LONGEST = 240
_LONGEST_TYPE = 40
_MOST = 6
#: Lines of a docstring that may say how a function is called.
_MOST_LINES = 40
_schemas = torch._C._jit_get_schemas_for_operator


class Parameter(Struct, frozen=True):
    """One parameter. `type` is words for people, empty where it is not said."""

    name: str
    type: str = ""
    default: str | None = None
    keyword_only: bool = False
    #: It takes all positional arguments that are left.
    rest: bool = False


class Signature(Struct, frozen=True):
    """One way of calling a function."""

    text: str
    parameters: tuple[Parameter, ...]
    #: It takes keywords beyond those that it names.
    open: bool = False


class Bound(Struct, frozen=True):
    """Arguments with the names of their parameters, and the signatures that they were held against."""

    arguments: tuple[Argument, ...]
    signatures: tuple[str, ...]
    parameters: tuple[str, ...]


def bind(name: str, func: Any, arguments: Sequence[Argument]) -> Bound:
    """Names of parameters for arguments; signatures in the order in which they come near."""
    found = signatures_of(name, func)
    ranked = sorted(found, key=lambda one: -_score(one, arguments))
    best = ranked[0] if ranked else None
    named = tuple(arguments) if best is None else tuple(_named(best, arguments))
    keywords = dict.fromkeys(one.name for way in ranked for one in way.parameters if not one.rest)
    taken = () if any(way.open for way in ranked) else tuple(keywords)
    return Bound(named, tuple(dict.fromkeys(one.text for one in ranked))[:_MOST], taken)


def signatures_of(name: str, func: Any) -> tuple[Signature, ...]:
    """All signatures of a function by its public name, and itself where it is at hand."""
    if type(func) is FunctionType or raw.is_a(func, type):
        return _of_python(name, func)
    return _of_builtin(name)


# ── functions and classes written in Python ──────────────────────────────────


@functools.lru_cache(maxsize=256)
def _of_python(name: str, func: Any) -> tuple[Signature, ...]:
    target = spelled_out(func) if type(func) is FunctionType else _initializer(func)
    if raw.is_a(func, type):  # one that takes `*args` says in its overloads what those are
        target = next(iter(typing.get_overloads(target)), target)
    try:
        told = inspect.signature(target)
    except (TypeError, ValueError):
        return _of_documentation(name, func)
    every = list(told.parameters.values())
    if raw.is_a(func, type) or (every and every[0].name == "self" and not name.startswith("torch.Tensor.")):
        every = every[1:]
    named = [one for one in every if one.kind is not one.VAR_KEYWORD]
    if [one.kind for one in named] == [inspect.Parameter.VAR_POSITIONAL]:  # perhaps it is said in words
        documented = _of_documentation(name, func)
        if documented:
            return documented
    parameters = tuple(map(_parameter, named))
    return (Signature(_text(name, parameters), parameters, len(named) < len(every)),)


def _initializer(cls: Any) -> Any:
    found = cls.__init__
    return found if type(found) is FunctionType else cls.__new__


def _parameter(one: inspect.Parameter) -> Parameter:
    default = None if one.default is one.empty else plain_text(one.default, 40) or "…"
    unsaid = one.annotation is one.empty or one.annotation is None or one.annotation is type(None)
    kind = "" if unsaid else _annotation(one.annotation)
    return Parameter(one.name, kind, default, one.kind is one.KEYWORD_ONLY, one.kind is one.VAR_POSITIONAL)


def _annotation(annotation: Any) -> str:
    text = raw.class_text(annotation) if raw.is_a(annotation, type) else str(annotation)
    text = re.sub(r"\b(?:typing|torch|collections\.abc|_?\w+\._?\w+)\.(?=\w)", "", text)
    text = re.sub(r"ForwardRef\('(\w+)'\)|'(\w+)'", r"\1\2", text)
    text = re.sub(r"Optional\[(\w+)\]", r"\1 or None", text).replace(" | ", " or ")
    if text.startswith("Union[") and text.endswith("]"):
        text = " or ".join(_split(text[len("Union[") : -1]))
    return text if len(text) <= _LONGEST_TYPE and "~" not in text else ""


# ── built-in functions ───────────────────────────────────────────────────────

_FAMILIES = {"linalg": "linalg_", "fft": "fft_", "special": "special_"}
#: What torch has schemas of only for compiled scripts, where these take other arguments.
_OF_SCRIPTS = frozenset({"torch.tensor", "torch.as_tensor", "torch.device", "torch.Tensor.to"})
#: What Python asks of a tensor by signs and words of its own.
_PROTOCOLS = {
    "__getitem__": "self, index", "__delitem__": "self, index", "__setitem__": "self, index, value",
    "__contains__": "self, element", "__bool__": "self", "__float__": "self", "__int__": "self",
    "__index__": "self", "__complex__": "self", "__len__": "self", "__iter__": "self",
}  # fmt: skip
_SHOWN = {
    "Scalar": "number", "ScalarType": "dtype", "Device": "device", "Layout": "layout", "SymInt": "int",
    "MemoryFormat": "memory_format", "t": "list of numbers",
}  # fmt: skip
_ARGUMENT = re.compile(r"^(?P<type>[A-Za-z]+)(?P<rest>\S*)\s+(?P<name>\w+)(?:=(?P<default>.*))?$")


@functools.lru_cache(maxsize=512)
def _of_builtin(name: str) -> tuple[Signature, ...]:
    place, _, last = name.rpartition(".")
    family = _FAMILIES.get(place.rpartition(".")[2], "")
    method = place == "torch.Tensor"
    found: list[Signature] = []
    if place in ("torch.Tensor", "numpy.ndarray") and last in _PROTOCOLS:
        asked = _parsed(_PROTOCOLS[last]) or ()
        return (Signature(_text(name, asked), asked),)
    own = name not in _OF_SCRIPTS and place.startswith("torch")
    for schema in _schemas(f"aten::{family}{last}") if own else ():
        overload = schema.overload_name
        if "out" in overload.split("_") or overload.startswith(("prim", "hacked", "names", "dimname")):
            continue
        parameters = _read(str(schema), method)
        if parameters is not None:
            found.append(Signature(_text(name, parameters), parameters))
    chosen = [one for one in found if any("Tensor" in each.type for each in one.parameters)]
    if not method:
        makers = [one for one in found if {"dtype", "device"} <= {each.name for each in one.parameters}]
        chosen += [_maker(name, one) for one in makers if one not in chosen]
    return tuple(chosen) or _of_documentation(name, None)


def _read(schema: str, method: bool) -> tuple[Parameter, ...] | None:
    """The parameters of `aten::sum.dim(Tensor self, int[1]? dim, bool keepdim=False) -> Tensor`."""
    inside = schema[schema.index("(") + 1 : schema.rindex(") ->")]
    parameters: list[Parameter] = []
    keyword_only = False
    for part in _split(inside):
        if part == "*":
            keyword_only = True
            continue
        told = _ARGUMENT.match(re.sub(r"\([a-z!|>\s*-]*\)", "", part))
        if told is None or told["type"] in ("Dimname", "Dict", "Stream", "Storage"):
            return None
        if told["name"] == "implicit":
            continue
        name = "input" if told["name"] == "self" and not method else told["name"]
        kind = _type(told["type"], told["rest"])
        parameters.append(Parameter(name, kind, told["default"], keyword_only))
    return tuple(parameters)


def _split(text: str) -> Iterator[str]:
    """Parts between commas that stand in no brackets."""
    depth, begin = 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and not depth:
            yield text[begin:at].strip()
            begin = at + 1
    if text[begin:].strip():
        yield text[begin:].strip()


def _type(base: str, rest: str) -> str:
    word = _SHOWN.get(base, base)
    if "[" in rest:
        word = "list of Tensors" if base == "Tensor" else "ints" if word == "int" else f"{word}s"
        if re.search(r"\[\d+\]", rest):
            word = f"{word.removesuffix('s')} or {word}"
    return f"{word} or None" if rest.endswith("?") else word


def _maker(name: str, one: Signature) -> Signature:
    """Functions that make tensors take this too, which their schemas do not say."""
    if any(each.name == "requires_grad" for each in one.parameters):
        return one
    more = Parameter("requires_grad", "bool", "False", keyword_only=True)
    parameters = (*one.parameters, more)
    return Signature(_text(name, parameters), parameters)


# ── documentation ────────────────────────────────────────────────────────────


@functools.lru_cache(maxsize=512)
def _of_documentation(name: str, func: Any) -> tuple[Signature, ...]:
    """The signatures in the first lines of a docstring."""
    found = func if func is not None else _by_name(name)
    documentation = getattr(found, "__doc__", None) or ""
    last = name.rpartition(".")[2]
    told: list[Signature] = []
    pattern = re.compile(
        rf"(?:\.\. (?:method|function):: ?)?(?:[\w.]+\.)?{re.escape(last)}\((.*?)\)(?:\s*->.*)?$"
    )
    for line in documentation.strip().split("\n")[:_MOST_LINES]:
        match = pattern.match(line.strip())
        parameters = _parsed(match[1]) if match is not None else None
        if parameters is None or [one.name for one in parameters] == ["args"]:
            continue
        if name.startswith("torch.Tensor.") and (not parameters or parameters[0].name != "self"):
            parameters = (Parameter("self", "Tensor"), *parameters)
        told.append(Signature(_text(name, parameters), parameters))
    return tuple(told)


def _parsed(inside: str) -> tuple[Parameter, ...] | None:
    inside = re.sub(r"\[,[^\]]*\]", "", inside)  # numpy's way of saying that something may be left out
    try:
        told = ast.parse(f"def f({inside}): ...").body[0]
    except (SyntaxError, ValueError):
        return None
    if not isinstance(told, ast.FunctionDef):
        return None
    own = told.args
    positional = [*own.posonlyargs, *own.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(own.defaults))
    defaults += own.defaults
    found = [
        Parameter(one.arg, "", None if default is None else ast.unparse(default))
        for one, default in zip(positional, defaults, strict=True)
    ]
    if own.vararg is not None:
        found.append(Parameter(own.vararg.arg, rest=True))
    for one, default in zip(own.kwonlyargs, own.kw_defaults, strict=True):
        found.append(Parameter(one.arg, "", None if default is None else ast.unparse(default), True))
    return tuple(found)


def _by_name(name: str) -> Any:
    first, *rest = name.split(".")
    found: Any = {"torch": torch, "numpy": np}.get(first)
    for part in rest:
        own = part in vars(found) if found is not None else False
        found = vars(found)[part] if own else getattr(torch._C.TensorBase, part, None)
    return found


# ── fitting ──────────────────────────────────────────────────────────────────


def _text(name: str, parameters: Sequence[Parameter]) -> str:
    shown: list[str] = []
    starred = False
    for one in parameters:
        if one.keyword_only and not starred and not any(each.rest for each in parameters):
            shown.append("*")
            starred = True
        # Of what is given by keyword only and has a default, the name says enough.
        kind = f": {one.type}" if one.type and not (one.keyword_only and one.default is not None) else ""
        equals = "" if one.default is None else f" = {one.default}" if kind else f"={one.default}"
        shown.append(f"{'*' if one.rest else ''}{one.name}{kind}{equals}")
    receiver = name.startswith("torch.Tensor.") and bool(parameters) and parameters[0].name == "self"
    text = f"{name}({', '.join(shown[1:] if receiver else shown)})"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}…)"


def _pairs(way: Signature, arguments: Sequence[Argument]) -> Iterator[tuple[Argument, Parameter | None]]:
    positional = [one for one in way.parameters if not one.keyword_only]
    by_name = {one.name: one for one in way.parameters}
    #: What takes all that follows: `*args`, or sizes that are given one by one, as in `x.view(2, 3)`.
    taking: Parameter | None = None
    for one in arguments:
        if not one.place.isdecimal():
            yield one, by_name.get(one.place)
            continue
        at = int(one.place)
        own = positional[at] if at < len(positional) else None
        if taking is None and own is not None:
            spread = one.kind == "number" and "ints" in own.type
            taking = own if spread or own.rest else None
        yield one, taking or own


def _named(way: Signature, arguments: Sequence[Argument]) -> Iterator[Argument]:
    for one, parameter in _pairs(way, arguments):
        if parameter is not None and not one.parameter:
            yield structs.replace(one, parameter=parameter.name)
        else:
            yield structs.replace(one, parameter="out") if one.place == "out" else one


def _score(way: Signature, arguments: Sequence[Argument]) -> int:
    """How well arguments fit a signature."""
    total = 0
    filled: set[str] = set()
    for one, parameter in _pairs(way, arguments):
        if parameter is None:
            total -= 4
            continue
        filled.add(parameter.name)
        total += _fits(one, parameter.type or _OF_NAMES.get(parameter.name, ""))
    missing = [
        one for one in way.parameters if one.default is None and not one.rest and one.name not in filled
    ]
    return total - 3 * len(missing)


#: Types that go without saying.
_OF_NAMES = {"device": "device", "dtype": "dtype", "dim": "int", "size": "ints"}
_ACCEPTED: dict[str, tuple[str, ...]] = {
    "tensor": ("Tensor", "number"),
    "number": ("number", "int", "float", "bool"),
    "text": ("str", "device"),
    "none": ("None",),
    "list": ("list", "ints", "floats", "bools"),
    "tuple": ("list", "ints", "floats", "bools", "tuple"),
    "constant": ("dtype", "device", "layout", "memory_format"),
}


def _fits(argument: Argument, kind: str) -> int:
    if not kind or not argument.type:
        return 1
    if argument.kind == "constant":
        return 2 if argument.type in kind else -2
    if argument.kind == "number" and argument.type == "float" and kind == "int":
        return -1
    accepted = _ACCEPTED.get(argument.kind, ())
    return 2 if any(word in kind for word in accepted) else -2
