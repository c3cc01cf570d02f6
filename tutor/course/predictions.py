"""What a learner predicts in words of their own: a shape, a number, a text, or that the code raises."""

from __future__ import annotations

import ast
import builtins
import math
import re
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
_KOREAN = re.compile(
    r"(?P<type>[A-Za-z_][\w.]*)?\s*(?:(?:오류|에러|예외)[가이를을]?\s*(?:발생|남|나요|난다|납니다)?|발생)\Z"
)
_SIZE = re.compile(r"torch\.size\((.*)\)\Z", re.IGNORECASE)


class PredictionError(ValueError):
    """What was typed is no prediction of this form; the message is a sentence that says what is."""


class Raised(NamedTuple):
    """The prediction that the code raises an exception: of this class, or any where it is empty."""

    type: str


def read_prediction(text: str, form: str) -> Any:
    """What somebody means who types `text`; raises PredictionError for what is not of the form."""
    text = text.strip().rstrip(".").strip() if not text.strip().endswith("...") else text.strip()
    raised = read_raised(text)
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
    if found is None:
        return None
    name = (found["type"] or "").rpartition(".")[2]
    return Raised("" if name.lower() in ("error", "exception", "something") else name)


def fits_raised(raised: Raised, name: str) -> bool:
    """Whether an exception of the class `name` is the one that was meant; a base class means it too."""
    if not raised.type or raised.type.lower() == name.lower():
        return True
    wanted, got = getattr(builtins, raised.type, None), getattr(builtins, name, None)
    return isinstance(wanted, type) and isinstance(got, type) and issubclass(got, wanted)


def fits_value(predicted: Any, typed: str, value: Any) -> bool:
    """Whether a computed value is what was predicted; numbers as exactly as they were typed."""
    if isinstance(predicted, Raised):
        return False
    if isinstance(predicted, list):
        return isinstance(value, list | tuple) and list(value) == predicted
    if isinstance(predicted, float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return _same_number(predicted, typed, float(value))
    return isinstance(value, str) and _said(value) == _said(predicted)


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
    found = _SIZE.match(text)
    inner = found[1].strip() if found else text
    if inner.lower() == "scalar":
        return []
    if re.fullmatch(r"\d+(\s*[x×]\s*\d+)+", inner):
        inner = re.sub(r"\s*[x×]\s*", ",", inner)
    elif re.fullmatch(r"\d+(\s+\d+)+", inner):
        inner = ",".join(inner.split())
    try:
        value = ast.literal_eval(inner)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    sizes = [value] if type(value) is int else value
    if not isinstance(sizes, list | tuple) or not all(type(size) is int and size >= 0 for size in sizes):
        return None
    return list(sizes)


def _number(text: str) -> float | None:
    plain = text.replace("_", "").lower().removeprefix("+")
    special = {"inf": math.inf, "-inf": -math.inf, "infinity": math.inf, "nan": math.nan}
    if plain in special:
        return special[plain]
    halves = plain.split("/")
    try:
        parts = [Decimal(half.strip()) for half in halves]
    except InvalidOperation:
        return None
    if len(parts) > 2 or not all(part.is_finite() for part in parts) or (len(parts) == 2 and not parts[1]):
        return None
    try:
        return float(parts[0]) if len(parts) == 1 else float(parts[0] / parts[1])
    except (OverflowError, ArithmeticError):
        return None


def _text(text: str) -> str | None:
    return text or None


def _said(text: str) -> str:
    return text.strip().strip("'\"`").lower().removeprefix("torch.").strip()


def _same_number(predicted: float, typed: str, value: float) -> bool:
    if math.isnan(predicted) or math.isnan(value):
        return math.isnan(predicted) and math.isnan(value)
    if math.isclose(predicted, value, rel_tol=1e-6, abs_tol=1e-9):
        return True
    # Rounded, where at least two digits after the point were given: 0.33 for a third.
    digits = re.fullmatch(r"[-+]?\d*\.(\d{2,})", typed.strip())
    return digits is not None and abs(predicted - value) <= 0.5 * 10 ** -len(digits[1]) * (1 + 1e-6)
