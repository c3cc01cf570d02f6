"""Rules of functions that work element by element."""

from __future__ import annotations

from tutor.view.derivatives.rules import Rule, Saved, rule, simple

simple("Add", "A sum hands the gradient on to both sides.", "g", "g * alpha")
simple(
    "Sub",
    "A difference hands the gradient on, with its sign turned for what is subtracted.",
    "g",
    "-g * alpha",
)
simple(
    "Rsub",
    "A difference hands the gradient on, with its sign turned for what is subtracted.",
    "-g * alpha",
    "g",
)
simple("Mul", "Each factor gets the gradient times the other factor.", "g * y", "g * x")
simple("Neg", "The sign of the gradient is turned.", "-g")
simple(
    "PowBackward0",
    "The power rule: bring the exponent down and lower it by one.",
    "g * exponent * x ** (exponent - 1)",
)
simple(
    "PowBackward1",
    "The base gets the power rule, the exponent the rule of exponentials.",
    "g * y * x ** (y - 1)", "g * out * log(x)", y="exponent",
)  # fmt: skip
simple(
    "PowBackward2",
    "An exponential grows by itself times the logarithm of its base.",
    "g * out * log(y)",
    x="exponent",
    y="self",
)
simple("Exp", "The exponential is its own derivative, so the saved result is used.", "g * out")
simple("Exp2", "An exponential grows by itself times the logarithm of its base.", "g * out * log(2)")
simple("Expm1", "The derivative is the exponential, which is the saved result plus one.", "g * (out + 1)")
simple("Log", "The logarithm grows by one over its argument.", "g / x")
simple("Log1P", "The logarithm grows by one over its argument.", "g / (x + 1)")
simple("Log2", "The logarithm grows by one over its argument, scaled by its base.", "g / (x * log(2))")
simple("Log10", "The logarithm grows by one over its argument, scaled by its base.", "g / (x * log(10))")
simple("Sqrt", "The root grows by one over twice itself; at 0 that is infinite.", "g / (2 * out)")
simple("Rsqrt", "The derivative of x^(-1/2), by way of the saved result.", "-g * out ** 3 / 2")
simple("Reciprocal", "The derivative of 1/x is -1/x², by way of the saved result.", "-g * out ** 2")
simple("Sin", "The derivative of the sine is the cosine.", "g * cos(x)")
simple("Cos", "The derivative of the cosine is minus the sine.", "-g * sin(x)")
simple("Tan", "The derivative of the tangent is one plus its square.", "g * (1 + out ** 2)")
simple("Asin", "The derivative of the inverse sine.", "g / sqrt(1 - x ** 2)")
simple("Acos", "The derivative of the inverse cosine.", "-g / sqrt(1 - x ** 2)")
simple("Atan", "The derivative of the inverse tangent.", "g / (1 + x ** 2)")
simple("Sinh", "The derivative of sinh is cosh.", "g * cosh(x)")
simple("Cosh", "The derivative of cosh is sinh.", "g * sinh(x)")
simple("Asinh", "The derivative of the inverse of sinh.", "g / sqrt(x ** 2 + 1)")
simple("Acosh", "The derivative of the inverse of cosh.", "g / sqrt(x ** 2 - 1)")
simple("Atanh", "The derivative of the inverse of tanh.", "g / (1 - x ** 2)")
simple(
    "Tanh",
    "One minus the square of the saved result: close to 0 where tanh is saturated.",
    "g * (1 - out ** 2)",
)
simple(
    "Sigmoid",
    "The saved result times one minus itself: at most 1/4, close to 0 where it is saturated.",
    "g * out * (1 - out)",
)
simple("Erf", "The derivative of the error function is the bell curve.", "g * exp(-x ** 2) * 2 / sqrt(pi)")
simple("Erfc", "The derivative of the error function is the bell curve.", "-g * exp(-x ** 2) * 2 / sqrt(pi)")
simple("Lgamma", "The derivative of log Γ is the digamma function.", "g * digamma(x)")
simple("Relu", "The gradient passes where the result is above 0, and stops elsewhere.", "g * on(out > 0)")
simple(
    "LeakyRelu",
    "The gradient passes above 0; below, only a small part of it does.",
    "g * where(x > 0, 1, negative_slope)",
)
simple("LogSigmoid", "The derivative of log σ(x) is σ(-x).", "g * sigmoid(-x)")
simple(
    "Softplus",
    "The derivative of softplus is the sigmoid.",
    "g * where(x * beta > threshold, 1, sigmoid(x * beta))",
)
simple(
    "Hardtanh",
    "The gradient passes between the two limits, and stops outside.",
    "g * on((x > min_val) & (x < max_val))",
)
simple(
    "Hardsigmoid", "The gradient passes on the slope, and stops outside.", "g / 6 * on((x > -3) & (x < 3))"
)
simple(
    "Hardswish",
    "0 on the left, 1 on the right, a line between.",
    "g * where(x < -3, 0, where(x > 3, 1, x / 3 + 1 / 2))",
)
simple("Threshold", "The gradient passes above the threshold.", "g * on(x > threshold)")
simple(
    "PreluKernel",
    "Above 0 the gradient passes; below, the learned slope takes part.",
    "g * where(x > 0, 1, y)",
    "g * where(x > 0, 0, x)",
    y="weight",
)
simple("Abs", "The gradient takes the sign of the input.", "g * sign(x)")
for _name in ("Sign", "Round", "Floor", "Ceil", "Trunc"):
    simple(
        _name, "It is constant between its jumps, so nothing flows back: the gradient is 0.", "zeros_like(g)"
    )
