"""Telling torch of the device: its name, its module `torch.sim`, its kernels."""

from __future__ import annotations

import contextlib
import functools
import types
from typing import Any

import torch

from tutor.kernel import raw
from tutor.kernel.guard import GENUINE
from tutor.kernel.sim import (
    accelerator,
    attention,
    autocast,
    blocks,
    convolution,
    dispatch,
    generators,
    hosts,
    moving,
    recurrent,
    refusals,
    storages,
)
from tutor.kernel.sim.names import NAME

globals()["__builtins__"] = GENUINE

#: Registrations last as long as the libraries that hold them.
_libraries: list[Any] = []


def install() -> None:
    """Makes the device known to this process, once. To be called before its first backward pass."""
    if _libraries:
        return
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME, backend_module=_module())
    everything = torch.library.Library("_", "IMPL")
    everything.fallback(dispatch.run, "PrivateUse1")
    for key in ("SparsePrivateUse1", "SparseCsrPrivateUse1", "QuantizedPrivateUse1"):
        everything.fallback(refusals.sparse, key)
    everything.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
    aten = torch.library.Library("aten", "IMPL")
    for operation in _composed():
        aten.impl(operation, functools.partial(dispatch.run, operation), "PrivateUse1")
    aten.impl("_efficientzerotensor", dispatch.zeros, "PrivateUse1")
    aten.impl("_copy_from", dispatch.copy_from, "PrivateUse1")
    aten.impl("_local_scalar_dense", dispatch.read_number, "PrivateUse1")
    for key in ("Conjugate", "Negative"):  # which copying resolves by itself
        aten.impl("_copy_from", torch.library.fallthrough_kernel, key)
    for room in (attention, autocast, convolution, recurrent):
        room.register(aten)
    _libraries.extend((everything, aten))
    for room in (accelerator, generators, hosts, moving, storages):
        room.teach()
    raw.back_by(NAME, blocks.backing)


def _composed() -> list[Any]:
    """Operations that torch would compose of others here, but for which the CPU has a kernel."""
    has = torch._C._dispatch_has_kernel_for_dispatch_key
    found = []
    for name in torch._C._dispatch_get_all_op_names():
        if not name.startswith("aten::"):
            continue
        structured = has(name, "CompositeExplicitAutogradNonFunctional")
        composed = structured or any(has(name, f"Composite{way}Autograd") for way in ("Explicit", "Implicit"))
        if structured or (composed and has(name, "CPU")):
            packet, _, overload = name.removeprefix("aten::").partition(".")
            found.append(getattr(getattr(torch.ops.aten, packet), overload or "default"))
    return found


def _module() -> types.ModuleType:
    """`torch.sim`, with what torch asks of the module of a device."""
    module = types.ModuleType(f"torch.{NAME}", "The simulated accelerator.")
    contents: dict[str, Any] = {
        **accelerator.ANSWERS,
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "init": lambda: None,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "manual_seed": lambda seed: None,  # torch.manual_seed has seeded the one stream that there is
        "manual_seed_all": lambda seed: None,
        "get_rng_state": lambda device=None: torch.get_rng_state(),
        "set_rng_state": lambda state, device=None: torch.set_rng_state(state),
        "get_device_name": lambda device=None: "Simulated accelerator (runs on the CPU)",
        "get_amp_supported_dtype": lambda: [torch.float16, torch.bfloat16],
        "device": contextlib.nullcontext,
        "_is_in_bad_fork": lambda: hosts.Fork.happened,
    }
    vars(module).update(contents)
    return module
