"""Settings of optimizers: what each may be, and what it does."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from tutor.explain import calls
from tutor.explain.elsewhere import changed
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing
from tutor.explain.rules.optimizers import optimizer_made
from tutor.explain.wording import and_text, fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_HAS = "It has {count} here."
_IS = "`{name}` is {what}."
_GIVEN_AS = "{told} (given as `{name}`)."
_IS_HERE = "`{name}` is `{code}` here."
_TITLE = "{optimizer} cannot take `{code}` as {setting}"
_TEXT = "{given} `{setting}` is {meaning}, and it must be {must}. {hint}"
_RAISED = frozenset({"ValueError", "TypeError", "IndexError", "AssertionError", "RuntimeError"})
_TEXT_NUMBER = (
    "It is a text here, in quotation marks: numbers from a file or an input are texts until `float(...)`."
)
_UPHILL = "A negative step would go uphill: if that is meant, keep `lr` positive and set `maximize=True`."
_TWO_BETAS = "Most people change only the first: `{setting}=({value}, 0.999)`."
_TENSOR = """
{given} As a tensor it must have exactly one element: one `lr` is used for all parameters of a group.
{groups}
"""
_GROUPS = """
For other rates on other parameters make groups: `[{{'params': a, 'lr': 0.1}}, {{'params': b, 'lr':
0.01}}]`.
"""
_FOREACH = """
{given} A tensor as `{setting}` needs `capturable=True` once `foreach=True` is asked for: give a plain number,
{instead}, or leave `foreach` away.
"""
_BOTH = (
    "{given} Its two members must be both plain numbers or both tensors: here one is a tensor and one is not."
)
_WITH, _NO_MOMENTUM = ", with {settings}", " and gives no `momentum`, which is 0 then"
_WITH_ITEM = "with `.item()`"
_NESTEROV_TITLE = "Nesterov momentum needs a momentum"
_NESTEROV = """
`{code}` asks for `nesterov=True`{has}. Nesterov's method is a way to use momentum, so that it needs
`momentum` greater than 0 and `dampening` equal to 0. Add for instance `momentum=0.9`, or leave `nesterov`
away for plain gradient descent.
"""


@dataclass(frozen=True)
class Setting:
    """What a setting means, what it must be, and whether one number is right."""

    meaning: str
    must: str
    allows: Callable[[float], bool]
    #: Of a pair, the two members' own conditions.
    pair: tuple[Callable[[float], bool], Callable[[float], bool]] | None = None


def _from_0(value: float) -> bool:
    return value >= 0


def _below_1(value: float) -> bool:
    return 0 <= value < 1


def _to_1(value: float) -> bool:
    return 0 <= value <= 1


_ZERO = "a number, 0 or greater"
_PAIR = "a pair of numbers, each from 0 to less than 1"
_SETTINGS = {
    "lr": Setting("the learning rate, how far a step goes", _ZERO, _from_0),
    "momentum": Setting("how much of the last step is kept in the next", _ZERO, _from_0),
    "weight_decay": Setting("how strongly weights are pulled towards 0", _ZERO, _from_0),
    "eps": Setting("a small number that keeps a division from being by 0", _ZERO, _from_0),
    "betas": Setting("how slowly the two running averages forget", _PAIR, _below_1, (_below_1, _below_1)),
    "rho": Setting("how slowly the running average forgets", "a number from 0 to 1", _to_1),
    "alpha": Setting("how slowly the running average forgets", _ZERO, _from_0),
    "lr_decay": Setting("how fast the learning rate falls", _ZERO, _from_0),
    "momentum_decay": Setting("how fast the momentum falls", _ZERO, _from_0),
    "initial_accumulator_value": Setting("what the sum of squares begins with", _ZERO, _from_0),
    "etas": Setting(
        "what a step is multiplied with when the sign changes, and when it does not",
        "a pair of numbers, the first between 0 and 1 and the second greater than 1",
        _from_0,
        (lambda low: 0 < low < 1, lambda high: high > 1),
    ),
    "d": Setting("where updates are clipped", "a number, 1 or greater", lambda value: value >= 1),
    "beta2_decay": Setting(
        "how the running average changes", "a number, 0 or less", lambda value: value <= 0
    ),
}  # fmt: skip
#: Settings of one optimizer that differ from the others'.
_OWN = {
    ("Adafactor", "eps"): Setting(
        "two small numbers that keep divisions from being by 0",
        "a pair, the first None or a number from 0, the second a number from 0",
        _from_0,
        (_from_0, _from_0),
    ),
    ("Muon", "adjust_lr_fn"): Setting(
        "how the learning rate follows the shape",
        "'original', 'match_rms_adamw' or None",
        lambda value: False,
    ),
}  # fmt: skip


@failure
def optimizer_setting(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a setting of an optimizer is no number, or outside of what the setting may be."""
    call = optimizer_made(step)
    if call is None or step.error is None or step.error.type not in _RAISED:
        return None
    optimizer = call.name.rpartition(".")[2]
    for argument in call.arguments:
        setting = _OWN.get((optimizer, argument.parameter)) or _SETTINGS.get(argument.parameter)
        told = _wrong(call, argument, setting) if setting is not None else None
        if told is None:
            continue
        text, code = told
        found = failing(step)
        node = calls.node_of(found, call, argument) if found is not None and code is not None else None
        fix = changed(found, node, code) if code is not None else None
        shown = argument.text or argument.value or argument.parameter
        title = fill(_TITLE, optimizer=optimizer, code=shown, setting=argument.parameter)
        return Explanation("optimizer-setting", "error", title, text, fix, _names(argument))
    return None


