"""Where a GPU refuses, and in which words."""

from __future__ import annotations

from typing import Any

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE


def check(operation: Any, args: Any, kwargs: Any) -> None:
    """Raises where tensors of both devices meet, as a GPU does."""
