"""Values that a parameter does not take: a probability of 1.5, a size of -1, a reduction called "avg"."""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Iterator

from tutor.explain import calls, domains, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import and_text, fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step
from tutor.facts.failed import ArgumentKind
from tutor.translation import translated

_THE_LAYER = "the {type} layer"
_AS_CODE = "as `{code}`, which is {value}"
_THE_VALUE = "the value {value}"
_RANGE_TITLE = "`{parameter}` of {owner} must be {words}, and it is {value}"
_RANGE = """
`{code}` {gives} `{parameter}`{said}, and it must be {words}. {meaning}
"""
_MADE = "calls {layer}, which was made with"
_GIVES = "gives"
_CHOICE_TITLE = "{owner} knows no `{parameter}` {value}"
_CHOICE = "`{code}` {gives} `{parameter}`{said}, and {owner} knows only {choices}. {near}"
_NEAR = "Is {near} meant?"
_INSIDE_TITLE = "{name} has values that `{operation}` does not take"
_INSIDE = """
{name} is {what} with values from {low:.6g} to {high:.6g}, and here they must be {words}. {meaning} {cure}
"""
_SIGMOID = "Scores become probabilities by `torch.sigmoid`, or take `{logits}`, which does that inside."
_SMALLER = "smaller than"
_PAIR_TITLE = "`{small}` must be smaller than `{great}`"
_PAIR = """
`{code}` gives `{small}` the value {low} and `{great}` the value {high}, and `{small}` must be {words}
`{great}`.
"""
_SIGN = """
`{code}` goes from {start} to {end} in steps of {step}, and that never arrives: the step must have the
sign of the way, {sign}.
"""
_SIGN_TITLE = "The step {step} leads away from {end}"
_DIVIDE_TITLE = "{whole} must be divisible by {part}"
_DIVIDE = """
`{code}` gives `{whole}` the value {number} and `{part}` the value {parts}. {meaning} so `{whole}` must be
divisible by `{part}`. {near}
"""
_DIVISORS = "Of {number}, divisors are {divisors}."
_IDX_TITLE = "`padding_idx` is {index}, and there are {count} entries"
_IDX = """
`{code}` gives `padding_idx` the value {index}, and entries of the table are counted from 0: it must be
from 0 to {last}.
"""

_ERRORS = frozenset(
    {"RuntimeError", "ValueError", "AssertionError", "IndexError", "NotImplementedError", "KeyError"}
)


def _calls(step: Step) -> Iterator[FailedCall]:
    error = step.error
    if error is not None and error.type in _ERRORS:
        yield from calls.chain(calls.failed(step))


def _owner(call: FailedCall) -> str:
    if call.form == "module" and call.module is not None:
        return f"`{call.module.path}`" if call.module.path else phrase(_THE_LAYER, type=call.module.type)
    return f"`{call.name}`"


def _operation(call: FailedCall) -> str:
    return calls.operation(call)


def _settings(call: FailedCall) -> Iterator[Argument]:
    """What a layer was made with, as arguments."""
    if call.form == "module" and call.module is not None:
        for name, value in call.module.settings.items():
            kind: ArgumentKind = "text" if value[:1] in "\"'" else "tuple" if value[:1] in "([" else "number"
            yield Argument("", name, kind=kind, type="", value=value)


def _meant(step: Step, call: FailedCall, one: Argument) -> bool:
    """Whether the error may speak of this argument: not where it names another one of the call."""
    message = step.error.message if step.error is not None else ""
    names = {each.parameter for each in call.arguments if len(each.parameter) > 1}
    named = {name for name in names if re.search(rf"\b{re.escape(name)}\b", message)}
    return not named or one.parameter in named or not one.place


