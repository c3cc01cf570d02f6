"""Sizes that `expand`, `repeat`, `view`, `split`, `chunk` and `unflatten` cannot give a tensor."""

from __future__ import annotations

from math import prod

from tutor.explain import calls, subjects
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.strides import broadcast
from tutor.explain.wording import fill, phrase, product_text, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Shape, Snapshot, Step

_FEW_TITLE = "`{operation}` needs at least {count} sizes for {who}, and gets {given}"
_FEW = """
{shape}, with {dims}, and `{operation}` is given {sizes}. It needs a number for each dimension, and may have
more in front for new ones: at least {count}. {hint}
"""
_FEW_REPEAT = "To repeat along the last dimension alone, write 1 for the others: `{fixed}`."
_THE_FIRST, _THE_FIRST_FEW = "the first one", "the first {count}"
_NEW_TITLE = "-1 has no size to keep in `{code}`"
_NEW = """
{shape}, with {dims}, and `{operation}` is given {sizes}: there, -1 means that a dimension keeps its size,
but {front} in front {is_new} new, and must be given a size.
"""
_NEGATIVE_TITLE = "A size of {size} in `{code}`"
_NEGATIVE = """
{shape}, and `{operation}` is given {sizes}. A size must not be negative; only -1 has a meaning, once: it
stands for the size that is left over.
"""
_TWO_TITLE = "Two sizes are left open in `{code}`"
_TWO = """
{shape}, and `{operation}` is given {sizes}. -1 stands for the one size that torch works out from the
others, so it can be given only once.
"""
_OPEN_TITLE = "-1 could be any size in `{code}`"
_OPEN = """
{shape}, so it has no elements, and `{operation}` is given `shape` = {sizes}: with a size of 0 every number
fits for -1. All sizes must be given as numbers.
"""
_SUM_TITLE = "The pieces of `{code}` add up to {total}, and dimension {dim} has {size}"
_SUM = """
{shape}: its dimension {dim} has size {size}, and the pieces are to have the sizes {pieces}, which is
{total} together. They must add up to exactly {size}. For pieces of one size and a smaller last one, give a
number: `{fixed}`.
"""
_PIECE_TITLE = "{what} is {number} in `{code}`"
_PIECE = "{shape}. {what} is {number}, and must be greater than 0."
_EVEN_TITLE = "{size} entries cannot be split into {count} equal pieces"
_EVEN = """
{shape}: `{operation}` splits along dimension {dim}, which has size {size}, into {count} pieces of the same
size, so {size} must be a multiple of {count}. `torch.tensor_split` also makes pieces that differ by one.
"""
_UNFLATTEN_TITLE = "{sizes} does not multiply to the {size} of dimension {dim}"
_UNFLATTEN = """
{shape}: its dimension {dim} has size {size}, and is to become {sizes}, which makes {product}. The new sizes
must multiply to exactly {size}; one of them can be -1, which torch works out.
"""
_SUM_TO_TITLE = "{shape} cannot be added up to {wanted}"
_SUM_TO = """
{is_}, and `sum_to_size` is given {sizes}. It undoes a stretching: read from the last one backwards, each
size must stay as it is or become 1, and dimensions in front may be left out.
"""
_SPLITS = {"hsplit": 1, "vsplit": 0, "dsplit": 2}


def _sized(call: FailedCall, *parameters: str) -> tuple[int, ...] | None:
    """Sizes given one by one, as a tuple, or as a list."""
    given = [one for one in call.arguments if one.parameter in parameters]
    if len(given) == 1:
        return subjects.numbers(given[0])
    found = [calls.number(one) for one in given]
    whole = tuple(one for one in found if one is not None)
    return whole if len(whole) == len(found) and whole else None


