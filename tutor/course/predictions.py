"""What a learner predicts in words of their own: a shape, a number, a text, or that the code raises."""

from __future__ import annotations

import ast
import builtins
import math
import operator
import re
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

from tutor.translation import say, translated

#: What is asked for where there are no choices; of a boolean the choices are clear.
Form = Literal["shape", "number", "boolean", "text"]

#: What each form looks like, for whoever types one.
EXAMPLES = {
    "shape": "a shape such as (2, 3)",
    "number": "a number such as 2 or 0.5",
    "text": "what it is",
    "boolean": "True or False",
}
_RAISES = re.compile(r"(?:it\s+)?raises?(?:\s+(?:an?\s+)?(?P<type>[A-Za-z_][\w.]*))?\Z", re.IGNORECASE)
_ERROR = re.compile(r"(?:an?\s+)?(?P<type>(?:[A-Z]\w*)?(?:Error|Exception|Warning|Interrupt)|error)\Z")
#: As Koreans may type it: `ValueError 발생`, `오류가 납니다`.
_HAPPENS = r"(?:발생(?:함|한다|합니다|해요)?|남|나요|난다|납니다)"
_KOREAN = re.compile(
    r"(?P<type>[A-Za-z_][A-Za-z0-9_.]*)?\s*"
    rf"(?:(?:오류|에러|예외)(?:[가이를을]?\s*{_HAPPENS})?|(?<=[A-Za-z])[가이를을]?\s*{_HAPPENS}|발생)\Z"
)
#: What nobody can mean but that it raises, where no text is asked for.
_LOOSELY = re.compile(
    r"(?:it\s+)?(?:fails|throws)(?:\s+an?)?(?:\s+(?P<what>\w+))?\Z|(?P<type>[a-z_][\w.]*(?:error|exception|warning))\Z",
    re.IGNORECASE,
)
_SIZE = re.compile(r"(?:torch\.)?size\((.*)\)\Z", re.IGNORECASE)
_BRACKETS = re.compile(r"\((.*)\)\Z|\[(.*)\]\Z")
_MINUS = str.maketrans(dict.fromkeys("\N{MINUS SIGN}\N{EN DASH}", "-"))
#: How a number may be computed, and how long such a sum may be.
_COMPUTED: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_LENGTH = 100
_LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
_AMOUNT = re.compile(r"-?\d+(?:\.\d*)?")
_WORD = re.compile(rf"{_AMOUNT.pattern}(?![^\W\d])|\w+")
#: Words that do not tell one choice from another.
_FILLING = frozenset({"a", "an", "and", "in", "is", "it", "just", "only", "the"})
#: What people type for True and for False.
_YES = frozenset({"true", "yes", "y", "예", "네", "참"})
_NO = frozenset({"false", "no", "n", "아니요", "아니오", "거짓"})


class PredictionError(ValueError):
    """What was typed is no prediction of this form; the message is a sentence that says what is."""


class Raised(NamedTuple):
    """The prediction that the code raises an exception: of this class, or any where it is empty."""

    type: str


def read_prediction(text: str, form: str) -> Any:
    """What somebody means who types `text`; raises PredictionError for what is not of the form."""
    text = text.strip().rstrip(".").strip() if not text.strip().endswith("...") else text.strip()
    raised = read_raised(text)
    if raised is None and form != "text":
        text = text.rstrip("! ")
        found = _LOOSELY.match(text)
        raised = _raised(found["type"] or found["what"]) if found else read_raised(text)
    if raised is not None:
        return raised
    value = {"shape": _shape, "number": _number, "text": _text}[form](text)
    if value is None:
        raise PredictionError(
            say(
                "Write {example}, or `raises ValueError` (any class, or none).",
                example=translated(EXAMPLES[form]),
            )
        )
    return value


def read_raised(text: object) -> Raised | None:
    """The exception that a prediction, or an author's choice, speaks of; None where it speaks of none."""
    if not isinstance(text, str):
        return None
    text = text.strip()
    found = _RAISES.match(text) or _ERROR.match(text) or _KOREAN.match(text)
    return _raised(found["type"]) if found is not None else None


def _raised(name: str | None) -> Raised:
    name = (name or "").rpartition(".")[2]
    return Raised("" if name.lower() in ("error", "exception", "something") else name)


def fits_raised(raised: Raised, name: str, bases: Sequence[str] = ()) -> bool:
    """Whether an exception of the class `name` is the one that was meant; a base class means it too."""
    if not raised.type or raised.type.lower() in [each.lower() for each in (name, name.lstrip("_"), *bases)]:
        return True
    wanted, got = getattr(builtins, raised.type, None), getattr(builtins, name, None)
    return isinstance(wanted, type) and isinstance(got, type) and issubclass(got, wanted)


