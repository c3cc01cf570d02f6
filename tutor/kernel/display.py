"""The display of a value: the learner's own repr, guarded and bounded."""

from __future__ import annotations

from typing import Any

import torch

from tutor.kernel.errors import clean, shorten
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_RESULT_LIMIT = 20_000
_PLAIN_LIMIT = 10_000


def display(value: object) -> str | None:
    """The text of a displayed value, None for None. An interrupt passes through; any other failure
    of the learner's `__repr__` becomes a sentence."""
    if value is None:
        return None
    try:
        text = repr(value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        owner = type.__dict__["__name__"].__get__(type(value))
        reason = type.__dict__["__name__"].__get__(type(error))
        return f"<a {owner} that cannot be shown: its __repr__ raised {reason}>"
    return shorten(clean(text), _RESULT_LIMIT)


def plain(value: object) -> Any:
    """`value` where it is plain data (numbers, text, booleans, None, lists and tuples of them), else None.

    A torch.Size is a tuple, and of dtypes, devices and layouts the name is plain."""
    kind = type(value)
    if value is None or kind in (bool, int, float):
        return value if kind is not int or abs(value) < 2**63 else None  # type: ignore[arg-type]
    if kind is str:
        return clean(value[:_PLAIN_LIMIT])  # type: ignore[index]
    if kind in (torch.dtype, torch.device, torch.layout):
        return str(value)
    if kind in (list, tuple, torch.Size) and len(value) <= _PLAIN_LIMIT:  # type: ignore[arg-type]
        return [plain(item) for item in value]  # type: ignore[attr-defined]
    return None
