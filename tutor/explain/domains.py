"""Which values parameters of torch take, by the name of the parameter and the operation."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from tutor.facts import Argument

Number = int | float


@dataclass(frozen=True)
class Domain:
    """The values that a parameter takes in some operations."""

    parameters: frozenset[str]
    #: Operations by the word that `calls.operation` has for them, or by a class of torch.
    operations: re.Pattern[str]
    fits: Callable[[Number], bool]
    #: What it must be: `from 0 to 1`.
    words: str
    #: What it is for, in one short sentence.
    meaning: str = ""


@dataclass(frozen=True)
class Choice:
    """The words that a parameter takes."""

    parameters: frozenset[str]
    operations: re.Pattern[str]
    words: tuple[str, ...]


def _domain(
    names: str, operations: str, fits: Callable[[Number], bool], words: str, meaning: str = ""
) -> Domain:
    return Domain(frozenset(names.split()), re.compile(operations), fits, words, meaning)


def _share(one: Number) -> bool:
    return 0 <= one <= 1


def _positive(one: Number) -> bool:
    return one > 0


def _not_negative(one: Number) -> bool:
    return one >= 0


_ABOVE = "greater than 0"
_FROM_0 = "0 or greater"
_POOL = r".*(pool|Pool).*"
_RNN = "RNN|LSTM|GRU|RNNCell|LSTMCell|GRUCell"
_MAKERS = "zeros|ones|empty|full|rand|randn|randint|new_zeros|new_ones|new_full|new_empty|Tensor|normal"
_WINDOWS = (
    "bartlett|blackman|cosine|exponential|gaussian|general_cosine|general_hamming|hamming|hann|kaiser|nuttall"
    "|hann_window|hamming_window|blackman_window|bartlett_window|kaiser_window"
)

DOMAINS: tuple[Domain, ...] = (
    _domain("p", ".*[Dd]ropout.*|bernoulli", _share, "from 0 to 1", "It is the probability of a 0."),
    _domain("p", "geometric", lambda one: 0 < one < 1, "between 0 and 1"),
    _domain("p", "multi_margin_loss|MultiMarginLoss", lambda one: one in (1, 2), "1 or 2"),
    _domain(
        "label_smoothing", ".*", _share, "from 0 to 1", "It is how much of each target is spread evenly."
    ),
    _domain("q", "quantile|nanquantile", _share, "from 0 to 1"),
    _domain("eps", "batch_norm|BatchNorm.*", _positive, _ABOVE, "It keeps the division away from 0."),
    _domain("output_size", _POOL, _not_negative, _FROM_0),
    _domain("divisor_override", _POOL, lambda one: one != 0, "other than 0"),
    _domain("input_size hidden_size num_layers", _RNN, _positive, _ABOVE),
    _domain("in_features out_features", "Linear|Bilinear|LazyLinear", _not_negative, _FROM_0),
    _domain("in_channels out_channels", "(Lazy)?Conv.*", _positive, _ABOVE),
    _domain("num_features", "(Batch|Instance)Norm.*", _not_negative, _FROM_0),
    _domain("num_embeddings embedding_dim", "Embedding(Bag)?", _not_negative, _FROM_0),
    _domain("num_heads embed_dim", "MultiheadAttention", _positive, _ABOVE),
    _domain("num_groups", "GroupNorm|group_norm", _positive, _ABOVE),
    _domain("size", _MAKERS, _not_negative, _FROM_0, "A size is how many elements a dimension has."),
    _domain("steps", "linspace|logspace", _not_negative, _FROM_0, "It is how many numbers there are to be."),
    _domain("step", "arange|range", lambda one: one != 0, "other than 0"),
    _domain("start end", "arange|range", math.isfinite, "finite"),
    _domain("n m", "eye", _not_negative, _FROM_0, "It is how many rows or columns there are to be."),
    _domain("n", "randperm|diff", _not_negative, _FROM_0),
    _domain("M window_length", _WINDOWS, _not_negative, _FROM_0, "It is how long the window is."),
    _domain("std tau", _WINDOWS, _positive, _ABOVE),
    _domain("beta", _WINDOWS, _not_negative, _FROM_0),
    _domain("delta", "huber_loss|HuberLoss", _positive, _ABOVE),
    _domain("beta", "smooth_l1_loss|SmoothL1Loss", _not_negative, _FROM_0),
    _domain("margin", "triplet_margin.*|Triplet.*", _positive, _ABOVE),
    _domain("num_samples", "multinomial", _positive, _ABOVE, "It is how many are to be drawn."),
    _domain("lambd", "softshrink|hardshrink|Softshrink", _not_negative, _FROM_0),
    _domain("lambd", "exponential", _positive, _ABOVE),
    _domain("sigma", "cauchy", _positive, _ABOVE),
    _domain("std", "log_normal", _positive, _ABOVE),
    _domain("std", "normal|trunc_normal", _not_negative, _FROM_0, "It is how far numbers lie from the mean."),
    _domain("edge_order", "gradient", lambda one: one in (1, 2), "1 or 2"),
    _domain(
        "rtol atol", "isclose|allclose", _not_negative, _FROM_0, "It is how far apart two numbers may be."
    ),
    _domain("bins", "histc|histogram", _positive, _ABOVE),
    _domain(
        "num_classes", "one_hot", lambda one: one == -1 or one > 0, "greater than 0, or -1 to look for it"
    ),
    _domain("upscale_factor", "PixelShuffle|pixel_shuffle", _positive, _ABOVE),
    _domain("scale_factor size", "interpolate|Upsample", _positive, _ABOVE),
)


def _choice(names: str, operations: str, words: str) -> Choice:
    return Choice(frozenset(names.split()), re.compile(operations), tuple(words.split()))


CHOICES: tuple[Choice, ...] = (
    _choice("reduction", "kl_div|KLDivLoss", "none batchmean mean sum"),
    _choice("reduction", r".*(loss|Loss|entropy).*", "none mean sum"),
    _choice("padding_mode", "Conv.*", "zeros reflect replicate circular"),
    _choice("padding_mode", "grid_sample", "zeros border reflection"),
    _choice("mode", "pad", "constant reflect replicate circular"),
    _choice(
        "mode", "interpolate|Upsample", "nearest linear bilinear bicubic trilinear lanczos area nearest-exact"
    ),
    _choice("mode", "grid_sample", "bilinear nearest bicubic"),
    _choice("mode", "embedding_bag|EmbeddingBag", "sum mean max"),
    _choice("nonlinearity", "RNN|RNNCell", "tanh relu"),
    _choice(
        "nonlinearity", "calculate_gain|kaiming_.*", "linear relu leaky_relu tanh sigmoid selu conv1d conv2d"
    ),
    _choice("mode", "kaiming_.*", "fan_in fan_out"),
    _choice("approximate", "gelu|GELU", "none tanh"),
    _choice("rounding_mode", "div|divide", "trunc floor"),
    _choice("reduce", "scatter_reduce|index_reduce", "sum prod mean amax amin"),
    _choice("indexing", "meshgrid", "ij xy"),
    _choice("padding", "[cC]onv.*", "same valid"),
    _choice("layout", _WINDOWS, "torch.strided"),
    _choice("dtype", _WINDOWS, "torch.float32 torch.float64"),
)


@dataclass(frozen=True)
class Inside:
    """What the elements of a tensor must be."""

    operations: re.Pattern[str]
    parameters: frozenset[str]
    low: Number | None
    high: Number | None
    words: str
    meaning: str = ""


def _inside(
    names: str, operations: str, low: Number | None, high: Number | None, words: str, meaning: str = ""
) -> Inside:
    return Inside(re.compile(operations), frozenset(names.split()), low, high, words, meaning)


INSIDE: tuple[Inside, ...] = (
    _inside("input self", "binary_cross_entropy|bernoulli", 0, 1, "from 0 to 1", "They are probabilities."),
    _inside("target", "binary_cross_entropy", 0, 1, "from 0 to 1"),
    _inside("input self", "multinomial", 0, None, _FROM_0, "They are weights to draw by."),
    _inside("input self", "bincount", 0, None, _FROM_0, "They are what is counted."),
    _inside("input self tensor", "one_hot", 0, None, _FROM_0, "They are the numbers of classes."),
    _inside("var", "gaussian_nll_loss", 0, None, _FROM_0, "It is a variance."),
    _inside("fweights aweights", "cov", 0, None, _FROM_0, "They are weights."),
    _inside("input self", "poisson", 0, None, _FROM_0, "They are rates."),
)


def numbers(argument: Argument) -> list[Number]:
    """The plain numbers that an argument is or lists; none where it is something else."""
    return parse(argument.value) if argument.kind in ("number", "list", "tuple") else []


def parse(source: str | None) -> list[Number]:
    """The numbers in the source of a number or a tuple of them."""
    text = re.sub(r"\binf\b", "1e999", source or "")
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return []
    found = list(value) if isinstance(value, list | tuple) else [value]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in found):
        return []
    return found
