"""BatchNorm, LayerNorm, GroupNorm and their kin, given another input than they are made for."""

from __future__ import annotations

from tutor.explain import calls, subjects
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import fill, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Shape, Snapshot, Step
from tutor.translation import translated

_RANK_TITLE = "{layer} takes {ranks} dimensions, and its input has {count}"
_RANK = """
{made}: it takes an input of {ranks} dimensions, {wanted}. {shape}, with {count}. {hint}
"""
_FEATURES_TITLE = "{layer} is made for {takes} channels, and its input has {has}"
_FEATURES = """
{made} for {takes} channels (`{setting}`), and keeps a mean and a variance of each. Channels stand in
dimension {dim} of its input: {shape}, so there are {has}. Both numbers must be equal: {hint}
"""
_CHANGE = "make the layer `nn.{type}({has})`, or change what comes before it."
_CHANGE_FUNCTION = "give it as many means and variances as there are channels."
_ONE_TITLE = "{layer} was given one value for each channel, in training"
_ONE = """
{made}, in training mode: it works out the mean and the variance of each channel over the batch. {shape},
which leaves one value for each channel, and one value has no variance: it needs at least two. For a single
example call `.eval()` first; for a last batch of size 1 in training, make the DataLoader with
`drop_last=True`.
"""
_TAIL_TITLE = "{layer} normalizes the last sizes {wanted}, and its input ends in {has}"
_TAIL = """
{made} with `normalized_shape={setting}`: the last {dims} of its input must have just these sizes. {shape},
which ends in {has}. {hint}
"""
_TAIL_CHANGE = "Make it `nn.{type}({has})`, or change what comes before it."
_TAIL_SHORT = "It has fewer dimensions than that."
_PARAMETER = """
{shape}. `{operation}` with `normalized_shape={setting}` needs a {name} of exactly that shape, one number
for each place.
"""
_PARAMETER_TITLE = "The {name} is {has}, and must be {wanted}"
_PARAMETERS = ("weight", "bias")
_EMPTY_TITLE = "`normalized_shape` is empty in `{code}`"
_EMPTY = """
{shape}. `normalized_shape` is {setting}: it says how many of the last sizes are normalized, and must have
at least one.
"""
_GROUPS_TITLE = "{has} channels cannot be split into {groups} groups"
_GROUPS = """
{made}. It splits the channels of its input, dimension 1, into `num_groups` = {groups} groups of the same
size. {shape}: {channels}
"""
_GROUPS_MULTIPLE = "{has} channels are no multiple of {groups}, and must be."
_GROUPS_NONE = "it has {count}, and needs at least 2 to have channels."
_GROUPS_MADE = """
`num_channels` is {has} and `num_groups` is {groups}: groups of the same size need a number of channels that
is a multiple of the number of groups.
"""

_RANKS = {
    "BatchNorm1d": ((2, 3), "`[batch, channels]` or `[batch, channels, length]`"),
    "BatchNorm2d": ((4,), "`[batch, channels, height, width]`"),
    "BatchNorm3d": ((5,), "`[batch, channels, depth, height, width]`"),
    "InstanceNorm1d": ((2, 3), "`[channels, length]` with a batch in front or not"),
    "InstanceNorm2d": ((3, 4), "`[channels, height, width]` with a batch in front or not"),
    "InstanceNorm3d": ((4, 5), "`[channels, depth, height, width]` with a batch in front or not"),
}
_NAMES = {1: "BatchNorm1d", 2: "BatchNorm1d", 4: "BatchNorm2d", 5: "BatchNorm3d"}
_OTHER = "For an input of {count} dimensions there is `nn.{type}`."


def _normalizing(step: Step, *operations: str) -> tuple[FailedCall, Argument, Shape] | None:
    """The failed call, where it is one of these, with its input."""
    refused = subjects.refused(step)
    call = next((one for one in calls.chain(refused) if calls.operation(one) in operations), None)
    given = subjects.input_of(call, step) if call is not None else None
    sizes = subjects.shape(given)
    if call is None or given is None or sizes is None or call.form == "class":
        return None
    return call, given, sizes


