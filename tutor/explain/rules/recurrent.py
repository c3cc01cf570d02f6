"""RNN, LSTM, GRU, their cells, attention and Bilinear, given other sizes than they are made for."""

from __future__ import annotations

from tutor.explain import calls, subjects
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Operand, Shape, Snapshot, Step

_INPUT = "its input"
_ORDERS = ("length, batch", "batch, length")
_STATE_SHAPE = "{name} is {shape}"
_CELL_TAKES = "it takes `[batch, input_size]`, or one row"
_TAKES = "it takes `[{order}, input_size]`, or one sequence without a batch"
_PART = "part {at} of the hidden state"
_STATE_IS = "its hidden state is `[batch, {hidden}]`, or one row"
_FOR_INPUT = "an input of shape {shape}, {name},"
_RANK_TITLE = "{layer} takes {ranks} dimensions, and {who} has {count}"
_RANK = """
{made}: {wanted}, so {who} must have {ranks} dimensions. {shape}, with {count}.
"""
_SIZE_TITLE = "{layer} takes {takes} features, and its input has {has}"
_SIZE = """
{made} with `input_size={takes}`: the last size of its input must be {takes}. {shape}, so it is {has}.
Either make the layer `nn.{type}({has}, {hidden})`, or change what comes before it.
"""
_HIDDEN_TITLE = "{layer} needs a hidden state of shape {wanted}, and gets {given}"
_HIDDEN = """
{made} with {settings}. For {shape} the hidden state must have shape {wanted}: {meaning}. {state} is
{given}. Without one, the layer begins with zeros.
"""
_HIDDEN_CELL = "the batch of the input, and `hidden_size`"
_HIDDEN_LAYERS = "one for each layer and direction, then the batch, then the hidden size"
_EMBED_TITLE = "{layer} takes {takes} features in `{parameter}`, and gets {has}"
_EMBED = """
{made} with {setting}: the last size of `{parameter}` must be {takes}. {shape}, so it is {has}. Either make
the layer for it, or bring it to that size before, with a Linear layer.
"""

_LAST_SIZES = "the last sizes of `query` and `key`"
_BEFORE_LAST_SIZES = "the first-but-last sizes of `key` and `value`"
_ATTENTION_TITLE = "Sizes {first} and {second} do not fit in the attention"
_ATTENTION = """
As query, key and value: {shapes}. Each query is multiplied with each key, and the values are weighed by
what comes out, so {needs} must be equal: here they are {first} and {second}.
"""
_CELLS = {"rnncell": "RNNCell", "lstmcell": "LSTMCell", "grucell": "GRUCell"}
_LAYERS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
#: Parameters whose last size a setting of the layer tells.
_FEATURES = {
    "MultiheadAttention": (("query", "embed_dim"), ("key", "kdim"), ("value", "vdim")),
    "Bilinear": (("input1", "in1_features"), ("input2", "in2_features")),
}


