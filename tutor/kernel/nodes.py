"""Numbers of autograd nodes: kept in the node itself, so they hold nothing and die with it."""

from __future__ import annotations

from itertools import count
from typing import Any

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

KEY = "torchtutor"
next_number = count(1).__next__


def number(node: Any) -> int:
    """The number of `node`: the same as long as it lives, through every backward, and never used again.

    torch keeps `metadata` in the C++ node, so it outlasts the Python object that stands for the node; no
    attribute that a learner gives to a node of their own Function can stand in its way.
    """
    metadata = node.metadata
    known = metadata.get(KEY)
    if known is None:
        known = metadata[KEY] = next_number()
    return int(known)


def known_number(node: Any) -> int | None:
    """The number of `node` if it has one already."""
    known = node.metadata.get(KEY)
    return None if known is None else int(known)
