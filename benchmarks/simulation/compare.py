"""What becomes of samples, in a process that has the device: started by `benchmarks.simulated`.

`python -m benchmarks.simulation.compare COUNT START NAME` takes the first COUNT samples (0: all) of each of
torch's operators from number START on that has NAME in its name, and prints a line of JSON for each.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._pytree import tree_leaves, tree_map

from benchmarks.simulation.exceptions import EXCEPTIONS

DEVICE = "sim:0"
#: From best to worst: to the last bit; in all but values that nobody has written; no further from the CPU
#: than the CPU from itself; both raise the same; the device refuses as CUDA does, or for what it has not.
VERDICTS = ("equal", "unwritten", "close", "raises", "refused", "absent", "differs")
#: How CUDA begins to refuse what lies in the wrong place.
_WORDS = (
    "Expected all tensors to be on the same device",
    "can't convert sim:0 device type tensor to numpy",
    "Expected a 'sim' device type for generator",
    "indices should be either on cpu or on the same device",
    "tensor_split expected tensor_indices_or_sections to be on cpu",
)
_ABSENT = "which the simulated device does not have"
_UNWRITTEN = EXCEPTIONS["unwritten"][1]
_SEED = 7
#: How often the CPU is asked again where the last bits differ.
_AGAIN = 30


def full_name(operator: Any) -> str:
    """The name under which torch tests an operator."""
    variant = operator.variant_test_name
    return f"{operator.name}.{variant}" if variant else operator.name


def answers(operator: Any, count: int | None) -> Iterator[tuple[str, str, str]]:
    """For each sample `forward` or `gradient`, the verdict, and what differs."""
    ways = [False, True] if _has_gradient(operator) else [False]
    for wanted in ways:
        _seed()
        samples = operator.sample_inputs_func(operator, "cpu", torch.float32, wanted)
        for sample in itertools.islice(samples, count):
            told = _judge(operator, sample, wanted)
            if told is not None:
                yield ("gradient" if wanted else "forward", *told)


def on_cpu(operator: Any, count: int) -> Iterator[Any]:
    """The results and gradients of the first samples on the CPU, or the error."""
    for wanted in (False, True) if _has_gradient(operator) else (False,):
        _seed()
        samples = operator.sample_inputs_func(operator, "cpu", torch.float32, wanted)
        for sample in itertools.islice(samples, count):
            yield _tried(operator, sample, "cpu", wanted)


def _seed() -> None:
    """Samples are drawn from all of these."""
    random.seed(_SEED)
    np.random.seed(_SEED)
    torch.manual_seed(_SEED)


def bits(tensor: torch.Tensor) -> torch.Tensor:
    """The bytes of a tensor's values."""
    return _dense(tensor).reshape(-1).clone(memory_format=torch.contiguous_format).view(torch.uint8)


def _has_gradient(operator: Any) -> bool:
    return operator.supports_autograd and torch.float32 in operator.supported_backward_dtypes("cpu")


def _judge(operator: Any, sample: Any, gradient: bool) -> tuple[str, str] | None:
    here, there = (_tried(operator, sample, place, gradient) for place in ("cpu", DEVICE))
    if isinstance(here, Exception):
        same = type(here) is type(there) and str(there).replace(DEVICE, "cpu") == str(here)
        return (
            ("raises", "") if same else ("differs", f"the CPU says {_told(here)}; the device {_told(there)}")
        )
    if isinstance(there, Exception):
        if str(there).startswith(_WORDS):
            return "refused", _told(there)
        return "absent" if _ABSENT in str(there) else "differs", _told(there)
    moved = any(_is_on_device(one) for one in tree_leaves(_given(sample, DEVICE)))
    verdict, told = _alike(here, there, "sim" if moved else "cpu", full_name(operator) not in _UNWRITTEN)
    if verdict == "close" and not _varies(operator, sample, here, gradient):
        return "differs", "the last bits"
    return verdict, told


def _tried(operator: Any, sample: Any, place: str, gradient: bool) -> Any:
    try:
        return _run(operator, sample, _given(sample, place), gradient)
    except Exception as error:  # whatever torch says here is the result
        return error


def _given(sample: Any, place: str) -> list[Any]:
    return [_placed(each, place) for each in (sample.input, sample.args, sample.kwargs)]


def _is_on_device(item: Any) -> bool:
    return item.device.type == "sim" if isinstance(item, torch.Tensor) else str(item) == DEVICE


