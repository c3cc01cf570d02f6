"""Devices that are not there, and names that stand for no device."""

from __future__ import annotations

import difflib
import re

from tutor.explain import calls, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_A_DEVICE = "a {kind}"
_ABSENT_TITLE = "There is no {kind} that this torch can use"
_ABSENT = """
`{code}` asks for {device}, and {why}. A program that runs everywhere asks first: `device =
"{kind_name}" if torch.{check}.is_available() else "cpu"`, and then gives `device` to `.to(...)` or `device=`.
"""
_NOT_COMPILED = """
this torch was built for the CPU only, so there is no {kind_name} in it, whatever the computer has
"""
_NO_DRIVER = "torch found no {kind} or no driver for one on this computer"
_NUMBER_TITLE = "There is no device {device} here"
_NUMBER = """
`{code}` asks for {device}, and torch found {found}: their numbers start at 0.
`torch.{module}.device_count()` says how many there are.
"""
_FEWER = "fewer of them"
_NAME_TITLE = "{name} is no device"
_NAME = """
`{code}` was given {name} as a device, and devices are called "cpu", "cuda" (with a number, "cuda:0",
where there are several), "mps" on Apple computers, or "meta". {cure}
"""
_NAME_VALUE = "{name}, {value},"
_NAME_GPU = 'A graphics card of NVIDIA or AMD is "cuda".'
_NAME_DTYPE = "{name} is a dtype; as an object of torch, without quotes, it converts: `{code}`."
_NAME_NEAR = 'The nearest is "{near}".'
_META_TITLE = "{name} is on the meta device, and has no numbers"
_META = """
{name} is {what} on the device meta: it has a shape and a dtype, and no memory, so there is nothing to
read. Make it on a real device from the beginning, or fill one of its shape: `torch.empty_like({plain},
device="cpu")`.
"""

_KINDS = {"cuda": "CUDA device (an NVIDIA graphics card)", "mps": "MPS device (Apple)", "xpu": "Intel XPU"}
_DEVICES = ("cpu", "cuda", "mps", "meta", "xpu")
_TOLD_ABSENT = re.compile(
    r"not compiled with (CUDA|XPU|MPS)|Found no NVIDIA driver|No CUDA GPUs|Cannot access accelerator"
    r"|with arguments from the '(MPS|CUDA|XPU)' backend|built with (MPS|CUDA) support|is not linked with"
    r"|MPS backend is supported"
)
_TOLD_NUMBER = re.compile(r"invalid device ordinal|device index must be|Invalid device id")
_TOLD_NAME = re.compile(r"device type at start of device string|Invalid device string|Invalid device:")
_FLOATS = re.compile(r"(?:torch\.)?(float\d*|double|half|bfloat16|u?int\d*|long|bool|complex\d*)$")
_OBJECTS = {"float": "float32", "double": "float64", "half": "float16", "int": "int32", "long": "int64"}


@failure
def device_absent(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a device was asked for that this computer or this torch does not have."""
    error, call = step.error, calls.failed(step)
    told = _TOLD_ABSENT.search(error.message) if error is not None else None
    if error is None or told is None or call is None or call.name == "torch.load":
        return None
    device = _device(call, error.message)
    kind = device.strip("'\"").split(":")[0]
    kind = kind if kind in _KINDS else "cuda"
    check = "backends.mps" if kind == "mps" else kind
    why = _NOT_COMPILED if "compiled" in error.message or "backend" in error.message else _NO_DRIVER
    fields = {"kind": _KINDS[kind], "kind_name": kind, "check": check, "code": call.expression}
    text = fill(
        _ABSENT,
        device=f'"{device}"' if device else phrase(_A_DEVICE, kind=phrase(_KINDS[kind])),
        why=fill(why, **fields),
        **fields,
    )
    return Explanation("device-absent", "error", fill(_ABSENT_TITLE, **fields), text)


def _device(call: FailedCall, message: str) -> str:
    """The device that was asked for, as far as it is written."""
    one = _asked(call)
    if one is not None and one.value is not None and one.kind == "text":
        return one.value.strip("'\"")
    told = re.search(r"'(mps|cuda|xpu)[:\d]*'|\b(MPS|CUDA|XPU)\b", message)
    name = call.name.rpartition(".")[2]
    if one is not None and (inner := re.search(r"(cuda|mps|xpu)(?::\d+)?", one.value or one.text)):
        return inner[0]
    if name in ("cuda", "xpu"):
        return name
    return (told[1] or told[2]).lower() if told is not None else ""


def _asked(call: FailedCall) -> Argument | None:
    given = calls.argument(call, "device", "map_location")
    if given is not None:
        return given
    rest = [one for one in call.arguments if one.kind == "text" or one.type == "device"]
    return rest[0] if rest else None


@failure
def device_number(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a device was asked for by a number that is too high."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or _TOLD_NUMBER.search(error.message) is None:
        return None
    one = _asked(call) or calls.argument(call, "device")
    device = calls.label(one) if one is not None else "a device"
    module = "cuda" if "cuda" in device else "accelerator"
    text = fill(_NUMBER, code=call.expression, device=device, found=_FEWER, module=module)
    return Explanation("device-absent", "error", fill(_NUMBER_TITLE, device=device), text)


@failure
def device_name(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a text was given as a device that is the name of none."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or _TOLD_NAME.search(error.message) is None:
        return None
    one = _asked(call) or next((arg for arg in call.arguments if arg.kind == "text"), None)
    if one is None or one.value is None:
        return None
    given = one.value.strip("'\"")
    plain_text = one.text.strip("'\"") == given
    name = f'`"{given}"`' if plain_text else phrase(_NAME_VALUE, name=calls.label(one), value=one.value)
    dtype = _FLOATS.match(given)
    near = difflib.get_close_matches(given.lower().split(":")[0], _DEVICES, 1)
    cure, fix = "", None
    if dtype is not None:
        plain = f"torch.{_OBJECTS.get(dtype[1], dtype[1])}"
        _, fix = repairs.given(step, call, one, plain)
        cure = fill(
            _NAME_DTYPE, name=name, code=call.expression.replace(one.text, plain) if one.text else plain
        )
    elif "gpu" in given.lower() or "nvidia" in given.lower():
        cure = fill(_NAME_GPU)
    elif near:
        cure = fill(_NAME_NEAR, near=near[0])
        fix = repairs.given(step, call, one, f'"{near[0]}"')[1] if one.text.strip("'\"") == given else None
    text = fill(_NAME, code=call.expression, name=name, cure=cure)
    return Explanation("device-name", "error", fill(_NAME_TITLE, name=name.rstrip(",")), text, fix)


@failure
def meta_values(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the numbers of a tensor on the meta device were asked for."""
    error = step.error
    chain = list(calls.chain(calls.failed(step)))
    if error is None or not chain or "meta" not in error.message.lower():
        return None
    if not any(
        w in error.message for w in ("no data", "cannot be called on meta", "meta tensors", "on meta tensors")
    ):
        return None
    one = next(
        (a for c in chain for a in c.arguments if a.operand is not None and a.operand.device == "meta"), None
    )
    if one is None:
        return None
    name = calls.label(one)
    text = fill(_META, name=name, what=calls.what(one), plain=name.strip("`"))
    return Explanation("meta-values", "error", fill(_META_TITLE, name=name), text)
