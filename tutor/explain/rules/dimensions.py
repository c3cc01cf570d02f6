"""Dimensions that a tensor does not have, that are named twice, or too many or too few of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from tutor.explain import calls, subjects
from tutor.explain.engine import failure
from tutor.explain.operands import Operand, Scope
from tutor.explain.past import Past
from tutor.explain.reading import failing, words
from tutor.explain.wording import and_text, fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Shape, Snapshot, Step

_DIMS_ARE = "{count}: `dims` is {dims}"
_EACH_OF = "each of `{name}`"
_A_DIMENSION = "a dimension"
_CANNOT_PUT = "`{operation}` cannot put a dimension at {dim}"
_EACH_LIKE = "each tensor in {name} is like {shape}"
_REACH = "from 0 to {last}, or from {first} to -1 counted from the end"
_ONE = "0 or -1"
_TWO = "0 or 1, or counted from the end -1 or -2"
_BOTH = "{first}, and {second}"
_PARAMETER_IS = "`{name}` is {value}"
_TITLE = "{who} has no dimension {dim}"
_TITLE_NONE = "{who} has no dimensions"
_TEXT = "{shape}, so it has {count}. {asked}, and {which} must be {range}. {hint}"
_TEXT_GROWN = """
{shape}. `{operation}` puts a new dimension between its {count}, before or behind them. {asked}, and {which}
must be {range}.
"""
_TEXT_NONE = """
{shape}: it holds one value and has no dimensions. {asked}, and `{operation}` needs a tensor that has a
dimension to work along.
"""
_LAST = "Dimensions are counted from 0: the last one is {last}, or -1."
_LAST_STACK = "The last one is {last}: to put them side by side in a new dimension, use `torch.stack`."
_ZERO = "A single number has none to choose from: 0 and -1 stand for the number as a whole."
_LAYER = "{layer} with {setting}."
_LAYER_WITH = "{is_} with `{name}={value}`"
_DEFAULT = "no `{parameter}` is given, so `{operation}` takes {dim}"
_SIZES_TITLE = "`{owner}` has {count} sizes, and no position {at}"
_SIZES = """
`{base}` is {shape}, so `{owner}` has {count} sizes, at the positions {range}. `{code}` asks for position
{at}. {hint}
"""
_SIZES_NONE = """
`{base}` is {shape}, a single number without dimensions, so `{owner}` is empty: `{code}` asks for position
{at}, and a tensor must have a dimension for that.
"""
_UNPACK_TITLE = "`{owner}` has {count} sizes, and {wanted} names are to get one"
_UNPACK = """
`{base}` is {shape}: it has {dims}, so `{owner}` gives {count}. To the left of `=` stand {wanted} names, and
there must be as many names as sizes. {hint}
"""
_UNPACK_MORE = (
    "Often a dimension such as the batch was lost on the way, or indexing took it: look where it went."
)
_UNPACK_LESS = "Often a batch dimension comes first, which needs a name of its own."

_TWICE_TITLE = "Dimension {dim} is named twice in `{code}`"
_TWICE = """
{shape}, with {count}. {asked}: that names dimension {dim} more than once{negative}, and `{operation}` needs
each only once.
"""
_NEGATIVE = ", because {names} are the same one, counted from the start and from the end"
_ORDER_TITLE = "{who} has {count}, and {given} are named"
_ORDER = """
{shape}, with {count}, and `{operation}` gives a new order to all of them: each of {all} must be named once.
`{code}` names {given}. {hint}
"""
_ORDER_TWO = "To swap only two of them, use `transpose(dim0, dim1)`."
_BEFORE_TITLE = "`start_dim` stands behind `end_dim` in `{code}`"
_BEFORE = """
{shape}. {asked}: flattening joins dimensions from `start_dim` to `end_dim`, so `start_dim` must not be
greater.
"""

#: Parameters that name a dimension.
_DIMS = (
    "dim", "dims", "axis", "axes", "dim0", "dim1", "dim2", "axis0", "axis1", "axis1", "axis2", "start_dim",
    "end_dim", "source", "destination",
)  # fmt: skip
#: Operations whose result has one dimension more, all of which can be named.
_GROWING = frozenset({"unsqueeze", "stack", "diag_embed"})
_JOINING = frozenset({"cat", "concat", "concatenate"})
_COUNTS = frozenset({"tensordot", "unflatten_", "cdist", "dist"})
_TWICE_FINE = frozenset({"transpose", "swapaxes", "swapdims", "flatten", "roll", "movedim_"})
_ASKED = re.compile(r"[Dd]imension (?:out of range .*got|specified as) (-?\d+)")
_OUT = re.compile(
    r"[Dd]im(?:ension)?\w* (?:out of range|specified as)|has no dimensions|not (?:exist|present)|invalid dim"
)


@dataclass(frozen=True)
class _Named:
    """Dimensions that one argument or setting names, and how the text says so."""

    parameter: str
    dims: tuple[int, ...]
    said: str


@failure
def dimension_range(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a dimension is named, in any form, that the tensor does not have."""
    for call in calls.chain(subjects.refused(step)):
        found = _works_on(call)
        if found is None or calls.operation(call) in _COUNTS:
            continue
        who, sizes = found
        grown = calls.operation(call) in _GROWING
        reach = len(sizes) + grown
        for named in _named(call):
            wrong = [dim for dim in named.dims if not -max(reach, 1) <= dim < max(reach, 1)]
            none = reach == 0 and bool(named.dims) and _OUT.search(subjects.message(step)) is not None
            if wrong or none:
                return _out_of_range(step, call, who, sizes, named, wrong[0] if wrong else named.dims[0])
        usual = _by_itself(step, call, len(sizes))
        if usual is not None:
            return _out_of_range(step, call, who, sizes, usual, usual.dims[0])
    return None


