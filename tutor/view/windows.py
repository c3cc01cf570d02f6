"""Windows of values: which elements they have, and where to look next."""

from __future__ import annotations

from itertools import product
from math import prod

from tutor.facts import Shape, StorageFacts, TensorFacts, Values
from tutor.view.places import has_element, position


def start_of(values: Values) -> Shape:
    """The index of the window's first element."""
    return values.start if len(values.start) == len(values.window) else (0,) * len(values.window)


def place_in(values: Values, index: Shape) -> int | None:
    """Where among the texts the element at `index` is; None if it is not in the window."""
    if len(index) != len(values.window):
        return None
    place = 0
    for at, first, size in zip(index, start_of(values), values.window, strict=True):
        if not first <= at < first + size:
            return None
        place = place * size + at - first
    return place


def indices(values: Values) -> list[Shape]:
    """The index of every text."""
    ranges = (range(first, first + size) for first, size in zip(start_of(values), values.window, strict=True))
    return list(product(*ranges))


def is_in_sight(facts: TensorFacts, values: Values | None, index: Shape) -> bool:
    """Whether the element is in the window together with its neighbours, where it has room for them."""
    if facts.shape is None or values is None or values.reason is not None:
        return False
    if len(values.window) != len(facts.shape) or place_in(values, index) is None:
        return False
    return all(map(_is_inside, index, start_of(values), values.window, facts.shape))


def _is_inside(at: int, first: int, shown: int, size: int) -> bool:
    if shown < 3:  # there is no room for both
        return True
    return (at > first or first == 0) and (at < first + shown - 1 or first + shown == size)


def texts_by_cell(values: Values, facts: TensorFacts, block: StorageFacts) -> dict[int, str]:
    """The window's texts by their cells in the block; none where those are of another size."""
    if len(values.texts) != prod(values.window) or facts.itemsize != block.itemsize:
        return {}
    found = {}
    for index, text in zip(indices(values), values.texts, strict=True):
        start = position(facts, block, index) if has_element(facts, index) else None
        if start is not None and start % block.itemsize == 0:
            found[start // block.itemsize] = text
    return found
