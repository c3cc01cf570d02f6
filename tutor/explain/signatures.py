"""What torch's signatures, which the failed call brings along as text, ask of its arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from tutor.facts import Argument, FailedCall
from tutor.facts.failed import ArgumentKind


@dataclass(frozen=True)
class Parameter:
    """One parameter of a signature; `kind` is torch's own word for its type, empty where it is not said."""

    name: str
    kind: str = ""
    default: str | None = None
    keyword_only: bool = False
    #: It takes all positional arguments that are left.
    rest: bool = False


@dataclass(frozen=True)
class Way:
    """One way of calling a function."""

    parameters: tuple[Parameter, ...]
    #: The text was too long to be kept whole: more parameters follow.
    cut: bool = False


@dataclass(frozen=True)
class Fault:
    """What keeps a call from being made in one way."""

    what: Literal["type", "missing", "extra", "twice", "unknown"]
    parameter: Parameter | None = None
    argument: Argument | None = None
    #: How many positional arguments the way takes, where there are more.
    most: int = 0


def ways(call: FailedCall) -> list[Way]:
    """All ways of calling it; what a method is asked of is not among the parameters."""
    return [read(text) for text in call.signatures]


def read(signature: str) -> Way:
    """`torch.mm(input: Tensor, mat2: Tensor)` in parts."""
    inside = signature[signature.find("(") + 1 :]
    cut = inside.endswith("…)")
    inside = inside.removesuffix(")")
    found: list[Parameter] = []
    keyword_only = False
    parts = list(_split(inside))
    for part in parts[:-1] if cut else parts:
        if part == "*":
            keyword_only = True
            continue
        told = re.match(r"(\*?)(\w+)\s*(?::\s*(.*?))?\s*(?:=\s*(.*))?$", part)
        if told is not None:
            star, name, kind, default = told.groups()
            found.append(Parameter(name, kind or "", default, keyword_only, rest=bool(star)))
            keyword_only = keyword_only or bool(star)
    return Way(tuple(found), cut)


def _split(text: str) -> Iterator[str]:
    """Parts between commas that stand in no brackets and no quotes."""
    depth, begin, quote = 0, 0, ""
    for at, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        depth += 0 if quote else (sign in "([{") - (sign in ")]}")
        if sign == "," and not depth and not quote:
            yield text[begin:at].strip()
            begin = at + 1
    if text[begin:].strip():
        yield text[begin:].strip()


def faults(call: FailedCall) -> list[Fault]:
    """What is wrong in the way that comes nearest; nothing where some way fits."""
    nearest: list[Fault] | None = None
    for way in ways(call):
        found = list(_faults(call, way))
        if not found:
            return []
        if nearest is None or _weight(found) < _weight(nearest):
            nearest = found
    return nearest or []


#: A way that takes no such argument at all is further away than one in which its type is wrong.
_WEIGHTS = {"type": 2, "missing": 2, "extra": 3, "twice": 2, "unknown": 4}


def _weight(found: Sequence[Fault]) -> int:
    return sum(_WEIGHTS[one.what] for one in found)


def _faults(call: FailedCall, way: Way) -> Iterator[Fault]:
    own = 1 if call.name.startswith("torch.Tensor.") else 0
    positional = [one for one in way.parameters if not one.keyword_only]
    by_place = [one for one in call.arguments if one.place.isdecimal() and int(one.place) >= own]
    filled: set[str] = set()
    extra: list[Argument] = []
    spread: Parameter | None = None
    for one in by_place:
        at = int(one.place) - own
        parameter = spread or (positional[at] if at < len(positional) else None)
        if parameter is None:
            extra.append(one)
            continue
        filled.add(parameter.name)
        if parameter.rest or (at == 0 and _spreads(parameter) and (one.kind == "number" or not one.type)):
            spread = parameter
        if accepts(_member(parameter.kind) if spread else parameter.kind, one) is False:
            yield Fault("type", parameter, one)
    if extra and not way.cut:
        yield Fault("extra", None, extra[0], len(positional))
    yield from _by_name(call, way, filled)
    for parameter in way.parameters:
        if parameter.default is None and not parameter.rest and parameter.name not in filled:
            yield Fault("missing", parameter)


def _by_name(call: FailedCall, way: Way, filled: set[str]) -> Iterator[Fault]:
    """What is wrong with the arguments that are given by name; their parameters join `filled`."""
    named = {one.name: one for one in way.parameters if not one.rest}
    for one in call.arguments:
        if one.place.isdecimal():
            continue
        known = named.get(one.place) or named.get(_ALIASES.get(one.place, ""))
        if known is None:
            if not way.cut and call.parameters:
                yield Fault("unknown", None, one)
        elif known.name in filled:
            yield Fault("twice", known, one)
        else:
            filled.add(known.name)
            if accepts(known.kind, one) is False:
                yield Fault("type", known, one)


