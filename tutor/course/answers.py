"""The kernel's words about live values in the language that is spoken; the kernel itself speaks English.

What the kernel can say is a closed set of texts: here as templates, whose fields may hold others of them.
"""

from __future__ import annotations

import re
from functools import cache

from tutor.course.claims import DTYPES
from tutor.language import current_language
from tutor.translation import later, say

#: The most particular ones come first: the first that fits is taken.
_TEXTS = (
    # what a value is
    later("a tensor"),
    later("a numpy array"),
    later("a function"),
    later("no error"),
    later("no error, but {value}"),
    # how it differs
    later("at {place} it has {got} instead of {expected}, and {more} more differ"),
    later("at {place} it has {got} instead of {expected}"),
    later("it has {count} entries"),
    later("entry {key} differs"),
    later("the keys"),
    later("{bad} of {all} elements are inf or nan"),
    # memory, graph, modules
    later("the same object"),
    later("elements of the same memory"),
    later("the same memory in another storage"),
    later("the same storage, but no element in common"),
    later("what they share cannot be told"),
    later("the source is no tensor"),
    later("it has no grad_fn"),
    later("the source does not require a gradient"),
    later("no path of its graph leads there"),
    later("its graph saved nothing"),
    later("{count} numbers"),
    later("no parameters"),
    later("training mode"),
    later("evaluation mode"),
    later("some parts in training, some in evaluation mode"),
    # losses
    later("{count} losses"),
    later("at least two are needed"),
    later("texts"),
    later("numbers are needed"),
    later("a loss that is inf or nan"),
    later("below {limit}"),
    later("no fall"),
    # a function's calls
    later("memory shared with its argument"),
    later("shares memory with its argument"),
    later("has memory of its own"),
    later("memory of its own"),
    later("an unchanged argument"),
    later("an argument that is written to"),
    later("it was changed by the call"),
)
_CALLED = re.compile(r"called with (?P<call>`.*?`(?: \(.*?\))?)(?:: (?P<note>.*))?\Z", re.DOTALL)
_LOSSES = re.compile(r"(?P<first>[-+.\de]+) to (?P<last>[-+.\de]+)\Z")
#: Fields that are plain signs; all others hold whatever the kernel says of a value.
_SIGNS = {
    "count": r"[\d,]+",
    "bad": r"[\d,]+",
    "all": r"[\d,]+",
    "more": r"[\d,]+",
    "n": r"\d+",
    "limit": r"[-+.\deinfa]+",
    "place": r"\[[\d, ]*\]",
}
_FIELD = re.compile(r"\{(\w+)\}")
#: What the kernel says of values that it does not write out, beside texts and code, which stay as they are.
_VALUES = re.compile(
    r"""(?P<text>`[^`]*`|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    rf"|\b(?P<dtype>{'|'.join(sorted(DTYPES, key=len, reverse=True))}) of shape (?P<shape>\([\d, ]*\))"
    r"|(?<![^\s(\[{])(?P<ours>a tensor|a numpy array|a function)\b"
    r"|(?<![^\s(\[{])an? (?P<name>[A-Za-z_]\w*)"
)


def in_words(text: str) -> str:
    """A text of the kernel's, translated as far as it is the kernel's own and not the learner's data."""
    if current_language() == "en" or not text:
        return text
    if found := _CALLED.fullmatch(text):
        call = say("called with {call}", call=_values(found["call"]))
        return f"{call}: {in_words(found['note'])}" if found["note"] else call
    if found := _LOSSES.fullmatch(text):
        return say("a loss from {first} to {last}", first=found["first"], last=found["last"])
    for template in _TEXTS:
        if found := _pattern(template).fullmatch(text):
            return say(template, **{name: _values(value) for name, value in found.groupdict().items()})
    return _values(text)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """What fits a template; its fields as groups."""
    parts = _FIELD.split(template)
    for at in range(0, len(parts), 2):
        parts[at] = re.escape(parts[at])
    for at in range(1, len(parts), 2):
        parts[at] = f"(?P<{parts[at]}>{_SIGNS.get(parts[at], '.*?')})"
    return re.compile("".join(parts), re.DOTALL)


def _values(text: str) -> str:
    """Kinds of values, and tensors that are too big to be written out, wherever the text has them."""
    return _VALUES.sub(_value, text)


def _value(found: re.Match[str]) -> str:
    if found["dtype"]:
        return say("{dtype} of shape {shape}", dtype=found["dtype"], shape=found["shape"])
    if found["ours"]:
        return say(found["ours"])
    return found["name"] or found[0]
