"""Positions given to functions: `gather`, `index_select`, `scatter`, `Embedding`, `narrow`, `topk`."""

from __future__ import annotations

from dataclasses import dataclass

from tutor.explain import calls, subjects
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Shape, Snapshot, Step

_ENTRY = "1 entry"
_ENTRIES = "{count:,} entries"
_EMBEDDING_TITLE = "{layer} has {rows} rows, and is asked for row {wrong}"
_EMBEDDING = """
{made}: a table of {rows} rows, for the positions {reach}. {index} {holds}, and each must be one of these
positions. {cure}
"""
_EMBEDDING_MORE = """
For {count} different words or items it must have {count} rows, `nn.Embedding({count}, {size})`; or look
where {wrong} comes from.
"""
_EMBEDDING_NEGATIVE = "Negative numbers do not count from the end here: look where {wrong} comes from."
_LOOKUP_TITLE = "Dimension {dim} of {who} has {size}, and `{operation}` is asked for {wrong}"
_LOOKUP = """
{shape}, so its dimension {dim} has the positions {reach}. {index} {holds}, and each must be one of these
positions. {hint}
"""
_LAST = "Counting starts at 0: the last position is {last}."
_NO_NEGATIVE = "Negative numbers do not count from the end in `{operation}`."
_RANKS_TITLE = "{index} has {given}, and {who} has {count}"
_RANKS = """
{shape} and {index_shape}. `{operation}` along dimension {dim} puts together positions and entries place by
place, so both must have the same number of dimensions. {hint}
"""
_RANKS_HINT = "For one position in each row, `{fixed}` has shape {shape}."
_SOURCE_TITLE = "{index} has {given}, and {who} has {count}"
_SOURCE = """
{source} with {count}, and {index} with {given}. Each number in `index` says where one number of `src` goes,
so both must have the same number of dimensions.
"""
_BIGGER_TITLE = "{index} is bigger than {who} in dimension {at}"
_BIGGER = """
{shape} and {index_shape}. `{operation}` along dimension {dim} goes place by place through all other
dimensions, so there `index` must not be bigger: in dimension {at}, {given:,} meets {size:,}.
"""
_VECTOR_TITLE = "{index} has {given}, and `{operation}` takes a list of positions"
_VECTOR = """
{index_shape}, with {given}: `{operation}` needs an `index` of one dimension, a plain list of positions in
dimension {dim} of {who}, which is {shape}.
"""
_NUMBER_TITLE = "`{operation}` needs a tensor with a dimension"
_START_REACH = "from 0 to {most}, or from -{size} to -1 counted from the end"
_SELECT_TITLE = "Dimension {dim} of {who} has size {size}, and `{operation}` starts at {start}"
_SELECT = """
{shape}: its dimension {dim} has size {size}, so {asked} must be {reach}. {given}.
"""
_NEGATIVE_TITLE = "`length` is {length} in `narrow`"
_NARROW_TITLE = "{length} entries from {start} on are more than dimension {dim} of {who} has"
_NARROW = """
{shape}: its dimension {dim} has size {size}. `{operation}` takes {length} entries from position {start} on,
which ends at {end}: `start` and `length` together must not be more than {size}.
"""
_NARROW_NEGATIVE = "`length` is {length}, and a length must not be negative. {shape}."
_TOP_TITLE = "`k` is {k}, and dimension {dim} of {who} has {size}"
_TOP = """
{shape}: `{operation}` looks along dimension {dim}, which has {size}, so `k` must be from {least} to {most},
and here it is {k}.
"""
_NUMBER = """
{shape}. `dim` is {dim}, but a single number has no dimensions: `{operation}` needs a tensor that has at
least 1.
"""

#: Functions with an `index` of positions along `dim`, of the same number of dimensions as the input.
_PLACED = frozenset({"gather", "scatter", "scatter_add", "scatter_reduce", "take_along_dim"})
#: Functions with a list of positions along `dim`.
_LISTED = frozenset({"index_select", "index_fill", "index_add", "index_copy", "index_reduce"})
_BACKWARD = frozenset({"take", "take_along_dim", "index_fill", "index_copy"})


