"""The settings of what slides over its input: kernel, stride, padding, dilation, groups."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tutor.explain import calls, subjects
from tutor.explain.wording import phrase
from tutor.facts import FailedCall

_ABOVE, _NOT_NEGATIVE = "greater than 0", "0 or greater, never negative"
_AT_MOST = "at most {most} there, half of `kernel_size` = {kernel}"

#: The least that each number of a setting can be.
_LEAST = {
    "kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1, "groups": 1, "output_padding": 0,
    "divisor_override": 1,
}  # fmt: skip
_SLIDING = re.compile(r"(lazy)?conv(_?transpose)?\dd|(max|avg|lp)_pool\dd(_with_indices)?|unfold|fold")
_POOL = re.compile(r"(max|avg)_pool\dd(_with_indices)?")


@dataclass(frozen=True)
class Setting:
    """A setting that no window can have, and what it must be instead."""

    name: str
    value: object
    must: str


def value_of(call: FailedCall, name: str) -> object:
    """A setting of the layer, or the argument of the function; None where it is not given."""
    if call.module is not None and call.form == "module":
        return subjects.setting(call, name)
    return subjects.plain(calls.argument(call, name))


def each(call: FailedCall, name: str, usual: int | None, slides: int) -> list[int] | None:
    """A setting for each dimension; None where it is a word such as "same", or has another length."""
    value = value_of(call, name)
    if value is None and (call.form == "module" or calls.argument(call, name) is None):
        value = usual
    whole = _whole(value)
    if whole is None or len(whole) not in (1, slides):
        return None
    return whole * slides if len(whole) == 1 else whole


def unfit(call: FailedCall) -> Setting | None:
    """The first setting that no window can have."""
    operation = calls.operation(call)
    if _SLIDING.fullmatch(operation.lower()) is None:
        return None
    for name, least in _LEAST.items():
        value = value_of(call, name)
        numbers = _whole(value)
        if numbers is not None and any(number < least for number in numbers):
            return Setting(name, value, phrase(_ABOVE if least else _NOT_NEGATIVE))
    return _wide(call) if _POOL.fullmatch(operation) else None


def _wide(call: FailedCall) -> Setting | None:
    """Padding of a pooling that is more than half of its kernel, so that a window could see nothing else."""
    kernel, padding = _whole(value_of(call, "kernel_size")), _whole(value_of(call, "padding"))
    dilation = _whole(value_of(call, "dilation")) or [1]
    if not kernel or not padding:
        return None
    many = max(len(kernel), len(padding), len(dilation))
    sizes = [(numbers * many)[:many] for numbers in (kernel, padding, dilation)]
    for size, more, step in zip(*sizes, strict=True):
        span = step * (size - 1) + 1
        if more > span // 2:
            must = phrase(_AT_MOST, most=span // 2, kernel=value_of(call, "kernel_size"))
            return Setting("padding", value_of(call, "padding"), must)
    return None


def _whole(value: object) -> list[int] | None:
    values = list(value) if isinstance(value, tuple | list) else [value]
    whole = [one for one in values if isinstance(one, int)]
    return whole if len(whole) == len(values) else None
