"""What the learner's code does and must not do, as a clause: the fact that a check's `not` asks about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tutor.course.claims import Close, Raises, Warns
from tutor.translation import later, say, translated

#: Facts that hold or do not, as each of the two is said.
_YES_OR_NO = {
    "contiguous": (later("is contiguous"), later("is not contiguous")),
    "requires_grad": (later("requires a gradient"), later("does not require a gradient")),
    "is_leaf": (later("is a leaf"), later("is not a leaf: an operation made it")),
    "grad_is_none": (later("has no gradient: its .grad is None"), later("has a gradient")),
    "grad_fn": (later("has a grad_fn"), later("has no grad_fn")),
    "all_finite": (later("has finite values only"), later("has inf or nan")),
    "unchanged": (later("is as it was"), later("was changed")),
    "mutated_in_place": (later("was written in place"), later("was not written to")),
    "graph_freed": (later("has a graph that was freed"), later("has a graph that was not freed")),
    "training": (later("is in training mode"), later("is in evaluation mode")),
    "state_changed": (later("has values that changed"), later("has no value that changed")),
    "loss_decreases": (later("falls"), later("does not fall")),
    "exists": (later("is there"), later("is not there")),
    "raises": (later("ends with an error"), later("ends without an error")),
    "no_error": (later("ends without an error"), later("ends with an error")),
    "warns": (later("gives a warning"), later("gives no warning")),
}
#: Facts with a value.
_WITH_VALUE = {
    "shares_memory": later("shares memory with `{wanted}`"),
    "same_storage": later("has the storage of `{wanted}`"),
    "is_view_of": later("is a view of `{wanted}`"),
    "depends_on": later("depends on `{wanted}`"),
    "uses": later("uses `{wanted}`"),
    "avoids": later("does without `{wanted}`"),
    "stdout": later("prints `{wanted}`"),
    "shape": later("has shape {wanted}"),
    "ndim": later("has {wanted} dimensions"),
    "dtype": later("has dtype {wanted}"),
    "device": later("is on {wanted}"),
    "stride": later("has stride {wanted}"),
    "storage_offset": later("starts at element {wanted} of its storage"),
    "equals": later("is {wanted}"),
    "close": later("is {wanted}"),
    "value": later("is {wanted}"),
    "grad": later("has a gradient {wanted}"),
    "grad_fn": later("has the grad_fn {wanted}"),
    "raises": later("ends with {wanted}"),
    "warns": later("gives {wanted}"),
}


def claim(fact: str, wanted: Any) -> str:
    """What a fact says of a variable or of the code, after its name."""
    if isinstance(wanted, bool) and fact in _YES_OR_NO:
        return translated(_YES_OR_NO[fact][not wanted])
    template = _WITH_VALUE.get(fact)
    if template is not None:
        return say(template, wanted=_written(fact, wanted))
    return say("is so that `{fact}` holds", fact=fact)


def _written(fact: str, wanted: Any) -> str:
    if isinstance(wanted, Raises | Warns):
        name = wanted.type or say("a warning")
        return say("{type} that says {match!r}", type=name, match=wanted.match) if wanted.match else name
    if isinstance(wanted, Close):
        return str(wanted.to)
    if isinstance(wanted, Iterable) and not isinstance(wanted, str):
        listed = ", ".join(map(str, wanted))
        if fact not in ("shape", "stride", "equals", "close", "value", "grad"):
            return listed
        return f"({listed},)" if len(tuple(wanted)) == 1 else f"({listed})"
    return str(wanted)
