"""`cat`, `stack` and their kin, of tensors whose shapes do not fit together."""

from __future__ import annotations

import ast
from collections import Counter

from tutor.explain import calls, subjects
from tutor.explain.edits import replace_expression, with_method
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, rename_method
from tutor.explain.wording import count_text, fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Operand, Shape, Snapshot, Step

_THE_LIST = "the list"
_IT = "it"
_EMPTY_LISTS = {
    "list": "{name} is an empty list, `tensors` has 0 entries",
    "tuple": "{name} is an empty tuple, `tensors` has 0 entries",
}
_JOINS = "`{code}` joins {count}"
_TENSOR_OF = "tensor {at} of `{name}`"
_TENSOR_AT = "tensor {at}"
_TAKEN_AS = "{shape}, taken as {seen}"
_EMPTY_TITLE = "`{operation}` was given no tensors"
_EMPTY = """
{what}: `{operation}` needs at least one tensor, because the result takes its dtype and its other sizes from
them. Was the loop or the condition that fills {list} ever true?
"""
_NUMBERS_TITLE = "`{operation}` cannot join single numbers"
_NUMBERS = """
{what}. `{operation}` puts tensors behind each other along a dimension that they have, and each must have at
least one: {first} is a single number, and has none. `torch.stack` makes a new dimension for them.
"""
_RANKS_TITLE = "{first} has {a}, and {second} has {b}"
_RANKS = """
{what}. To be joined along dimension {dim}, all must have the same number of dimensions: {first} is {shape},
and {second} is {other}. {hint}
"""
_RANKS_HINT = "`{fixed}` has shape {shape}, and would be one more entry."
_SIZES_TITLE = "{first} and {second} cannot be joined along dimension {dim}"
_SIZES = """
{what}. Along dimension {dim} the sizes may differ and add up; all other sizes must be the same. {first} is
{shape} and {second} is {other}: in dimension {at}, {a:,} meets {b:,}. {hint}
"""
_SIZES_HINT = "Along `dim={dim}` they fit, and give {shape}."
_STACK_TITLE = "{first} is {shape}, and {second} is {other}: `{operation}` needs the same shape"
_STACK = """
{what}. `{operation}` puts tensors side by side in a new dimension, so all must have the same shape: {first}
is {shape}, and {second} is {other}. {hint}
"""
_STACK_HINT = """
If they differ in length only, `torch.nn.utils.rnn.pad_sequence` fills up the shorter ones with zeros, and
`torch.cat` puts them behind each other instead.
"""

#: Along which dimension they join, by the number of dimensions that the tensors have then.
_ALONG = {
    "cat": 0, "concat": 0, "concatenate": 0, "vstack": 0, "row_stack": 0, "hstack": 1, "column_stack": 1,
    "dstack": 2,
}  # fmt: skip
_LIST = ("tensors", "tensor_lists", "seq")


