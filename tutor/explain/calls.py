"""What rules ask of the failed call: which operation it is in any form, its arguments, and how they read.

`operation` gives one word for all forms of one operation, so that a rule asks once:
`a @ b`, `torch.matmul(a, b)` and `a.matmul(b)` are `matmul`; `nn.Linear(3, 2)(x)`, `F.linear(x, w)` are
`linear`; `x += y` and `x.add_(y)` are `add`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from tutor.explain.reading import Failing
from tutor.explain.wording import count_text, phrase, shape_text
from tutor.facts import Argument, FailedCall, Operand, Step
from tutor.translation import translated

#: Functions that layers and losses of torch.nn call by another name than their own in small letters.
_LAYERS = {
    "CrossEntropyLoss": "cross_entropy", "NLLLoss": "nll_loss", "MSELoss": "mse_loss", "L1Loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss", "HuberLoss": "huber_loss", "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits", "KLDivLoss": "kl_div",
    "PoissonNLLLoss": "poisson_nll_loss", "GaussianNLLLoss": "gaussian_nll_loss", "CTCLoss": "ctc_loss",
    "MarginRankingLoss": "margin_ranking_loss", "HingeEmbeddingLoss": "hinge_embedding_loss",
    "CosineEmbeddingLoss": "cosine_embedding_loss", "TripletMarginLoss": "triplet_margin_loss",
    "SoftMarginLoss": "soft_margin_loss", "MultiMarginLoss": "multi_margin_loss",
    "MultiLabelMarginLoss": "multilabel_margin_loss",
    "MultiLabelSoftMarginLoss": "multilabel_soft_margin_loss",
    "BatchNorm1d": "batch_norm", "BatchNorm2d": "batch_norm", "BatchNorm3d": "batch_norm",
    "SyncBatchNorm": "batch_norm", "InstanceNorm1d": "instance_norm", "InstanceNorm2d": "instance_norm",
    "InstanceNorm3d": "instance_norm", "LayerNorm": "layer_norm", "GroupNorm": "group_norm",
    "RMSNorm": "rms_norm", "LocalResponseNorm": "local_response_norm", "LogSoftmax": "log_softmax",
    "LogSigmoid": "logsigmoid", "EmbeddingBag": "embedding_bag", "Softmax2d": "softmax",
    "CosineSimilarity": "cosine_similarity", "PairwiseDistance": "pairwise_distance",
    "PixelShuffle": "pixel_shuffle", "PixelUnshuffle": "pixel_unshuffle", "Upsample": "interpolate",
    "LeakyReLU": "leaky_relu", "LPPool1d": "lp_pool1d", "LPPool2d": "lp_pool2d", "LPPool3d": "lp_pool3d",
    "NonDynamicallyQuantizableLinear": "linear", "LazyLinear": "linear", "MultiheadAttention":
    "multi_head_attention", "ConvTranspose1d": "conv_transpose1d", "ConvTranspose2d": "conv_transpose2d",
    "ConvTranspose3d": "conv_transpose3d",
}  # fmt: skip
_POOLS = re.compile(r"(Adaptive|Fractional)?(Max|Avg|LP)(Un)?[Pp]ool(\dd)")
#: Sizes of a shape that are written out.
_MOST_SIZES = 12
_RECEIVERS = ("self", "input")


def failed(step: Step) -> FailedCall | None:
    """The call of torch or numpy at which the step's error arose."""
    return step.error.failed if step.error is not None else None


def chain(call: FailedCall | None) -> Iterator[FailedCall]:
    """The call, then what stood at fault inside of it, the deepest last."""
    while call is not None:
        yield call
        call = call.inner


def operation(call: FailedCall) -> str:
    """One word for an operation in all of its forms: `matmul`, `linear`, `add`, `getitem`, `cross_entropy`.

    What is made rather than run keeps its name: `nn.Linear(3)` is `Linear`. What is numpy's says so:
    `numpy.add`."""
    last = call.name.rpartition(".")[2]
    if call.name.startswith("numpy."):
        return call.name.replace("numpy.ndarray.", "numpy.")
    if call.form == "module":
        if _POOLS.fullmatch(last) is not None:
            return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", last).lower()
        return _LAYERS.get(last, last.lower())
    if last.startswith("__"):
        return last.strip("_")
    return last if len(last) < 2 else last.rstrip("_")


