"""Over torch's own operator samples: verdicts are as storages and versions say, and nothing changes."""

from __future__ import annotations

import copy
import ctypes
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from kernel.trace.tracing import Traced
from operators import OPERATORS as EVERY
from operators import samples_of
from torch.utils._pytree import tree_leaves

from tutor.facts import OpFacts

#: How many samples of each operator are run, by dtype; with ALL_SAMPLES in the environment, all of them.
FEW = {torch.float32: 6, torch.complex64: 2, torch.int64: 2, torch.bool: 1, torch.bfloat16: 1}
SAMPLES = {dtype: 10_000 if "ALL_SAMPLES" in os.environ else few for dtype, few in FEW.items()}
CHUNKS = 12
#: Memory that was not written holds anything, and lstsq rounds as its memory happens to lie.
OPERATORS = [op for op in EVERY if "empty" not in op.name and "lstsq" not in op.name]
CODE = "out = call(*args, **kwargs)"


@dataclass
class Outcome:
    """Everything that a run may leave behind."""

    error: str = ""
    result: Any = None
    warned: tuple[tuple[str, str, int], ...] = ()
    random: torch.Tensor | None = None


@dataclass
class Case:
    name: str
    call: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def can_be_copied(self) -> bool:
        return all(tensor.layout == torch.strided for tensor in self.tensors())

    def copied(self) -> Case:
        """With arguments of its own, which have the same layouts, and share what these share."""
        args, kwargs = copy.deepcopy((self.args, self.kwargs))
        return Case(self.name, self.call, args, kwargs)

    def tensors(self) -> list[torch.Tensor]:
        return [leaf for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, torch.Tensor)]


def run(case: Case, tracer: Traced, watch: bool) -> tuple[Outcome, list[OpFacts]]:
    tracer.namespace.update(call=case.call, args=case.args, kwargs=case.kwargs)
    outcome, operations = Outcome(), []
    torch.default_generator.manual_seed(1)
    tracer.namespace.pop("__warningregistry__", None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            operations = tracer.run(CODE, watch)
            outcome.result = tracer.namespace.pop("out", None)
        except Exception as error:
            outcome.error = f"{type(error).__name__}: {error}"
            error.__traceback__ = None
    outcome.warned = tuple((w.category.__name__, str(w.message), w.lineno) for w in caught)
    outcome.random = torch.get_rng_state()
    return outcome, operations


def bits(value: Any) -> Any:
    """What makes two results the same to the last bit."""
    if not isinstance(value, torch.Tensor):
        return repr(value)
    facts = (type(value), value.dtype, value.device, tuple(value.shape), value.layout, value.requires_grad)
    if value.layout != torch.strided or value.is_nested:
        return facts, repr(value)
    plain = torch.empty(value.shape, dtype=value.dtype).copy_(value.detach())
    return facts, value.stride(), ctypes.string_at(plain.data_ptr(), plain.numel() * plain.element_size())


def same(one: Outcome, other: Outcome) -> bool:
    first, second = tree_leaves(one.result), tree_leaves(other.result)
    assert one.random is not None
    assert other.random is not None
    return (
        one.error == other.error
        and one.warned == other.warned
        and torch.equal(one.random, other.random)
        and list(map(bits, first)) == list(map(bits, second))
    )


def expected(case: Case, versions: list[int], result: Any) -> str | None:
    """Torch's own account of the first tensor among the results."""
    given = case.tensors()
    written = [tensor for tensor, before in zip(given, versions, strict=True) if tensor._version != before]
    made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
    if not made:
        return "in place" if written else "none"
    first = made[0]
    if any(first is tensor for tensor in given):
        return "in place" if any(first is tensor for tensor in written) else "same"
    if any(storage(first) == storage(tensor) is not None for tensor in given):
        return "view"
    return "memory"


def storage(tensor: torch.Tensor) -> int | None:
    try:
        return tensor.untyped_storage()._cdata
    except (NotImplementedError, RuntimeError):
        return None


def elements_of(tensor: torch.Tensor) -> set[str]:
    return set(map(str, tensor.detach().to_dense().reshape(-1).tolist()))


def wrong_verdict(case: Case, versions: list[int], result: Any, operation: OpFacts) -> str | None:
    truth, verdict = expected(case, versions, result), operation.verdict
    if truth != ("memory" if verdict in ("copy", "new") else verdict):
        return f"{verdict} instead of {truth}"
    moved = [i for i, (t, v) in enumerate(zip(case.tensors(), versions, strict=True)) if t._version != v]
    distinct = {id(case.tensors()[index]) for index in moved}
    if len(operation.wrote) != len(distinct):
        return f"wrote {len(operation.wrote)} arguments instead of {len(distinct)}"
    if verdict == "copy":
        made = next(leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor))
        given = [leaf for leaf in case.tensors() if leaf.numel() <= 10_000]
        known = elements_of(given[0].to(made.dtype)) if given else None
        if known is not None and made.numel() <= 10_000 and not elements_of(made) <= known:
            return "copy of elements that are not its argument's"
    return None


