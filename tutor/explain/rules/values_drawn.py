"""Weights to draw by that cannot be drawn by, and targets that a setting of a loss does not fit."""

from __future__ import annotations

import re

from tutor.explain import calls, domains
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import fill
from tutor.facts import Explanation, Snapshot, Step

_MANY_TITLE = "{count} are to be drawn, and there are only {there}"
_MANY = """
{name} is {what}: {there} to draw from. Without putting back (`replacement` is False), `num_samples`
({count}) must be at most {there}; with `replacement=True` the same one may be drawn again.
"""
_ZERO_TITLE = "There is nothing to draw in {name}"
_ZERO = """
{name} is {what} with values from {low:.6g} to {high:.6g}. Along its last dimension stand weights to draw
by, and at least one in each row must be greater than 0: {where}.
"""
_ALL_ZERO = "here all are 0"
_ROW_ZERO = "here some row has only 0"
_FINITE_TITLE = "{name} has weights that are no weights"
_FINITE = """
{name} is {what}, with values from {low:.6g} to {high:.6g} besides any NaN. Weights to draw by must be
finite numbers, 0 or greater, and here an inf or a NaN is among them: `torch.isfinite({plain})` shows
where.
"""
_IGNORE_TITLE = "`ignore_index` fits only class numbers, and {name} holds probabilities"
_IGNORE = """
{name} is {what}: floating point numbers, a probability for each class. `ignore_index` ({index}) leaves
out targets that are this class number, so it works only with a target of whole numbers. Leave one of the
two away.
"""


@failure
def weights_to_draw(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `multinomial` was given too few weights, only zeros, or something that is no number."""
    error, call = step.error, calls.find(step, {"multinomial"})
    one = calls.argument(call, "input") if call is not None else None
    if error is None or call is None or one is None or one.operand is None or not one.operand.shape:
        return None
    if one.low is None or one.high is None:
        return None
    count, there = (
        next(iter(domains.numbers(calls.argument(call, "num_samples") or one)), 1),
        one.operand.shape[-1],
    )
    name = calls.label(one)
    fields = {"name": name, "what": calls.what(one), "count": str(count), "there": str(there)}
    numbers = {"low": one.low, "high": one.high, "plain": name.strip("`")}
    if "cannot sample" in error.message and count > there:
        title, text = fill(_MANY_TITLE, **fields), fill(_MANY, **fields)
    elif "sum of probabilities" in error.message:
        where = _ALL_ZERO if one.high == 0 else _ROW_ZERO
        title, text = fill(_ZERO_TITLE, **fields), fill(_ZERO, where=where, **fields, **numbers)
    elif re.search(r"\binf|nan\b|NaN|entry < 0", error.message) is not None and one.low >= 0:
        title, text = fill(_FINITE_TITLE, **fields), fill(_FINITE, **fields, **numbers)
    else:
        return None
    names = (one.operand.name,) if one.operand.name in step.snapshot.tensors else ()
    return Explanation("weights-to-draw", "error", _first(title), _first(text), None, names)


@failure
def ignored_class(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a class was to be ignored in a target that holds probabilities."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or not error.message.startswith("ignore_index"):
        return None
    target, index = calls.argument(call, "target"), calls.argument(call, "ignore_index")
    value = index.value if index is not None else calls.setting(call, "ignore_index")
    if target is None or target.operand is None or value is None:
        return None
    name = calls.label(target)
    text = fill(_IGNORE, name=name, what=calls.what(target), index=value)
    names = (target.operand.name,) if target.operand.name in step.snapshot.tensors else ()
    return Explanation("ignored-class", "error", fill(_IGNORE_TITLE, name=name), _first(text), None, names)


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
