"""Watching the steps of the learner's optimizers, by a hook that torch has for all of them."""

from __future__ import annotations

import _thread
import sys
from collections.abc import Iterator
from time import perf_counter
from types import FrameType
from typing import Any

import torch
from msgspec import structs
from torch.optim import optimizer as _optimizer

from tutor.facts import OptimizerFacts, UpdateFacts
from tutor.kernel import containers, raw, static
from tutor.kernel.guard import GENUINE
from tutor.kernel.namespace import Snapshots
from tutor.kernel.replay import Replay
from tutor.kernel.trace.sequence import next_number
from tutor.kernel.trace.sites import STAND_IN, Sites

globals()["__builtins__"] = GENUINE

#: Steps of one optimizer that are told in one statement, and optimizers.
FIRST_STEPS = 3
_MOST_OPTIMIZERS = 20
#: Parameters of one optimizer that are told, and seconds that one statement may take for it.
_MOST = 2_000
_ALLOWANCE = 0.02
#: Entries of one container or object that are looked at for optimizers.
_MOST_ENTRIES = 100


_HOOKS = _optimizer._global_optimizer_post_hooks
#: Under which our hook stands; torch counts its own keys from 0 up.
_KEY = -1
_is_compiling = torch.compiler.is_compiling
_thread_id = _thread.get_ident


class Updates:
    """Records what optimizers hold and what their gradients add up, whenever one of them steps."""

    def __init__(self, namespace: dict[str, Any], sites: Sites, snapshots: Snapshots, replay: Replay) -> None:
        self._namespace, self._sites, self._snapshots, self._replay = namespace, sites, snapshots, replay
        self._thread = _thread_id()
        self._begin()

    def _begin(self) -> None:
        self._found: list[UpdateFacts] = []
        #: How often each optimizer stepped, by its `id()`, and the optimizers, so that no other takes it.
        self._hits: dict[int, int] = {}
        self._held: list[Any] = []
        self._spent = 0.0

    def start(self) -> None:
        """A statement is about to run."""
        self._begin()
        _HOOKS[_KEY] = self._stepped

    def stop(self) -> tuple[tuple[UpdateFacts, ...], tuple[OptimizerFacts, ...]]:
        """The statement ended: the steps in it, and where there were any, the optimizers there are."""
        _HOOKS.pop(_KEY, None)
        found, hits = self._found, self._hits
        if not found:
            self._begin()
            return (), ()
        numbers = {id(one): self._number(one) for one in self._held}
        counts = {numbers[key]: count for key, count in hits.items()}
        steps = tuple(structs.replace(one, hits=counts.get(one.object, one.hit)) for one in found)
        try:
            with raw.Reading():
                known = tuple(self._known())
        except Exception:  # what is known of the steps is told all the same
            known = ()
        self._begin()
        return steps, known

    def _stepped(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Called by torch behind every step of every optimizer."""
        hits = self._hits.get(id(optimizer), 0) + 1
        if _is_compiling() or _thread_id() != self._thread:
            return
        if hits == 1:
            if len(self._hits) >= _MOST_OPTIMIZERS:
                return
            self._held.append(optimizer)
        self._hits[id(optimizer)] = hits
        if hits > FIRST_STEPS or self._spent > _ALLOWANCE:
            return
        began = perf_counter()
        try:
            with raw.Reading():
                self._found.append(self._facts(optimizer, hits))
        except Exception:  # a step that cannot be told ran all the same
            pass
        self._spent += perf_counter() - began

    def _facts(self, optimizer: Any, hit: int) -> UpdateFacts:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and (
            frame.f_globals is not self._namespace or frame.f_code.co_name == STAND_IN
        ):
            frame = frame.f_back
        known = None if frame is None else self._sites.nearest(frame)
        site = None if known is None else self._sites.at(known)
        parameters, more = _parameters(optimizer)
        number, passes_of = self._snapshots.objects.number, self._replay.passes_counted()
        passes = []
        for one in parameters:
            gradient = raw.grad(one) if raw.is_leaf(one) else None
            count = 0 if gradient is None else passes_of(one, gradient)
            passes.append(-1 if count is None else count)
        return UpdateFacts(
            seq=next_number(),
            line=0 if site is None else site.line,
            optimizer=raw.type_name(optimizer),
            object=self._number(optimizer),
            expression="" if site is None else site.expression,
            filename="" if site is None else site.filename,
            elsewhere=site is not None and site.elsewhere,
            parameters=tuple(map(number, parameters)),
            passes=tuple(passes),
            frozen=tuple(number(one) for one in parameters if not raw.requires_grad(one)),
            more=more,
            backwards=self._replay.passed,
            hit=hit,
        )

    def _number(self, optimizer: Any) -> int:
        return int(self._snapshots.objects.number(optimizer))

    def _known(self) -> Iterator[OptimizerFacts]:
        seen: set[int] = set()
        for name, optimizer in _optimizers(self._namespace):
            if id(optimizer) not in seen and len(seen) < _MOST_OPTIMIZERS:
                seen.add(id(optimizer))
                parameters, more = _parameters(optimizer)
                numbers = tuple(map(self._snapshots.objects.number, parameters))
                kind = raw.type_name(optimizer)
                yield OptimizerFacts(name, kind, self._number(optimizer), numbers, more)


def _optimizers(namespace: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Optimizers under names, and those that a container or an object under a name holds."""
    for name, value in list(dict.items(namespace)):
        if type(name) is not str:
            continue
        if raw.is_a(value, torch.optim.Optimizer):
            yield name, value
        elif id(type(value)) not in containers.SCALARS and not raw.is_tensor(value):
            contents = None if raw.is_a(value, torch.nn.Module) else containers.read(value)
            inside: Any = contents.values if contents is not None else static.own(value).values()
            for _, one in zip(range(_MOST_ENTRIES), list(inside), strict=False):
                if raw.is_a(one, torch.optim.Optimizer):
                    yield name, one


def _parameters(optimizer: Any) -> tuple[list[Any], bool]:
    groups = dict.get(static.own(optimizer), "param_groups")
    found: list[Any] = []
    for group in groups if type(groups) is list else ():
        held = dict.get(group, "params") if type(group) is dict else None
        found += [one for one in held if raw.is_tensor(one)] if type(held) is list else []
    return found[:_MOST], len(found) > _MOST
