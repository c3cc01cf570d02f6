"""Pooling and padding that are given another number of dimensions, or less than they need."""

from __future__ import annotations

import re

from tutor.explain import calls, subjects, windows
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import count_text, fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Shape, Snapshot, Step

_RANK_TITLE = "{layer} takes {ranks} dimensions, and its input has {count}"
_RANK = """
{made}: it takes `[batch, channels, {sizes}]`, or one of these without the batch, which makes {ranks}
dimensions. {shape}, with {count}.
"""
_EMPTY_TITLE = "The input of {layer} has a size of 0"
_EMPTY = """
{made}. {shape}, and all its sizes but that of the batch must be at least 1: dimension {at} has no entries.
"""
_SMALL_TITLE = "{layer} looks at {kernel} at a time, and its input has only {size}"
_SMALL = """
{made} with `kernel_size={setting}`. {shape}; with padding, its last sizes are {size}, and none may be
smaller than the kernel, {kernel}, or nothing is left. Each pooling before it makes the input smaller: give
it a bigger input, a smaller kernel, or leave one pooling out.
"""
_ONE_NUMBER, _NUMBERS = "one number", "one number or {count} of them"
_OUTPUT_TITLE = "`output_size` is {given}, and must be {wanted}"
_OUTPUT = """
{shape}. `{operation}` makes an output of the sizes in `output_size`, which is {given}: it must be {wanted},
none of them negative.
"""
_INDICES_TITLE = "`indices` is {given}, and the input is {wanted}"
_INDICES = """
{shape}, and {indices}. `{operation}` puts each number of its input at the place that `indices` says, so
both must have the same shape.
"""
_PAD_RANK_TITLE = "{layer} takes {ranks} dimensions, and its input has {count}"
_PAD_RANK = """
{made}: it pads the last {padded} of an input that has channels, with a batch in front or not, so the input
must have {ranks} dimensions. {shape}, with {count}.
"""
_PAIRS_TITLE = "`pad` has {given}, and needs two for each dimension"
_PAIRS = """
{shape}, with {count}. `pad` is {pad}: it goes in pairs from the last dimension backwards, how much before
and how much behind, so it must have an even number of entries, and at most two for each dimension.
"""

_POOL = re.compile(r"(adaptive_|fractional_)?(max|avg|lp)_(un)?pool(\d)d(?:_with_indices)?")
_PADDING = re.compile(r"(\w+?)pad(\d)d")
_SIZES = {1: "length", 2: "height, width", 3: "depth, height, width"}
#: Padding layers that also take two dimensions more or less than the others.
_ANY_RANK = frozenset({"constant", "zero"})


def _pooling(step: Step) -> tuple[FailedCall, Argument, Shape, re.Match[str]] | None:
    for call in calls.chain(subjects.refused(step)):
        told = _POOL.fullmatch(calls.operation(call))
        given = subjects.input_of(call, step) if told is not None and call.form != "class" else None
        sizes = subjects.shape(given)
        if told is not None and given is not None and sizes is not None and int(told[4]) in _SIZES:
            return call, given, sizes, told
    return None


_Told = tuple[str, str]