def fits_value(predicted: Any, typed: str, value: Any) -> bool:
    """Whether a computed value is what was predicted; numbers as exactly as they were typed."""
    if isinstance(predicted, Raised):  # the name of an exception is a text, too
        return isinstance(value, str) and _said(value) == _said(typed)
    if isinstance(predicted, list):
        return isinstance(value, list | tuple) and list(value) == predicted
    if isinstance(predicted, float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return _same_number(predicted, typed, float(value))
    return isinstance(value, str) and _said(value) == _said(predicted)


def index_meant(text: str, values: Sequence[object], shown: Sequence[str]) -> int | None:
    """Which of the `values`, shown as `shown`, somebody means who types `text`; None unless just one."""
    text = text.rstrip("!. ") or text
    wanted = _said(text)
    for spelled in (shown, [str(value) for value in values]):
        found = [index for index, each in enumerate(spelled) if _said(each) == wanted]
        if len(found) == 1:
            return found[0]
    truth = {True: _YES, False: _NO}
    found = [n for n, value in enumerate(values) if isinstance(value, bool) and wanted in truth[value]]
    found = found or [n for n, value in enumerate(values) if _is_meant(text, value)]
    for spelled in (shown, [str(value) for value in values]):
        found = found or [n for n, each in enumerate(spelled) if _words(each) == _words(text)]
    return found[0] if len(found) == 1 else None


def marks_of(choices: Sequence[str]) -> tuple[str, ...]:
    """What names each choice: its number, or a letter where a number may be a choice itself."""
    places = tuple(map(str, range(1, len(choices) + 1)))
    numbers = map(_counted, choices)
    mistaken = any(
        number is not None and 1 <= number <= len(places) and number == int(number) != int(place)
        for place, number in zip(places, numbers, strict=True)
    )
    return _LETTERS[: len(places)] if mistaken else places


def choice_of_key(key: str, choices: Sequence[str]) -> int | None:
    """Index of the choice that one key names: by its mark, or by being all that the choice says."""
    for names in (marks_of(choices), choices):
        if key in names:
            return names.index(key)
    return None


def _words(text: str) -> list[str]:
    """What tells a text from others: its words and numbers, without signs and such as `only` and `it`."""
    text = re.sub(r"tensor\(|size\(|torch\.", " ", _plain(text).lower())
    found = _WORD.findall(text)
    words = [f"{float(word):g}" if _AMOUNT.fullmatch(word) else word for word in found]
    return [word for word in words if word not in _FILLING] or words


def _counted(text: str) -> float | None:
    """A number, also as a shape of one size: `(4,)` for who types 4."""
    sizes = _shape(text)
    return float(sizes[0]) if sizes is not None and len(sizes) == 1 else _number(text)


def _is_meant(text: str, value: object) -> bool:
    raised = read_raised(value)
    if raised is not None:
        meant = read_raised(text)
        return meant is not None and (
            not (meant.type and raised.type) or meant.type.lower() == raised.type.lower()
        )
    if isinstance(value, list | tuple):
        return _shape(text) == list(value)
    return not isinstance(value, bool | str) and _number(text) == value


def is_of_form(value: Any, form: str) -> bool:
    """Whether a computed value can be predicted in this form."""
    if form == "shape":
        return isinstance(value, list | tuple) and all(type(each) is int for each in value)
    if form == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, bool if form == "boolean" else str)


def value_text(value: Any, text: str, form: str) -> str:
    """The answer as people write it: of a shape `(2, 3)`, of a text its letters."""
    if form == "shape" and is_of_form(value, form):
        return repr(tuple(value))
    return value if form == "text" and isinstance(value, str) else text


def _shape(text: str) -> list[int] | None:
    text = _plain(text).lower()
    if text == "scalar":
        return []
    inner = found[1].strip() if (found := _SIZE.match(text)) else text
    bare = (found[1] or found[2] or "").strip() if (found := _BRACKETS.match(inner)) else inner
    if re.fullmatch(r"\d+(\s*[x×*]\s*\d+)+|\d+(\s+\d+)+", bare):
        inner = ",".join(re.findall(r"\d+", bare))
    try:
        value = ast.literal_eval(inner)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    sizes = [value] if type(value) is int else value
    if not isinstance(sizes, list | tuple) or not all(type(size) is int and size >= 0 for size in sizes):
        return None
    return list(sizes)


def _plain(text: str) -> str:
    """Digits, brackets and signs as programs write them, whatever keyboard they come from."""
    return unicodedata.normalize("NFKC", text).translate(_MINUS).strip()


def _number(text: str) -> float | None:
    plain = _plain(text).replace("_", "").lower()
    special = {"inf": math.inf, "infinity": math.inf, "∞": math.inf, "nan": math.nan}
    if plain.lstrip("+-") in special and len(plain.lstrip("+-")) > len(plain) - 2:
        return special[plain.lstrip("+-")] * (-1 if plain.startswith("-") else 1)
    try:
        found = Decimal(plain)
    except InvalidOperation:
        return _sum(plain)
    return float(found) if found.is_finite() else None


def _sum(text: str) -> float | None:
    """What numbers joined by arithmetic come to, such as `1/3` or `0.1 + 0.2`; None for anything else."""
    try:
        value = _value(ast.parse(text, mode="eval").body) if len(text) <= _LENGTH else math.nan
    except (SyntaxError, ValueError, KeyError, TypeError, ArithmeticError, MemoryError, RecursionError):
        return None
    return value if math.isfinite(value) else None


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            return -_value(operand) if isinstance(sign, ast.USub) else _value(operand)
        case ast.BinOp(left=left, op=op, right=right):
            return _COMPUTED[type(op)](_value(left), _value(right))
    raise ValueError


def _text(text: str) -> str | None:
    return text or None


def _said(text: str) -> str:
    return text.strip().strip("'\"`").lower().removeprefix("torch.").strip()


def _same_number(predicted: float, typed: str, value: float) -> bool:
    if math.isnan(predicted) or math.isnan(value):
        return math.isnan(predicted) and math.isnan(value)
    typed = _plain(typed)
    if re.fullmatch(r"[-+]?[\d_]+", typed) and value.is_integer() and abs(value) <= 2**53:
        return predicted == value
    # Zero is what sums in floating point miss by a little; other small numbers are themselves.
    if math.isclose(predicted, value, rel_tol=1e-6, abs_tol=0 if predicted else 1e-9):
        return True
    # Rounded, where at least two digits after the point were given: 0.33 for a third.
    digits = re.fullmatch(r"[-+]?\d*\.(\d{2,})", typed)
    return digits is not None and abs(predicted - value) <= 0.5 * 10 ** -len(digits[1]) * (1 + 1e-6)