def _by_itself(step: Step, call: FailedCall, count: int) -> _Named | None:
    """The dimension that the call works along where none is named, if it is the one that is not there."""
    told = _ASKED.search(subjects.message(step))
    given = {one.parameter for one in call.arguments}
    if told is None or not call.signatures:
        return None
    dim = int(told[1])
    pattern = rf"\b({'|'.join(_DIMS)}): [^,=]*= {dim}\b"
    found = [name for name in re.findall(pattern, call.signatures[0]) if name not in given]
    if not found or (count and -count <= dim < count):
        return None
    said = fill(_DEFAULT, parameter=found[0], dim=dim, operation=calls.operation(call))
    return _Named(found[0], (dim,), said)


def _out_of_range(
    step: Step, call: FailedCall, who: Argument, sizes: Shape, named: _Named, dim: int
) -> Explanation:
    count, operation = len(sizes), calls.operation(call)
    grown = operation in _GROWING
    reach = count + grown
    label = subjects.sentence(subjects.name_of(who)) if who.operand is not None else subjects.name_of(who)
    shape = subjects.sentence(_shape(who, sizes))
    template, hint = _TEXT, ""
    if grown:
        template = _TEXT_GROWN
    elif not count and dim in (0, -1):
        template = _TEXT_NONE
    elif not count:
        hint = _ZERO
    elif dim == count:
        hint = fill(_LAST_STACK if operation in _JOINING else _LAST, last=count - 1)
    which = phrase(_EACH_OF if len(named.dims) > 1 else _A_DIMENSION, name=named.parameter)
    text = fill(
        template,
        shape=shape,
        count=subjects.dims_text(count) if not grown else count,
        asked=subjects.sentence(named.said),
        which=which,
        range=_range(reach),
        operation=operation,
        hint=hint,
    )
    title = fill(_TITLE_NONE, who=label) if template is _TEXT_NONE else fill(_TITLE, who=label, dim=dim)
    if grown:
        title = fill(_CANNOT_PUT, operation=operation, dim=dim)
    return Explanation("dimension-range", "error", title, text, None, subjects.all_evidence(step, call))


def _shape(who: Argument, sizes: Shape) -> str:
    if who.operand is not None:
        return subjects.shape_of(who)
    return phrase(_EACH_LIKE, name=calls.label(who), shape=shape_text(sizes))


