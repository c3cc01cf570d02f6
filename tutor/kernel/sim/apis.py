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
    "torch._C._swap_tensor_impl": "moves a parameter to it that stays the same object",
    "torch._has_compatible_shallow_copy_type": "lets `Module.to` keep its parameters",
    "torch._C.DispatchKey.AutocastPrivateUse1": "is where mixed precision asks",
    "torch._C._ExcludeDispatchKeyGuard": "keeps it from asking twice",
    "torch._decomp.decompositions.gather_params": "sorts the parameters of recurrent layers",
    "torch._decomp.decompositions.params_hiddens": "picks those of one layer",
    "torch._decomp.decompositions.one_layer_lstm": "computes one",
    "torch._decomp.decompositions.one_layer_rnn": "computes one of the others",
    "torch._decomp.decompositions.gru_cell": "computes one step of one",
    "torch._decomp.decompositions.rnn_cell": "computes one step of another",
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