def typed(call: FailedCall, message: str) -> FailedCall:
    """The call with types of those arguments of which only the code is known: from the list of what was got
    in torch's words, and from division, which gives a float."""
    if all(one.type for one in call.arguments):
        return call
    told = re.search(r"got \((.*?)\)(?:,|$)", message.split("\n", maxsplit=1)[0])
    got = [part.strip() for part in told[1].split(",") if part.strip()] if told is not None else []
    by_place = [one for one in got if "=" not in one]
    by_name = dict(one.split("=", 1) for one in got if "=" in one)
    own = 1 if call.name.startswith("torch.Tensor.") else 0
    return replace(call, arguments=tuple(_typed(one, by_place, by_name, own) for one in call.arguments))


def _typed(one: Argument, by_place: list[str], by_name: dict[str, str], own: int) -> Argument:
    if one.type:
        return one
    at = int(one.place) - own if one.place.isdecimal() else -1
    name = by_place[at] if 0 <= at < len(by_place) else by_name.get(one.place, "")
    if not name:
        try:
            node = ast.parse(one.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return one
        plain = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and "torch" not in one.text
        if not plain or (own != 0 and one.place == "0"):
            return one
        name = "float"
    return replace(one, type=name.rpartition(".")[2], kind=_KINDS.get(name, "object"))


_KINDS: dict[str, ArgumentKind] = {
    "float": "number", "int": "number", "bool": "number", "complex": "number", "str": "text",
    "NoneType": "none", "list": "list", "tuple": "tuple", "dict": "dict", "Tensor": "tensor",
    "Parameter": "tensor", "numpy.ndarray": "array", "type": "class",
}  # fmt: skip

#: What torch takes in numpy's words.
_ALIASES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}


def _spreads(parameter: Parameter) -> bool:
    """Whether its numbers may be given one by one, as in `x.view(2, 3)`."""
    return parameter.name in ("size", "shape", "repeats", "dims", "sizes") and "ints" in parameter.kind


def _member(kind: str) -> str:
    return "int" if "ints" in kind else kind


def kinds(call: FailedCall, argument: Argument) -> str:
    """What the ways of calling take where an argument of the wrong type stands: `Tensor or number`."""
    told: dict[str, None] = {}
    least: int | None = None
    for way in ways(call):
        found = list(_faults(call, way))
        wrong = next((one for one in found if one.what == "type" and one.argument is argument), None)
        if wrong is None or wrong.parameter is None or (least is not None and _weight(found) > least):
            continue
        if least is None or _weight(found) < least:
            told, least = {}, _weight(found)
        told |= dict.fromkeys(wrong.parameter.kind.split(" or "))
    return " or ".join(told)


# ── types ────────────────────────────────────────────────────────────────────


_INTS = re.compile(r"^(?:tuple|list|Sequence)\[int.*\]$")


def accepts(kind: str, argument: Argument) -> bool | None:
    """Whether a parameter of this kind takes an argument; None where that cannot be told."""
    words = [_INTS.sub("ints", word.strip()) for word in kind.split(" or ")]
    if not kind or not all(word in _TAKES for word in words) or not (argument.type or argument.value):
        return None
    told = [_TAKES[word](argument) for word in words]
    if True in told:
        return True
    return None if None in told else False


def _number(one: Argument, *but: str) -> bool:
    return (one.kind == "number" and one.type not in but) or _scalar(one)


def _tensor(one: Argument) -> bool:
    return one.kind == "tensor" or (one.operand is not None and one.operand.kind != "ndarray")


def _numbers(one: Argument, *but: str) -> bool:
    return one.kind in ("list", "tuple") and not set(one.types) & {"str", "NoneType", "list", "tuple", *but}


def _tensors(one: Argument) -> bool | None:
    if one.kind not in ("list", "tuple"):
        return False
    return not one.types or all(_is_tensor(each) for each in one.types) or None


def _bool(one: Argument) -> bool | None:
    return (one.kind == "number" and one.type == "bool") or None


_PLAIN = frozenset(
    {"constant", "text", "number", "none", "list", "tuple", "class", "tensor", "array", "dict"}
)


def _of_type(name: str) -> Callable[[Argument], bool | None]:
    return lambda one: one.type == name if one.kind in _PLAIN else None


#: Of torch's words for types, whether an argument is one; None where that cannot be told.
_TAKES: dict[str, Callable[[Argument], bool | None]] = {
    "None": lambda one: one.kind == "none",
    "Tensor": _tensor,
    "Parameter": _tensor,
    "number": _number,
    "float": lambda one: _number(one, "complex"),
    "int": lambda one: _number(one, "complex", "float"),
    "bool": _bool,
    "ints": lambda one: _numbers(one, "float"),
    "floats": _numbers,
    "bools": _numbers,
    "list of numbers": _numbers,
    "list of Tensors": _tensors,
    "tuple": lambda one: one.kind in ("list", "tuple"),
    "str": lambda one: one.kind == "text",
    "device": lambda one: one.kind in ("text", "number") or one.type == "device",
    **{name: _of_type(name) for name in ("dtype", "layout", "memory_format", "Generator")},
}


def _is_tensor(type_name: str) -> bool:
    return type_name in ("Tensor", "Parameter", "Buffer")


def _scalar(one: Argument) -> bool:
    """Whether it is a tensor or array of one element, which goes for a number."""
    shape = one.operand.shape if one.operand is not None else None
    return shape is not None and all(size == 1 for size in shape)
