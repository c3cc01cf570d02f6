"""What torch's operations require of the shapes of their arguments, as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from tutor.explain.wording import count_text, or_text, phrase
from tutor.facts import Shape

#: Most dimensions that an argument with more than a few of them may have.
MOST = 64
_AT_LEAST = "have at least {least}"
_NUMBER = "be a single number, without dimensions"
_EXACTLY = "have {least}"
_AT_MOST = "have at most {most}"
_ONE_OF = "have {ranks} dimensions"
_IS_SQUARE = "be a square matrix, or a batch of them, with two equal sizes last"
_IS_FILLED = "have no size of 0"
_IS_VECTORS = "have a dimension of size 3, as vectors in space have"


@dataclass(frozen=True)
class Demand:
    """What one argument must be: whether a shape fits, and how a sentence says it."""

    parameters: tuple[str, ...]
    fits: Callable[[Shape], bool]
    needs: str
    least: int = 0
    most: int = 0

    @property
    def words(self) -> str:
        """What it must be, to stand behind "must"."""
        few = range(self.least, self.most + 1) if self.most < MOST else range(1)
        ranks = reduce(lambda one, other: or_text((one, other)), map(str, few))
        least, most = count_text(self.least, "dimension"), count_text(self.most, "dimension")
        return phrase(self.needs, least=least, most=most, ranks=ranks)


@dataclass(frozen=True)
class Alike:
    """Arguments that must have the same shape, or the same number of dimensions."""

    parameters: tuple[str, ...]
    shape: bool
    why: str


def _dims(parameter: str, least: int, most: int | None = None) -> Demand:
    if most is None:
        words = _AT_LEAST
    elif most == 0:
        words = _NUMBER
    elif least == most:
        words = _EXACTLY
    elif least == 0:
        words = _AT_MOST
    else:
        words = _ONE_OF
    return Demand(
        tuple(parameter.split("|")),
        lambda shape: len(shape) >= least and (most is None or len(shape) <= most),
        words,
        least,
        MOST if most is None else most,
    )


def _square(parameter: str) -> Demand:
    return Demand(
        tuple(parameter.split("|")),
        lambda shape: len(shape) >= 2 and shape[-1] == shape[-2],
        _IS_SQUARE,
    )


def _filled(parameter: str) -> Demand:
    return Demand((parameter,), lambda shape: 0 not in shape, _IS_FILLED)


def _vectors(parameter: str) -> Demand:
    return Demand((parameter,), lambda shape: 3 in shape, _IS_VECTORS)


_MATRIX = "A|input"
_SQUARES = (
    "det", "slogdet", "logdet", "inv", "inverse", "cholesky", "cholesky_ex", "inv_ex", "eig", "eigh",
    "eigvals",
    "eigvalsh", "matrix_power", "matrix_exp", "solve", "solve_ex", "ldl_factor", "cholesky_inverse",
)  # fmt: skip

#: By the word for the operation in all of its forms.
DEMANDS: dict[str, tuple[Demand, ...]] = {
    **{name: (_square(_MATRIX),) for name in _SQUARES},
    **{name: (_dims("input", 0, MOST),) for name in ("amax", "amin", "aminmax", "max", "min", "flip")},
    **{name: (_dims(_MATRIX, 2),) for name in ("svd", "svdvals", "pinv", "qr", "matrix_rank", "lstsq", "lu")},
    "t": (_dims("input", 0, 2),),
    "t_copy": (_dims("input", 0, 2),),
    "trace": (_dims("input", 2, 2),),
    "tril": (_dims("input", 2),),
    "triu": (_dims("input", 2),),
    "diag": (_dims("input", 1, 2),),
    "rot90": (_dims("input", 2),),
    "fliplr": (_dims("input", 2),),
    "flipud": (_dims("input", 1),),
    "renorm": (_dims("input", 2),),
    "cov": (_dims("input", 0, 2), _dims("fweights", 0, 1), _dims("aweights", 0, 1)),
    "corrcoef": (_dims("input", 0, 2),),
    "multinomial": (_dims("input", 1, 2),),
    "bucketize": (_dims("boundaries", 1, 1),),
    "linspace": (_dims("start", 0, 0), _dims("end", 0, 0)),
    "logspace": (_dims("start", 0, 0), _dims("end", 0, 0)),
    "masked_fill": (_dims("value", 0, 0),),
    "ormqr": (_dims("input", 2), _dims("input3|other", 2)),
    "outer": (_dims("input", 1, 1), _dims("vec2", 1, 1)),
    "ger": (_dims("input", 1, 1), _dims("vec2", 1, 1)),
    "hsplit": (_dims("input", 1),),
    "vsplit": (_dims("input", 2),),
    "dsplit": (_dims("input", 3),),
    "prelu": (_dims("input", 1), _dims("weight", 0, 1)),
    "cdist": (_dims("x1", 2), _dims("x2", 2)),
    "pdist": (_dims("input", 2, 2),),
    "pixel_shuffle": (_dims("input", 3),),
    "pixel_unshuffle": (_dims("input", 3),),
    "vander": (_dims("x", 1),),
    "bincount": (_dims("input", 1, 1), _dims("weights", 1, 1)),
    "combinations": (_dims("input", 1, 1),),
    "interpolate": (_dims("input", 3, 5),),
    "upsample": (_dims("input", 3, 5),),
    "multi_margin_loss": (
        _dims("input", 0, 2),
        _filled("input"),
        _dims("target", 0, 1),
        _dims("weight", 1, 1),
    ),
    "multilabel_margin_loss": (_dims("input", 0, 2), _filled("input")),
    "glu": (_dims("input", 1),),
    "adjoint": (_dims("input", 2),),
    "mT": (_dims("self|input", 2),),
    "mH": (_dims("self|input", 2),),
    "linear_cross_entropy": (_dims("input", 1, 2), _dims("linear_weight", 2)),
    "cross": (_vectors("input"), _vectors("other")),
}

_TRIPLET = Alike(("anchor", "positive", "negative"), shape=False, why="compares each anchor with both others")

#: By the same word: arguments that are compared, or belong together place by place.
ALIKE: dict[str, Alike] = {
    "triplet_margin_loss": _TRIPLET,
    "triplet_margin_with_distance_loss": _TRIPLET,
    "margin_ranking_loss": Alike(
        ("input1", "input2", "target"),
        shape=False,
        why="compares both inputs, and asks the target which wins",
    ),
    "cross": Alike(("input", "other"), shape=False, why="pairs their vectors"),
    "multilabel_margin_loss": Alike(("input", "target"), shape=True, why="has one label for each score"),
    "multilabel_soft_margin_loss": Alike(("input", "target"), shape=True, why="has one label for each score"),
}


@dataclass(frozen=True)
class Counts:
    """Two list arguments that must have as many members as each other."""

    first: str
    second: str
    why: str


#: By the same word.
COUNTS: dict[str, Counts] = {
    "movedim": Counts("source", "destination", "each dimension that is moved needs a place to go to"),
    "moveaxis": Counts("source", "destination", "each dimension that is moved needs a place to go to"),
    "roll": Counts("shifts", "dims", "each dimension that is rolled needs a number of places"),
    "gradient": Counts("spacing", "dim", "each dimension needs one distance between its points"),
    "empty_permuted": Counts("size", "physical_layout", "the order names each dimension once"),
}


@dataclass(frozen=True)
class Equal:
    """Two sizes of two arguments that must be the same: each a parameter and a dimension of it."""

    first: tuple[str, int]
    second: tuple[str, int]
    why: str


#: By the same word.
EQUAL: dict[str, tuple[Equal, ...]] = {
    "cdist": (Equal(("x1", -1), ("x2", -1), "the distance of two rows needs numbers for the same columns"),),
    "prelu": (Equal(("weight", 0), ("input", 1), "each channel, in dimension 1, has a slope of its own"),),
    "repeat_interleave": (Equal(("repeats", 0), ("input", 0), "each entry has a number of repeats"),),
    "linear": (Equal(("bias", 0), ("weight", 0), "each output has a bias of its own"),),
    "multi_margin_loss": (Equal(("weight", 0), ("input", 1), "each class has a weight of its own"),),
    "linear_cross_entropy": (
        Equal(("input", -1), ("linear_weight", -1), "each row is multiplied with each row of the weight"),
        Equal(("linear_bias", 0), ("linear_weight", 0), "each class has a bias of its own"),
    ),
}