@failure
def recurrent_input(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a recurrent layer or cell gets an input or a hidden state of other sizes."""
    call = subjects.refused(step)
    operation = calls.operation(call) if call is not None else ""
    if call is None or call.form != "module" or operation not in {**_CELLS, **_LAYERS}:
        return None
    given = subjects.input_of(call, step)
    sizes = subjects.shape(given)
    takes, hidden = subjects.setting(call, "input_size"), subjects.setting(call, "hidden_size")
    if given is None or sizes is None or type(takes) is not int or type(hidden) is not int:
        return None
    told = _input(call, given, sizes, (takes, hidden)) or _states(call, given, sizes, hidden)
    if told is None:
        return None
    return Explanation("recurrent-input", "error", *told, None, subjects.all_evidence(step, call))


_Told = tuple[str, str]


def _input(call: FailedCall, given: Argument, sizes: Shape, made: tuple[int, int]) -> _Told | None:
    takes, hidden = made
    cell = calls.operation(call) in _CELLS
    ranks = (1, 2) if cell else (2, 3)
    shape = subjects.sentence(subjects.shape_of(given))
    if len(sizes) not in ranks:
        wanted = _CELL_TAKES if cell else _layout(call)
        fields = {"ranks": subjects.counted(ranks), "count": subjects.dims_text(len(sizes))}
        text = fill(_RANK, made=subjects.layer_is(call), wanted=wanted, who=_INPUT, shape=shape, **fields)
        return fill(_RANK_TITLE, layer=_who(call), who=_INPUT, **fields), text
    if sizes[-1] == takes or call.module is None:
        return None
    fields = {"takes": str(takes), "has": str(sizes[-1])}
    text = fill(
        _SIZE, made=subjects.layer_is(call), shape=shape, type=call.module.type, hidden=hidden, **fields
    )
    return fill(_SIZE_TITLE, layer=_who(call), **fields), text


def _who(call: FailedCall) -> str:
    return subjects.sentence(subjects.layer_of(call))


def _layout(call: FailedCall) -> str:
    return fill(_TAKES, order=_ORDERS[bool(subjects.setting(call, "batch_first"))])


def _states(call: FailedCall, given: Argument, sizes: Shape, hidden: int) -> _Told | None:
    """The hidden state, or the two of an LSTM."""
    argument = calls.argument(call, "hx", "hidden")
    if argument is None:
        return None
    states: list[Operand] = [argument.operand] if argument.operand is not None else list(argument.items)
    for at, state in enumerate(states):
        if state.shape is None:
            continue
        name = f"`{state.name}`" if state.name else phrase(_PART, at=at)
        told = _state(call, given, sizes, (name, state.shape, hidden, at))
        if told is not None:
            return told
    return None


def _state(
    call: FailedCall, given: Argument, sizes: Shape, state: tuple[str, Shape, int, int]
) -> _Told | None:
    name, shape, hidden, at = state
    cell = calls.operation(call) in _CELLS
    if cell and len(shape) not in (1, 2):
        fields = {"ranks": subjects.counted((1, 2)), "count": subjects.dims_text(len(shape))}
        wanted = fill(_STATE_IS, hidden=hidden)
        text = fill(
            _RANK,
            made=subjects.layer_is(call),
            wanted=wanted,
            who=name,
            shape=phrase(_STATE_SHAPE, name=subjects.sentence(name), shape=shape_text(shape)),
            **fields,
        )
        return fill(_RANK_TITLE, layer=_who(call), who=name, **fields), text
    wanted_shape = (*sizes[:-1], hidden) if cell else _wanted(call, sizes, hidden, at)
    if shape == wanted_shape:
        return None
    settings = [f"hidden_size={hidden}"]
    if not cell:
        names = ("num_layers", "bidirectional", "batch_first", "proj_size")
        settings += [f"{name}={value}" for name in names if (value := subjects.setting(call, name))]
    text = fill(
        _HIDDEN,
        made=subjects.layer_is(call),
        settings=f"`{', '.join(settings)}`",
        shape=phrase(_FOR_INPUT, shape=shape_text(sizes), name=subjects.name_of(given)),
        wanted=shape_text(wanted_shape),
        meaning=_HIDDEN_CELL if cell else _HIDDEN_LAYERS,
        state=subjects.sentence(name),
        given=shape_text(shape),
    )
    fields = {"wanted": shape_text(wanted_shape), "given": shape_text(shape)}
    return fill(_HIDDEN_TITLE, layer=_who(call), **fields), text


def _wanted(call: FailedCall, sizes: Shape, hidden: int, at: int) -> Shape:
    layers, two = subjects.setting(call, "num_layers"), subjects.setting(call, "bidirectional")
    projected = subjects.setting(call, "proj_size")
    count = (layers if isinstance(layers, int) else 1) * (2 if two else 1)
    if isinstance(projected, int) and projected and at == 0:
        hidden = projected
    if len(sizes) == 2:
        return count, hidden
    return count, sizes[0] if subjects.setting(call, "batch_first") else sizes[1], hidden


@failure
def feature_size(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when MultiheadAttention or Bilinear gets an input of another last size than it was made for."""
    call = subjects.refused(step)
    if call is None or call.module is None or call.form != "module":
        return None
    for parameter, setting in _FEATURES.get(call.module.type, ()):
        given, takes = subjects.tensor(call, parameter), subjects.setting(call, setting)
        sizes = subjects.shape(given)
        if given is None or not sizes or type(takes) is not int or sizes[-1] == takes:
            continue
        fields = {"takes": takes, "has": sizes[-1], "parameter": parameter}
        text = fill(
            _EMBED,
            made=subjects.layer_is(call),
            setting=f"`{setting}={takes}`",
            shape=subjects.sentence(subjects.shape_of(given)),
            **fields,
        )
        title = subjects.sentence(fill(_EMBED_TITLE, layer=subjects.layer_of(call), **fields))
        return Explanation("feature-size", "error", title, text, None, subjects.all_evidence(step, call))
    return None


@failure
def attention_sizes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when query, key and value of `scaled_dot_product_attention` do not fit together."""
    call = subjects.refused(step)
    if call is None or calls.operation(call) != "scaled_dot_product_attention":
        return None
    found = [subjects.tensor(call, name) for name in ("query", "key", "value")]
    query, key, value = (subjects.shape(one) or () for one in found)
    if min(map(len, (query, key, value))) < 2:
        return None
    if query[-1] != key[-1]:
        needs, sizes = _LAST_SIZES, (query[-1], key[-1])
    elif key[-2] != value[-2]:
        needs, sizes = _BEFORE_LAST_SIZES, (key[-2], value[-2])
    else:
        return None
    shapes = ", ".join(subjects.shape_of(one, listed=True) for one in found if one is not None)
    text = fill(_ATTENTION, shapes=shapes, needs=needs, first=sizes[0], second=sizes[1])
    title = fill(_ATTENTION_TITLE, first=sizes[0], second=sizes[1])
    return Explanation("feature-size", "error", title, text, None, subjects.all_evidence(step, call))
