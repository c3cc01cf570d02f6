"""What checks ask about memory, graphs and modules, answered from the live objects."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from tutor.facts import Answer
from tutor.kernel import raw, storage
from tutor.kernel.compare import kind_of
from tutor.kernel.guard import GENUINE
from tutor.kernel.saved import read_saved
from tutor.kernel.tensors import node_name

globals()["__builtins__"] = GENUINE


def relation(value: Any, other: Any, wanted: str) -> Answer:
    """Whether two tensors or arrays share elements, have one storage, or one is a view of the other."""
    for each in (value, other):
        if not (raw.is_tensor(each) or raw.is_array(each)):
            return Answer(ok=False, got=kind_of(each), kind="type")
    same, _, overlap = storage.compare(value, other)
    got = _how_related(value is other, same, overlap)
    if wanted == "shares_memory":
        return Answer(ok=bool(overlap), got=got)
    if wanted == "same_storage":
        return Answer(ok=bool(same), got=got)
    return Answer(ok=value is not other and bool(overlap) and same is not False, got=got)


def _how_related(itself: bool, same: bool | None, overlap: bool | None) -> str:
    """What two values have of each other's memory; `tutor.course.answers` knows these words."""
    if itself:
        return "the same object"
    if overlap:
        return "elements of the same memory" if same is not False else "the same memory in another storage"
    if same:
        return "the same storage, but no element in common"
    return "memory of its own" if overlap is False else "what they share cannot be told"


def _walk(value: Any) -> Iterator[Any]:
    """Every node behind a tensor, each once; the nodes are held meanwhile, so identity is safe."""
    node = raw.grad_fn(value)
    nodes = [] if node is None else [node]
    seen = {id(each) for each in nodes}
    for each in nodes:  # grows while it is walked
        yield each
        for follower, _ in each.next_functions:
            if follower is not None and id(follower) not in seen:
                seen.add(id(follower))
                nodes.append(follower)


def depends_on(value: Any, source: Any) -> Answer:
    """Whether a gradient of `value` reaches `source`: by the graph, since `requires_grad` can mislead."""
    if not raw.is_tensor(value):
        return Answer(ok=False, got=kind_of(value), kind="type")
    if isinstance(source, torch.nn.Module):
        parameters = [each for each in source.parameters() if raw.requires_grad(each)]
        return Answer(ok=any(depends_on(value, each).ok for each in parameters))
    if not raw.is_tensor(source):
        return Answer(ok=False, got=kind_of(source), kind="type", note="the source is no tensor")
    with raw.quiet():
        if value is source:
            return Answer(ok=True)
        if raw.grad_fn(value) is None:
            return Answer(ok=False, note="it has no grad_fn")
        if not raw.requires_grad(source):
            return Answer(ok=False, note="the source does not require a gradient")
        made = raw.grad_fn(source)
        for node in _walk(value):
            if node is made:
                return Answer(ok=True)
            if made is None and node_name(node) == "AccumulateGrad" and node.variable is source:
                return Answer(ok=True)
    return Answer(ok=False, note="no path of its graph leads there")


def is_freed(value: Any) -> Answer:
    """Whether a backward pass has freed what the graph of `value` had saved."""
    if not raw.is_tensor(value):
        return Answer(ok=False, got=kind_of(value), kind="type")
    with raw.quiet():
        if raw.grad_fn(value) is None:
            return Answer(ok=False, note="it has no grad_fn")
        saves = False
        for node in _walk(value):
            saved, freed, _ = read_saved(node)
            if freed:
                return Answer(ok=True)
            saves = saves or bool(saved)
    return Answer(ok=False, note="" if saves else "its graph saved nothing")


def parameters_differ(module: Any, wanted: Any) -> Answer:
    """Whether a module has these parameters: by name, or so many numbers in all."""
    if not isinstance(module, torch.nn.Module):
        return Answer(ok=False, got=kind_of(module), kind="type")
    found = dict(module.named_parameters())
    if isinstance(wanted, int):
        count = sum(raw.numel(each) for each in found.values())
        return Answer(ok=count == wanted, expected=f"{wanted:,} numbers", got=f"{count:,} numbers")
    ok = set(found) == set(wanted)
    return Answer(ok=ok, expected=", ".join(wanted), got=", ".join(found) or "no parameters")


def trains(module: Any, wanted: bool) -> Answer:
    """Whether a module and all that it holds are in training mode, or in evaluation mode."""
    if not isinstance(module, torch.nn.Module):
        return Answer(ok=False, got=kind_of(module), kind="type")
    modes = {each.training for each in module.modules()}
    names = {True: "training mode", False: "evaluation mode"}
    got = names[module.training] if len(modes) == 1 else "some parts in training, some in evaluation mode"
    return Answer(ok=modes == {wanted}, expected=names[wanted], got=got)


def losses_fall(values: Any, wanted: bool | float) -> Answer:
    """Whether the last fifth of a row of losses is lower on average than the first, by a factor if given."""
    if raw.is_tensor(values):
        values = values.detach().flatten().tolist()
    values = list(values)
    if any(isinstance(each, str) for each in values):
        return Answer(ok=False, got="texts", note="numbers are needed")
    numbers = [float(each) for each in values]
    if len(numbers) < 2:
        return Answer(ok=False, got=f"{len(numbers)} losses", note="at least two are needed")
    if not all(map(math.isfinite, numbers)):
        return Answer(ok=False, got="a loss that is inf or nan")
    part = max(1, len(numbers) // 5)
    first, last = sum(numbers[:part]) / part, sum(numbers[-part:]) / part
    factor = 1.0 if isinstance(wanted, bool) else wanted
    falls = last < first and (first <= 0 or last <= factor * first)
    limit = f"below {factor * first:.4g}"
    ok = falls if wanted is not False else last >= first
    return Answer(
        ok=ok, expected=limit if wanted is not False else "no fall", got=f"{first:.4g} to {last:.4g}"
    )
