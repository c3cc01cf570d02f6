"""Rules of sums and other reductions, of normalisation, and of losses."""

from __future__ import annotations

from tutor.translation import say
from tutor.view.derivatives.rules import Rule, Saved, rule

_MEAN, _SUM = 1, 2


def _over(dims: list[int]) -> str:
    return str(dims[0] if len(dims) == 1 else tuple(dims))


@rule("Sum")
def _sum(saved: Saved) -> Rule:
    sizes = saved.sizes
    shape = f".expand({', '.join(map(str, sizes))})" if sizes else ""
    return Rule("Every element that was summed gets the whole gradient.", {"x": saved.spread("g") + shape})


@rule("Mean")
def _mean(saved: Saved) -> Rule | None:
    count = saved.reduced()
    if not count:
        return None
    sizes = saved.sizes
    shape = f".expand({', '.join(map(str, sizes))})" if sizes else ""
    return Rule(
        say("Every element gets an equal share of the gradient: 1/{count:,} of it.", count=count)
        if count > 1 else
        "A mean of one element hands the gradient on.",
        {"x": f"{saved.spread('g')}{shape} / {count}"},
    )  # fmt: skip


@rule("Prod")
def _prod(saved: Saved) -> Rule:
    return Rule(
        "Every factor gets the gradient times the product of the others.",
        {"x": f"{saved.spread('g')} * {saved.spread('out')} / x"},
    )


@rule("MaxBackward1", "MinBackward1", "Amax", "Amin", "MedianBackward0", "NanmedianBackward0")
def _extreme(saved: Saved) -> Rule:
    dims = saved.dims()
    over = f"{_over(dims)}, keepdim=True" if dims else ""
    out = saved.spread("out")
    return Rule(
        "Only the element that was picked gets the gradient; equal ones share it.",
        {"x": f"{saved.spread('g')} * m / m.sum({over})"},
        (("m", f"on(x == {out})"),),
    )


@rule("MaxBackward0", "MinBackward0", "MedianBackward1", "Mode", "Kthvalue")
def _picked(saved: Saved) -> Rule | None:
    sizes, dims = saved.sizes, saved.dims()
    if not sizes or not dims:
        return None
    return Rule(
        "Only the element that was picked gets the gradient, 0 goes to the others.",
        {"x": f"{saved.like_x()}.scatter({dims[0]}, {saved.spread('indices')}, {saved.spread('g')})"},
    )


@rule("Sort", "Topk")
def _sorted(saved: Saved) -> Rule | None:
    sizes, dims = saved.sizes, saved.dims()
    if not sizes or not dims:
        return None
    return Rule(
        "Each gradient goes back to the place that its value came from.",
        {"x": f"{saved.like_x()}.scatter({dims[0]}, indices, g)"},
    )


@rule("Var", "Std")
def _spread_out(saved: Saved) -> Rule | None:
    count = saved.reduced()
    correction = saved.get("correction", 1)
    dims = saved.dims()
    if count is None or count == correction or not dims:
        return None
    mean = f"x.mean({_over(dims)}, keepdim=True)"
    if saved.node.name.startswith("Std"):
        return Rule(
            "Each element is pushed away from the mean, in units of the deviation.",
            {"x": f"{saved.spread('g')} * (x - {mean}) / ({saved.spread('out')} * {count - correction})"},
        )
    return Rule(
        "Each element is pushed away from the mean, by its distance from it.",
        {"x": f"{saved.spread('g')} * 2 * (x - {mean}) / {count - correction}"},
    )


@rule("LinalgVectorNorm", "Norm")
def _norm(saved: Saved) -> Rule | None:
    order = saved.get("ord", saved.get("p", 2))
    g, out = saved.spread("g"), saved.spread("out")
    if order == 2:
        return Rule("Each element gets its share of the length: a unit vector.", {"x": f"{g} * x / {out}"})
    if order == 1:
        return Rule("Each element gets the gradient with its own sign.", {"x": f"{g} * sign(x)"})
    if not isinstance(order, int | float) or order <= 0:
        return None
    return Rule(
        "Each element gets its share of the norm.",
        {"x": f"{g} * sign(x) * abs(x) ** {order - 1} / {out} ** {order - 1}"},
    )


@rule("Logsumexp")
def _logsumexp(saved: Saved) -> Rule:
    return Rule(
        "The softmax of the input shares the gradient out.",
        {"x": f"{saved.spread('g')} * exp(x - {saved.spread('out')})"},
    )


@rule("Cumsum")
def _cumsum(saved: Saved) -> Rule:
    dim = saved.get("dim", 0)
    return Rule(
        "An element is in every later sum, so it gets all gradients from its place to the end.",
        {"x": f"g.flip({dim}).cumsum({dim}).flip({dim})"},
    )


@rule("Cumprod")
def _cumprod(saved: Saved) -> Rule:
    dim = saved.get("dim", 0)
    return Rule(
        "An element is a factor of every later product.",
        {"x": f"(g * out).flip({dim}).cumsum({dim}).flip({dim}) / x"},
    )


@rule("Softmax", "SafeSoftmax")
def _softmax(saved: Saved) -> Rule:
    return Rule(
        "Raising one element lowers the others, so the weighted mean of the gradient is taken off first.",
        {"x": f"out * (g - (g * out).sum({saved.get('dim', -1)}, keepdim=True))"},
    )


