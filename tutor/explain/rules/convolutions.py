"""Convolutions, as layers and functions, that are given another input than they are made for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tutor.explain import calls, subjects, windows
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import count_text, fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Shape, Snapshot, Step
from tutor.translation import translated

_RANK_TITLE = "{layer} takes {ranks} dimensions, and its input has {count}"
_RANK = """
{made}: it takes {wanted}, or one of these without the batch, which makes {ranks} dimensions. {shape}, with
{count}. {hint}
"""
_RANK_HINT = "The dimension of the channels is missing: `{fixed}` has shape {shape}."
_CHANNELS_TITLE = "{layer} takes {needs}, and its input has {has}"
_CHANNELS = """
{made}, with a weight of shape {weight}: it takes {wanted} with {needs} in dimension {dim}. {shape}, so its
dimension {dim} has {has}. {hint}
"""
_LAST = """
The channels stand last there, as in pictures of other libraries: `{fixed}` has shape {shape}.
"""
_MISSING = """
With {count} dimensions it counts as one input without a batch. If the first dimension is the batch, the one
of the channels is missing: `{fixed}` has shape {shape}.
"""
_CHANGE = """
Either the layer is to be made for its input, `nn.{type}({has}, …)`, or what comes before it is to give
{takes}.
"""
_CHANGE_FUNCTION = "Dimension {at} of the weight says how many channels there must be."
_SMALL_TITLE = "{layer} looks at {kernel} at a time, and its input has only {size}"
_SMALL = """
{made}, with a kernel of {kernel}{dilated}. {shape}; with padding, its last sizes are {size}, and none may
be smaller than the kernel. Layers before it that shrink the input, pooling and strides, add up: give it a
bigger input, a smaller kernel, or padding.
"""
_WEIGHT_TITLE = "The weight of `{code}` has {count}, and needs {needs}"
_WEIGHT = """
{shape}. `{operation}` needs a weight of {needs} dimensions, `[out_channels, in_channels, {sizes}]`, and
this one has {count}.
"""
_GROUPS_TITLE = "{groups} groups do not fit a weight of shape {weight}"
_GROUPS = """
{shape}: its first size, the number of output channels, must be a multiple of `groups`, which is {groups},
because each group makes its own share of them.
"""
_IN_GROUPS = "{shape} in {groups} groups"
_DILATED = ", which the dilation makes {spans}"
_WANTED, _WANTED_ALONE = "`[batch, channels, {sizes}]`", "`[channels, {sizes}]`"
_CONV = re.compile(r"conv(_transpose)?(\d)d")
_CONV_LAYER = re.compile(r"(?:lazy)?conv(transpose)?(\d)d")
_SIZES = {1: "length", 2: "height, width", 3: "depth, height, width"}


@dataclass(frozen=True)
class _Convolution:
    """A failed convolution, as far as its facts go."""

    call: FailedCall
    input: Argument
    given: Shape
    weight: Shape
    #: How many dimensions it slides along.
    slides: int
    transposed: bool
    groups: int

    @property
    def takes(self) -> int:
        return self.weight[0] if self.transposed else self.weight[1] * self.groups

    @property
    def channels(self) -> int:
        """Which dimension of the input is that of the channels."""
        return len(self.given) - self.slides - 1

    @property
    def wanted(self) -> str:
        alone = len(self.given) == self.slides + 1
        return phrase(_WANTED_ALONE if alone else _WANTED, sizes=translated(_SIZES[self.slides]))


@failure
def conv_input(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a convolution is given another number of dimensions or channels, or less than its kernel."""
    refused = subjects.refused(step)
    if refused is None or refused.form == "class":
        return None
    for call in calls.chain(refused):
        conv = _convolution(step, call)
        if windows.unfit(call) is not None:
            return None
        told = _misfit(step, conv) if conv is not None else None
        if told is not None:
            title, text, fix = told
            return Explanation("conv-input", "error", title, text, fix, subjects.all_evidence(step, call))
        if call.form == "module":
            return None
    return None


def _convolution(step: Step, call: FailedCall) -> _Convolution | None:
    operation = calls.operation(call)
    told = _CONV.fullmatch(operation) or _CONV_LAYER.fullmatch(operation)
    given = subjects.input_of(call, step)
    if told is None or given is None or int(told[2]) not in _SIZES:
        return None
    own = call.module.tensors.get("weight") if call.module is not None else None
    weight = own.shape if own is not None else subjects.shape(calls.argument(call, "weight"))
    groups = subjects.setting(call, "groups") if call.module is not None else None
    if call.module is None:
        groups = subjects.plain(calls.argument(call, "groups"))
    sizes = subjects.shape(given)
    if weight is None or sizes is None:
        return None
    count = groups if type(groups) is int else 1
    return _Convolution(call, given, sizes, weight, int(told[2]), told[1] is not None, count)


_Told = tuple[str, str, str | None]


def _misfit(step: Step, conv: _Convolution) -> _Told | None:
    needs = conv.slides + 2
    if len(conv.weight) != needs:
        return _weight(conv, needs)
    if conv.groups > 1 and (conv.weight[0] % conv.groups or conv.weight[0] < conv.groups):
        return _groups(conv)
    if len(conv.given) not in (needs, needs - 1):
        return _rank(step, conv, needs)
    if conv.given[conv.channels] != conv.takes:
        return _channels(step, conv)
    return _small(conv)