@failure
def value_range(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a number was given for a parameter that does not take such a number."""
    for call in _calls(step):
        for one in (*call.arguments, *_settings(call)):
            for domain in domains.DOMAINS:
                known = one.parameter in domain.parameters and domain.operations.fullmatch(_operation(call))
                if known and _meant(step, call, one):
                    wrong = [each for each in domains.numbers(one) if not domain.fits(each)]
                    if wrong:
                        return _out_of_range(step, call, one, domain)
    return None


def _out_of_range(step: Step, call: FailedCall, one: Argument, domain: domains.Domain) -> Explanation:
    first = calls.failed(step)
    code = first.expression if first is not None else call.expression
    made = not one.place
    fields = {"parameter": one.parameter, "owner": _owner(call), "words": translated(domain.words)}
    text = fill(
        _RANGE,
        code=code,
        gives=fill(_MADE, layer=_owner(call)) if made else _GIVES,
        said=_said(one),
        meaning=domain.meaning,
        **fields,
    )
    return Explanation("value-range", "error", fill(_RANGE_TITLE, value=one.value, **fields), text)


def _said(one: Argument) -> str:
    """` the value 1.5`, or what the code for it is."""
    if one.text and one.text.replace("'", '"') != one.value:
        return f" {phrase(_AS_CODE, code=one.text, value=one.value)}"
    return f" {phrase(_THE_VALUE, value=one.value)}" if one.place else f" {one.value}"


@failure
def value_choice(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a word was given for a parameter that knows only some words."""
    for call in _calls(step):
        for one in (*call.arguments, *_settings(call)):
            given = (one.value or "").strip("\"'")
            for choice in domains.CHOICES if one.kind in ("text", "constant") else ():
                if one.parameter not in choice.parameters or given in choice.words:
                    continue
                if not _meant(step, call, one):
                    continue
                if choice.operations.fullmatch(_operation(call)):
                    return _no_choice(step, call, one, choice)
    return None


def _no_choice(step: Step, call: FailedCall, one: Argument, choice: domains.Choice) -> Explanation:
    first = calls.failed(step)
    given = (one.value or "").strip("\"'")
    near = difflib.get_close_matches(given.lower(), choice.words, 1) or _SYNONYMS.get(given.lower(), [])
    near = [word for word in near if word in choice.words]
    fix = None
    if near and first is not None and one.place:
        at = repairs.place(step, call, one)
        if at is not None and isinstance(at[1], ast.Constant):
            fix = repairs.exchange(at[0], at[1], f'"{near[0]}"')
    quoted = [f"`{word}`" if word.startswith("torch.") else f'"{word}"' for word in choice.words]
    fields = {"parameter": one.parameter, "owner": _owner(call)}
    text = fill(
        _CHOICE,
        code=first.expression if first is not None else call.expression,
        gives=_GIVES if one.place else fill(_MADE, layer=_owner(call)),
        said=_said(one),
        choices=and_text(quoted),
        near=fill(_NEAR, near=f'"{near[0]}"') if near else "",
        **fields,
    )
    return Explanation(
        "value-choice", "error", _first(fill(_CHOICE_TITLE, value=one.value, **fields)), text, fix
    )


_SYNONYMS = {"average": ["mean"], "avg": ["mean"], "add": ["sum"], "total": ["sum"], "no": ["none"],
             "zero": ["zeros", "constant"], "mirror": ["reflect"], "cubic": ["bicubic"]}  # fmt: skip


@failure
def values_inside(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor has elements that the operation does not take, such as a probability of 2."""
    for call in _calls(step):
        operation = _operation(call)
        for one in call.arguments:
            for inside in domains.INSIDE:
                if one.parameter in inside.parameters and inside.operations.fullmatch(operation):
                    low, high = one.low, one.high
                    if low is None or high is None:
                        continue
                    under = inside.low is not None and low < inside.low
                    if under or (inside.high is not None and high > inside.high):
                        return _beyond(step, call, one, inside)
    return None


def _beyond(step: Step, call: FailedCall, one: Argument, inside: domains.Inside) -> Explanation:
    name, operation = calls.label(one), _operation(call)
    logits = "BCEWithLogitsLoss" if call.form == "module" else "binary_cross_entropy_with_logits"
    scores = operation == "binary_cross_entropy" and one.parameter != "target"
    text = fill(
        _INSIDE,
        name=name,
        what=calls.what(one),
        low=one.low,
        high=one.high,
        words=inside.words,
        meaning=inside.meaning,
        cure=fill(_SIGMOID, logits=logits) if scores else "",
    )
    title = fill(_INSIDE_TITLE, name=name, operation=operation)
    return Explanation("values-inside", "error", _first(title), _first(text), None, _names(step, one))


#: Two parameters of which the first must not be above the second, and whether they may be equal.
_PAIRS = {
    "uniform": ("from", "to", True), "rrelu": ("lower", "upper", True), "RReLU": ("lower", "upper", True),
    "hardtanh": ("min_val", "max_val", False), "Hardtanh": ("min_val", "max_val", False),
    "randint": ("low", "high", False), "random": ("from", "to", False), "histc": ("min", "max", True),
}  # fmt: skip


@failure
def values_together(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when two numbers do not go together: a lower bound above the upper, a step the wrong way."""
    for call in _calls(step):
        for tell in (_pair, _steps, _divisible, _padding_idx):
            told = tell(step, call)
            if told is not None:
                return told
    return None


def _number(call: FailedCall, name: str, default: float | None = None) -> float | None:
    one = calls.argument(call, name)
    found = domains.numbers(one) if one is not None else []
    if not found and call.form == "module" and call.module is not None:
        found = domains.parse(call.module.settings.get(name))
    return max(found) if found else default


def _pair(step: Step, call: FailedCall) -> Explanation | None:
    pair = _PAIRS.get(_operation(call))
    if pair is None:
        return None
    small, great, equal = pair
    if calls.operation(call) == "randint":
        return _randint(call)
    low, high = _number(call, small, 0 if small == "low" else None), _number(call, great)
    if low is None or high is None or low < high or (equal and low == high):
        return None
    fields = {"small": small, "great": great}
    text = fill(
        _PAIR,
        code=call.expression,
        low=f"{_plain(low)}",
        high=f"{_plain(high)}",
        words=_SMALLER,
        **fields,
    )
    return Explanation("values-together", "error", fill(_PAIR_TITLE, **fields), text)


def _randint(call: FailedCall) -> Explanation | None:
    """`randint(high, size)` or `randint(low, high, size)`, of which torch names the first where both fail."""
    given = [one for one in call.arguments if one.place.isdecimal()]
    found = [domains.numbers(one) for one in given if one.kind == "number"]
    low, high = _number(call, "low", 0), _number(call, "high")
    if len(found) > 1 and found[0] and found[1]:
        low, high = found[0][0], found[1][0]
    if low is None or high is None or low < high:
        return None
    fields = {"small": "low", "great": "high"}
    text = fill(
        _PAIR,
        code=call.expression,
        low=f"{_plain(low)}",
        high=f"{_plain(high)}",
        words=_SMALLER,
        **fields,
    )
    return Explanation("values-together", "error", fill(_PAIR_TITLE, **fields), text)


def _padding_idx(step: Step, call: FailedCall) -> Explanation | None:
    count, index = _number(call, "num_embeddings"), _number(call, "padding_idx")
    if _operation(call) != "Embedding" or count is None or index is None or -count <= index < count:
        return None
    fields = {
        "index": f"{_plain(index)}",
        "count": f"{_plain(count)}",
        "last": f"{_plain(count - 1)}",
        "code": call.expression,
    }
    title = fill(_IDX_TITLE, **fields)
    return Explanation("values-together", "error", title, fill(_IDX, **fields))


def _steps(step: Step, call: FailedCall) -> Explanation | None:
    if _operation(call) not in ("arange", "range"):
        return None
    start, end, by = _number(call, "start", 0), _number(call, "end"), _number(call, "step", 1)
    if start is None or end is None or by is None or (end - start) * by >= 0:
        return None
    fields = {
        "step": f"{_plain(by)}",
        "end": f"{_plain(end)}",
        "start": f"{_plain(start)}",
        "code": call.expression,
    }
    sign = "negative" if end < start else "positive"
    return Explanation(
        "values-together", "error", fill(_SIGN_TITLE, **fields), fill(_SIGN, sign=sign, **fields)
    )


_DIVIDED = {
    "MultiheadAttention": (("embed_dim", "num_heads", "Each head gets an equal part of the numbers,"),),
}


def _divisible(step: Step, call: FailedCall) -> Explanation | None:
    for whole, part, meaning in _DIVIDED.get(_operation(call), ()):
        number, parts = _number(call, whole), _number(call, part)
        if number is None or parts is None or parts <= 0 or number % parts == 0:
            continue
        divisors = [each for each in range(1, int(number) + 1) if number % each == 0]
        near = sorted(sorted(divisors, key=lambda each: abs(each - (parts or 1)))[:4])
        fields = {"whole": whole, "part": part, "number": f"{_plain(number)}", "parts": f"{_plain(parts)}"}
        listed = fill(
            _DIVISORS,
            number=f"{_plain(number)}",
            divisors=and_text([str(each) for each in near]),
        )
        title = fill(_DIVIDE_TITLE, whole=f"`{whole}` ({_plain(number)})", part=f"`{part}` ({_plain(parts)})")
        text = fill(_DIVIDE, code=call.expression, meaning=meaning, near=listed, **fields)
        return Explanation("values-together", "error", title, text)
    return None


def _plain(number: float) -> str:
    """A number as it would be written."""
    return str(int(number)) if math.isfinite(number) and number == int(number) else str(number)


def _names(step: Step, one: Argument) -> tuple[str, ...]:
    operand = one.operand
    return (operand.name,) if operand is not None and operand.name in step.snapshot.tensors else ()


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
