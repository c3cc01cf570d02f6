"""Every experimental API of torch that the simulated device stands on."""

from __future__ import annotations

import importlib
from typing import Any

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

#: Where it is found, and what for.
USED = {
    "torch.utils.rename_privateuse1_backend": "gives the device its name",
    "torch.utils.backend_registration._setup_privateuseone_for_python_backend": "registers it",
    "torch._C._acc.create_empty_tensor": "makes tensors of the device",
    "torch._C._construct_storage_from_data_pointer": "makes storages of the device",
    "torch._C._dispatch_get_all_op_names": "finds the operations to register",
    "torch._C._dispatch_has_kernel_for_dispatch_key": "tells which need it",
    "torch._ops.OpOverload.redispatch": "reaches the kernels of the CPU",
    "torch.library.Library.fallback": "catches every other operation",
    "torch.library.fallthrough_kernel": "lets conjugated tensors through",
}


def missing() -> list[str]:
    """The names of those that this torch does not have."""
    return [path for path in USED if not _is_there(path)]


def _is_there(path: str) -> bool:
    parts = path.split(".")
    for count in range(len(parts) - 1, 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for name in parts[count:]:
            value = getattr(value, name, None)
        return value is not None
    return False
