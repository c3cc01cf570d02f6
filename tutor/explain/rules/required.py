"""Arguments of another shape than the operation works on: other dimensions, not square, not alike, empty."""

from __future__ import annotations

from tutor.explain import calls, subjects
from tutor.explain.demands import ALIKE, COUNTS, DEMANDS, EQUAL, Demand, Equal
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import count_text, fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Shape, Snapshot, Step

_CALLED_ON = "the tensor that it is called on"
_SAME_SHAPE = "the same shape"
_SAME_COUNT = "the same number of dimensions"
_TITLE = "{who} is {shape}, which `{operation}` does not take"
_TEXT = """
{is_}, with {count}{square}. For `{operation}`, {its} must {needs}. {hint}
"""
_SQUARE = ", and its last two sizes are {rows} and {columns}"
_HINTS = {
    "t": "For more, name the two that are to be swapped: `transpose(dim0, dim1)`, or `.mT` for the last two.",
    "multinomial": "It draws from a row of probabilities, or from each of several rows.",
    "pixel_shuffle": "They are channels, height and width, with any batch in front.",
    "interpolate": "They are batch and channels, then one to three sizes that are changed.",
    "outer": "It multiplies each number of one vector with each of the other; for matrices there is `@`.",
}
_SHAPES = "{first}, and {second}"
_LAST_SIZE, _FIRST_SIZE, _SIZE_AT = "the last size", "the first size", "size {at}"
_EQUAL_TITLE = "`{operation}` needs two equal sizes, and gets {a} and {b}"
_EQUAL = """
{shapes}. For `{operation}`, {first} of {one} and {second} of {other} must be equal, because {why}: here
they are {a:,} and {b:,}.
"""
_COUNTS_TITLE = "`{first}` has {a}, and `{second}` has {b}"
_COUNTS = """
{shape} `{first}` is {given}, and `{second}` is {other}: {a} and {b}. `{operation}` needs as many of the one
as of the other, because {why}.
"""
_TWO_TITLE = "`dims` has {count}, and `rot90` needs two"
_TWO = """
{shape}, and `dims` is {dims}. `rot90` turns from the first dimension to the second, so it must name two.
"""
_ALIKE_TITLE = "{first} is {a}, and {second} is {b}: `{operation}` needs {same}"
_ALIKE = """
{shapes}. `{operation}` {why}, so all of them must have {same}.
"""
_EMPTY_TITLE = "There is nothing in {who} to take the `{operation}` of"
_EMPTY = """
{is_}, {what}. `{operation}` needs at least one number to choose from: nothing has no greatest, smallest or
middle one. Look at what should have filled it, often a mask or a slice that found nothing.
"""
_EMPTY_ALL = "so it has no elements"
_EMPTY_DIM = "`dim` is {dim}, and that dimension has size 0"
#: Operations in which one number serves for all.
_ONE_FOR_ALL = frozenset({"prelu", "repeat_interleave"})
_CHOOSING = frozenset({
    "max", "min", "amax", "amin", "aminmax", "argmax", "argmin", "median", "nanmedian", "mode", "cummax",
    "cummin", "kthvalue",
})  # fmt: skip