simple("FmodBackward0", "A remainder grows as its input does.", "g")
simple("RemainderBackward0", "A remainder grows as its input does.", "g")
simple("FmodBackward1", "A remainder grows as its input does.", "g", "-g * trunc(x / y)")
simple("RemainderBackward1", "A remainder grows as its input does.", "g", "-g * floor(x / y)")
simple("ClampMinBackward0", "The gradient passes where nothing was cut off.", "g * on(x >= min)")
simple("ClampMaxBackward0", "The gradient passes where nothing was cut off.", "g * on(x <= max)")
simple(
    "Maximum",
    "The greater of the two gets the gradient; equal ones get half each.",
    "g * where(x == y, 1 / 2, on(x > y))",
    "g * where(x == y, 1 / 2, on(y > x))",
)
simple(
    "Minimum",
    "The smaller of the two gets the gradient; equal ones get half each.",
    "g * where(x == y, 1 / 2, on(x < y))",
    "g * where(x == y, 1 / 2, on(y < x))",
)
simple("Atan2", "The derivative of the angle.", "g * y / (x ** 2 + y ** 2)", "-g * x / (x ** 2 + y ** 2)")
simple("Hypot", "Each side's share of the length.", "g * x / out", "g * y / out")
simple(
    "Addcmul",
    "The sum hands the gradient on; the product crosses it.",
    "g",
    "g * value * z",
    "g * value * y",
    y="tensor1",
    z="tensor2",
)
simple(
    "Addcdiv",
    "The sum hands the gradient on; the quotient has the quotient rule.",
    "g",
    "g * value / z",
    "-g * value * y / z ** 2",
    y="tensor1",
    z="tensor2",
)
simple("LerpBackward0", "Each end gets its share of the gradient.", "g * (1 - weight)", "g * weight")
simple(
    "LerpBackward1",
    "Each end gets its share of the gradient; the weight gets the distance.",
    "g * (1 - z)",
    "g * z",
    "g * (y - x)",
    y="end",
    z="weight",
)
for _name in ("Clone", "Alias", "Contiguous", "ToDevice", "PositiveBackward"):
    simple(_name, "A copy: the gradient goes back as it is.", "g")
simple(
    "CopyBackwards",
    "A copy: the gradient goes back as it is, in the dtype and on the device of its source.",
    "g",
)
simple(
    "ToCopy",
    "A copy in another dtype or on another device: the gradient goes back in those of the input.",
    "g",
)


@rule("Silu")
def _silu(_: Saved) -> Rule:
    return Rule(
        "The product rule on x·σ(x).",
        {"x": "g * s * (1 + x * (1 - s))"},
        (("s", "sigmoid(x)"),),
    )


@rule("Mish")
def _mish(_: Saved) -> Rule:
    return Rule(
        "The product rule on x·tanh(softplus(x)).",
        {"x": "g * (t + x * sigmoid(x) * (1 - t ** 2))"},
        (("t", "tanh(softplus(x))"),),
    )


@rule("Gelu")
def _gelu(saved: Saved) -> Rule:
    if saved.get("approximate") == "tanh":
        return Rule(
            "The product rule on the tanh form of GELU.",
            {"x": "g * ((1 + t) / 2 + x * (1 - t ** 2) * sqrt(2 / pi) * (1 + 0.134145 * x ** 2) / 2)"},
            (("t", "tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))"),),
        )
    return Rule(
        "The product rule on x·Φ(x), where Φ is the normal distribution and φ its bell curve.",
        {"x": "g * (Φ + x * φ)"},
        (("Φ", "(1 + erf(x / sqrt(2))) / 2"), ("φ", "exp(-x ** 2 / 2) / sqrt(2 * pi)")),
    )


simple(
    "CeluBackward0",
    "Above 0 the gradient passes; below, it is damped by the exponential.",
    "g * where(x > 0, 1, exp(x / alpha))",
)


@rule("EluBackward0")
def _elu(saved: Saved) -> Rule:
    return Rule(
        "Above 0 the gradient passes; below, it is damped by the exponential.",
        {"x": "g * where(x > 0, scale, scale * alpha * input_scale * exp(x * input_scale))"},
    )


@rule("Div")
def _div(saved: Saved) -> Rule:
    if saved.get("rounding_mode"):
        return Rule(
            "A rounded quotient is constant between its jumps: the gradient is 0.",
            {"x": "g * 0", "y": "g * 0"},
        )
    return Rule("The quotient rule.", {"x": "g / y", "y": "-g * x / y ** 2"})


@rule("ClampBackward1")
def _clamp(saved: Saved) -> Rule:
    least, most = saved.has("min"), saved.has("max")
    low, high = "(x >= min)" if least else "", "(x <= max)" if most else ""
    within = " & ".join(each for each in (low, high) if each)
    words = "The gradient passes where nothing was cut off."
    return Rule(words, {"x": f"g * on({within})" if within else "g"})


@rule("NativeDropout")
def _dropout(_: Saved) -> Rule:
    return Rule(
        "What was dropped gets 0; what was kept gets the gradient, scaled up as it was.",
        {"x": "g * on(result1) / (1 - p)"},
    )