def find(step: Step, operations: Collection[str]) -> FailedCall | None:
    """The first of the failed call and what is inside of it that is one of these operations."""
    return next((call for call in chain(failed(step)) if operation(call) in operations), None)


# ── arguments ────────────────────────────────────────────────────────────────


def argument(call: FailedCall, *parameters: str) -> Argument | None:
    """The argument of the first of these parameters that was given.

    `input` and `self` stand for each other: what a method is asked of, and a function's first."""
    for name in parameters:
        names = _RECEIVERS if name in _RECEIVERS else (name,)
        found = next((one for one in call.arguments if one.parameter in names), None)
        if found is not None:
            return found
    return None


def at_place(call: FailedCall, place: int) -> Argument | None:
    """The positional argument at a place; what a method is asked of is at 0."""
    return next((one for one in call.arguments if one.place == str(place)), None)


def tensors(call: FailedCall) -> list[Operand]:
    """All tensors and arrays among the arguments, those in lists too, in order."""
    found: list[Operand] = []
    for one in call.arguments:
        found.extend([one.operand] if one.operand is not None else one.items)
    return found


def number(argument: Argument | None) -> int | None:
    """The whole number that an argument is; None where it is none."""
    if argument is None or argument.type != "int" or argument.value is None:
        return None
    return int(argument.value) if re.fullmatch(r"-?\d+", argument.value) else None


def setting(call: FailedCall, name: str) -> str | None:
    """A plain attribute of the layer that was called, as Python source."""
    return call.module.settings.get(name) if call.module is not None else None


# ── words ────────────────────────────────────────────────────────────────────


def label(argument: Argument) -> str:
    """What to call an argument: the learner's code in backquotes, or else the parameter."""
    if argument.text:
        return f"`{argument.text}`"
    if argument.operand is not None and argument.operand.name:
        return f"`{argument.operand.name}`"
    if argument.parameter and argument.parameter != "self":
        return phrase(_ARGUMENT, name=argument.parameter)
    place = argument.place
    return phrase(_ARGUMENT_AT, place=int(place) + 1) if place.isdecimal() else f"`{place}`"


def what(argument: Argument, *, device: bool = False) -> str:
    """What an argument is, without its name: `[2, 3] float32`, `the number 4`, `a list of 2 tensors`."""
    if argument.operand is not None:
        return tensor_text(argument.operand, device=device)
    if argument.kind in ("list", "tuple") and (argument.items or argument.value is None):
        return _list_text(argument)
    if argument.kind == "dict":
        count = argument.length or 0
        return phrase(_DICTIONARY_ONE if count == 1 else _DICTIONARY, count=count)
    if argument.kind in _NAMED:
        named, unnamed = _NAMED[argument.kind]
        return phrase(named, name=argument.value) if argument.value else phrase(unnamed)
    if argument.value is not None:
        return argument.value
    if not argument.type:
        return phrase(_UNKNOWN)
    return phrase(_OF_TYPE, article=f"a{_n(argument.type)}", type=argument.type)


def said(argument: Argument, *, listed: bool = False) -> str:
    """`\\`a\\` is [2, 3] float32`; a value that is written out already stands by itself.

    `listed` where it is one of a list, and no clause of its own."""
    name, is_ = label(argument), what(argument)
    written_out = argument.text and argument.text.replace("'", '"') == is_
    return (
        name
        if written_out
        else phrase(_LISTED, name=name, told=is_)
        if listed
        else phrase(_SAID, name=name, what=is_)
    )


def tensor_text(operand: Operand, *, device: bool = False) -> str:
    """`[2, 3] float32`; a number without dimensions and what is no plain tensor are named as such."""
    sizes = operand.shape
    shape = phrase(_UNKNOWN_SHAPE) if sizes is None else shape_text(sizes)
    if sizes is not None and len(sizes) > _MOST_SIZES:
        shape = phrase(_MANY_DIMENSIONS, count=len(sizes))
    words = f"{shape} {operand.dtype or ''}".strip()
    if operand.kind not in ("tensor", "parameter", "buffer", "gradient"):
        known = _KINDS.get(operand.kind)
        kind = translated(operand.kind) if operand.kind in _KINDS_NAMED else operand.kind
        words = f"{phrase(known) if known else phrase(_TENSOR_KIND, kind=kind)} {words}"
    return phrase(_ON_DEVICE, what=words, device=operand.device) if device and operand.device else words


