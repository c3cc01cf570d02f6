"""Indexing by `x[...]`: positions that are not there or too many, masks and index tensors of other shapes."""

from __future__ import annotations

import ast
import re

from msgspec.structs import replace

from tutor.explain import calls, subjects
from tutor.explain.brackets import Part, parts_of, takes
from tutor.explain.edits import closed, insert_before, replace_expression
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing
from tutor.explain.strides import broadcast
from tutor.explain.wording import fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Shape, Snapshot, Step

_RANGE_TITLE = "Dimension {dim} of {who} has {size}, and no position {index}"
_RANGE = """
{shape}: its dimension {dim} has size {size}, so a position in it must be {reach}. {asked} {hint}
"""
_RANGE_EMPTY = """
{shape}: its dimension {dim} has size 0, so there is no position in it at all, and a position must be one
that is there. {asked} {hint}
"""
_ASKED = "`{code}` asks for position {index}."
_ASKED_VALUE = "In `{code}`, `{written}` is {index}."
_ASKED_TENSOR = "In `{code}`, `{written}` {holds}."
_ASKED_SOME = "In `{code}`, {written} asks for position {index}."
_LAST = "Counting starts at 0, so the last position is {last}, or -1."
_EMPTY = "A selection before it probably found nothing."
_THE_INDICES = "the indices"
_HAS_SHAPE = "`{name}` has shape {shape}"
_DIMENSION, _DIMENSIONS = "dimension {dim}", "the {count} dimensions"
_COUNT_TITLE = "{who} has {count}, and `{code}` gives {given} positions"
_COUNT = """
{shape}, so it has {count}, and at most {most} can stand in the brackets, one for each dimension: `{index}`
are {given}. {hint}
"""
_COUNT_MASK = "A mask counts for as many as it has dimensions."
_NUMBER_TITLE = "{who} is a single number, which has no positions"
_NUMBER = """
{shape} without dimensions, so there is nothing to choose from and it takes no index. `{fixed}` gives its
value as a plain number of Python.
"""
_MASK_TITLE = "The mask {mask} does not have the shape of what it selects from"
_MASK = """
{who} has shape {shape}, and the mask {mask_is}. A mask says for each entry whether it is taken, so it must
have the same {sizes} as {dimensions} that it stands for: {expected}, and not {given}. {hint}
"""
_MASK_OTHER = "It fits dimension {dim}: `{fixed}` selects there."
_TENSORS_TITLE = "The index tensors in `{code}` do not fit together"
_TENSORS = """
`{code}` gives several index tensors or lists, of shapes {shapes}. They are read side by side, one position
from each for every entry of the result, so their shapes must be the same, or stretch to each other. {who}
has shape {shape}; to take all pairs of rows and columns, index twice: `{twice}`.
"""
_TENSORS_SHORT = """
`{code}` gives several index tensors or lists, of shapes {shapes}. They are read side by side, one position
from each for every entry of the result, so their shapes must be the same, or stretch to each other. {who}
has shape {shape}.
"""
_ENTRY = "1 entry"
_ENTRIES = "{count:,} entries"
_HOLDS_ONE = "holds {low}"
_HOLDS_MANY = "holds values from {low} to {high}"
_THE_INDEX = "the index"
_WRITE_TITLE = "{value_shape} cannot be written to a place of shape {place}"
_WRITE = """
`{target}` selects {place} of {who}, which has shape {shape}, and {value} has shape {value_shape}. What is
written must have the shape of the place, or stretch to it: sizes are compared from the last one backwards,
and must be equal or 1.
"""
_PLACE = re.compile(
    r"value tensor of shape \[([\d, ]*)\] cannot be broadcast to indexing result of shape \[([\d, ]*)\]"
)
_OUT = re.compile(r"index (-?\d+) is out of bounds for (?:dimension|axis) (\d+) with size (\d+)")


def _indexing(step: Step) -> tuple[FailedCall, Argument, Shape, Argument] | None:
    """A failed `x[i]` or `x[i] = v`: the call, the tensor, its shape, and the index."""
    call = subjects.refused(step)
    if call is None or calls.operation(call) not in ("getitem", "setitem"):
        return None
    owner, index = calls.at_place(call, 0), calls.at_place(call, 1)
    sizes = subjects.shape(owner)
    if owner is None or index is None or sizes is None:
        return None
    found = failing(step)
    if owner.text.isidentifier() and found is not None and owner.text not in found.tensors:
        owner = replace(owner, place=subjects.INSIDE)  # a dataset's own tensor
    return call, owner, sizes, index


