"""One leaf of a backward pass: its `.grad` before and after, and what the pass gave to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from tutor.facts import LeafGradient
from tutor.kernel import raw
from tutor.kernel.identity import Identities
from tutor.kernel.replay.gradients import Noted, Room, facts_of, note

#: The numbers of objects and of storages.
Tables = tuple[Identities, Identities]
_hooks_of = torch._C.TensorBase.__dict__["_backward_hooks"].__get__


class LeafAs(NamedTuple):
    """A leaf that a pass reached, before text is made of its gradients. Holds no leaf."""

    object: int
    name: str | None
    storage_before: int | None
    storage_after: int | None
    passes: int | None
    gradient: Noted | None
    before: Noted | None
    after: Noted | None

    def facts(self) -> LeafGradient:
        return LeafGradient(
            self.object,
            self.name,
            None if self.before is None else self.before.shape,
            None if self.after is None else self.after.shape,
            self.storage_before,
            self.storage_after,
            self.passes,
            facts_of(self.gradient),
            facts_of(self.before),
            facts_of(self.after),
        )


class Leaf:
    """A tensor whose `.grad` a pass may fill. Holds the tensor for that long, and no gradient."""

    def __init__(self, tensor: Any, node: int | None, name: str | None, tables: Tables, room: Room) -> None:
        self.tensor, self.node, self.name = tensor, node, name
        self._objects, self._storages = tables
        self._room = room
        #: What nodes of the pass gave it, and how many nodes had run by the last time.
        self._given: list[Noted] = []
        self.at: int | None = None
        self.moved = False
        gradient = raw.grad(tensor)
        self._state = self._state_of(gradient)
        self._storage_before = self._storage(gradient)
        self._before = note(gradient, room)
        self._storage_after, self._after = self._storage_before, self._before

    @property
    def is_hooked(self) -> bool:
        """Whether hooks of the learner's may change what it is given."""
        return bool(_hooks_of(self.tensor))

    def give(self, noted: Noted | None, at: int) -> None:
        """A node of the pass gave it this."""
        if noted is not None:
            self._given.append(noted)
            self.at = at

    def look(self) -> None:
        """The pass has ended."""
        gradient = raw.grad(self.tensor)
        self.moved = self._state_of(gradient) != self._state
        self._storage_after = self._storage(gradient)
        self._after = note(gradient, self._room, measured=self._before is None)

    def incoming(self, *, whole: bool) -> Noted | None:
        """What the pass gave in all; `whole` where every node that gave was watched."""
        if self._before is None and self._after is not None:
            return self._after
        if not whole or not self._given:
            return None
        return self._given[0] if len(self._given) == 1 else _sum(self._given)

    def result(self, gradient: Noted | None, passes: Callable[[Any, Any], int | None]) -> LeafAs:
        return LeafAs(
            self._objects.number(self.tensor),
            self.name,
            self._storage_before,
            self._storage_after,
            passes(self.tensor, raw.grad(self.tensor)),
            gradient,
            self._before,
            self._after,
        )

    def _state_of(self, gradient: Any) -> tuple[int, int] | None:
        if gradient is None:
            return None
        try:
            return self._objects.number(gradient), int(raw.version(gradient))
        except Exception:  # inference tensors count no versions
            return self._objects.number(gradient), 0

    def _storage(self, tensor: Any) -> int | None:
        try:
            return None if tensor is None else self._storages.number(raw.untyped_storage(tensor))
        except Exception:  # sparse: it has several
            return None


def _sum(given: list[Noted]) -> Noted | None:
    """What the engine adds up before it hands it on, as far as it was noted."""
    first = given[0]
    parts = [noted.values for noted in given]
    if any(part is None for part in parts) or len({part.shape for part in parts if part is not None}) != 1:
        return Noted(first.shape, first.dtype, first.device)
    total = parts[0]
    with np.errstate(all="ignore"):
        for part in parts[1:]:
            total = total + part  # type: ignore[operator]
    broken = any(noted.broken for noted in given)
    return Noted(first.shape, first.dtype, first.device, total, first.partial, None, broken)
