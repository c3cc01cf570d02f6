"""How a value differs from what it should be, in a few words. Shape and dtype count, then the values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from msgspec import Struct

from tutor.kernel import raw
from tutor.kernel.errors import clean
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_MOST_SHOWN = 12
_TEXT = 200


class Difference(Struct, frozen=True):
    """`kind` is what differs first: type, shape, dtype or equals."""

    kind: str
    expected: str
    got: str
    note: str = ""


class Rule(Struct, frozen=True):
    """How exact to be. `literal` is an expectation from the lesson's text, which has no dtype."""

    close: bool = False
    rtol: float | None = None
    atol: float | None = None
    literal: bool = False


def difference(got: Any, expected: Any, rule: Rule) -> Difference | None:
    """The first difference, or None. Calls nothing of the learner's on tensors and plain data."""
    if raw.is_tensor(got) and rule.literal and isinstance(expected, bool | int | float | list):
        made = _as_tensor(expected, got)
        return _unlike(got, expected, "equals") if made is None else _of_tensors(got, made, rule)
    if raw.is_tensor(got) and raw.is_tensor(expected):
        return _of_tensors(got, expected, rule)
    if raw.is_array(got) and rule.literal and isinstance(expected, bool | int | float | list):
        return _of_arrays(got, np.asarray(expected, got.dtype), rule)
    if raw.is_array(got) and raw.is_array(expected):
        return _of_arrays(got, expected, rule)
    if type(expected) in (list, tuple):
        return _of_sequences(got, expected, rule)
    if type(expected) is dict:
        return _of_dicts(got, expected, rule)
    return _of_plain(got, expected, rule)


def _of_tensors(got: Any, expected: Any, rule: Rule) -> Difference | None:
    shape, wanted = tuple(raw.shape(got)), tuple(raw.shape(expected))
    if shape != wanted:
        return Difference("shape", str(wanted), str(shape))
    dtype, wanted_dtype = raw.dtype_text[raw.dtype(got)], raw.dtype_text[raw.dtype(expected)]
    if dtype != wanted_dtype:
        return Difference("dtype", wanted_dtype, dtype)
    if raw.device(got) != raw.device(expected) and "meta" in {
        raw.device(got).type,
        raw.device(expected).type,
    }:
        return Difference("device", str(raw.device(expected)), str(raw.device(got)))
    with torch.no_grad(), raw.quiet():
        one, other = _plain_tensor(got), _plain_tensor(expected)
        if rule.close and (one.is_floating_point() or one.is_complex()):
            rtol, atol = _tolerances(one.dtype, rule)
            same = torch.isclose(one, other, rtol=rtol, atol=atol, equal_nan=True)
        else:
            same = (one == other) | (torch.isnan(one) & torch.isnan(other))
        if bool(same.all()):
            return None
        at = [int(i) for i in (~same).nonzero()[0]]
        bad = int((~same).sum())
        index = tuple(at)
        pair = one[index].item(), other[index].item()
    return Difference("equals", short(expected), short(got), _where(at, pair, bad))


def _plain_tensor(tensor: Any) -> Any:
    plain = tensor.detach()
    if plain.layout is not torch.strided:
        plain = plain.to_dense()
    return plain.cpu()


def _of_arrays(got: Any, expected: Any, rule: Rule) -> Difference | None:
    if got.shape != expected.shape:
        return Difference("shape", str(expected.shape), str(got.shape))
    if got.dtype != expected.dtype:
        return Difference("dtype", str(expected.dtype), str(got.dtype))
    if rule.close and got.dtype.kind in "fc":
        rtol = 1e-5 if rule.rtol is None else rule.rtol
        same = np.isclose(got, expected, rtol, 1e-8 if rule.atol is None else rule.atol, equal_nan=True)
    else:
        same = (got == expected) | (_is_nan(got) & _is_nan(expected))
    if same.all():
        return None
    at = [int(i) for i in np.argwhere(~same)[0]]
    pair = got[tuple(at)].item(), expected[tuple(at)].item()
    return Difference("equals", short(expected), short(got), _where(at, pair, int((~same).sum())))


def _is_nan(array: Any) -> Any:
    return np.isnan(array) if array.dtype.kind in "fc" else np.zeros(array.shape, bool)


def _of_sequences(got: Any, expected: Any, rule: Rule) -> Difference | None:
    if type(got) not in (list, tuple) and not isinstance(got, list | tuple):
        return _unlike(got, expected, "type")
    if len(got) != len(expected):
        return Difference("equals", short(expected), short(got), f"it has {len(got)} entries")
    for index, (one, other) in enumerate(zip(got, expected, strict=True)):
        found = difference(one, other, rule)
        if found is not None:
            return Difference(found.kind, found.expected, found.got, f"entry {index} differs")
    return None


