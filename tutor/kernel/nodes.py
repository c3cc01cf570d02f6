"""Numbers of autograd nodes: kept in the node itself, so they hold nothing and die with it."""

from __future__ import annotations

from itertools import count
from typing import Any

import torch

from tutor.kernel import raw

_KEY = "torchtutor"
_FUNCTION = torch._C._FunctionBase
#: A learner's Function may have any attribute, so the base's own reader is used for its nodes.
_custom_metadata: raw.Getter = _FUNCTION.__dict__["metadata"].__get__
_next = count(1).__next__


def number(node: Any) -> int:
    """The number of `node`: the same as long as it lives, through every backward, and never used again.

    torch keeps `metadata` in the C++ node, so it outlasts the Python object that stands for the node.
    """
    metadata = _custom_metadata(node) if raw.is_a(node, _FUNCTION) else node.metadata
    known = metadata.get(_KEY)
    if known is None:
        known = metadata[_KEY] = _next()
    return int(known)


def known_number(node: Any) -> int | None:
    """The number of `node` if it has one already."""
    metadata = _custom_metadata(node) if raw.is_a(node, _FUNCTION) else node.metadata
    known = metadata.get(_KEY)
    return None if known is None else int(known)
