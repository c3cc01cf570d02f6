"""Settings that a layer or a loss cannot take, by themselves or together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from difflib import get_close_matches

from tutor.explain import calls
from tutor.explain.elsewhere import changed, codes, defined, last_set
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.wording import code_list, fill, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_NN = "torch.nn."

# ── layer-setting ────────────────────────────────────────────────────────────

_TITLE = "{layer} cannot take `{code}` as `{setting}`"
_TEXT = "{given} `{setting}` of {layer} is {meaning}, and it must be {must}. {hint}"
_SHARE = "a number from 0 to 1"
_COUNT = "1 or greater"
_SIZE = "a whole number, not negative"
#: What a setting is, what it must be, its smallest and its greatest value.
_NUMBERS = {
    "p": ("the share of values that are set to 0", _SHARE, 0, 1),
    "dropout": ("the share of values that are set to 0", _SHARE, 0, 1),
    "dropout_p": ("the share of values that are set to 0", _SHARE, 0, 1),
    "label_smoothing": ("how much of the target goes to all classes alike", _SHARE, 0, 1),
    "num_layers": ("how many layers stand one on the other", _COUNT, 1, None),
    "groups": ("into how many groups the channels are divided", _COUNT, 1, None),
    "in_features": ("the size of the input's last dimension", _SIZE, 0, None),
    "out_features": ("the size of the result's last dimension", _SIZE, 0, None),
    "in_channels": ("how many channels the input has", _SIZE, 0, None),
    "out_channels": ("how many channels the result has", _SIZE, 0, None),
    "num_embeddings": ("how many rows the table has", _SIZE, 0, None),
    "embedding_dim": ("how long each row is", _SIZE, 0, None),
    "num_features": ("how many features or channels the input has", _SIZE, 0, None),
    "input_size": ("the size of the input's last dimension", _SIZE, 0, None),
    "hidden_size": ("the size of the hidden state", _COUNT, 1, None),
}  # fmt: skip
_WORDS = {
    "reduction": ("how the losses of a batch become one", ("mean", "sum", "none")),
    "padding_mode": ("what stands around the input", ("zeros", "reflect", "replicate", "circular")),
    "padding": ("what is put around the input", ("same", "valid")),
    "nonlinearity": ("the function between the layers", ("tanh", "relu")),
    "mode": ("how values are joined", ("sum", "mean", "max", "nearest", "linear", "bilinear", "bicubic")),
}  # fmt: skip
_PERCENT = "For {percent} percent write `{share:g}`."
_NEAR = "`{near}` is meant, it seems."


@failure
def layer_setting(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a number for a layer or loss is outside of what the setting may be, or a word unknown."""
    call, found = _call(step), failing(step)
    if call is None or step.error is None:
        return None
    layer = call.name.rpartition(".")[2]
    for name, value, argument in _settings(call):
        if name in _NUMBERS:
            told = _number(name, value)
        elif name in _WORDS and value[:1] in "'\"" and "'" not in value[1:-1]:
            told = _word(name, value, step.error.message)
        else:
            continue
        if told is None:
            continue
        meaning, must, hint, better = told
        label = argument.text if argument is not None and argument.text else value
        literal = argument is None or argument.text == value or argument.text[:1] in "'\""
        given = f"`{name}` is `{value}` here." if literal else f"`{label}` is {value}."
        node = calls.node_of(found, call, argument) if found is not None and argument is not None else None
        fix = changed(found, node, better) if better is not None and literal else None
        fields = {"layer": layer, "setting": name, "meaning": meaning, "must": must}
        text = fill(_TEXT, given=given, hint=hint, **fields)
        return Explanation("layer-setting", "error", fill(_TITLE, code=label, **fields), text, fix)
    return None


def _call(step: Step) -> FailedCall | None:
    """The failed call, where it makes a layer, or calls a loss or a function of torch.nn."""
    call, error = calls.failed(step), step.error
    if call is None or error is None or not call.name.startswith(_NN):
        return None
    return call if error.type in ("ValueError", "AssertionError", "RuntimeError") else None


def _settings(call: FailedCall) -> Iterator[tuple[str, str, Argument | None]]:
    """Names and values of what was given to make the layer, or is set in the one that was called."""
    if call.form == "module" and call.module is not None:
        yield from ((name, value, None) for name, value in call.module.settings.items())
        return
    for one in call.arguments:
        if one.value is not None and one.operand is None:
            yield one.parameter, one.value, one


def _number(name: str, value: str) -> tuple[str, str, str, str | None] | None:
    try:
        number = float(value)
    except ValueError:
        return None
    meaning, must, low, high = _NUMBERS[name]
    if number >= low and (high is None or number <= high):
        return None
    hint = ""
    if high == 1 and 5 <= number <= 100:
        hint = fill(_PERCENT, percent=value, share=number / 100)
    return meaning, must, hint, None