@failure
def batch_norm_input(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when BatchNorm or InstanceNorm gets other channels or dimensions, or too little to train on."""
    found = _normalizing(step, "batch_norm", "instance_norm")
    if found is None:
        return None
    call, given, sizes = found
    told = _ranks(call, given, sizes) or _features(call, given, sizes) or _one_value(step, call, given, sizes)
    if told is None:
        return None
    return Explanation("norm-input", "error", *told, None, subjects.evidence(step, [given]))


_Told = tuple[str, str]


def _ranks(call: FailedCall, given: Argument, sizes: Shape) -> _Told | None:
    kind = call.module.type if call.module is not None else ""
    ranks, wanted = _RANKS.get(kind, ((), ""))
    if not ranks or len(sizes) in ranks:
        return None
    other = _NAMES.get(len(sizes)) if kind.startswith("BatchNorm") else None
    fields = {"ranks": subjects.counted(ranks), "count": subjects.dims_text(len(sizes))}
    text = fill(
        _RANK,
        made=subjects.layer_is(call),
        wanted=wanted,
        shape=subjects.sentence(subjects.shape_of(given)),
        hint=fill(_OTHER, count=len(sizes), type=other) if other is not None and len(sizes) > 1 else "",
        **fields,
    )
    return subjects.sentence(fill(_RANK_TITLE, layer=subjects.layer_of(call), **fields)), text


def _features(call: FailedCall, given: Argument, sizes: Shape) -> _Told | None:
    takes = subjects.setting(call, "num_features")
    means = subjects.tensor(call, "running_mean", "running_var", "weight")
    if call.module is None and means is not None:
        takes = (subjects.shape(means) or (0,))[0]
    batchless = calls.operation(call) == "instance_norm" and len(sizes) in _batchless(call)
    dim = 0 if batchless else 1
    if type(takes) is not int or len(sizes) <= dim or sizes[dim] == takes:
        return None
    fields = {"takes": takes, "has": sizes[dim], "layer": subjects.layer_of(call)}
    hint = fill(_CHANGE_FUNCTION)
    if call.module is not None:
        hint = fill(_CHANGE, type=call.module.type, has=sizes[dim])
    setting = f"num_features={takes}" if call.module is not None or means is None else means.text
    text = fill(
        _FEATURES,
        made=subjects.layer_is(call),
        setting=setting,
        dim=dim,
        shape=subjects.shape_of(given),
        hint=hint,
        **fields,
    )
    return subjects.sentence(fill(_FEATURES_TITLE, **fields)), text


def _batchless(call: FailedCall) -> tuple[int, ...]:
    kind = call.module.type if call.module is not None else ""
    return _RANKS[kind][0][:1] if kind in _RANKS else ()


def _one_value(step: Step, call: FailedCall, given: Argument, sizes: Shape) -> _Told | None:
    rest = 1
    for at, size in enumerate(sizes):
        rest *= size if at != 1 else 1
    if rest != 1 or len(sizes) < 2 or "more than 1 " not in subjects.message(step):
        return None
    shape = subjects.sentence(subjects.shape_of(given))
    text = fill(_ONE, made=subjects.layer_is(call), shape=shape)
    return subjects.sentence(fill(_ONE_TITLE, layer=subjects.layer_of(call))), text


@failure
def layer_norm_input(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when LayerNorm or RMSNorm gets an input or weight that does not end in its normalized_shape."""
    found = _normalizing(step, "layer_norm", "rms_norm", "native_layer_norm")
    if found is None:
        return None
    call, given, sizes = found
    setting = subjects.setting(call, "normalized_shape")
    if call.module is None:
        setting = subjects.plain(calls.argument(call, "normalized_shape"))
    wanted = tuple(setting) if isinstance(setting, tuple | list) else (setting,)
    if not all(type(size) is int for size in wanted):
        return None
    told = _tail(call, given, sizes, wanted) or _parameter(call, wanted)
    if told is None:
        return None
    return Explanation("norm-input", "error", *told, None, subjects.all_evidence(step, call))


def _tail(call: FailedCall, given: Argument, sizes: Shape, wanted: Shape) -> _Told | None:
    shape = subjects.sentence(subjects.shape_of(given))
    if not wanted:
        title = fill(_EMPTY_TITLE, code=subjects.code_of(call))
        return title, fill(_EMPTY, shape=shape, setting=_tuple(wanted))
    if sizes[-len(wanted) :] == wanted:
        return None
    count, has = len(wanted), sizes[-len(wanted) :]
    inner = str(has[0]) if len(has) == 1 else _tuple(has)
    hint = fill(_TAIL_SHORT) if len(sizes) < count else ""
    if not hint and call.module is not None:
        hint = fill(_TAIL_CHANGE, type=call.module.type, has=inner)
    text = fill(
        _TAIL,
        made=subjects.layer_is(call),
        setting=_tuple(wanted),
        dims=subjects.dims_text(count) if count > 1 else "dimension",
        shape=shape,
        has=shape_text(has),
        hint=hint,
    )
    fields = {"wanted": shape_text(wanted), "has": shape_text(has)}
    return subjects.sentence(fill(_TAIL_TITLE, layer=subjects.layer_of(call), **fields)), text


def _parameter(call: FailedCall, wanted: Shape) -> _Told | None:
    for parameter in _PARAMETERS:
        given, name = subjects.tensor(call, parameter), translated(parameter)
        sizes = subjects.shape(given)
        if given is None or sizes is None or sizes == wanted:
            continue
        shape = subjects.sentence(subjects.shape_of(given))
        text = fill(
            _PARAMETER, shape=shape, operation=calls.operation(call), setting=_tuple(wanted), name=name
        )
        return fill(_PARAMETER_TITLE, name=name, has=shape_text(sizes), wanted=shape_text(wanted)), text
    return None


def _tuple(sizes: Shape) -> str:
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


@failure
def group_norm_input(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when GroupNorm is to split channels into groups that do not come out even."""
    call = subjects.refused(step)
    if call is None or calls.operation(call) not in ("group_norm", "GroupNorm"):
        return None
    if call.form == "class":
        channels = calls.number(calls.argument(call, "num_channels"))
        groups = calls.number(calls.argument(call, "num_groups"))
        if not channels or not groups or channels % groups == 0:
            return None
        title, text = _GROUPS_TITLE, fill(_GROUPS_MADE, has=channels, groups=groups)
        return Explanation("norm-input", "error", fill(title, has=channels, groups=groups), text, None, ())
    given = subjects.input_of(call, step)
    sizes = subjects.shape(given)
    wanted = subjects.setting(call, "num_groups")
    if call.module is None:
        wanted = calls.number(calls.argument(call, "num_groups"))
    if given is None or sizes is None or type(wanted) is not int:
        return None
    if len(sizes) > 1 and (not wanted or sizes[1] % wanted == 0):
        return None
    has = sizes[1] if len(sizes) > 1 else 0
    inner = fill(_GROUPS_MULTIPLE, has=has, groups=wanted)
    if len(sizes) < 2:
        inner = fill(_GROUPS_NONE, count=subjects.dims_text(len(sizes)))
    shape = subjects.sentence(subjects.shape_of(given))
    text = fill(_GROUPS, made=subjects.layer_is(call), groups=wanted, shape=shape, channels=inner)
    title = fill(_GROUPS_TITLE, has=has, groups=wanted)
    return Explanation("norm-input", "error", title, text, None, subjects.evidence(step, [given]))
