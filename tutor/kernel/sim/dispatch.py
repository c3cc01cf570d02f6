"""Every operation on the device: its CPU kernel, over the same memory."""

from __future__ import annotations

import re
from typing import Any

import torch

from tutor.kernel import transfers
from tutor.kernel.guard import GENUINE
from tutor.kernel.sim import amounts, generators, refusals
from tutor.kernel.sim.blocks import FIELDS, backing, put, wrapped
from tutor.kernel.sim.hosts import Fork, refuse_in_fork
from tutor.kernel.sim.names import NAME

globals()["__builtins__"] = GENUINE

_aten = torch.ops.aten
_BASE = torch._C.TensorBase
_is_cpu = _BASE.is_cpu.__get__
_device = _BASE.device.__get__
_untyped_storage = _BASE.untyped_storage
_copy = _aten.copy_.default
_number = _aten._local_scalar_dense.default
_Generator = torch._C.Generator
_make_scalar = _aten.scalar_tensor.default.redispatch
_CPU = torch.device("cpu")
#: How the CPU says that it has no room.
_NO_ROOM = re.compile(r"DefaultCPUAllocator: .*you tried to allocate (\d+) bytes")
_WIDE = {bool: torch.bool, int: torch.int64, float: torch.float64, complex: torch.complex128}
_NUMBERS = frozenset(_WIDE)

#: Views, and others that only write a tensor's fields.
_FIELD_OPERATIONS = frozenset(
    id(operation)
    for operation in (
        _aten.as_strided.default,
        _aten.view.default,
        _aten._reshape_alias.default,
        _aten.unfold.default,
        _aten.alias.default,
        _aten.set_.source_Storage,
        _aten.set_.source_Storage_storage_offset,
        _aten.set_.source_Tensor,
    )
)


class _Call:
    """One call: its arguments for the CPU, and which tensors they stand for."""

    __slots__ = ("hosts", "made", "sims")

    def __init__(self) -> None:
        self.sims: list[Any] = []
        self.made: list[Any] = []
        self.hosts: list[Any] = []

    def lower(self, value: Any) -> Any:
        """The same argument for the CPU."""
        if isinstance(value, _BASE):
            if _is_cpu(value):
                self.hosts.append(value)
                return value
            if _device(value).type != NAME:
                return value
            cpu = backing(value)
            self.sims.append(value)
            self.made.append(cpu)
            return cpu
        kind = type(value)
        if kind is list or kind is tuple:
            return kind(map(self.lower, value))
        if kind is torch.device:
            if value.type != NAME:
                return value
            if value.index:
                raise RuntimeError("SIM error: invalid device ordinal: there is one simulated device, sim:0")
            return _CPU
        if kind is _Generator or kind is generators.Generator:
            generators.check(value)
        return value

    def lift(self, value: Any) -> Any:
        """The same result on the device."""
        if isinstance(value, _BASE):
            memory = None
            for sim, cpu in zip(self.sims, self.made, strict=True):
                if cpu is value:
                    if (
                        sim.shape != cpu.shape
                        or sim.stride() != cpu.stride()
                        or sim.data_ptr() != cpu.data_ptr()
                    ):
                        put(sim, cpu)
                    return sim
                memory = memory or _untyped_storage(value)._cdata
                if _untyped_storage(cpu)._cdata == memory:
                    return wrapped(value, _untyped_storage(sim))
            return wrapped(value)
        kind = type(value)
        if kind is list or kind is tuple:
            return kind(map(self.lift, value))
        return value


#: Where an operation takes a tensor, for which torch hands over plain numbers as they are; by its identity,
#: since what stands for an operation is never freed and slow to hash.
_tensor_places: dict[int, tuple[int, ...]] = {}


def _places(operation: Any) -> tuple[int, ...]:
    arguments = operation._schema.arguments
    places = tuple(i for i, argument in enumerate(arguments) if str(argument.type) == "Tensor")
    _tensor_places[id(operation)] = places
    return places


def run(operation: Any, *args: Any, **kwargs: Any) -> Any:
    """The kernel of every operation for which torch has none that serves all devices."""
    if Fork.happened:
        refuse_in_fork()
    if id(operation) in _FIELD_OPERATIONS:
        return operation.redispatch(FIELDS, *args, **kwargs)
    call = _Call()
    lowered = [call.lower(value) for value in args]
    named = {name: call.lower(value) for name, value in kwargs.items()}
    if call.hosts and call.sims:
        refusals.check(operation, args, kwargs)
    places = _tensor_places.get(id(operation))
    for place in _places(operation) if places is None else places:
        if place < len(lowered) and type(lowered[place]) in _NUMBERS:
            lowered[place] = _scalar(lowered[place], call.made)
    try:
        result = operation.redispatch(FIELDS, *lowered, **named)
    except RuntimeError as error:
        wanted = _NO_ROOM.search(str(error))
        if wanted is None:
            raise
        memory = amounts.MEMORY
        raise refusals.out_of_memory(int(wanted[1]), memory.allocated, amounts.TOTAL) from None
    try:
        return call.lift(result)
    except NotImplementedError:
        raise refusals.not_dense(operation) from None


def _scalar(number: Any, tensors: list[Any]) -> torch.Tensor:
    """A number as a tensor that counts no more than the number when the type of the result is decided."""
    beside, kind = tensors[0], type(number)
    wide = _make_scalar(FIELDS, number, dtype=_WIDE[kind], device=_CPU)
    if kind is not complex and beside.dim() and beside.dtype.is_floating_point:
        return wide
    wanted = torch.result_type(beside, number)
    if torch.result_type(beside, wide) == wanted:
        return wide
    return _make_scalar(FIELDS, number, dtype=wanted, device=_CPU)


def zeros(size: Any, **options: Any) -> Any:
    """What forward differentiation takes for zeros that need no memory; here they have it."""
    return run(_aten.zeros.default, size, **options)


def copy_from(source: Any, target: Any, non_blocking: bool = False) -> Any:
    """Copies into `target`, across devices or on ours; the one way between host and device."""
    if Fork.happened:
        refuse_in_fork()
    arriving, leaving = not _is_cpu(target), not _is_cpu(source)
    if arriving != leaving:
        transfers.note(source, target)
    into = backing(target) if arriving else target
    _copy.redispatch(FIELDS, into, backing(source) if leaving else source, False)
    return target


def read_number(source: Any) -> Any:
    """The one number of a tensor, for the host, which waits for it: what `item()` and `if` ask for."""
    if Fork.happened:
        refuse_in_fork()
    transfers.note(source)
    return _number.redispatch(FIELDS, backing(source))
