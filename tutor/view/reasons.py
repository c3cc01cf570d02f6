"""Why a fact is not known, as the kernel says it in English, in the language that is spoken."""

from __future__ import annotations

import re
from functools import cache

from tutor.translation import later, say
from tutor.view.words import clean

#: All that the kernel has to say of it, apart from torch's own words.
_REASONS = (
    later("there is no tensor under this name"),
    later("it cannot be read"),
    later("no plain values can be shown for {what}"),
    later("its memory has been given back"),
    later("its memory cannot be read from here"),
    later("a fake tensor: it stands for one on {device} and has no values"),
    later("what the values are is up to the class {type}"),
    later("nested: its parts have shapes of their own"),
    later("{layout}: the values are not laid out by strides"),
    later("a meta tensor has a shape and a dtype, and no values"),
    later("inside a function transform it stands for many tensors"),
    later("the stored integers, as int_repr() has them; dequantize() has the values"),
    later("conjugated as it is read: memory holds the other sign"),
    later("negated as it is read: memory holds the other sign"),
    later("not kept for this moment"),
    later("memory belongs to what this type wraps"),
    later("strides are not whole elements"),
    later("it runs inside torch.compile"),
    later("torch.jit is tracing"),
    later("a dispatch mode is on"),
    later("it runs inside a function transform"),
    later("the profiler is on"),
    later("its gradients come in batches"),
    later("too many passes in one statement"),
)
_FIELD = re.compile(r"\\{(\w+)\\}")


def reason_words(reason: str) -> str:
    """A reason of the kernel's, safe to show; torch's own words stay as they are."""
    for template, pattern in _patterns():
        if found := pattern.fullmatch(reason):
            return say(template, **{name: clean(field) for name, field in found.groupdict().items()})
    return clean(reason)


def unread_words(reasons: str) -> str:
    """All reasons why facts of one tensor are not known."""
    return "; ".join(map(reason_words, reasons.split("; ")))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((each, re.compile(_FIELD.sub(r"(?P<\1>.+)", re.escape(each)))) for each in _REASONS)
