"""Why a kernel refused to start, in the language that is spoken: the kernel itself knows English only."""

from __future__ import annotations

import re
import string

from tutor.translation import later, say

#: The sentences of `kernel/device` and `kernel/worker`.
_SENTENCES = (
    later(
        "There is no device `{device}` here; this torch ({version}) sees {devices}: choose one of these with "
        "--device, or the simulated one, `sim`."
    ),
    later("This torchtutor came without the simulated device: choose --device cpu."),
    later(
        "The simulated device needs `{name}`, which this torch ({version}) does not have: choose --device "
        "cpu, or another version of torch."
    ),
    later("The kernel cannot import what it needs ({error}): install torch for this Python."),
)


def retold(sentence: str) -> str:
    """The sentence in the language that is spoken; one that is not known stays as it is."""
    for template in _SENTENCES:
        if found := _pattern(template).fullmatch(sentence):
            return say(template, **found.groupdict())
    return sentence


def _pattern(template: str) -> re.Pattern[str]:
    """What a filled template looks like, with a group for each field."""
    parts = string.Formatter().parse(template)
    return re.compile(
        "".join(re.escape(text) + (f"(?P<{name}>.*)" if name else "") for text, name, _, _ in parts),
        re.DOTALL,
    )