@failure
def cat_shapes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `cat`, `vstack`, `hstack` or `dstack` is given tensors that cannot be joined."""
    call = subjects.refused(step)
    operation = calls.operation(call) if call is not None else ""
    listed = _listed(call) if call is not None and operation in _ALONG else None
    if call is None or listed is None:
        return None
    if not listed.items:
        return _nothing(step, listed, operation) if listed.length in (0, None) else None
    return _unjoinable(step, call, listed, operation)


def _unjoinable(step: Step, call: FailedCall, listed: Argument, operation: str) -> Explanation | None:
    """The first two tensors that cannot be joined."""
    shapes = [_seen(operation, one.shape) for one in listed.items]
    if any(shape is None for shape in shapes) or listed.length not in (None, len(shapes)):
        return None
    known = [shape for shape in shapes if shape is not None]
    dim = _dim(call, operation, known[0])
    if operation in ("cat", "concat", "concatenate"):
        known = [shape if shape != (0,) else known[0] for shape in known]  # old torch let these through
        if any(not shape for shape in known):
            return _numbers(step, call, listed, operation)
    usual = Counter(map(len, known)).most_common(1)[0][0]
    odd = next((at for at, shape in enumerate(known) if len(shape) != usual), None)
    if odd is not None:
        return _ranks(step, call, listed, known, (dim, odd))
    for at, shape in enumerate(known):
        for place, (a, b) in enumerate(zip(known[0], shape, strict=True)):
            if place != dim % max(usual, 1) and a != b:
                return _sizes(step, call, listed, known, (dim, at, place))
    return None


def _listed(call: FailedCall) -> Argument | None:
    found = calls.argument(call, *_LIST) or calls.at_place(call, 0)
    return found if found is not None and found.kind in ("list", "tuple") else None


def _seen(operation: str, shape: Shape | None) -> Shape | None:
    """A shape as the operation sees it: the stacks give vectors a dimension first."""
    if shape is None or operation in ("cat", "concat", "concatenate"):
        return shape
    if operation in ("vstack", "row_stack"):
        return shape if len(shape) > 1 else (1, *(shape or (1,)))
    if operation == "column_stack":
        return shape if len(shape) > 1 else (*(shape or (1,)), 1)
    if operation == "dstack":
        grown = shape if len(shape) > 1 else (1, *(shape or (1,)))
        return grown if len(grown) > 2 else (*grown, 1)
    return shape or (1,)


def _dim(call: FailedCall, operation: str, first: Shape) -> int:
    if operation == "hstack" and len(first) == 1:
        return 0
    given = calls.number(calls.argument(call, "dim", "axis"))
    dim = _ALONG[operation] if given is None else given
    return dim + len(first) if dim < 0 else dim


def _what(call: FailedCall, listed: Argument) -> str:
    return phrase(_JOINS, code=subjects.code_of(call), count=count_text(len(listed.items), "tensor"))


def _label(listed: Argument, at: int) -> str:
    """What to call a tensor in the list."""
    one: Operand = listed.items[at]
    if one.name:
        return f"`{one.name}`"
    if listed.text.isidentifier():
        return f"`{listed.text}[{at}]`"
    return phrase(_TENSOR_OF if listed.text else _TENSOR_AT, at=at, name=listed.text)


def _nothing(step: Step, listed: Argument, operation: str) -> Explanation:
    name = f"`{listed.text}`" if listed.text and listed.text not in ("[]", "()") else phrase(_THE_LIST)
    empty = _EMPTY_LISTS[listed.kind]
    what = phrase(empty, name=subjects.sentence(name))
    text = fill(
        _EMPTY, what=what, operation=operation, list=phrase(_THE_LIST if name == phrase(_THE_LIST) else _IT)
    )
    title = fill(_EMPTY_TITLE, operation=operation)
    return Explanation("cat-shapes", "error", title, text, None, ())


def _numbers(step: Step, call: FailedCall, listed: Argument, operation: str) -> Explanation:
    at = next(at for at, one in enumerate(listed.items) if one.shape == ())
    text = fill(_NUMBERS, what=_what(call, listed), operation=operation, first=_label(listed, at))
    title = fill(_NUMBERS_TITLE, operation=operation)
    fix = None
    found = failing(step)
    node = found.expression if found is not None else None
    plain = all(one.shape == () for one in listed.items) and len(call.arguments) == 1
    function = node.func if isinstance(node, ast.Call) else None
    if found is not None and isinstance(function, ast.Attribute) and plain:
        fix = found.changed(rename_method(found.source, function, "stack"))
    return Explanation("cat-shapes", "error", title, text, fix, subjects.all_evidence(step, call))


def _ranks(
    step: Step, call: FailedCall, listed: Argument, shapes: list[Shape], places: tuple[int, int]
) -> Explanation:
    dim, odd = places
    first = next(at for at, shape in enumerate(shapes) if len(shape) != len(shapes[odd]))
    usual, other = shapes[first], shapes[odd]
    hint, fix = "", None
    raised = (*other[:dim], 1, *other[dim:]) if len(other) == len(usual) - 1 else ()
    if len(raised) == len(usual) and all(
        a == b for at, (a, b) in enumerate(zip(raised, usual, strict=True)) if at != dim
    ):
        method = f".unsqueeze({dim})"
        hint = fill(_RANKS_HINT, fixed=f"{_label(listed, odd).strip('`')}{method}", shape=shape_text(raised))
        fix = _on_item(failing(step), call, listed, odd, method)
    fields = {"first": _label(listed, first), "second": _label(listed, odd)}
    text = fill(
        _RANKS,
        what=_what(call, listed),
        dim=dim,
        shape=_shape_text(listed, first, usual),
        other=_shape_text(listed, odd, other),
        hint=hint,
        **fields,
    )
    counts = {"a": subjects.dims_text(len(usual)), "b": len(other) if other else "none"}
    title = subjects.sentence(fill(_RANKS_TITLE, **fields, **counts))
    return Explanation("cat-shapes", "error", title, text, fix, subjects.all_evidence(step, call))


def _shape_text(listed: Argument, at: int, seen: Shape) -> str:
    own = listed.items[at].shape or ()
    return shape_text(own) if own == seen else phrase(_TAKEN_AS, shape=shape_text(own), seen=shape_text(seen))


def _on_item(found: Failing | None, call: FailedCall, listed: Argument, at: int, method: str) -> str | None:
    """The code with a method called on one tensor of a list that is written out."""
    node = calls.node_of(found, call, listed) if found is not None else None
    if found is None or not isinstance(node, ast.List | ast.Tuple) or len(node.elts) <= at:
        return None
    if any(isinstance(one, ast.Starred) for one in node.elts):
        return None
    return found.changed(with_method(found.source, node.elts[at], method))


def _sizes(
    step: Step, call: FailedCall, listed: Argument, shapes: list[Shape], places: tuple[int, int, int]
) -> Explanation:
    dim, second, at = places
    hint, fix = _other_dim(step, call, shapes, dim)
    fields = {"first": _label(listed, 0), "second": _label(listed, second)}
    text = fill(
        _SIZES,
        what=_what(call, listed),
        dim=dim,
        shape=_shape_text(listed, 0, shapes[0]),
        other=_shape_text(listed, second, shapes[second]),
        at=at,
        a=shapes[0][at],
        b=shapes[second][at],
        hint=hint,
        **fields,
    )
    title = subjects.sentence(fill(_SIZES_TITLE, dim=dim, **fields))
    return Explanation("cat-shapes", "error", title, text, fix, subjects.all_evidence(step, call))


def _other_dim(step: Step, call: FailedCall, shapes: list[Shape], dim: int) -> tuple[str, str | None]:
    """The one dimension along which these shapes can be joined, and the code that does it."""
    if calls.operation(call) not in ("cat", "concat", "concatenate"):
        return "", None
    fitting = [one for one in range(len(shapes[0])) if one != dim and _fits(shapes, one)]
    if len(fitting) != 1:
        return "", None
    joined = list(shapes[0])
    joined[fitting[0]] = sum(shape[fitting[0]] for shape in shapes)
    hint = fill(_SIZES_HINT, dim=fitting[0], shape=shape_text(joined))
    found, given = failing(step), calls.argument(call, "dim", "axis")
    if found is None:
        return hint, None
    if given is not None:
        number = calls.node_of(found, call, given)
        fixed = replace_expression(found.source, number, str(fitting[0])) if number is not None else None
        return hint, found.changed(fixed)
    node = found.expression
    if not isinstance(node, ast.Call) or len(node.args) != 1 or node.keywords:
        return hint, None
    argument = ast.get_source_segment(found.source, node.args[0])
    return hint, found.changed(
        replace_expression(found.source, node.args[0], f"{argument}, dim={fitting[0]}")
    )


def _fits(shapes: list[Shape], dim: int) -> bool:
    rest = {(*shape[:dim], *shape[dim + 1 :]) for shape in shapes}
    return len(rest) == 1


@failure
def stack_shapes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `stack` is given tensors of different shapes, or none at all."""
    call = subjects.refused(step)
    if call is None or calls.operation(call) != "stack" or call.form == "inner":
        return None
    listed = _listed(call)
    if listed is None:
        return None
    if not listed.items:
        return _nothing(step, listed, "stack") if listed.length == 0 else None
    shapes = [one.shape for one in listed.items if one.shape is not None]
    odd = next((at for at, shape in enumerate(shapes) if shape != shapes[0]), None)
    if len(shapes) != len(listed.items) or odd is None:
        return None
    lengths = len({len(shape) for shape in shapes}) == 1 and len({shape[1:] for shape in shapes}) == 1
    fields = {
        "operation": "stack",
        "first": _label(listed, 0),
        "second": _label(listed, odd),
        "shape": shape_text(shapes[0]),
        "other": shape_text(shapes[odd]),
    }
    text = fill(_STACK, what=_what(call, listed), hint=fill(_STACK_HINT) if lengths else "", **fields)
    title = subjects.sentence(fill(_STACK_TITLE, **fields))
    return Explanation("stack-shapes", "error", title, text, None, subjects.all_evidence(step, call))