def samples(op: Any, dtype: torch.dtype) -> Iterator[Case]:
    for count, sample in enumerate(samples_of(op, dtype, SAMPLES[dtype])):
        args = (sample.input, *sample.args)
        yield Case(op.full_name, op.op, args, sample.kwargs)
        if count >= 2:
            continue
        if op.method_variant is not None and isinstance(sample.input, torch.Tensor):
            yield Case(f"{op.full_name} (method)", op.method_variant, args, sample.kwargs)
        if op.inplace_variant is not None and isinstance(sample.input, torch.Tensor):
            yield Case(f"{op.full_name} (in place)", op.inplace_variant, args, sample.kwargs)


def with_out(case: Case, result: Any) -> Case:
    out = torch.empty_like(result)
    return Case(f"{case.name} (out)", case.call, case.args, {**case.kwargs, "out": out})


def complaints(case: Case, tracer: Traced) -> Iterator[str]:
    if not case.can_be_copied:
        return
    bare, _ = run(case.copied(), tracer, watch=False)
    traced_case = case.copied()
    versions = [tensor._version for tensor in traced_case.tensors()]
    traced, operations = run(traced_case, tracer, watch=True)
    if not same(bare, traced):
        # What is not the same each time without us (empty memory, a hash, sums over memory that happens to
        # be aligned otherwise) says nothing.
        others = [run(case.copied(), tracer, watch=False)[0] for _ in range(10)]
        if all(same(bare, other) for other in others):
            got = traced.error or traced.warned or "another result"
            yield f"{case.name}: {got} instead of {bare.error or bare.warned}"
        return
    # Of calls that torch's samples make of several operations the last one need not be the result's.
    if len(operations) == 1 and not traced.error and not operations[0].within:
        problem = wrong_verdict(traced_case, versions, traced.result, operations[0])
        if problem is not None:
            yield f"{case.name}: {problem}"


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_changes_and_every_verdict_is_true(chunk: int):
    tracer = Traced()
    found: list[str] = []
    judged = 0
    for op in OPERATORS[chunk::CHUNKS]:
        for dtype in SAMPLES:
            if dtype not in op.supported_dtypes("cpu"):
                continue
            for case in samples(op, dtype):
                found += complaints(case, tracer)
                judged += 1
            if op.supports_out:
                found += out_complaints(op, dtype, tracer)
    assert not found, "\n".join(dict.fromkeys(found))
    assert judged > 50


def out_complaints(op: Any, dtype: torch.dtype, tracer: Traced) -> Iterator[str]:
    for sample in samples_of(op, dtype, 2):
        case = Case(op.full_name, op.op, (sample.input, *sample.args), sample.kwargs)
        if not case.can_be_copied:
            continue
        outcome, _ = run(case.copied(), tracer, watch=False)
        if isinstance(outcome.result, torch.Tensor):
            yield from complaints(with_out(case, outcome.result), tracer)
