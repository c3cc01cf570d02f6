"""Choosing the device, and saying so openly."""

from __future__ import annotations

from importlib.util import find_spec

import torch

from tutor.facts import DeviceFacts


class DeviceMissing(Exception):
    """The device asked for is not there; the text is one sentence for people."""


def held(device: torch.device | None) -> DeviceFacts | None:
    """What an accelerator holds, as torch counts it; None where there is none, or torch does not count."""
    if device is None:
        return None
    try:
        module = torch.get_device_module(device)
        if not module.is_initialized():
            return None
        return DeviceFacts(
            _full(device), module.memory_allocated(device), module.max_memory_allocated(device)
        )
    except Exception:  # mps counts otherwise; a device that has failed tells nothing
        return None


def _full(device: torch.device) -> str:
    return str(device) if device.index is not None else f"{device}:0"


def available() -> tuple[str, ...]:
    """The devices of this machine, best first, each as torch spells it."""
    found = []
    if torch.cuda.is_available():
        found += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def choose(setting: str) -> tuple[torch.device, str | None]:
    """The device for `auto`, `cpu`, `cuda[:n]`, `mps` or `sim`, and the statement that makes an explicitly
    chosen accelerator torch's default. DeviceMissing when it is not there.

    The simulated one is there to learn what moves where: tensors come to it only when they are told to."""
    if setting in {"sim", "sim:0"}:
        return _simulated(), None
    devices = available()
    if setting == "auto":
        best = devices[0]
        return torch.device("cuda" if best == "cuda:0" else best), None
    wanted = "cuda:0" if setting == "cuda" else setting
    if wanted not in devices:
        raise DeviceMissing(
            f"There is no device `{setting}` here; this torch ({torch.__version__}) sees "
            f"{' and '.join(devices)}: choose one of these with --device, or the simulated one, `sim`."
        )
    if wanted == "cpu":
        return torch.device("cpu"), None
    return torch.device(setting), f"torch.set_default_device({setting!r})"


def _simulated() -> torch.device:
    """The simulated accelerator, which is nowhere in the process before somebody asks for it."""
    if find_spec("tutor.kernel.sim") is None:
        raise DeviceMissing("This torchtutor came without the simulated device: choose --device cpu.")
    from tutor.kernel import sim

    lacking = sim.missing()
    if lacking:
        raise DeviceMissing(
            f"The simulated device needs `{lacking[0]}`, which this torch ({torch.__version__}) does not "
            "have: choose --device cpu, or another version of torch."
        )
    sim.install()
    return torch.device(sim.DEVICE_TEXT)