@failure
def shape_needed(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an argument has dimensions that the operation does not work on, by the table of demands."""
    for call in calls.chain(subjects.refused(step)):
        for demand in DEMANDS.get(calls.operation(call), ()):
            given = subjects.tensor(call, *demand.parameters)
            sizes = subjects.shape(given)
            if given is not None and sizes is not None and not demand.fits(sizes):
                return _needed(step, call, given, sizes, demand)
    return None


def _needed(step: Step, call: FailedCall, given: Argument, sizes: Shape, demand: Demand) -> Explanation:
    operation = calls.operation(call)
    many = len(sizes) >= 2 and "square" in demand.needs
    parameter = given.parameter
    its = phrase(_CALLED_ON) if parameter == "self" else f"`{parameter}`"
    text = fill(
        _TEXT,
        is_=subjects.sentence(subjects.shape_of(given)),
        count=subjects.dims_text(len(sizes)),
        square=fill(_SQUARE, rows=sizes[-2], columns=sizes[-1]) if many else "",
        operation=operation,
        its=its,
        needs=demand.words,
        hint=fill(_HINTS.get(operation, "")),
    )
    who = subjects.sentence(subjects.name_of(given))
    shape = shape_text(sizes) if len(sizes) < 9 else subjects.dims_text(len(sizes))
    title = fill(_TITLE, who=who, shape=shape, operation=operation)
    return Explanation("shape-needed", "error", title, text, None, subjects.all_evidence(step, call))


@failure
def shapes_alike(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when arguments that belong together place by place have other shapes, by the table of demands."""
    for call in calls.chain(subjects.refused(step)):
        alike = ALIKE.get(calls.operation(call))
        if alike is None:
            continue
        found = [one for name in alike.parameters if (one := subjects.tensor(call, name)) is not None]
        known = [(one, subjects.shape(one) or ()) for one in found]
        for one, sizes in known[1:]:
            first, usual = known[0]
            same = sizes == usual if alike.shape else len(sizes) == len(usual)
            if same:
                continue
            operation = calls.operation(call)
            wanted = phrase(_SAME_SHAPE if alike.shape else _SAME_COUNT)
            text = fill(
                _ALIKE,
                shapes=subjects.sentence(
                    ", ".join(subjects.shape_of(each, listed=True) for each, _ in known)
                ),
                operation=operation,
                why=alike.why,
                same=wanted,
            )
            title = fill(
                _ALIKE_TITLE,
                first=subjects.sentence(subjects.name_of(first)),
                a=shape_text(usual),
                second=subjects.name_of(one),
                b=shape_text(sizes),
                operation=operation,
                same=wanted,
            )
            names = subjects.all_evidence(step, call)
            return Explanation("shapes-alike", "error", title, text, None, names)
    return None


@failure
def reduction_empty(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the greatest, smallest or middle number of nothing is asked for."""
    call = subjects.refused(step)
    operation = calls.operation(call) if call is not None else ""
    given = subjects.input_of(call) if call is not None else None
    sizes = subjects.shape(given)
    if call is None or operation not in _CHOOSING or given is None or sizes is None or 0 not in sizes:
        return None
    dim = calls.number(calls.argument(call, "dim"))
    if dim is not None and not -len(sizes) <= dim < len(sizes):
        return None
    if dim is not None and sizes[dim] != 0:
        return None
    what = _EMPTY_ALL if dim is None else fill(_EMPTY_DIM, dim=dim)
    title = fill(_EMPTY_TITLE, who=subjects.name_of(given), operation=operation)
    is_ = subjects.sentence(subjects.shape_of(given))
    text = fill(_EMPTY, is_=is_, what=what, operation=operation)
    return Explanation("reduction-empty", "error", title, text, None, subjects.all_evidence(step, call))


@failure
def counts_differ(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when two lists of a call, such as shifts and dims of `roll`, have other numbers of members."""
    call = subjects.refused(step)
    operation = calls.operation(call) if call is not None else ""
    if call is None or operation not in {*COUNTS, "rot90"}:
        return None
    given = subjects.input_of(call)
    shape = f"{subjects.sentence(subjects.shape_of(given))}" if given is not None else ""
    names = subjects.all_evidence(step, call)
    if operation == "rot90":
        dims = subjects.numbers(calls.argument(call, "dims"))
        if dims is None or len(dims) == 2 or not shape:
            return None
        count = count_text(len(dims), "number")
        text = fill(_TWO, shape=shape, dims=list(dims))
        return Explanation("counts-differ", "error", fill(_TWO_TITLE, count=count), text, None, names)
    counts = COUNTS[operation]
    first, second = calls.argument(call, counts.first), calls.argument(call, counts.second)
    one, other = _members(first), _members(second)
    if first is None or second is None or one is None or other is None or one == other:
        return None
    fields = {"first": counts.first, "second": counts.second, "a": count_text(one, "number")}
    fields["b"] = count_text(other, "number")
    said = {
        "given": calls.what(first),
        "other": calls.what(second),
        "why": counts.why,
        "operation": operation,
    }
    text = fill(_COUNTS, shape=f"{shape}." if shape else "", **said, **fields)
    return Explanation("counts-differ", "error", fill(_COUNTS_TITLE, **fields), text, None, names)


def _members(argument: Argument | None) -> int | None:
    """How many numbers an argument has; one by itself counts as one."""
    value = subjects.plain(argument)
    if isinstance(value, list | tuple):
        return len(value)
    if isinstance(value, int | float):
        return 1
    return argument.length if argument is not None and argument.kind in ("list", "tuple") else None


@failure
def sizes_equal(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when two sizes that an operation pairs are not the same, by the table of demands."""
    for call in calls.chain(subjects.refused(step)):
        for equal in EQUAL.get(calls.operation(call), ()):
            told = _unequal(call, equal)
            if told is not None:
                return Explanation("sizes-equal", "error", *told, None, subjects.all_evidence(step, call))
    return None


def _unequal(call: FailedCall, equal: Equal) -> tuple[str, str] | None:
    one, other = subjects.tensor(call, equal.first[0]), subjects.tensor(call, equal.second[0])
    if one is None or other is None:
        return None
    shape, second = subjects.shape(one) or (), subjects.shape(other) or ()
    at, place = equal.first[1], equal.second[1]
    if not -len(shape) <= at < len(shape) or not -len(second) <= place < len(second):
        return None
    operation = calls.operation(call)
    if shape[at] == second[place] or (operation in _ONE_FOR_ALL and shape[at] == 1):
        return None
    if operation == "repeat_interleave" and len(second) != 1:
        return None  # of more dimensions, it depends on `dim` which size counts
    fields = {"operation": calls.operation(call), "a": shape[at], "b": second[place]}
    text = fill(
        _EQUAL,
        shapes=phrase(
            _SHAPES,
            first=subjects.sentence(subjects.shape_of(one, listed=True)),
            second=subjects.shape_of(other, listed=True),
        ),
        first=_which(at),
        one=subjects.name_of(one),
        second=_which(place),
        other=subjects.name_of(other),
        why=equal.why,
        **fields,
    )
    return fill(_EQUAL_TITLE, **fields), text


def _which(at: int) -> str:
    return phrase(_LAST_SIZE if at == -1 else _FIRST_SIZE if at == 0 else _SIZE_AT, at=at)