def _word(name: str, value: str, message: str) -> tuple[str, str, str, str | None] | None:
    meaning, known = _WORDS[name]
    plain = value.strip("\"'")
    if plain in known or (plain not in message and name not in message):
        return None
    near = get_close_matches(plain, known, 1, 0.6)
    hint = fill(_NEAR, near=f'"{near[0]}"') if near else ""
    must = f"one of {code_list([repr(one) for one in known], most=8)}"
    return meaning, must, hint, f'"{near[0]}"' if near else None


# ── layer-division ───────────────────────────────────────────────────────────

_DIVIDE_TITLE = "{many} {things} cannot be divided into {count} {parts}"
_DIVIDE = """
`{code}` gives {many_label} for {many_name} and {count_label} for {count_name}: each of the {count} {parts}
gets equally many {things}, so that {many} must be a multiple of {count}, and {many} / {count} leaves {rest}
over.
"""
_DIVISIONS = (
    ("in_channels", "groups", "channels", "groups", 1),
    ("out_channels", "groups", "channels", "groups", 1),
    ("embed_dim", "num_heads", "features", "heads", None),
    ("d_model", "nhead", "features", "heads", 8),
)


@failure
def layer_division(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when channels or features of a layer are to be divided into parts that do not come out even."""
    call = _call(step)
    if call is None or call.form != "class" or step.error is None or "divisible" not in step.error.message:
        return None
    for many_name, count_name, things, parts, default in _DIVISIONS:
        first, second = calls.argument(call, many_name), calls.argument(call, count_name)
        many, count = calls.number(first), calls.number(second)
        count = default if second is None else count
        if first is None or many is None or not count or count < 1 or many % count == 0:
            continue
        fields = {"many": many, "count": count, "things": things, "parts": parts}
        labels = {
            "many_label": calls.said(first),
            "count_label": calls.said(second) if second is not None else f"nothing, so {count},",
        }
        names = {"many_name": f"`{many_name}`", "count_name": f"`{count_name}`"}
        text = fill(_DIVIDE, code=_short(call.expression), rest=many % count, **fields, **labels, **names)
        return Explanation("layer-division", "error", fill(_DIVIDE_TITLE, **fields), text)
    return None


def _short(code: str) -> str:
    return code if len(code) <= 80 else f"{code[:79]}…"


# ── padding-index ────────────────────────────────────────────────────────────

_PADDING_TITLE = "Row {index} of the embedding is not there: it has {rows}"
_PADDING = """
`{code}` sets `padding_idx` to {given}: the row that stands for padding and learns nothing. The table has
{rows} rows, so that it must be one of 0 to {last} (or -1 to -{rows}, from the end). Make the table longer,
or take another row.
"""
_SAME_TITLE = 'padding="same" goes with a stride of 1 only'
_SAME = """
`{code}` asks for `padding="same"`, a result as large as the input, and for a stride of {stride}, which
makes it smaller. Both cannot be had: leave `stride` away, or give the padding as a number, such as
`kernel_size // 2`.
"""


@failure
def layer_conflict(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when settings of a layer contradict each other: a padding row outside, padding and stride."""
    call = _call(step)
    if call is None or call.form != "class":
        return None
    code = _short(call.expression)
    index, rows = calls.argument(call, "padding_idx"), calls.number(calls.argument(call, "num_embeddings"))
    number = calls.number(index)
    if index is not None and number is not None and rows is not None and not -rows <= number < rows:
        text = fill(_PADDING, code=code, given=calls.said(index), rows=rows, last=rows - 1)
        title = fill(_PADDING_TITLE, index=number, rows=rows)
        return Explanation("layer-conflict", "error", title, text)
    padding, stride = calls.argument(call, "padding"), calls.argument(call, "stride")
    if padding is not None and padding.value == '"same"' and stride is not None and stride.value != "1":
        text = fill(_SAME, code=code, stride=stride.value)
        return Explanation("layer-conflict", "error", _SAME_TITLE, text)
    return None


# ── init-dimensions ──────────────────────────────────────────────────────────

_INIT_TITLE = "`{init}` needs a tensor of two dimensions or more, and `{name}` is {what}"
_INIT = """
`{code}` scales its random values by how many inputs and outputs the tensor joins, its first two sizes.
`{name}` is {what} and has no two. A bias is set otherwise, `nn.init.zeros_({name})`; leave tensors of one
dimension out.
"""
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
        what = f"a {tensor.type}"
        title = f"`{init}` fills a tensor, and got {what}"
        return Explanation("init-dimensions", "error", title, fill(_MODULE, code=code, what=what, init=init))
    shape = tensor.operand.shape if tensor.operand is not None else None
    if shape is None or len(shape) > 1 or "dimensions" not in step.error.message:
        return None
    fields = {"init": init, "name": tensor.text or "the tensor", "what": shape_text(shape)}
    return Explanation(
        "init-dimensions", "error", fill(_INIT_TITLE, **fields), fill(_INIT, code=code, **fields)
    )


# ── missing-return ───────────────────────────────────────────────────────────

_RETURN_TITLE = "`{name}` is None: `{function}` returns nothing"
_RETURN = """
`{name}` is what `{code}` gave{at}, and that is None: `{function}` ({where}) computes something and has no
`return`, so that its result is dropped. End it with `return`: {last}.
"""


@failure
def missing_return(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when something is asked of the None that a `forward` or function without `return` gave."""
    error, found = step.error, failing(step)
    missing = error.missing if error is not None else None
    if missing is None or found is None or missing.kind != "attribute" or missing.type != "NoneType":
        return None
    try:
        owner = ast.parse(missing.owner, mode="eval").body
    except SyntaxError:
        return None
    binding = last_set(step, past, found, missing.owner) if isinstance(owner, ast.Name) else None
    value = binding.value if binding is not None else owner
    if not isinstance(value, ast.Call):
        return None
    told = _function(step, past, found, value.func)
    if told is None:
        return None
    name, function, where = told
    inside = [node for node in ast.walk(function) if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom)]
    if inside:
        return None
    last = function.body[-1]
    better = "`return …`"
    if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Constant):
        better = f"`return {ast.unparse(last.value)}`"
    elif isinstance(last, ast.Assign) and isinstance(last.targets[0], ast.Name):
        better = f"`return {last.targets[0].id}`"
    at = f" ({binding.at})" if binding is not None else ""
    fields = {"name": missing.owner, "function": name, "where": where, "at": at, "last": better}
    text = fill(_RETURN, code=_short(ast.unparse(value)), **fields)
    return Explanation("missing-return", "error", fill(_RETURN_TITLE, **fields), text)


def _function(
    step: Step, past: Past, found: Failing, called: ast.expr
) -> tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, str] | None:
    """The learner's function that a call runs, its name, and where it stands."""
    written = ast.unparse(called)
    kind = found.modules.get(written, "")
    made = last_set(step, past, found, written) if not kind and isinstance(called, ast.Name) else None
    maker = called if isinstance(called, ast.Call) else made.value if made is not None else None
    if isinstance(maker, ast.Call):
        kind = ast.unparse(maker.func)
    own = defined(step, past, kind) if kind else None
    if own is not None and "forward" in own.methods:
        method = own.methods["forward"]
        return f"{kind}.forward", method, str(own.code.at(method))
    for code in codes(step, past) if isinstance(called, ast.Name) else ():
        for root in code.tree:
            if isinstance(root, ast.FunctionDef) and root.name == written:
                return written, root, str(code.at(root))
    return None


# ── method-uncalled ──────────────────────────────────────────────────────────

_UNCALLED_TITLE = "`{name}` is the method itself: it has not been called"
_UNCALLED = """
`{name}` without brackets is the method, and not what it gives: that cannot be {used}. Call it: `{name}()`.
"""
_METHODS = re.compile(
    r"'(?:method|builtin_function_or_method|function)' object (?:is not (\w+)|has no attribute)"
    r"|object of type '(?:method|builtin_function_or_method)' has no len"
)
_USED = {"iterable": "gone through", "subscriptable": "indexed"}
_GIVING = frozenset({
    "parameters", "named_parameters", "children", "modules", "state_dict", "buffers", "size", "dim", "numel",
    "item", "tolist", "numpy", "detach", "clone", "mean", "sum", "max", "min", "keys", "values", "items",
    "stride", "float", "long", "int", "half", "double", "cpu", "t", "std", "var", "abs", "sqrt", "exp",
})  # fmt: skip


@failure
def method_uncalled(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a method is gone through, indexed or asked for something, since its brackets lack."""
    error, found = step.error, failing(step)
    told = _METHODS.search(error.message) if error is not None else None
    if error is None or told is None or found is None:
        return None
    inside = [one for each in found.nodes for one in ast.walk(each)]
    if isinstance(found.statement, ast.For):
        inside = [*ast.walk(found.statement.iter), *inside]
    called = {id(one.func) for one in inside if isinstance(one, ast.Call)}
    for node in inside:
        if not isinstance(node, ast.Attribute) or node.attr not in _GIVING or id(node) in called:
            continue
        name = ast.get_source_segment(found.source, node) or ast.unparse(node)
        text = fill(_UNCALLED, name=name, used=_USED.get(told[1] or "", "used so"))
        fix = changed(found, node, f"{name}()")
        return Explanation("method-uncalled", "error", fill(_UNCALLED_TITLE, name=name), text, fix)
    return None