_KINDS = {"ndarray": "an array", "subclass": "a tensor"}
_TENSOR_KIND = "a {kind} tensor"
_KINDS_NAMED = ("sparse",)
_ON_DEVICE = "{what} on {device}"
_UNKNOWN_SHAPE = "of unknown shape"
_MANY_DIMENSIONS = "{count}-dimensional"
_ARGUMENT = "the argument `{name}`"
_ARGUMENT_AT = "argument {place}"
_DICTIONARY = "a dictionary of {count:,} entries"
_DICTIONARY_ONE = "a dictionary of 1 entry"
_NAMED = {"class": ("the class {name}", "a class"), "function": ("the function {name}", "a function")}
_UNKNOWN = "not known"
_OF_TYPE = "{article} {type}"
_SAID = "{name} is {what}"
_LISTED = "{name} is {told}"
_LISTS = {"list": "a list of {members}", "tuple": "a tuple of {members}"}
_AMONG = "{listed} among {count:,} elements"
_FROM_TO = "from {low} to {high}"
_ALL = "all {value}"
_ONLY_NAN = "NaN only"
_SOME_NAN = "{words}, some NaN"


def _list_text(argument: Argument) -> str:
    count = argument.length or 0
    if not argument.items:
        types = f" ({', '.join(argument.types[:3])})" if argument.types else ""
        return f"{phrase(_LISTS[argument.kind], members=count_text(count, 'element'))}{types}"
    shown = ", ".join("?" if one.shape is None else shape_text(one.shape) for one in argument.items[:6])
    more = ", …" if len(argument.items) > 6 else ""
    listed = phrase(_LISTS[argument.kind], members=count_text(len(argument.items), "tensor"))
    if len(argument.items) < count:
        listed = phrase(_AMONG, listed=listed, count=count)
    return f"{listed}: {shown}{more}"


def range_text(argument: Argument) -> str:
    """`from -1 to 5`, as far as the elements were looked at; empty where they were not."""
    if argument.low is None or argument.high is None:
        return phrase(_ONLY_NAN) if argument.nan else ""
    low, high = (
        f"{one:.6g}" if isinstance(one, float) else str(one) for one in (argument.low, argument.high)
    )
    words = phrase(_ALL, value=low) if low == high else phrase(_FROM_TO, low=low, high=high)
    return phrase(_SOME_NAN, words=words) if argument.nan else words


def _n(word: str) -> str:
    return "n" if word[:1].lower() in "aeiou" and word[:1] else ""


# ── code ─────────────────────────────────────────────────────────────────────


def node_of(found: Failing, call: FailedCall, argument: Argument) -> ast.expr | None:
    """The code of an argument in the failing source, for a fix to change; None where it is not there."""
    shift = _shift(found, call)
    if shift is None or argument.span is None:
        return None
    first = argument.span[0] - found.first_line + 1
    # A statement of its own has lost what stood before it on its first line, a function its indentation.
    cut = shift if first == 1 or not found.own else 0
    place = (first, argument.span[1] - cut, argument.span[2] - found.first_line + 1)
    for node in ast.walk(found.statement):
        if isinstance(node, ast.expr) and (node.lineno, node.col_offset, node.end_lineno) == place:
            width = (node.end_col_offset or 0) - node.col_offset
            if node.lineno != node.end_lineno or width == argument.span[3] - argument.span[1]:
                return node
    return None


def _shift(found: Failing, call: FailedCall) -> int | None:
    """How many columns further left the call stands in the failing source than in the learner's file."""
    if call.span is None:
        return None
    first, begin, last, end = call.span
    lines = (first - found.first_line + 1, last - found.first_line + 1)
    shifts = [
        begin - node.col_offset
        for node in (found.expression, *ast.walk(found.statement))
        if isinstance(node, ast.expr | ast.stmt)
        and (node.lineno, node.end_lineno) == lines
        and (first != last or end - begin == (node.end_col_offset or 0) - node.col_offset)
    ]
    whole = [shift for shift in shifts if shift >= 0]
    if isinstance(found.expression, ast.expr) and whole and whole[0] == shifts[0]:
        return whole[0]
    return min(whole, default=None)
