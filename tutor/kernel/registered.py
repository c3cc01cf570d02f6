"""What torch keeps of a learner's code in tables of its own, and forgets with the code's namespace."""

from __future__ import annotations

import sys
from typing import Any

import torch

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE


def forget_registered(keep: dict[str, Any] | None = None) -> None:
    """Drop functions that fx wraps and classes that loading trusts, but for those of the namespace `keep`.

    A wrapped function that is gone would make every later trace fail, and a trusted class let a file load
    that another learner's code has to do without.
    """
    fx = sys.modules.get("torch.fx._symbolic_trace")
    wrapped = getattr(fx, "_wrapped_fns_to_patch", {})
    for key, names in list(wrapped.items()):
        if names is not keep and names.get("__name__", "__main__") == "__main__":
            del wrapped[key]
    trusted = torch.serialization.get_safe_globals()
    ours = [each for each in trusted if keep is not None or getattr(each, "__module__", "") != "__main__"]
    if len(ours) < len(trusted):
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(ours)