def _range(reach: int) -> str:
    if reach <= 1:
        return phrase(_ONE)
    if reach == 2:
        return phrase(_TWO)
    return phrase(_REACH, last=reach - 1, first=-reach)


def _works_on(call: FailedCall) -> tuple[Argument, Shape] | None:
    """The tensor, or the list of tensors, whose dimensions a call names."""
    for one in call.arguments:
        if (sizes := subjects.shape(one)) is not None:
            return one, sizes
        if one.kind in ("list", "tuple") and one.items and one.items[0].shape is not None:
            return one, one.items[0].shape
    return None


def _named(call: FailedCall) -> Iterator[_Named]:
    """The dimensions that a call names; several arguments of one parameter are one list."""
    listed: dict[str, list[Argument]] = {}
    for one in call.arguments:
        rolled = calls.operation(call) == "roll" and one.place == "2"  # a second number is no second shift
        if one.parameter in _DIMS or rolled:
            listed.setdefault("dims" if rolled else one.parameter, []).append(
                replace(one, parameter="dims") if rolled else one
            )
    for parameter, arguments in listed.items():
        if len(arguments) == 1:
            dims = subjects.numbers(arguments[0])
            if dims is not None:
                yield _Named(parameter, dims, subjects.given_as(arguments[0]))
            continue
        dims = tuple(dim for one in arguments for dim in subjects.numbers(one) or ())
        yield _Named(parameter, dims, phrase(_PARAMETER_IS, name=parameter, value=_tuple(dims)))
    for parameter in _DIMS if call.module is not None else ():
        value = subjects.setting(call, parameter)
        dims = value if isinstance(value, tuple) else (value,)
        if all(type(dim) is int for dim in dims):
            is_ = subjects.layer_is(call)
            yield _Named(parameter, dims, phrase(_LAYER_WITH, is_=is_, name=parameter, value=value))


def _tuple(dims: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, dims))}{',' if len(dims) == 1 else ''})"


