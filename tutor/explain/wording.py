"""How facts read inside a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod

from tutor.explain.strides import Seam
from tutor.facts import Shape, TensorFacts
from tutor.translation import joined, particles, translated

_SEAM = """
Shape {new} joins dimension {dimension} with what is behind it, which works only where one step along
dimension {dimension} moves {count:,} × {gap:,} = {needed:,} places in memory; here it moves {step:,}.
"""


def fill(template: str, **fields: object) -> str:
    """A template of any line breaks as one paragraph, with its named fields; empty ones leave no gap.

    It is filled in the language that is spoken."""
    words = joined(translated(template)).format(**fields)
    return particles(re.sub(r"(?<=[.!:]) {2,}(?=\S)", " ", words).strip())


def shape_text(shape: Sequence[int]) -> str:
    """`[2, 3]`."""
    return "[" + ", ".join(map(str, shape)) + "]"


def stride_text(stride: Sequence[int]) -> str:
    """`(3, 1)`; one number without a comma behind it."""
    return "(" + ", ".join(map(str, stride)) + ")"


def layout_text(shape: Sequence[int], stride: Sequence[int], offset: int | None = None) -> str:
    """`shape [2, 3] and stride (3, 1)`, and the place of the first element where that is not 0."""
    layout = f"shape {shape_text(shape)} and stride {stride_text(stride)}"
    return f"{layout}, from place {offset:,} on" if offset else layout


def product_text(shape: Shape) -> str:
    """The sizes multiplied, `2 * 3 = 6` with the sign for times; of one size, the number."""
    return f"{' × '.join(map(str, shape))} = {prod(shape):,}" if len(shape) > 1 else f"{prod(shape):,}"


def seam_text(seam: Seam, new: Sequence[int]) -> str:
    """Why no stride describes shape `new` over this memory."""
    return fill(
        _SEAM,
        new=shape_text(new),
        dimension=seam.dimension,
        count=seam.count,
        gap=seam.gap,
        needed=seam.count * seam.gap,
        step=seam.step,
    )


def code_list(names: Sequence[str], most: int = 3) -> str:
    """`a`, `b` and `c`, each in backquotes; `most` at most are named."""
    shown = [f"`{name}`" for name in names[:most]]
    if len(names) > most:
        return ", ".join(shown) + f" and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def count_text(count: int, noun: str) -> str:
    """`1 element`, `1,000 elements`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def elements_text(facts: TensorFacts) -> str:
    """How many elements a tensor has, in words."""
    return count_text(facts.numel or 0, "element")


def maker(grad_fn: str) -> str:
    """`MulBackward0` as the operation that it undoes: `mul`."""
    return re.sub(r"Backward\d*$", "", grad_fn).lower()