@failure
def pool_input(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a pooling gets other dimensions, less than its kernel, or a wrong output size."""
    found = _pooling(step)
    if found is None or windows.unfit(found[0]) is not None:
        return None
    call, given, sizes, told = found
    slides = int(told[4])
    misfit = _rank(call, given, sizes, slides) or _empty(call, given, sizes, slides)
    if misfit is None and told[1] == "adaptive_":
        misfit = _output(call, given, slides)
    elif misfit is None and told[3] is not None:
        misfit = _indices(call, given, sizes)
    elif misfit is None and told[1] is None:
        misfit = _small(call, given, sizes, slides)
    if misfit is None:
        return None
    return Explanation("pool-input", "error", *misfit, None, subjects.all_evidence(step, call))


def _rank(call: FailedCall, given: Argument, sizes: Shape, slides: int) -> _Told | None:
    if len(sizes) in (slides + 1, slides + 2):
        return None
    fields = {"ranks": subjects.counted((slides + 1, slides + 2)), "count": subjects.dims_text(len(sizes))}
    shape = subjects.sentence(subjects.shape_of(given))
    text = fill(_RANK, made=subjects.layer_is(call), sizes=_SIZES[slides], shape=shape, **fields)
    return subjects.sentence(fill(_RANK_TITLE, layer=subjects.layer_of(call), **fields)), text


def _empty(call: FailedCall, given: Argument, sizes: Shape, slides: int) -> _Told | None:
    first = len(sizes) - slides - 1
    at = next(
        (at for at, size in enumerate(sizes) if size == 0 and (at >= first or len(sizes) == slides + 1)), None
    )
    if at is None:
        return None
    shape = subjects.sentence(subjects.shape_of(given))
    return fill(_EMPTY_TITLE, layer=subjects.layer_of(call)), fill(
        _EMPTY, made=subjects.layer_is(call), shape=shape, at=at
    )


def _small(call: FailedCall, given: Argument, sizes: Shape, slides: int) -> _Told | None:
    kernel, padding, dilation = (windows.each(call, name, usual, slides) for name, usual in _SETTINGS)
    if kernel is None or padding is None or dilation is None:
        return None
    spans = [step * (size - 1) + 1 for step, size in zip(dilation, kernel, strict=True)]
    padded = [size + 2 * more for size, more in zip(sizes[-slides:], padding, strict=True)]
    if all(size >= span for size, span in zip(padded, spans, strict=True)):
        return None
    fields = {"kernel": " × ".join(map(str, spans)), "size": " × ".join(map(str, padded))}
    setting = kernel[0] if len(set(kernel)) == 1 else tuple(kernel)
    shape = subjects.sentence(subjects.shape_of(given))
    text = fill(_SMALL, made=subjects.layer_is(call), setting=setting, shape=shape, **fields)
    return subjects.sentence(fill(_SMALL_TITLE, layer=subjects.layer_of(call), **fields)), text


_SETTINGS = (("kernel_size", None), ("padding", 0), ("dilation", 1))


def _output(call: FailedCall, given: Argument, slides: int) -> _Told | None:
    asked = calls.argument(call, "output_size")
    value = subjects.setting(call, "output_size") if call.module is not None else subjects.plain(asked)
    values = list(value) if isinstance(value, tuple | list) else [value]
    whole = [one for one in values if isinstance(one, int)]
    if len(whole) + values.count(None) != len(values):
        return None
    fits = len(values) == slides or not isinstance(value, tuple | list)
    if fits and all(one >= 0 for one in whole):
        return None
    wanted = phrase(_ONE_NUMBER if slides == 1 else _NUMBERS, count=slides)
    fields = {"given": value, "wanted": wanted}
    shape = subjects.sentence(subjects.shape_of(given))
    return fill(_OUTPUT_TITLE, **fields), fill(
        _OUTPUT, shape=shape, operation=calls.operation(call), **fields
    )


def _indices(call: FailedCall, given: Argument, sizes: Shape) -> _Told | None:
    indices = subjects.tensor(call, "indices")
    places = subjects.shape(indices)
    if indices is None or places is None or places == sizes:
        return None
    text = fill(
        _INDICES,
        shape=subjects.sentence(subjects.shape_of(given)),
        indices=subjects.shape_of(indices),
        operation=calls.operation(call),
    )
    return fill(_INDICES_TITLE, given=shape_text(places), wanted=shape_text(sizes)), text


@failure
def pad_input(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a padding layer gets another number of dimensions, or `pad` an odd or too long list."""
    call = subjects.refused(step)
    given = subjects.input_of(call, step) if call is not None else None
    sizes = subjects.shape(given)
    if call is None or given is None or sizes is None or call.form == "class":
        return None
    names = subjects.all_evidence(step, call)
    shape, count = subjects.sentence(subjects.shape_of(given)), subjects.dims_text(len(sizes))
    told = _PADDING.fullmatch(calls.operation(call)) if call.module is not None else None
    if told is not None and told[1] not in _ANY_RANK:
        padded = int(told[2])
        if len(sizes) in (padded + 1, padded + 2):
            return None
        fields = {"ranks": subjects.counted((padded + 1, padded + 2)), "count": count}
        text = fill(
            _PAD_RANK, made=subjects.layer_is(call), padded=subjects.dims_text(padded), shape=shape, **fields
        )
        title = subjects.sentence(fill(_PAD_RANK_TITLE, layer=subjects.layer_of(call), **fields))
        return Explanation("pad-input", "error", title, text, None, names)
    pad = calls.argument(call, "pad")
    numbers = subjects.numbers(pad) if calls.operation(call) == "pad" else None
    if numbers is None or (len(numbers) % 2 == 0 and len(numbers) <= 2 * len(sizes)):
        return None
    title = fill(_PAIRS_TITLE, given=count_text(len(numbers), "number"))
    text = fill(_PAIRS, shape=shape, count=count, pad=f"({', '.join(map(str, numbers))})")
    return Explanation("pad-input", "error", title, text, None, names)