def _of_dicts(got: Any, expected: Any, rule: Rule) -> Difference | None:
    if not isinstance(got, dict):
        return _unlike(got, expected, "type")
    if set(got) != set(expected):
        return Difference(
            "equals", short(sorted(map(str, expected))), short(sorted(map(str, got))), "the keys"
        )
    for key, other in expected.items():
        found = difference(got[key], other, rule)
        if found is not None:
            return Difference(found.kind, found.expected, found.got, f"entry {key!r} differs")
    return None


def _of_plain(got: Any, expected: Any, rule: Rule) -> Difference | None:
    kinds = (int, float)
    if type(got) in kinds and type(expected) in kinds:
        if type(got) is not type(expected) and not (rule.close or rule.literal):
            return _unlike(got, expected, "type")
        return None if _same_number(got, expected, rule) else _unlike(got, expected, "equals")
    if raw.is_tensor(got) is not raw.is_tensor(expected) or raw.is_array(got) is not raw.is_array(expected):
        return _unlike(got, expected, "type")
    if type(got) is not type(expected) and (got is None or isinstance(expected, bool | int | float | str)):
        return _unlike(got, expected, "type")
    same = got is expected or bool(got == expected)
    return None if same else _unlike(got, expected, "equals")


def _same_number(got: Any, expected: Any, rule: Rule) -> bool:
    if math.isnan(got) or math.isnan(expected):
        return math.isnan(got) and math.isnan(expected)
    if not rule.close:
        return bool(got == expected)
    rtol = 1e-5 if rule.rtol is None else rule.rtol
    return math.isclose(got, expected, rel_tol=rtol, abs_tol=1e-7 if rule.atol is None else rule.atol)


def _unlike(got: Any, expected: Any, kind: str) -> Difference:
    if kind == "type":
        return Difference(kind, _with_kind(expected), _with_kind(got))
    return Difference(kind, short(expected), short(got))


def _with_kind(value: Any) -> str:
    kind, words = kind_of(value), short(value)
    return kind if kind == words else f"{kind}, {words}"


def _as_tensor(expected: Any, like: Any) -> Any:
    try:
        return torch.tensor(expected, dtype=raw.dtype(like), device="cpu")
    except Exception:
        return None


def _tolerances(dtype: torch.dtype, rule: Rule) -> tuple[float, float]:
    loose = {torch.float16: (1e-3, 1e-5), torch.bfloat16: (1.6e-2, 1e-5)}
    double = {torch.float64, torch.complex128}
    rtol, atol = (1e-7, 1e-7) if dtype in double else loose.get(dtype, (1e-5, 1e-6))
    return (rtol if rule.rtol is None else rule.rtol), (atol if rule.atol is None else rule.atol)


def _where(at: list[int], pair: tuple[Any, Any], bad: int) -> str:
    got, expected = (short(each) for each in pair)
    if not at:
        return ""
    more = f", and {bad - 1:,} more differ" if bad > 1 else ""
    return f"at [{', '.join(map(str, at))}] it has {got} instead of {expected}{more}"


def kind_of(value: Any) -> str:
    """What a value is, with its article."""
    if raw.is_tensor(value):
        return "a tensor"
    if raw.is_array(value):
        return "a numpy array"
    if value is None:
        return "None"
    name = raw.type_name(value)
    return {"int": "an int", "NoneType": "None"}.get(name, f"a {name}")


def short(value: Any) -> str:
    """A value in a few words: small ones in full, big tensors by shape and dtype."""
    if raw.is_tensor(value) or raw.is_array(value):
        return _short_elements(value)
    if type(value) is float:
        return f"{value:.6g}" if math.isfinite(value) and value != int(value) else repr(value)
    if type(value) in (bool, int, str, type(None)):
        text = repr(value)
    elif type(value) in (list, tuple):
        inner = ", ".join(short(each) for each in value[:_MOST_SHOWN])
        inner += ", …" if len(value) > _MOST_SHOWN else ""
        text = f"[{inner}]" if type(value) is list else f"({inner})"
    else:
        text = kind_of(value)
    text = clean(text)
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def _short_elements(value: Any) -> str:
    try:
        if raw.is_array(value):
            shape, dtype, values = value.shape, str(value.dtype), value.tolist() if value.size <= 12 else None
        else:
            shape, dtype = tuple(raw.shape(value)), raw.dtype_text[raw.dtype(value)]
            with torch.no_grad(), raw.quiet():
                few = raw.numel(value) <= _MOST_SHOWN and raw.device(value).type != "meta"
                values = _plain_tensor(value).tolist() if few else None
        return short(values) if values is not None else f"{dtype} of shape {shape}"
    except Exception:
        return kind_of(value)