def _varies(operator: Any, sample: Any, here: list[Any], gradient: bool) -> bool:
    """Whether the CPU's own last bits are not always the same."""
    again = (_tried(operator, sample, "cpu", gradient) for _ in range(_AGAIN))
    return any(_alike(here, result, "cpu", True)[0] != "equal" for result in again)


def _told(result: Any) -> str:
    return f"{type(result).__name__}: {result}"[:300] if isinstance(result, Exception) else "gives a result"


def _placed(value: Any, place: str) -> Any:
    """The same argument anew, on a device; what names a device names this one."""

    def move(item: Any) -> Any:
        if isinstance(item, torch.Tensor):
            return _moved(item, place)
        if isinstance(item, torch.device) or item == "cpu":
            return torch.device(place) if isinstance(item, torch.device) else place
        if isinstance(item, torch.Generator):
            return torch.Generator(place)
        return item

    return tree_map(move, value)


def _moved(tensor: torch.Tensor, place: str) -> torch.Tensor:
    if tensor.layout != torch.strided or tensor.is_nested or tensor.is_quantized:
        moved = tensor.detach().clone().to(place)
    else:  # in all of its memory, so that strides, offsets and overlaps stay
        length = tensor.untyped_storage().nbytes() // tensor.element_size()
        memory = tensor.detach().as_strided((length,), (1,), 0).clone().to(place)
        moved = memory.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
    return moved.requires_grad_(tensor.requires_grad)


def _run(operator: Any, sample: Any, given: list[Any], gradient: bool) -> list[Any]:
    torch.manual_seed(_SEED)
    first, args, kwargs = given
    if not gradient:
        with torch.no_grad():
            return tree_leaves(operator(first, *args, **kwargs))
    result = sample.output_process_fn_grad(operator(first, *args, **kwargs))
    outputs = [one for one in tree_leaves(result) if isinstance(one, torch.Tensor) and one.requires_grad]
    inputs = [one for one in tree_leaves(given) if isinstance(one, torch.Tensor) and one.requires_grad]
    if not outputs or not inputs:
        return []
    torch.manual_seed(_SEED)
    weights = [torch.randn(one.shape, dtype=one.dtype).to(one.device) for one in outputs]
    return list(torch.autograd.grad(outputs, inputs, weights, allow_unused=True))


def _alike(here: list[Any], there: list[Any], place: str, values: bool) -> tuple[str, str]:
    if len(here) != len(there):
        return "differs", f"{len(here)} results, on the device {len(there)}"
    worst = "equal", ""
    for one, other in zip(here, there, strict=True):
        told = _alike_one(one, other, place, values)
        worst = max(worst, told, key=lambda told: VERDICTS.index(told[0]))
    return worst


def _alike_one(one: Any, other: Any, place: str, values: bool) -> tuple[str, str]:
    if not isinstance(one, torch.Tensor):
        same = type(one) is type(other) and (one == other or one is other)
        return ("equal", "") if same else ("differs", f"{one!r}, on the device {other!r}"[:300])
    if not isinstance(other, torch.Tensor) or other.device.type != place:
        return "differs", f"a result that is not on {place}"
    for what in ("shape", "dtype", "layout"):
        if getattr(one, what) != getattr(other, what):
            return "differs", f"{what} {getattr(one, what)}, on the device {getattr(other, what)}"
    if one.layout == torch.strided and one.stride() != other.stride():
        return "differs", f"strides {one.stride()}, on the device {other.stride()}"
    if not values:
        return "unwritten", ""
    other = other.cpu()
    if torch.equal(bits(one), bits(other)):
        return "equal", ""
    try:
        torch.testing.assert_close(_dense(other), _dense(one), equal_nan=True)
    except AssertionError as error:
        return "differs", " ".join(str(error).split())[:300]
    return "close", ""


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach()
    return tensor.to_dense() if tensor.layout != torch.strided else tensor.resolve_conj().resolve_neg()


def main(count: int, start: int, part: str) -> None:
    """Each operator, to its end."""
    from tutor.kernel import sim

    sim.install()
    warnings.simplefilter("ignore")
    for number, operator in enumerate(op_db):
        name = full_name(operator)
        if number < start or part not in name or torch.float32 not in operator.supported_dtypes("cpu"):
            continue
        print(json.dumps([number, name, None]), flush=True)
        print(json.dumps([number, name, list(answers(operator, count or None))]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