@failure
def dimension_repeated(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when one call names the same dimension twice, or a flattening that ends before it starts."""
    for call in calls.chain(subjects.refused(step)):
        found = _works_on(call)
        if found is None or not found[1] or calls.operation(call) in _COUNTS:
            continue
        who, sizes = found
        named, operation = list(_named(call)), calls.operation(call)
        pair = {one.parameter: one for one in named if len(one.dims) == 1}
        start, end = pair.get("start_dim"), pair.get("end_dim")
        count = len(sizes) + (operation in _GROWING)
        if start is not None and end is not None and start.dims[0] % count > end.dims[0] % count:
            text = fill(_BEFORE, shape=subjects.sentence(_shape(who, sizes)), asked=_both(start, end))
            title = fill(_BEFORE_TITLE, code=subjects.code_of(call))
            names = subjects.all_evidence(step, call)
            return Explanation("dimension-repeated", "error", title, text, None, names)
        if operation in _TWICE_FINE:
            continue
        if "dim1" in pair and "dim2" in pair:
            first, second = pair["dim1"], pair["dim2"]
            named = [_Named("dim1", (*first.dims, *second.dims), _both(first, second))]
        for one in named:
            twice = _twice(one.dims, count)
            if twice is not None:
                return _repeated(step, call, (who, sizes), one, twice)
    return None


def _both(first: _Named, second: _Named) -> str:
    return phrase(_BOTH, first=subjects.sentence(first.said), second=second.said)


def _twice(dims: tuple[int, ...], count: int) -> tuple[int, int] | None:
    """Two dimensions of these that are the same one."""
    seen: dict[int, int] = {}
    for dim in dims:
        if dim % count in seen:
            return seen[dim % count], dim
        seen[dim % count] = dim
    return None


def _repeated(
    step: Step, call: FailedCall, found: tuple[Argument, Shape], named: _Named, twice: tuple[int, int]
) -> Explanation:
    who, sizes = found
    dim = twice[0] % (len(sizes) + (calls.operation(call) in _GROWING))
    code = subjects.code_of(call)
    text = fill(
        _TWICE,
        shape=subjects.sentence(_shape(who, sizes)),
        count=subjects.dims_text(len(sizes)),
        asked=subjects.sentence(named.said),
        dim=dim,
        negative=fill(_NEGATIVE, names=and_text([str(twice[0]), str(twice[1])]))
        if twice[0] != twice[1]
        else "",
        operation=calls.operation(call),
    )
    title = fill(_TWICE_TITLE, dim=dim, code=code)
    return Explanation("dimension-repeated", "error", title, text, None, subjects.all_evidence(step, call))


@failure
def dimension_order(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `permute` does not name as many dimensions as the tensor has."""
    call = subjects.refused(step)
    if call is None or calls.operation(call) != "permute":
        return None
    found, named = _works_on(call), next(_named(call), None)
    if found is None or named is None or len(named.dims) == len(found[1]):
        return None
    who, sizes = found
    text = fill(
        _ORDER,
        shape=subjects.sentence(_shape(who, sizes)),
        count=subjects.dims_text(len(sizes)),
        all=_all(len(sizes)),
        operation="permute",
        code=subjects.code_of(call),
        given=phrase(_DIMS_ARE, count=len(named.dims), dims=_tuple(named.dims)),
        hint=fill(_ORDER_TWO) if len(named.dims) == 2 else "",
    )
    count = subjects.dims_text(len(sizes))
    who_text = subjects.sentence(subjects.name_of(who))
    title = fill(_ORDER_TITLE, who=who_text, count=count, given=len(named.dims))
    return Explanation("dimension-order", "error", title, text, None, subjects.all_evidence(step, call))


def _all(count: int) -> str:
    return ", ".join(map(str, range(count))) if count < 6 else f"0, 1, …, {count - 1}"


@failure
def shape_position(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `x.shape[i]` asks for more sizes than there are, or a shape is unpacked into other names."""
    error = step.error
    found = failing(step) if error is not None and error.type in ("IndexError", "ValueError") else None
    if found is None or error is None:
        return None
    scope = Scope(found.tensors, found.source, found.numbers)
    node = found.expression
    if error.type == "IndexError" and isinstance(node, ast.Subscript) and _is_shape(node.value):
        base, at = _base(scope, node.value), scope.integer(node.slice)
        if base is None or at is None or -len(base.shape) <= at < len(base.shape):
            return None
        count = len(base.shape)
        fields = {"owner": words(node.value, found.source), "count": count, "at": at}
        text = fill(
            _SIZES if count else _SIZES_NONE,
            base=base.text,
            shape=shape_text(base.shape),
            range=subjects.reach_text(count),
            code=words(node, found.source),
            hint=fill(_LAST, last=count - 1) if at == count else "",
            **fields,
        )
        names = (base.name,) if base.name else ()
        return Explanation("shape-position", "error", fill(_SIZES_TITLE, **fields), text, None, names)
    statement = found.statement
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Tuple | ast.List):
        return None
    base, wanted = _base(scope, statement.value), len(statement.targets[0].elts)
    if not _is_shape(statement.value) or base is None or wanted == len(base.shape):
        return None
    count = len(base.shape)
    fields = {"owner": words(statement.value, found.source), "count": count, "wanted": wanted}
    hint = fill(_UNPACK_MORE if wanted > count else _UNPACK_LESS)
    text = fill(
        _UNPACK,
        base=base.text,
        shape=shape_text(base.shape),
        dims=subjects.dims_text(count),
        hint=hint,
        **fields,
    )
    names = (base.name,) if base.name else ()
    return Explanation("shape-position", "error", fill(_UNPACK_TITLE, **fields), text, None, names)


def _is_shape(node: ast.expr) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "shape") or (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "size"
        and not node.args
    )


def _base(scope: Scope, node: ast.expr) -> Operand | None:
    owner = node.func if isinstance(node, ast.Call) else node
    return scope.operand(owner.value) if isinstance(owner, ast.Attribute) else None