@failure
def embedding_range(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an Embedding layer, or its function, is given a position that its table does not have."""
    refused = subjects.refused(step)
    names = ("embedding", "embedding_bag")
    call = next((one for one in calls.chain(refused) if calls.operation(one) in names), None)
    index = subjects.input_of(call, step) if call is not None else None
    if call is None or index is None or index.low is None or index.high is None:
        return None
    own = call.module.tensors.get("weight") if call.module is not None else None
    weight = own.shape if own is not None else subjects.shape(calls.argument(call, "weight"))
    if weight is None or len(weight) != 2:
        return None
    rows, low, high = weight[0], int(index.low), int(index.high)
    wrong = high if high >= rows else low
    if 0 <= wrong < rows:
        return None
    cure = fill(_EMBEDDING_NEGATIVE, wrong=wrong)
    if wrong >= rows:
        cure = fill(_EMBEDDING_MORE, count=wrong + 1, size=weight[1], wrong=wrong)
    text = fill(
        _EMBEDDING,
        made=subjects.layer_is(call),
        rows=rows,
        reach=subjects.reach_text(rows, back=False),
        index=subjects.sentence(subjects.name_of(index)),
        holds=subjects.holds(index),
        cure=cure,
    )
    title = fill(_EMBEDDING_TITLE, layer=subjects.layer_of(call), rows=rows, wrong=wrong)
    names_ = subjects.all_evidence(step, call)
    return Explanation("embedding-range", "error", subjects.sentence(title), text, None, names_)


@dataclass(frozen=True)
class _Lookup:
    """A failed function that takes positions along a dimension."""

    call: FailedCall
    operation: str
    input: Argument
    index: Argument
    dim: int
    shape: Shape
    positions: Shape

    @property
    def told(self) -> dict[str, object]:
        """What every text about it says."""
        return {
            "shape": subjects.sentence(subjects.shape_of(self.input)),
            "index_shape": subjects.shape_of(self.index),
            "operation": self.operation,
            "dim": self.dim,
        }


def _lookup(step: Step) -> _Lookup | None:
    call = subjects.refused(step)
    operation = calls.operation(call) if call is not None else ""
    if call is None or operation not in _PLACED | _LISTED | {"take"}:
        return None
    given, index = subjects.input_of(call, step), subjects.tensor(call, "index", "indices")
    dim, sizes = calls.number(calls.argument(call, "dim")), subjects.shape(given)
    positions = subjects.shape(index)
    if given is None or index is None or sizes is None or positions is None:
        return None
    if operation == "take" or dim is None:
        dim = 0
    if not -max(len(sizes), 1) <= dim < max(len(sizes), 1):
        return None
    return _Lookup(call, operation, given, index, dim % max(len(sizes), 1), sizes, positions)


@failure
def lookup_shape(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the index of `gather`, `scatter` or `index_select` has another shape than it must have."""
    found = _lookup(step)
    if found is None or found.operation == "take":
        return None
    names = subjects.all_evidence(step, found.call)
    who, index = subjects.name_of(found.input), subjects.sentence(subjects.name_of(found.index))
    given = subjects.dims_text(len(found.positions))
    if found.operation in _LISTED:
        if len(found.positions) <= 1:
            return None
        text = fill(_VECTOR, given=given, who=who, **{**found.told, "shape": shape_text(found.shape)})
        title = fill(_VECTOR_TITLE, index=index, given=given, operation=found.operation)
        return Explanation("lookup-shape", "error", title, subjects.sentence(text), None, names)
    if len(found.positions) != max(len(found.shape), 1) and found.positions:
        hint, fix = _one_each(step, found)
        count = subjects.dims_text(len(found.shape))
        title = fill(_RANKS_TITLE, index=index, given=given, who=who, count=count)
        return Explanation("lookup-shape", "error", title, fill(_RANKS, hint=hint, **found.told), fix, names)
    source = calls.argument(found.call, "src", "value")
    sizes = subjects.shape(source)
    if source is not None and sizes is not None and len(sizes) != len(found.positions):
        count = subjects.dims_text(len(sizes))
        fields = {"index": subjects.shape_of(found.index), "given": given, "count": count}
        title = fill(_SOURCE_TITLE, index=index, given=given, who=subjects.name_of(source), count=count)
        text = fill(_SOURCE, source=subjects.sentence(subjects.shape_of(source)), **fields)
        return Explanation("lookup-shape", "error", title, text, None, names)
    pairs = zip(found.positions, found.shape, strict=False)
    for at, (size, limit) in enumerate(pairs):
        if size > limit and at != found.dim:
            text = fill(_BIGGER, at=at, given=size, size=limit, **found.told)
            title = fill(_BIGGER_TITLE, index=index, who=who, at=at)
            return Explanation("lookup-shape", "error", title, text, None, names)
    return None


def _one_each(step: Step, found: _Lookup) -> tuple[str, str | None]:
    """The index that takes one entry from each row."""
    fits = len(found.shape) == 2 and len(found.positions) == 1 and found.operation == "gather"
    other = 1 - found.dim
    if not fits or found.positions[0] != found.shape[other]:
        return "", None
    method = f".unsqueeze({found.dim})"
    shape = [found.positions[0]]
    shape.insert(found.dim, 1)
    hint = fill(_RANKS_HINT, fixed=subjects.with_text(found.index, method), shape=shape_text(shape))
    return hint, subjects.on_argument(step, found.call, found.index, method)


@failure
def lookup_range(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `gather`, `scatter`, `index_select` or `take` is given a position that is not there."""
    found = _lookup(step)
    if found is None or found.index.low is None or found.index.high is None:
        return None
    size = found.shape[found.dim] if found.shape else 1
    if found.operation == "take":
        size = 1
        for one in found.shape:
            size *= one
    low, high = int(found.index.low), int(found.index.high)
    back = found.operation in _BACKWARD
    wrong = high if high >= size else low
    if (-size if back else 0) <= wrong < size:
        return None
    hint = fill(_LAST, last=size - 1) if wrong == size else ""
    if wrong < 0 and not back:
        hint = fill(_NO_NEGATIVE, operation=found.operation)
    text = fill(
        _LOOKUP,
        reach=subjects.reach_text(size, back=back),
        index=subjects.sentence(subjects.name_of(found.index)),
        holds=subjects.holds(found.index),
        hint=hint,
        **found.told,
    )
    count = phrase(_ENTRY if size == 1 else _ENTRIES, count=size)
    fields = {"dim": found.dim, "who": subjects.name_of(found.input), "operation": found.operation}
    title = fill(_LOOKUP_TITLE, size=count, wrong=wrong, **fields)
    names = subjects.all_evidence(step, found.call)
    return Explanation("lookup-range", "error", title, text, None, names)


@failure
def slice_range(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `select` or `narrow` begins or ends where the dimension has no entries."""
    call = subjects.refused(step)
    operation = calls.operation(call) if call is not None else ""
    if call is None or operation not in ("select", "narrow", "narrow_copy"):
        return None
    given, dim = subjects.input_of(call, step), calls.number(calls.argument(call, "dim"))
    start = calls.number(calls.argument(call, "index", "start"))
    length = calls.number(calls.argument(call, "length"))
    sizes = subjects.shape(given)
    if given is None or dim is None or start is None or sizes is None:
        return None
    fields = {"operation": operation, "shape": subjects.sentence(subjects.shape_of(given))}
    names = subjects.all_evidence(step, call)
    if not sizes:
        title = fill(_NUMBER_TITLE, operation=operation)
        return Explanation("slice-range", "error", title, fill(_NUMBER, dim=dim, **fields), None, names)
    if not -len(sizes) <= dim < len(sizes):
        return None
    at = dim % len(sizes)
    size, who = sizes[at], subjects.name_of(given)
    fields |= {"dim": str(at), "size": str(size), "start": str(start)}
    most = size if operation != "select" else size - 1
    if not -size <= start <= most:
        asked = "`index`" if operation == "select" else "`start`"
        found = calls.argument(call, "index", "start")
        reach = phrase(_START_REACH, most=most, size=size)
        said = subjects.sentence(subjects.given_as(found)) if found is not None else ""
        text = fill(_SELECT, asked=asked, reach=reach, given=said, **fields)
        title = fill(_SELECT_TITLE, dim=at, who=who, size=size, operation=operation, start=start)
        return Explanation("slice-range", "error", title, text, None, names)
    if length is None:
        return None
    begin = start % size if start < 0 else start
    if length >= 0 and begin + length <= size:
        return None
    title = fill(_NARROW_TITLE, length=length, start=start, dim=at, who=who)
    text = fill(_NARROW, length=length, end=begin + length, **fields)
    if length < 0:
        title = fill(_NEGATIVE_TITLE, length=length)
        text = fill(_NARROW_NEGATIVE, length=length, **fields)
    return Explanation("slice-range", "error", title, text, None, names)


@failure
def top_count(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `topk` or `kthvalue` is asked for more than the dimension has."""
    call = subjects.refused(step)
    operation = calls.operation(call) if call is not None else ""
    if call is None or operation not in ("topk", "kthvalue"):
        return None
    given, k = subjects.input_of(call, step), calls.number(calls.argument(call, "k"))
    dim = calls.number(calls.argument(call, "dim"))
    sizes = subjects.shape(given)
    dim = -1 if dim is None else dim
    if given is None or k is None or sizes is None or not -max(len(sizes), 1) <= dim < max(len(sizes), 1):
        return None
    at, size = (dim % len(sizes), sizes[dim]) if sizes else (0, 1)
    least = 0 if operation == "topk" else 1
    if least <= k <= size:
        return None
    count = phrase(_ENTRY if size == 1 else _ENTRIES, count=size)
    fields = {"k": k, "dim": at, "size": count}
    shape = subjects.sentence(subjects.shape_of(given))
    text = fill(_TOP, shape=shape, operation=operation, least=least, most=size, **fields)
    title = fill(_TOP_TITLE, who=subjects.name_of(given), **fields)
    return Explanation("top-count", "error", title, text, None, subjects.all_evidence(step, call))