@failure
def index_range(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a position in `x[...]` is not there: a number, or one in an index tensor or list."""
    found = _indexing(step)
    if found is None:
        return None
    call, owner, sizes, index = found
    parts = parts_of(step, index, len(sizes))
    wrong = next((one for one in parts or () if _is_out(one, sizes)), None)
    told = _OUT.search(subjects.message(step))
    if wrong is None and told is None:
        return None
    if wrong is not None:
        dim: int | None = wrong.dim
        position = _wrong_position(wrong, sizes[wrong.dim])
    else:  # a position in a tensor whose values are not known
        assert told is not None
        dim, position = _dimension(parts, int(told[2]), sizes, int(told[3])), int(told[1])
    if dim is None:
        return None
    size = sizes[dim]
    who, code = subjects.name_of(owner), _index_code(call)
    text = fill(
        _RANGE if size else _RANGE_EMPTY,
        shape=subjects.sentence(subjects.shape_of(owner)),
        dim=dim,
        size=size,
        reach=subjects.reach_text(size),
        asked=_asked(wrong, index, code, position),
        hint=fill(_EMPTY) if size == 0 else fill(_LAST, last=size - 1) if position == size else "",
    )
    count = phrase(_ENTRY if size == 1 else _ENTRIES, count=size)
    title = fill(_RANGE_TITLE, dim=dim, who=who, size=count, index=position)
    return Explanation("index-range", "error", title, text, None, subjects.all_evidence(step, call))


def _asked(wrong: Part | None, index: Argument, code: str, position: int) -> str:
    if wrong is None:
        return fill(
            _ASKED_SOME, code=code, written=f"`{index.text}`" if index.text else _THE_INDEX, index=position
        )
    fields = {"code": code, "written": wrong.text, "index": position}
    if wrong.low is not None and wrong.value is None:
        same = wrong.low == wrong.high
        holds = phrase(_HOLDS_ONE if same else _HOLDS_MANY, low=wrong.low, high=wrong.high)
        return fill(_ASKED_TENSOR, holds=holds, **fields)
    return fill(_ASKED if wrong.text == str(position) else _ASKED_VALUE, **fields)


def _is_out(part: Part, sizes: Shape) -> bool:
    if part.dim >= len(sizes) or part.mask or part.low is None or part.high is None:
        return False
    return part.high >= sizes[part.dim] or part.low < -sizes[part.dim]


def _wrong_position(part: Part, size: int) -> int:
    high, low = part.high or 0, part.low or 0
    return high if high >= size else low


def _dimension(parts: list[Part] | None, told: int, sizes: Shape, size: int) -> int | None:
    """The dimension that torch means, which counts from the first index tensor."""
    tensors = [one.dim for one in parts or () if one.shape is not None and not one.mask]
    places = [*(dim for dim in tensors if dim < len(sizes)), told]
    return next((dim for dim in places if dim < len(sizes) and sizes[dim] == size), None)


@failure
def index_count(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `x[...]` has more positions than the tensor has dimensions, or the tensor is one number."""
    found = _indexing(step)
    if found is None:
        return None
    call, owner, sizes, index = found
    parts = parts_of(step, index, len(sizes))
    taken = sum(takes(one) for one in parts or ())
    if parts is None or taken <= len(sizes):
        return None
    who = subjects.sentence(subjects.name_of(owner))
    shape = subjects.sentence(subjects.shape_of(owner))
    if not sizes:
        fixed = f"{closed(owner.text)}.item()"
        plain = call.form == "index" and len(parts) == 1 and parts[0].value == 0 and owner.text
        fix = _as_item(step, call, owner) if plain else None
        title, text = fill(_NUMBER_TITLE, who=who), fill(_NUMBER, shape=shape, fixed=fixed)
        return Explanation("index-count", "error", title, text, fix, subjects.all_evidence(step, call))
    count = subjects.dims_text(len(sizes))
    masks = any(one.mask and len(one.shape or ()) > 1 for one in parts)
    fields = {"count": count, "given": taken}
    hint = fill(_COUNT_MASK) if masks else ""
    written = index.text or phrase(_THE_INDICES)
    text = fill(_COUNT, shape=shape, most=len(sizes), index=written, hint=hint, **fields)
    title = fill(_COUNT_TITLE, who=who, code=_index_code(call), **fields)
    return Explanation("index-count", "error", title, text, None, subjects.all_evidence(step, call))


def _as_item(step: Step, call: FailedCall, owner: Argument) -> str | None:
    found = failing(step)
    node = found.expression if found is not None else None
    inner = calls.node_of(found, call, owner) if found is not None else None
    if found is None or not isinstance(node, ast.Subscript) or inner is None:
        return None
    text = ast.get_source_segment(found.source, inner) or ""
    return found.changed(replace_expression(found.source, node, f"{closed(text)}.item()"))


@failure
def mask_shape(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a mask of truth values has another shape than the dimensions that it selects from."""
    found = _indexing(step)
    if found is None:
        return None
    call, owner, sizes, index = found
    parts = parts_of(step, index, len(sizes)) or []
    for part in parts:
        given = part.shape or ()
        expected = sizes[part.dim : part.dim + len(given)]
        if not part.mask or len(expected) < len(given) or expected == given:
            continue
        one = len(given) == 1
        hint, fix = (
            _other_dimension(step, call, owner, (index, part), sizes) if len(parts) == 1 else ("", None)
        )
        text = fill(
            _MASK,
            who=subjects.sentence(subjects.name_of(owner)),
            shape=shape_text(sizes),
            mask_is=phrase(_HAS_SHAPE, name=part.text, shape=shape_text(given)),
            sizes="size" if one else "sizes",
            dimensions=phrase(_DIMENSION if one else _DIMENSIONS, dim=part.dim, count=len(given)),
            expected=shape_text(expected),
            given=shape_text(given),
            hint=hint,
        )
        title = fill(_MASK_TITLE, mask=f"`{part.text}`")
        return Explanation("mask-shape", "error", title, text, fix, subjects.all_evidence(step, call))
    return None


def _other_dimension(
    step: Step, call: FailedCall, owner: Argument, mask: tuple[Argument, Part], sizes: Shape
) -> tuple[str, str | None]:
    """The one other dimension that a mask has the size of, and the code that selects there."""
    index, part = mask
    given = part.shape or ()
    fitting = [dim for dim, size in enumerate(sizes) if (size,) == given]
    if len(fitting) != 1 or not owner.text:
        return "", None
    before = ":, " * fitting[0]
    found = failing(step)
    node = calls.node_of(found, call, index) if found is not None else None
    fixed = f"{owner.text}[{before}{part.text}]"
    fix = (
        found.changed(insert_before(found.source, node, before))
        if found is not None and node is not None
        else None
    )
    return fill(_MASK_OTHER, dim=fitting[0], fixed=fixed), fix


@failure
def index_tensors(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when several index tensors or lists in `x[...]` have shapes that do not stretch to each other."""
    found = _indexing(step)
    if found is None or "shape mismatch: indexing" not in subjects.message(step):
        return None
    call, owner, sizes, index = found
    listed = [
        one for one in parts_of(step, index, len(sizes)) or () if one.shape is not None and not one.mask
    ]
    shapes = [one.shape for one in listed if one.shape is not None]
    if len(shapes) < 2 or (broadcast(shapes[0], shapes[1]) is not None and len(shapes) == 2):
        return None
    pair = len(listed) == 2 and [one.dim for one in listed] == [0, 1] and bool(owner.text)
    text = fill(
        _TENSORS if pair else _TENSORS_SHORT,
        code=_index_code(call),
        shapes=subjects.shapes_text(shapes),
        who=subjects.sentence(subjects.name_of(owner)),
        shape=shape_text(sizes),
        twice=f"{owner.text}[{listed[0].text}][:, {listed[-1].text}]",
    )
    title = fill(_TENSORS_TITLE, code=_index_code(call))
    return Explanation("index-tensors", "error", title, text, None, subjects.all_evidence(step, call))


@failure
def write_shape(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor is written to places chosen by a mask or index tensors, and has another shape."""
    found, told = _indexing(step), _PLACE.search(subjects.message(step))
    value = calls.at_place(found[0], 2) if found is not None else None
    if found is None or told is None or value is None:
        return None
    call, owner, sizes, index = found
    given = tuple(int(size) for size in told[1].split(",") if size.strip())
    place = tuple(int(size) for size in told[2].split(",") if size.strip())
    fields = {"place": shape_text(place), "value_shape": shape_text(given)}
    text = fill(
        _WRITE,
        target=f"{owner.text}[{index.text}]",
        who=subjects.name_of(owner),
        shape=shape_text(sizes),
        value=subjects.name_of(value),
        **fields,
    )
    title = fill(_WRITE_TITLE, **fields)
    return Explanation("write-shape", "error", title, text, None, subjects.all_evidence(step, call))


def _index_code(call: FailedCall) -> str:
    owner, index = calls.at_place(call, 0), calls.at_place(call, 1)
    if call.form == "assignment" and owner is not None and index is not None and owner.text and index.text:
        return f"{owner.text}[{index.text}]"
    return subjects.code_of(call)
