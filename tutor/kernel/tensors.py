"""One tensor or array under one name, as plain facts."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import torch
from msgspec import Struct

from tutor.facts import Shape, TensorFacts, TensorKind
from tutor.kernel import nodes, raw
from tutor.kernel.guard import GENUINE
from tutor.kernel.identity import Identities
from tutor.kernel.storage import Place, fake_device, is_fake, locate, place_of

globals()["__builtins__"] = GENUINE

_SPARSE = frozenset({"sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc"})


_CHUNK = 256


class Named(Struct, frozen=True):
    """A value under a path such as `lin.weight`. `role` is what the path says; the value may say more."""

    path: str
    #: The variable that the path starts from.
    root: str
    role: TensorKind
    value: Any
    gradient: Any = None
    #: Path of the container that holds it, if it is not under a name or in a module.
    holder: str = ""
    #: A module is around the container that holds it, and does not know of it.
    hidden: bool = False


Described = tuple[TensorFacts, Place | None]


def describe(named: Named, number: int, storages: Identities) -> Described:
    """Facts (without block) and place of a value that is object `number`; never raises.

    Call inside `raw.quiet()`.
    """
    place = locate(named.value, storages)
    if raw.is_array(named.value):
        return _describe_array(named, number, place), place
    if raw.dispatches_to_python(named.value):
        with raw.Shield():
            return _describe_guarded(named, number, place), place
    return _describe_guarded(named, number, place), place


def describe_all(items: Sequence[Named], numbers: Sequence[int], storages: Identities) -> list[Described]:
    """`describe` for many, faster: ordinary tensors are read fact by fact over whole lists."""
    described: list[Described | None] = [None] * len(items)
    ordinary = [
        index
        for index, named in enumerate(items)
        if (kind := type(named.value)) is torch.Tensor or kind is torch.nn.Parameter
    ]
    for start in range(0, len(ordinary), _CHUNK):
        chunk = ordinary[start : start + _CHUNK]
        try:
            read = _describe_columns([items[i] for i in chunk], [numbers[i] for i in chunk], storages)
        except Exception:  # one of them is sparse, an inference tensor, …: one by one below
            continue
        for index, pair in zip(chunk, read, strict=True):
            described[index] = pair
    return [
        pair if pair is not None else describe(items[index], numbers[index], storages)
        for index, pair in enumerate(described)
    ]


def _describe_columns(
    items: list[Named], numbers: list[int], storages: Identities
) -> Iterable[tuple[TensorFacts, Place]]:
    tensors = [named.value for named in items]
    dtypes = list(map(raw.dtype_text.__getitem__, raw.dtypes(tensors)))
    if any(dtype[0] == "q" for dtype in dtypes):
        raise TypeError("a quantized tensor is described by itself")
    addresses = list(map(raw.data_ptr, tensors))  # raises for every layout but strided
    memory = list(map(raw.untyped_storage, tensors))
    owners = storages.numbers(memory)
    devices = _devices(tensors)
    offsets, sizes = list(map(raw.storage_offset, tensors)), list(map(raw.element_size, tensors))
    counts, requiring = list(map(raw.numel, tensors)), list(raw.requirements(tensors))
    # What does not require a gradient is a leaf.
    inner = list(map(operator.not_, raw.leaves(tensors))) if any(requiring) else repeat(False)
    any_inner = type(inner) is list and any(inner)
    made = [raw.grad_fn(t) if i else None for t, i in zip(tensors, inner, strict=True)] if any_inner else []
    facts = map(
        TensorFacts,
        [named.path for named in items],
        map(_ordinary_kind, items),
        ["Tensor" if type(tensor) is torch.Tensor else "Parameter" for tensor in tensors],
        numbers,
        map(tuple, raw.shapes(tensors)),
        map(raw.stride, tensors),
        offsets,
        dtypes,
        devices,
        repeat("strided"),
        counts,
        sizes,
        map(raw.is_contiguous, tensors),
        requiring,
        map(operator.not_, inner),
        [None if node is None else node_name(node) for node in made] if any_inner else repeat(None),
        map(raw.retains_grad, tensors) if any_inner else repeat(False),
        [None if named.gradient is None else shape_of(named.gradient) for named in items],
        raw.versions(tensors),
        owners,
        repeat(None),
        addresses,
        [None if node is None else nodes.number(node) for node in made] if any_inner else repeat(None),
    )
    before = map(operator.mul, offsets, sizes)
    places = map(place_of, owners, devices, addresses, before, map(raw.storage_nbytes, memory), counts)
    return list(zip(facts, places, strict=True))


def _devices(tensors: list[Any]) -> list[str]:
    if all(raw.on_cpu(tensors)):
        return ["cpu"] * len(tensors)
    return list(map(raw.device_text.__getitem__, map(raw.device, tensors)))


def _ordinary_kind(named: Named) -> TensorKind:
    if named.role != "tensor":
        return named.role
    return "parameter" if type(named.value) is torch.nn.Parameter else "tensor"


def _describe_guarded(named: Named, number: int, place: Place | None) -> TensorFacts:
    """Fact by fact; what torch refuses is None and `unread` says why."""
    tensor, gradient = named.value, named.gradient
    reasons: list[str] = []

    def ask(reader: raw.Getter) -> Any:
        try:
            return reader(tensor)
        except Exception as error:
            reasons.append(_reason(error))
            return None

    python = raw.dispatches_to_python(tensor)
    fake = python and is_fake(tensor)
    layout, dtype, device = ask(raw.own_layout), ask(raw.dtype), None if fake else ask(raw.own_device)
    shape, stride = _whole(ask(raw.shape), reasons), _whole(ask(raw.stride), reasons)
    is_leaf, retains_grad, node = ask(raw.is_leaf), ask(raw.retains_grad), ask(raw.grad_fn)
    has_address = not fake and not (python and place is None)
    if python and place is None:
        reasons.insert(0, "memory belongs to what this type wraps")
    return TensorFacts(
        name=named.path,
        kind=_special_kind(named.role, tensor, layout),
        type=raw.type_name(tensor),
        object=number,
        shape=shape,
        stride=stride,
        offset=_integer(ask(raw.storage_offset)),
        dtype=None if dtype is None else raw.dtype_text[dtype],
        device=fake_device(tensor) if fake else None if device is None else raw.device_text[device],
        layout=None if layout is None else raw.layout_text[layout],
        numel=_integer(ask(raw.numel)),
        itemsize=ask(raw.element_size),
        is_contiguous=None if shape is None and python else ask(raw.is_contiguous),
        requires_grad=ask(raw.requires_grad),
        is_leaf=is_leaf,
        grad_fn=None if node is None else node_name(node),
        retains_grad=retains_grad,
        grad=None if gradient is None else shape_of(gradient),
        version=ask(raw.version),
        storage=None if place is None else place.storage,
        data_ptr=ask(raw.data_ptr) if has_address else None,
        node=None if node is None else nodes.number(node),
        unread="; ".join(dict.fromkeys(reasons)) or None,
    )


def _describe_array(named: Named, number: int, place: Place | None) -> TensorFacts:
    array = named.value
    dtype = raw.array_dtype(array)
    shape = raw.array_shape(array)
    itemsize = dtype.itemsize
    steps = raw.array_strides(array)
    regular = itemsize > 0 and all(step % itemsize == 0 for step in steps)
    numel = 1
    for size in shape:
        numel *= size
    return TensorFacts(
        name=named.path,
        kind="ndarray",
        type=raw.type_name(array),
        object=number,
        shape=shape,
        stride=tuple(step // itemsize for step in steps) if regular else None,
        dtype=str(dtype)[:60],
        device="cpu",
        numel=numel,
        itemsize=itemsize,
        is_contiguous=raw.array_flags(array).c_contiguous,
        storage=None if place is None else place.storage,
        data_ptr=raw.array_address(array),
        unread=None if regular else "strides are not whole elements",
    )


def _special_kind(role: TensorKind, tensor: Any, layout: torch.layout | None) -> TensorKind:
    if role != "tensor":
        return role
    if raw.is_a(tensor, torch.nn.Parameter):
        return "parameter"
    if is_fake(tensor):
        return "fake"
    if raw.is_nested(tensor):
        return "nested"
    if raw.is_quantized(tensor):
        return "quantized"
    if layout is not None and raw.layout_text[layout] in _SPARSE:
        return "sparse"
    return "tensor" if type(tensor) is torch.Tensor else "subclass"


def node_name(node: Any) -> str:
    """Name of a grad_fn without its C++ namespace."""
    if raw.is_a(node, torch._C._FunctionBase):  # the learner's class: its `name` may be anything
        return raw.type_name(node)
    return str(node.name()).rsplit("::", 1)[-1]


def shape_of(tensor: Any) -> Shape | None:
    """Shape of a tensor, or None where torch refuses it. Call inside `raw.quiet()`."""
    try:
        if raw.dispatches_to_python(tensor):
            with raw.Shield():
                return _whole(raw.shape(tensor), [])
        return tuple(raw.shape(tensor))
    except Exception:
        return None


def _whole(sizes: Any, reasons: list[str]) -> Shape | None:
    if sizes is None:
        return None
    if all(type(size) is int for size in sizes):
        return tuple(sizes)
    reasons.append("symbolic size")
    return None


def _integer(value: Any) -> int | None:
    return value if type(value) is int else None


def _reason(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:100]