@rule("LogSoftmax")
def _log_softmax(saved: Saved) -> Rule:
    return Rule(
        "The gradient, less its sum shared out by the probabilities exp(out).",
        {"x": f"g - exp(out) * g.sum({saved.get('dim', -1)}, keepdim=True)"},
    )


# ── normalisation ────────────────────────────────────────────────────────────

_NORMALISED = "(x - result1) * result2"


@rule("NativeLayerNorm")
def _layer_norm(saved: Saved) -> Rule:
    dims = tuple(range(-len(saved.get("normalized_shape", [1])), 0))
    u = "g * y" if saved.has("weight") else "g"
    return Rule(
        "The gradient, less its mean and less its part along h: shifting or scaling the input changes "
        "nothing. result1 is the mean, result2 is 1 over the deviation.",
        {
            "x": f"result2 * (u - u.mean({dims}, keepdim=True) - h * (u * h).mean({dims}, keepdim=True))",
            "y": "g * h",
            "z": "g",
        },
        (("h", _NORMALISED), ("u", u)),
        {"x": "input", "y": "weight", "z": "bias"},
    )


@rule("NativeBatchNorm", "CudnnBatchNorm")
def _batch_norm(saved: Saved) -> Rule | None:
    shape = saved.shape("input")
    if shape is None or not saved.get("training", True):
        return None
    dims = tuple(dim for dim in range(len(shape)) if dim != 1)
    row = f".reshape({', '.join('-1' if dim == 1 else '1' for dim in range(len(shape)))})"
    u = f"g * y{row}" if saved.has("weight") else "g"
    over = f"{dims}, keepdim=True"
    return Rule(
        "Within each channel: the gradient, less its mean and less its part along h, as the batch's own mean "
        "and deviation were taken out: result1 and 1/result2.",
        {
            "x": f"result2{row} * (u - u.mean({over}) - h * (u * h).mean({over}))",
            "y": f"(g * h).sum({dims})",
            "z": f"g.sum({dims})",
        },
        (("h", f"(x - result1{row}) * result2{row}"), ("u", u)),
        {"x": "input", "y": "weight", "z": "bias"},
    )


@rule("NativeGroupNorm", "FusedRmsNorm", "FusedRMSNorm")
def _group_norm(_: Saved) -> Rule:
    return Rule(
        "The gradient, less what a shift or a scaling of the normalised values would change nothing by."
    )


# ── losses ───────────────────────────────────────────────────────────────────


def _share(saved: Saved) -> str | None:
    """What a loss divides by: the number of elements where it is a mean."""
    if saved.get("reduction", _MEAN) != _MEAN:
        return ""
    shape = saved.shape("self")
    if shape is None:
        return None
    count = 1
    for size in shape:
        count *= size
    return f" / {count}" if count else None


def _loss(words: str, saved: Saved, x: str, y: str = "") -> Rule | None:
    share = _share(saved)
    if share is None or saved.has("weight") or saved.has("pos_weight"):
        return Rule(words)
    if share:
        words = f"{say(words)} {say('Divided by the number of elements, as the loss is their mean.')}"
    gradients = {"x": x + share} | ({"y": y + share} if y else {})
    return Rule(words, gradients, saved={"x": "self", "y": "target"})


@rule("MseLoss")
def _mse(saved: Saved) -> Rule | None:
    return _loss("Twice the distance to the target.", saved, "g * 2 * (x - y)", "g * 2 * (y - x)")


@rule("SmoothL1Loss")
def _smooth(saved: Saved) -> Rule | None:
    one = "g * where(abs({0} - {1}) < beta, ({0} - {1}) / beta, sign({0} - {1}))"
    words = "Close to the target its distance, further off only its sign."
    return _loss(words, saved, one.format("x", "y"), one.format("y", "x"))


@rule("HuberLoss")
def _huber(saved: Saved) -> Rule | None:
    one = "g * where(abs({0} - {1}) <= delta, {0} - {1}, delta * sign({0} - {1}))"
    words = "Close to the target its distance, further off a constant."
    return _loss(words, saved, one.format("x", "y"), one.format("y", "x"))


@rule("BinaryCrossEntropy")
def _bce(saved: Saved) -> Rule | None:
    words = (
        "The distance of the probability to the target, over its variance: steep where it is surely wrong."
    )
    return _loss(words, saved, "g * (x - y) / (x * (1 - x))", "g * (log(1 - x) - log(x))")


@rule("BinaryCrossEntropyWithLogits")
def _bce_logits(saved: Saved) -> Rule | None:
    words = "Simply the predicted probability less the target."
    return _loss(words, saved, "g * (sigmoid(x) - y)", "-g * x")


@rule("NllLossBackward0")
def _nll(saved: Saved) -> Rule | None:
    words = (
        "Only the log-probability of the right class gets a gradient; it is negative, so descent raises it."
    )
    count = saved.number("total_weight")
    shape = saved.shape("self")
    if saved.has("weight") or shape is None or len(shape) != 2 or saved.get("ignore_index") != -100:
        return Rule(words)
    chosen = f"one_hot(target, {shape[1]})"
    if saved.get("reduction") == _MEAN:
        return Rule(words, {"x": f"-g * {chosen} / {count:g}"}) if count else Rule(words)
    g = "g" if saved.get("reduction") == _SUM else "g.unsqueeze(1)"
    return Rule(words, {"x": f"-{g} * {chosen}"})


@rule("NllLoss2DBackward0", "NllLoss2D")
def _nll_2d(_: Saved) -> Rule:
    return Rule(
        "Only the log-probability of the right class gets a gradient; it is negative, so descent raises it."
    )