def _weight(conv: _Convolution, needs: int) -> _Told | None:
    weight = calls.argument(conv.call, "weight")
    if weight is None:
        return None
    fields = {"needs": needs, "count": subjects.dims_text(len(conv.weight))}
    shape = subjects.sentence(subjects.shape_of(weight))
    sizes = _SIZES[conv.slides].replace("length", "size")
    text = fill(_WEIGHT, shape=shape, operation=calls.operation(conv.call), sizes=sizes, **fields)
    return fill(_WEIGHT_TITLE, code=subjects.code_of(conv.call), **fields), text, None


def _groups(conv: _Convolution) -> _Told | None:
    weight = calls.argument(conv.call, "weight")
    if weight is None:
        return None
    shape = subjects.sentence(subjects.shape_of(weight))
    title = fill(_GROUPS_TITLE, groups=conv.groups, weight=shape_text(conv.weight))
    return title, fill(_GROUPS, shape=shape, groups=conv.groups), None


def _rank(step: Step, conv: _Convolution, needs: int) -> _Told:
    hint, fix = "", None
    if len(conv.given) == conv.slides and conv.takes == 1:
        hint = fill(
            _RANK_HINT,
            fixed=subjects.with_text(conv.input, ".unsqueeze(0)"),
            shape=shape_text((1, *conv.given)),
        )
        fix = subjects.on_argument(step, conv.call, conv.input, ".unsqueeze(0)")
    fields = {"ranks": subjects.counted((needs - 1, needs)), "count": subjects.dims_text(len(conv.given))}
    text = fill(
        _RANK,
        made=subjects.layer_is(conv.call),
        wanted=phrase(_WANTED, sizes=translated(_SIZES[conv.slides])),
        shape=subjects.sentence(subjects.shape_of(conv.input)),
        hint=hint,
        **fields,
    )
    return subjects.sentence(fill(_RANK_TITLE, layer=subjects.layer_of(conv.call), **fields)), text, fix


def _channels(step: Step, conv: _Convolution) -> _Told:
    at, fix = conv.channels, None
    has, takes = conv.given[at], conv.takes
    turned = (*conv.given[:at], conv.given[-1], *conv.given[at:-1])
    grown = (conv.given[0], 1, *conv.given[1:])
    method = ""
    if conv.given[-1] == takes:
        order = [*range(at), len(conv.given) - 1, *range(at, len(conv.given) - 1)]
        method = f".permute({', '.join(map(str, order))})"
        method = f".transpose({at}, {at + 1})" if conv.slides == 1 else method
        hint = fill(_LAST, fixed=subjects.with_text(conv.input, method), shape=shape_text(turned))
    elif takes == 1 and at == 0:
        method = ".unsqueeze(1)"
        fixed = subjects.with_text(conv.input, method)
        hint = fill(_MISSING, fixed=fixed, shape=shape_text(grown), count=len(conv.given))
    elif conv.call.module is not None:
        hint = fill(_CHANGE, type=conv.call.module.type, has=has, takes=takes)
    else:
        hint = fill(_CHANGE_FUNCTION, at=0 if conv.transposed else 1)
    if method:
        fix = subjects.on_argument(step, conv.call, conv.input, method)
    fields = {"needs": count_text(takes, "channel"), "has": has, "layer": subjects.layer_of(conv.call)}
    text = fill(
        _CHANNELS,
        made=subjects.layer_is(conv.call),
        weight=_weight_text(conv),
        wanted=conv.wanted,
        dim=at,
        shape=subjects.sentence(subjects.shape_of(conv.input)),
        hint=hint,
        **fields,
    )
    return subjects.sentence(fill(_CHANNELS_TITLE, **fields)), text, fix


def _weight_text(conv: _Convolution) -> str:
    shape = shape_text(conv.weight)
    return phrase(_IN_GROUPS, shape=shape, groups=conv.groups) if conv.groups > 1 else shape


def _small(conv: _Convolution) -> _Told | None:
    if conv.transposed:
        return None
    dilation = windows.each(conv.call, "dilation", 1, conv.slides)
    padding = windows.each(conv.call, "padding", 0, conv.slides)
    if padding is None or dilation is None:
        return None
    kernel = conv.weight[2:]
    spans = [step * (size - 1) + 1 for step, size in zip(dilation, kernel, strict=True)]
    sizes = [size + 2 * more for size, more in zip(conv.given[-conv.slides :], padding, strict=True)]
    if all(size >= span for size, span in zip(sizes, spans, strict=True)):
        return None
    by = " × "
    dilated = phrase(_DILATED, spans=by.join(map(str, spans))) if list(kernel) != spans else ""
    fields = {"kernel": by.join(map(str, kernel)), "size": by.join(map(str, sizes))}
    shape = subjects.sentence(subjects.shape_of(conv.input))
    text = fill(_SMALL, made=subjects.layer_is(conv.call), dilated=dilated, shape=shape, **fields)
    return subjects.sentence(fill(_SMALL_TITLE, layer=subjects.layer_of(conv.call), **fields)), text, None