def _tuple(sizes: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def _found(step: Step, *operations: str) -> tuple[FailedCall, str, Argument, Shape] | None:
    """The failed call, where it is one of these, with its tensor."""
    refused = subjects.refused(step)
    call = next((one for one in calls.chain(refused) if calls.operation(one) in operations), None)
    given = subjects.input_of(call) or subjects.tensor(call, "tensor") if call is not None else None
    sizes = subjects.shape(given)
    if call is None or given is None or sizes is None:
        return None
    return call, calls.operation(call), given, sizes


@failure
def expand_sizes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `expand`, `repeat` or `tile` is given fewer sizes than dimensions, or -1 for a new one."""
    found = _found(step, "expand", "repeat")
    if found is None:
        return None
    call, operation, given, shape = found
    sizes = _sized(call, "size", "sizes", "repeats", "repeat_times")
    if sizes is None:
        return None
    fields = {
        "operation": operation,
        "shape": subjects.sentence(subjects.shape_of(given)),
        "dims": subjects.dims_text(len(shape)),
        "sizes": _tuple(sizes),
    }
    names = subjects.all_evidence(step, call)
    if len(sizes) < len(shape):
        full = (1,) * (len(shape) - len(sizes)) + sizes
        fixed = f"{subjects.with_text(given, '.repeat')}({', '.join(map(str, full))})"
        hint = fill(_FEW_REPEAT, fixed=fixed) if operation == "repeat" else ""
        who = subjects.name_of(given)
        title = fill(_FEW_TITLE, operation=operation, count=len(shape), who=who, given=len(sizes))
        text = fill(_FEW, count=len(shape), hint=hint, **fields)
        return Explanation("expand-sizes", "error", title, text, None, names)
    front = len(sizes) - len(shape)
    if operation == "expand" and any(size == -1 for size in sizes[:front]):
        first = phrase(_THE_FIRST if front == 1 else _THE_FIRST_FEW, count=front)
        text = fill(_NEW, front=first, is_new="is" if front == 1 else "are", **fields)
        title = fill(_NEW_TITLE, code=subjects.code_of(call))
        return Explanation("expand-sizes", "error", title, text, None, names)
    return _negative(step, call, fields, sizes, -1 if operation == "expand" else 0)


def _negative(
    step: Step, call: FailedCall, fields: dict[str, str], sizes: Shape, least: int
) -> Explanation | None:
    wrong = next((size for size in sizes if size < least), None)
    if wrong is None:
        return None
    title = fill(_NEGATIVE_TITLE, size=wrong, code=subjects.code_of(call))
    text = fill(_NEGATIVE, **fields)
    return Explanation("expand-sizes", "error", title, text, None, subjects.all_evidence(step, call))


@failure
def open_sizes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `view` or `reshape` is given -1 twice, another negative size, or -1 for no elements."""
    found = _found(step, "view", "reshape", "view_copy")
    sizes = _sized(found[0], "size", "shape") if found is not None else None
    if found is None or sizes is None:
        return None
    call, operation, given, shape = found
    fields = {
        "operation": operation,
        "shape": subjects.sentence(subjects.shape_of(given)),
        "sizes": _tuple(sizes),
    }
    code, names = subjects.code_of(call), subjects.all_evidence(step, call)
    if sizes.count(-1) > 1:
        title, text = fill(_TWO_TITLE, code=code), fill(_TWO, **fields)
    elif any(size < -1 for size in sizes):
        wrong = next(size for size in sizes if size < -1)
        title, text = fill(_NEGATIVE_TITLE, size=wrong, code=code), fill(_NEGATIVE, **fields)
    elif -1 in sizes and 0 in sizes and not prod(shape):
        title, text = fill(_OPEN_TITLE, code=code), fill(_OPEN, **fields)
    else:
        return None
    return Explanation("open-sizes", "error", title, text, None, names)


@failure
def split_sizes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `split`, `chunk` or `tensor_split` is given pieces that do not make up the dimension."""
    found = _found(step, "split", "split_with_sizes", "chunk", "tensor_split", *_SPLITS)
    if found is None:
        return None
    call, operation, given, shape = found
    pieces = calls.argument(
        call,
        "split_size",
        "split_sizes",
        "split_size_or_sections",
        "chunks",
        "indices_or_sections",
        "sections",
    )
    dim = calls.number(calls.argument(call, "dim"))
    dim = _SPLITS.get(operation, 0) if dim is None else dim
    if operation == "hsplit" and len(shape) == 1:
        dim = 0
    numbers = subjects.numbers(pieces)
    if pieces is None or numbers is None or not -len(shape) <= dim < len(shape):
        return None  # `dimension-range` and `shape-needed` know these
    at, names = dim % len(shape), subjects.all_evidence(step, call)
    size, code = shape[at], subjects.code_of(call)
    fields = {"shape": subjects.sentence(subjects.shape_of(given)), "dim": str(at), "size": str(size)}
    if calls.number(pieces) is not None:
        return _pieces(step, call, fields, (pieces, size))
    if operation not in ("split", "split_with_sizes") or sum(numbers) == size:
        return None
    fixed = f"{subjects.with_text(given, '.split')}({max(numbers)}, dim={at})"
    total = sum(numbers)
    text = fill(_SUM, pieces=shape_text(numbers), total=total, fixed=fixed, **fields)
    title = fill(_SUM_TITLE, code=code, total=total, dim=at, size=size)
    return Explanation("split-sizes", "error", title, text, None, names)


def _pieces(
    step: Step, call: FailedCall, fields: dict[str, str], found: tuple[Argument, int]
) -> Explanation | None:
    """A number of pieces, or a size for each."""
    pieces, size = found
    count, operation = calls.number(pieces) or 0, calls.operation(call)
    names = subjects.all_evidence(step, call)
    if count <= 0:
        what = {"what": f"`{pieces.parameter or pieces.text}`", "number": str(count)}
        title = fill(_PIECE_TITLE, code=subjects.code_of(call), **what)
        return Explanation(
            "split-sizes", "error", title, fill(_PIECE, shape=fields["shape"], **what), None, names
        )
    if operation not in _SPLITS or size % count == 0:
        return None
    text = fill(_EVEN, operation=operation, count=count, **fields)
    title = fill(_EVEN_TITLE, size=size, count=count)
    return Explanation("split-sizes", "error", title, text, None, names)


@failure
def unflatten_sizes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `unflatten`, as method, function or layer, is given sizes with another product."""
    found = _found(step, "unflatten")
    if found is None:
        return None
    call, _, given, shape = found
    dim = calls.number(calls.argument(call, "dim"))
    sizes: object = subjects.numbers(calls.argument(call, "sizes", "unflattened_size"))
    if call.module is not None:
        own = subjects.setting(call, "dim")
        dim, sizes = own if isinstance(own, int) else None, subjects.setting(call, "unflattened_size")
    if dim is None or not isinstance(sizes, tuple) or not -len(shape) <= dim < len(shape):
        return None
    size, known = shape[dim], [one for one in sizes if one != -1]
    fits = prod(known) == size if -1 not in sizes else bool(prod(known)) and size % prod(known) == 0
    if fits or sizes.count(-1) > 1:
        return None
    fields = {"dim": dim % len(shape), "size": size, "sizes": shape_text(sizes)}
    product = product_text(tuple(known))
    text = fill(_UNFLATTEN, shape=subjects.sentence(subjects.shape_of(given)), product=product, **fields)
    title = fill(_UNFLATTEN_TITLE, **fields)
    return Explanation("unflatten-sizes", "error", title, text, None, subjects.all_evidence(step, call))


@failure
def sum_sizes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `sum_to_size` is given sizes that the tensor could not have been stretched from."""
    found = _found(step, "sum_to_size")
    sizes = _sized(found[0], "size") if found is not None else None
    if found is None or sizes is None or broadcast(sizes, found[3]) == found[3]:
        return None
    call, _, given, shape = found
    title = fill(_SUM_TO_TITLE, shape=shape_text(shape), wanted=shape_text(sizes))
    text = fill(_SUM_TO, is_=subjects.sentence(subjects.shape_of(given)), sizes=_tuple(sizes))
    return Explanation("expand-sizes", "error", title, text, None, subjects.all_evidence(step, call))
