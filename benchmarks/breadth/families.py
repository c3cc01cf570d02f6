"""Messages as templates, and the family of errors that each belongs to."""

from __future__ import annotations

import re

from benchmarks.breadth.inputs import Case

#: In the order in which they are asked: the first of which a pattern is found is taken.
_FAMILIES = {
    "internal": ("INTERNAL ASSERT", "internal error:", "report a bug", "report an enhancement"),
    "types": ("^TypeError", r"^AttributeError: '\w+' object"),
    "devices": ("same device", "different device", "but got devices"),
    "dims": (
        "Dimension (?:out of range|specified as)", "dims? .* multiple times", "tensor has no dimensions",
        "repeated dim", "Duplicate dim", "dimensions cannot be identical", "rotation dims", "total dims",
        "number of dims as", "shifts and dimensions must align", "negative dim ", "dim < ",
    ),
    "indices": (
        r"\bindex\b.* out of (?:bounds|range)", "out of bounds", "start out of range",
        "exceeds dimension size", "selected (?:number|index)", r"indices? .*\bout of range",
    ),
    "conversion": ("converted to", "Boolean value of Tensor", "can't convert", "Can't call numpy"),
    "values": (
        "must be (?:positive|greater|non-negative|between|in range)", "non-negative", "non-positive",
        "greater than zero", "probabilit", "pad should be", "sample", "is not a valid", "not supported",
    ),
    "dtypes": (
        "dtype", "floating[- ]point", r"type \(", "bool tensor", "integral", "expects? (?:float|long)",
        "same type", "scalar type", r"Long\b", "complex (?:tensor|param|input|number)", "not implemented for",
    ),
    "autograd": ("requires_grad", "require grad", r"\bbackward\b", r"\bleaf\b", "grad_fn", "inference"),
    "shapes": (
        r"\bsizes?\b", r"\bshapes?d?\b", r"[Dd]imension(?:s|al|ality)?\b", r"\bn?dims?\b", r"\belements?\b",
        r"[\dN]-?[dD]\b", "same length", "broadcast", r"\bmatch\b", "[Bb]atch", "matri(?:x|ces)", "vector",
        "channel", "non-?empty", "input_size", "hidden_size", "squared", "bins must be", "zero-dim",
    ),
}  # fmt: skip
#: No families of errors that a beginner meets: they are told apart, and owe the general explanation only.
OUTSIDE = frozenset({"outside", "internal"})
_DTYPES = (
    r"(?:torch\.)?(?:c10::)?"
    r"(?:complex<\w+>|b?float\d+|double|u?int\d+|complex\d+|bool|long int|unsigned char)\b"
    r"|\b(?:Float|Double|Half|BFloat16|Long|Int|Short|Char|Byte|Bool|ComplexFloat|ComplexDouble)\b"
)


def family(case: Case, raised: str) -> str:
    """The family of an error, from where it came and its `Type: message`."""
    if case.outside:
        return "outside"
    line = raised.split("\n", maxsplit=1)[0]
    if case.origin.startswith("optimizer"):
        return "optimizers"
    found = (name for name, patterns in _FAMILIES.items() if any(re.search(p, line) for p in patterns))
    return next(found, "modules" if case.origin.startswith("module") else "values")


def template(case: Case, raised: str) -> str:
    """A message without its numbers, shapes, types and names: what many errors have in common."""
    text = raised.split("\n", maxsplit=1)[0]
    text = re.sub(r"(invalid combination of arguments).*", r"\1", text)
    text = re.sub(r"torch\.sparse_\w+|torch\.strided", "LAYOUT", text)
    text = re.sub(_DTYPES, "DTYPE", text)
    names = {case.function.rpartition(".")[2], case.origin.split(" ")[1].rpartition(".")[2]}
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(
            rf"(?:torch\.|linalg\.|special_|nn\.)*\b{re.escape(name)}(?:_?\dd)?\b(?:\(\))?", "F", text
        )
    text = re.sub(r"argument '\w+' \(position \d+\)", "argument 'P'", text)
    text = re.sub(r"[\[(]\s*(?:-?[\d.]+\s*,?\s*)*[\])]", "SHAPE", text)
    text = re.sub(r"\b-?\d+(?:x-?\d+)+\b", "SHAPE", text)
    text = re.sub(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.]\w)", "N", text)
    text = re.sub(r"\d+(?=-?[dD]\b)", "N", text)
    return re.sub(r"\s+", " ", text).strip()[:150]
