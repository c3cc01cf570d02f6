"""Settings that a layer cannot have together, and functions that fill weights."""

from __future__ import annotations

from tutor.explain import calls
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import fill, phrase, shape_text
from tutor.facts import Explanation, Snapshot, Step

# ── layer-conflict ───────────────────────────────────────────────────────────

_SAME_TITLE = 'padding="same" goes with a stride of 1 only'
_SAME = """
`{code}` asks for `padding="same"`, a result as large as the input, and for a stride of {stride}, which
makes it smaller. Both cannot be had: leave `stride` away, or give the padding as a number, such as
`kernel_size // 2`.
"""
_HEADS_TITLE = "{model} features cannot be divided into {heads} heads"
_HEADS = """
`{code}` gives {model_label} for `d_model` and {heads_label} for `nhead`: each head gets equally many
features, so that {model} must be a multiple of {heads}, and {model} / {heads} leaves {rest} over.
"""
_MORE_THAN_1 = "more than 1"
_NOTHING = "nothing, so {heads},"
#: Heads of nn.Transformer where none are given.
_USUAL_HEADS = 8


@failure
def layer_conflict(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when settings of a layer contradict each other: padding and stride, features and heads."""
    call, error = calls.failed(step), step.error
    if call is None or error is None or call.form != "class" or not call.name.startswith("torch.nn."):
        return None
    code = _short(call.expression)
    padding, stride = calls.argument(call, "padding"), calls.argument(call, "stride")
    if padding is not None and padding.value == '"same"' and "strided" in error.message:
        text = fill(_SAME, code=code, stride=stride.value if stride is not None else _MORE_THAN_1)
        return Explanation("layer-conflict", "error", _SAME_TITLE, text)
    first, second = calls.argument(call, "d_model"), calls.argument(call, "nhead")
    model, heads = calls.number(first), calls.number(second) if second is not None else _USUAL_HEADS
    if first is None or model is None or heads is None or heads < 1 or model % heads == 0:
        return None
    if "divisible" not in error.message:
        return None
    fields = {"code": code, "model": model, "heads": heads, "rest": model % heads}
    given = calls.said(second, listed=True) if second is not None else phrase(_NOTHING, heads=heads)
    text = fill(_HEADS, model_label=calls.said(first, listed=True), heads_label=given, **fields)
    return Explanation("layer-conflict", "error", fill(_HEADS_TITLE, **fields), text)


def _short(code: str) -> str:
    return code if len(code) <= 80 else f"{code[:79]}…"


# ── init-dimensions ──────────────────────────────────────────────────────────

_INIT_TITLE = "`{init}` needs a tensor of two dimensions or more, and `{name}` is {what}"
_INIT = """
`{code}` scales its random values by how many inputs and outputs the tensor joins, its first two sizes.
`{name}` is {what} and has no two. A bias is set otherwise, `nn.init.zeros_({name})`; leave tensors of one
dimension out.
"""
_MODULE_TITLE = "`{init}` fills a tensor, and got {what}"
_A_MODULE = "a {type}"
_THE_TENSOR = "the tensor"
_MODULE = """
`{code}` was given {what}, a layer, and functions of nn.init fill tensors: give it a parameter,
`{init}(layer.weight)`. With `apply`, write a function that takes the layer and looks whether it has such a
weight.
"""


@failure
def init_dimensions(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a function of nn.init got a tensor of too few dimensions, or a layer for a tensor."""
    call = next(
        (one for one in calls.chain(calls.failed(step)) if one.name.startswith("torch.nn.init.")), None
    )
    outer = calls.failed(step)
    if call is None or outer is None or step.error is None:
        return None
    tensor = calls.argument(call, "tensor")
    if tensor is None:
        return None
    init = call.name.removeprefix("torch.")
    code = _short(outer.expression)
    if tensor.kind == "module":
        what = phrase(_A_MODULE, type=tensor.type)
        title = fill(_MODULE_TITLE, init=init, what=what)
        return Explanation("init-dimensions", "error", title, fill(_MODULE, code=code, what=what, init=init))
    shape = tensor.operand.shape if tensor.operand is not None else None
    if shape is None or len(shape) > 1 or "dimensions" not in step.error.message:
        return None
    fields = {"init": init, "name": tensor.text or phrase(_THE_TENSOR), "what": shape_text(shape)}
    return Explanation(
        "init-dimensions", "error", fill(_INIT_TITLE, **fields), fill(_INIT, code=code, **fields)
    )
