"""How facts read inside a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import TypeGuard

from tutor.explain.strides import Seam
from tutor.facts import Shape, TensorFacts
from tutor.language import current_language
from tutor.translation import joined, particles, translated

_SEAM = """
Shape {new} joins dimension {dimension} with what is behind it, which works only where one step along
dimension {dimension} moves {count:,} × {gap:,} = {needed:,} places in memory; here it moves {step:,}.
"""


_LAYOUT = "shape {shape} and stride {stride}"
_LAYOUT_FROM = "{layout}, from place {offset:,} on"
_AND = "{first} and {last}"
_OR = "{first} or {last}"
_AND_MORE = "{first} and {more} more"
#: What is counted, each with its number.
_COUNTS = {
    noun: f"{{count:,}} {noun}"
    for noun in (
        "argument", "channel", "dimension", "element", "feature", "group", "layer", "letter", "number",
        "parameter", "result", "round", "row", "sample", "score", "tensor",
    )
}  # fmt: skip


def fill(template: str, **fields: object) -> str:
    """A template of any line breaks as one paragraph, with its named fields; empty ones leave no gap.

    It is filled in the language that is spoken; a field that is itself a text of a catalog is said in it."""
    words = joined(translated(template)).format(**_said(fields))
    return particles(re.sub(r"(?<=[.!:]) {2,}(?=\S)", " ", words).strip())


def _said(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: translated(one) if _is_text(one) else one for name, one in fields.items()}


def _is_text(field: object) -> TypeGuard[str]:
    """Whether a field may be a text of ours; a single word may as well be a name of the learner's."""
    return isinstance(field, str) and " " in field.strip()


def phrase(template: str, **fields: object) -> str:
    """A part of a sentence, filled as `fill` does it, with its line breaks and gaps just as they are."""
    return particles(translated(template).format(**_said(fields)))


def shape_text(shape: Sequence[int]) -> str:
    """`[2, 3]`."""
    return "[" + ", ".join(map(str, shape)) + "]"


def stride_text(stride: Sequence[int]) -> str:
    """`(3, 1)`; one number without a comma behind it."""
    return "(" + ", ".join(map(str, stride)) + ")"


def layout_text(shape: Sequence[int], stride: Sequence[int], offset: int | None = None) -> str:
    """`shape [2, 3] and stride (3, 1)`, and the place of the first element where that is not 0."""
    layout = phrase(_LAYOUT, shape=shape_text(shape), stride=stride_text(stride))
    return phrase(_LAYOUT_FROM, layout=layout, offset=offset) if offset else layout


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
        return phrase(_AND_MORE, first=", ".join(shown), more=len(names) - most)
    return and_text(shown)


def and_text(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return phrase(_AND, first=", ".join(parts[:-1]), last=parts[-1]) if len(parts) > 1 else parts[0]


def or_text(parts: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return phrase(_OR, first=", ".join(parts[:-1]), last=parts[-1]) if len(parts) > 1 else parts[0]


def count_text(count: int, noun: str) -> str:
    """`1 element`, `1,000 elements`."""
    words = translated(_COUNTS[noun]).format(count=count)
    return words if count == 1 or current_language() != "en" else f"{words}s"


def elements_text(facts: TensorFacts) -> str:
    """How many elements a tensor has, in words."""
    return count_text(facts.numel or 0, "element")


def maker(grad_fn: str) -> str:
    """`MulBackward0` as the operation that it undoes: `mul`."""
    return re.sub(r"Backward\d*$", "", grad_fn).lower()
