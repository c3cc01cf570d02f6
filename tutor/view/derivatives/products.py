"""Rules of matrix products, convolution and pooling, attention, and linear algebra."""

from __future__ import annotations

from tutor.view.derivatives.rules import Rule, Saved, rule, simple

_MATRICES = "Each matrix gets the gradient times the other one transposed, on its own side."
_BATCHES = (
    "Each matrix gets the gradient times the other one transposed, on its own side, for each of the batch."
)

simple("Mm", _MATRICES, "g @ y.T", "x.T @ g", y="mat2")
simple("Bmm", _BATCHES, "g @ y.mT", "x.mT @ g", y="mat2")
simple(
    "Mv",
    "The matrix gets the outer product with the vector; the vector goes back through the transpose.",
    "outer(g, y)",
    "x.T @ g",
    y="vec",
)
simple("Dot", "Each vector gets the other, times the gradient.", "g * y", "g * x", y="tensor")
simple(
    "Addmm",
    "A linear layer: the bias gets the gradient, each matrix the gradient times the other one transposed.",
    "g * beta", "g @ z.T * alpha", "y.T @ g * alpha", y="mat1", z="mat2",
)  # fmt: skip
simple(
    "Addmv",
    "The bias gets the gradient, the matrix an outer product, the vector goes back through the transpose.",
    "g * beta",
    "outer(g, z) * alpha",
    "y.T @ g * alpha",
    y="mat",
    z="vec",
)
simple(
    "Addr",
    "The sum hands the gradient on; each vector gets the gradient times the other.",
    "g * beta",
    "g @ z * alpha",
    "g.T @ y * alpha",
    y="vec1",
    z="vec2",
)
simple(
    "Baddbmm",
    "As a linear layer, for each of the batch.",
    "g * beta",
    "g @ z.mT * alpha",
    "y.mT @ g * alpha",
    y="batch1",
    z="batch2",
)
simple("Ger", "Each vector gets the gradient times the other.", "g @ y", "g.T @ x", y="vec2")


@rule("Linear")
def _linear(saved: Saved) -> Rule:
    return Rule(
        "The input gets the gradient times the weight, the weight the gradient times the input, the bias "
        "the sum of all gradients.",
        {
            "x": "g @ y",
            "y": "g.flatten(0, -2).T @ x.flatten(0, -2)",
            "z": "g.flatten(0, -2).sum(0)",
        },
        saved={"x": "input", "y": "weight", "z": "bias"},
    )


@rule("Convolution", "MkldnnConvolution", "ThnnConv2D")
def _convolution(saved: Saved) -> Rule:
    words = (
        "The input gets the gradient convolved with the kernel the other way round; the kernel gets the "
        "input correlated with the gradient; the bias gets the sum of each channel."
    )
    shape = saved.shape("weight")
    options = {key: saved.get(key) for key in ("stride", "padding", "dilation", "groups")}
    if shape is None or None in options.values() or saved.get("transposed") or not 3 <= len(shape) <= 5:
        return Rule(words)
    given = ", ".join(f"{key}={tuple(v) if isinstance(v, list) else v}" for key, v in options.items())
    n = len(shape) - 2
    channels = tuple(dim for dim in range(n + 2) if dim != 1)
    return Rule(
        words,
        {
            "x": f"conv{n}d_input(x.shape, y, g, {given})",
            "y": f"conv{n}d_weight(x, y.shape, g, {given})",
            "z": f"g.sum({channels})",
        },
        saved={"x": "input", "y": "weight", "z": "bias"},
    )


@rule("MaxPool2DWithIndices", "MaxPool3DWithIndices", "AdaptiveMaxPool2D", "AdaptiveMaxPool3D")
def _max_pool(saved: Saved) -> Rule:
    words = "Only the greatest element of each window gets the gradient."
    shape = saved.shape("self")
    n = 3 if "3D" in saved.node.name else 2
    if shape is None or len(shape) <= n:
        return Rule(words)
    start = len(shape) - n
    sizes = ", ".join(map(str, shape))
    flat = f"zeros({', '.join(map(str, shape[:start]))}, -1)".replace("-1", str(_product(shape[start:])))
    gathered = f"{flat}.scatter_add(-1, result1.flatten({start}), g.flatten({start}))"
    return Rule(words, {"x": f"{gathered}.reshape({sizes})"})


def _product(sizes: list[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


@rule("AvgPool2D", "AvgPool3D", "AdaptiveAvgPool2D", "AdaptiveAvgPool3D")
def _avg_pool(_: Saved) -> Rule:
    return Rule("Every element of a window gets an equal share of that window's gradient.")


@rule(
    "ScaledDotProductFlashAttentionForCpu", "ScaledDotProductFlashAttention",
    "ScaledDotProductEfficientAttention", "ScaledDotProductCudnnAttention",
)  # fmt: skip
def _attention(_: Saved) -> Rule:
    return Rule(
        "The values get the gradient weighted by the attention; queries and keys get it through the softmax, "
        "as each would from the other. The attention is computed anew rather than saved.",
    )


@rule("LinalgInvEx")
def _inverse(_: Saved) -> Rule:
    return Rule(
        "The inverse, transposed, on both sides of the gradient.", {"x": "-inverse.mT @ g @ inverse.mT"}
    )


@rule("LinalgDet")
def _det(_: Saved) -> Rule:
    words = "The determinant times the inverse, transposed."
    return Rule(words, {"x": "(g * out).unsqueeze(-1).unsqueeze(-1) * inv(x).mT"}, saved={"x": "A"})


@rule("LinalgSolveEx")
def _solve(_: Saved) -> Rule:
    return Rule(
        "The right side gets the solution of the transposed system; the matrix its product with the result."
    )


@rule("Cdist", "PdistBackward")
def _distance(_: Saved) -> Rule:
    return Rule("Each point is pushed along its direction to the others.")
