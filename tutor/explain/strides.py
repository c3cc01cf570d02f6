"""Arithmetic of shapes and strides over memory: which views exist, which elements tensors have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from tutor.facts import Shape, StorageFacts, TensorFacts

#: Elements that are listed one by one before the answer is "cannot tell".
LIMIT = 16_384


@dataclass(frozen=True)
class Seam:
    """Two neighbouring dimensions that a new shape would have to run together, and cannot.

    One step along `dimension` moves `step` places in memory, where `count` elements that lie
    `gap` places apart would need it to move `count * gap`."""

    dimension: int
    step: int
    count: int
    gap: int


def view_seam(shape: Shape, stride: Shape, new: Sequence[int]) -> Seam | None:
    """Where viewing (shape, stride) as `new` fails; None where the view exists.

    `new` has no -1 and as many elements, at least one."""
    dimension, view_count, count = len(new) - 1, 1, 1
    gap = stride[-1] if stride else 1
    for at in range(len(shape) - 1, -1, -1):
        count *= shape[at]
        if at > 0 and (shape[at - 1] == 1 or stride[at - 1] == count * gap):
            continue
        while dimension >= 0 and (view_count < count or new[dimension] == 1):
            view_count *= new[dimension]
            dimension -= 1
        if view_count != count:
            return Seam(at - 1, stride[at - 1], count, gap)
        if at > 0:
            gap, count, view_count = stride[at - 1], 1, 1
    return None


def resolve(sizes: Sequence[int], numel: int) -> Shape | None:
    """`sizes` with its -1 worked out; None where the elements do not fit."""
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) > 1 or any(size < -1 for size in sizes):
        return None
    if -1 in sizes:
        if known == 0 or numel % known:
            return None
        return tuple(numel // known if size == -1 else size for size in sizes)
    return tuple(sizes) if known == numel else None


def broadcast(first: Shape, second: Shape) -> Shape | None:
    """The shape that two shapes stretch to, None where they do not fit."""
    longest = max(len(first), len(second))
    left = (1,) * (longest - len(first)) + first
    right = (1,) * (longest - len(second)) + second
    if any(a != b and 1 not in (a, b) for a, b in zip(left, right, strict=True)):
        return None
    return tuple(b if a == 1 else a for a, b in zip(left, right, strict=True))


def places(shape: Shape, stride: Shape) -> list[int]:
    """Places in memory of all elements in reading order, the first element being at 0."""
    found = [0]
    for size, step in zip(shape, stride, strict=True):
        found = [place + i * step for place in found for i in range(size)]
    return found


def elements(facts: TensorFacts, block: StorageFacts) -> list[int] | None:
    """For each element of `facts` in reading order its position in `block`, counted in the block's dtype.

    None above `LIMIT` elements, or where positions are not whole."""
    if facts.shape is None or facts.stride is None or not facts.itemsize or facts.numel is None:
        return None
    if facts.numel > LIMIT or facts.itemsize != block.itemsize:
        return None
    if block.start and facts.data_ptr:
        low = facts.data_ptr - block.start
    else:
        low = (facts.offset or 0) * facts.itemsize
    if low % block.itemsize:
        return None
    return [low // block.itemsize + place for place in places(facts.shape, facts.stride)]


def fills(facts: TensorFacts, block: StorageFacts) -> bool:
    """Whether `facts` covers every byte of the block."""
    if not facts.numel or not facts.itemsize or facts.shape is None or facts.stride is None:
        return False
    if facts.numel * facts.itemsize != block.nbytes:
        return False
    span = 1
    for step, size in sorted((s, n) for n, s in zip(facts.shape, facts.stride, strict=True) if n > 1):
        if step != span:
            return False
        span *= size
    return True


def contiguous_stride(shape: Shape) -> Shape:
    """The stride of a contiguous tensor."""
    stride, step = [], 1
    for size in reversed(shape):
        stride.append(step)
        step *= max(1, size)
    return tuple(reversed(stride))


def index_of(position: int, shape: Shape) -> Shape:
    """The index of the element that comes at `position` in reading order."""
    index: list[int] = []
    for size in reversed(shape):
        position, rest = divmod(position, size)
        index.append(rest)
    return tuple(reversed(index))
