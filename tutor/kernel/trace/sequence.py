"""One order for everything that is seen to happen: operations and backward passes."""

from __future__ import annotations

from itertools import count

_NUMBERS = count(1)


def next_number() -> int:
    """A number greater than all before it; never given twice in this kernel."""
    return next(_NUMBERS)