@failure
def nesterov(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when SGD is asked for Nesterov momentum with no momentum, or with dampening."""
    call = optimizer_made(step)
    if call is None or step.error is None or step.error.type != "ValueError":
        return None
    asked = calls.argument(call, "nesterov")
    if asked is None or asked.value != "True":
        return None
    momentum, dampening = calls.argument(call, "momentum"), calls.argument(call, "dampening")
    if (_float(momentum) or 0) > 0 and not _float(dampening):
        return None
    settings = [f"{calls.label(one)} ({one.parameter})" for one in (momentum, dampening) if one is not None]
    has = phrase(_WITH, settings=and_text(settings)) if settings else phrase(_NO_MOMENTUM)
    code = call.expression if len(call.expression) <= 90 else call.name
    return Explanation("nesterov-momentum", "error", _NESTEROV_TITLE, fill(_NESTEROV, code=code, has=has))


def _wrong(call: FailedCall, argument: Argument, setting: Setting) -> tuple[str, str | None] | None:
    """What to say of a setting that is wrong, and code that takes its place; None where it is right."""
    name, given = argument.parameter, _given(argument)
    fields = {"given": given, "setting": name, "meaning": setting.meaning, "must": setting.must}
    if argument.operand is not None:
        return _wrong_tensor(call, argument, given)
    if name == "adjust_lr_fn":
        right = argument.value in ("None", '"original"', '"match_rms_adamw"')
        return None if right else (fill(_TEXT, hint="", **fields), None)
    if setting.pair is not None:
        return _wrong_pair(call, argument, setting, fields)
    if argument.kind == "text":
        number = _number_in(argument.value)
        written = argument.text == argument.value or argument.text[:1] in "'\""
        code = None if number is None else number if written else f"float({argument.text})"
        return fill(_TEXT, hint=fill(_TEXT_NUMBER), **fields), code
    if argument.kind != "number" or argument.type == "complex":
        return (fill(_TEXT, hint="", **fields), None) if argument.type else None
    value = _float(argument)
    if value is None or setting.allows(value):
        return None
    return fill(_TEXT, hint=fill(_UPHILL) if name == "lr" else "", **fields), None


def _wrong_tensor(call: FailedCall, argument: Argument, given: str) -> tuple[str, None] | None:
    shape = argument.operand.shape if argument.operand is not None else None
    elements = 1
    for size in shape or ():
        elements *= size
    if argument.parameter == "lr" and elements != 1:
        return fill(_TENSOR, given=given, groups=fill(_GROUPS)), None
    foreach = calls.argument(call, "foreach")
    if foreach is not None and foreach.value == "True":
        instead = f"`{argument.text}.item()`" if argument.text else _WITH_ITEM
        return fill(_FOREACH, given=given, setting=argument.parameter, instead=instead), None
    return None


def _wrong_pair(
    call: FailedCall, argument: Argument, setting: Setting, fields: dict[str, str]
) -> tuple[str, str | None] | None:
    name = argument.parameter
    if argument.kind == "number":
        code = f"({argument.text}, 0.999)" if name == "betas" and argument.text else None
        hint = (
            fill(_TWO_BETAS, setting=name, value=argument.text or argument.value) if code is not None else ""
        )
        return fill(_TEXT, hint=hint, **fields), code
    if argument.items and argument.length == 2:
        if len(argument.items) == 1:
            return fill(_BOTH, **fields), None
        foreach = calls.argument(call, "foreach")
        if foreach is not None and foreach.value == "True":
            return fill(_FOREACH, instead=_WITH_ITEM, **fields), None
        return None
    members = _members(argument.value)
    if members is None or setting.pair is None:
        return (fill(_TEXT, hint="", **fields), None) if argument.kind in ("text", "none") else None
    if len(members) != 2:
        return fill(_TEXT, hint=fill(_HAS, count=len(members)), **fields), None
    allowed = [
        member is None or (isinstance(member, int | float) and allows(member))
        for member, allows in zip(members, setting.pair, strict=True)
    ]
    return None if all(allowed) else (fill(_TEXT, hint="", **fields), None)


def _given(argument: Argument) -> str:
    name = argument.parameter
    if not argument.text:
        return fill(_IS, name=name, what=calls.what(argument))
    told = calls.said(argument)
    if told != calls.label(argument):
        return fill(_GIVEN_AS, told=told, name=name)
    return fill(_IS_HERE, name=name, code=argument.text)


def _float(argument: Argument | None) -> float | None:
    if argument is None or argument.value is None:
        return None
    try:
        return float({"True": "1", "False": "0"}.get(argument.value, argument.value))
    except ValueError:
        return None


def _number_in(value: str | None) -> str | None:
    text = (value or "").strip("\"'").strip()
    try:
        float(text)
    except ValueError:
        return None
    return text


def _members(value: str | None) -> tuple[object, ...] | None:
    try:
        found = ast.literal_eval(value or "")
    except (ValueError, SyntaxError):
        return None
    return tuple(found) if isinstance(found, tuple | list) else None


def _names(argument: Argument) -> tuple[str, ...]:
    return (argument.text,) if argument.text.isidentifier() else ()
