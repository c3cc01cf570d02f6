"""What torch itself says a gradient is, in the words of the records."""

from __future__ import annotations

import numpy as np
import torch

from tutor.facts import BackwardFacts, GradientFacts, PassedNode
from tutor.kernel.elements import decode, texts_of


def words(tensor: torch.Tensor | None, most: int = 256) -> tuple[str, ...] | None:
    """The elements of a gradient as a record has them: all, or the first eight of many."""
    if tensor is None:
        return None
    plain = torch.zeros(tensor.shape) if tensor._is_zerotensor() else tensor.detach()
    flat = plain.resolve_conj().resolve_neg().reshape(-1)
    flat = flat if flat.numel() <= most else flat[:8]
    data = flat.contiguous().view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    values = decode(data, str(tensor.dtype).removeprefix("torch."))
    assert values is not None
    return texts_of(np.asarray(values))


def said(facts: GradientFacts | None) -> tuple[str, ...] | None:
    return None if facts is None else facts.values


def node(backward: BackwardFacts, variable: str) -> PassedNode:
    """The node that made `variable`, or that fills it."""
    (found,) = [one for one in backward.nodes if one.variable == variable]
    return found


def order(backward: BackwardFacts) -> list[str]:
    return [one.name for one in backward.nodes]
