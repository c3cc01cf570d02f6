"""How many backward passes the `.grad` of each leaf has added up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from tutor.kernel import raw
from tutor.kernel.identity import Identities
from tutor.kernel.replay.gradients import is_zero

#: Leaves that are followed; those that died are dropped when there are more.
_MOST_LEAVES = 20_000


class Leaves(Struct):
    """Leaves by their `id()` and their number: holds none of them."""

    keys: list[int] = []
    numbers: list[int] = []

    def add(self, leaf: Any, number: int) -> None:
        if number not in self.numbers:
            self.keys.append(id(leaf))
            self.numbers.append(number)


class _Tally(Struct, frozen=True):
    """One leaf's `.grad` as the last pass left it."""

    gradient: int
    version: int
    passes: int | None
    #: How many passes had been told of by then.
    told: int


class Held(Struct, frozen=True):
    """One leaf's `.grad` before a pass, and how many passes it has added up."""

    gradient: int | None
    version: int
    passes: int | None


class Accumulated:
    """Told before and after every backward pass which leaves it may fill; answers how often it did.

    A pass that nobody told about makes the answer unknown for the gradients that it may have moved.
    Holds no tensor.
    """

    def __init__(self, objects: Identities) -> None:
        self._objects = objects
        self._tallies: dict[int, _Tally] = {}
        self._told = 0
        #: Leaves whose gradients were all None before the last pass at their place, not looked at since.
        self._due: dict[int, tuple[Leaves, int]] = {}

    def lost(self) -> None:
        """A pass may run, or have run, of which nothing more will be heard."""
        self._told += 1

    def before(self, leaves: Iterable[Any]) -> list[Held]:
        """What each `.grad` holds now, before a pass. Call inside `raw.Reading()`."""
        self._settle()
        held = [self._hold(leaf, raw.grad(leaf)) for leaf in leaves]
        self._told += 1
        return held

    def after(self, leaves: Iterable[Any], held: Iterable[Held]) -> None:
        """The pass ended: where `.grad` moved it has been added to."""
        for leaf, before in zip(leaves, held, strict=True):
            gradient = raw.grad(leaf)
            if gradient is None:
                continue
            number, version = self._objects.number(gradient), _version(gradient)
            moved = (number, version) != (before.gradient, before.version)
            passes = before.passes if not moved or before.passes is None else before.passes + 1
            self._set(self._objects.number(leaf), _Tally(number, version, passes, self._told))

    def quick(self, place: int, leaves: Leaves) -> list[Any] | None:
        """A pass is about to run that fills `leaves`: all there is to do where their gradients are None.

        Otherwise gives the living leaves, for `before` and `after`.
        """
        with raw.quiet():
            alive = self._objects.living(leaves.keys, leaves.numbers)
            for gradient in map(raw.grad, alive):
                if gradient is not None:
                    return alive
        self._told += 1
        self._due.pop(place, None)
        self._due[place] = leaves, self._told
        return None

    def passes(self, leaf: Any, gradient: Any) -> int | None:
        """How many passes `gradient`, the `.grad` of `leaf`, has added up; None where that is not known."""
        if gradient is None:
            return None
        self._settle()
        return self._hold(leaf, gradient).passes

    def _settle(self) -> None:
        """Look at what quick passes left."""
        if self._due:
            due, self._due = self._due, {}
            for leaves, told in due.values():
                for leaf in self._objects.living(leaves.keys, leaves.numbers):
                    if (gradient := raw.grad(leaf)) is not None:
                        state = self._objects.number(gradient), _version(gradient)
                        self._set(self._objects.number(leaf), _Tally(*state, 1, told))

    def _hold(self, leaf: Any, gradient: Any) -> Held:
        if gradient is None:
            return Held(None, 0, 0)
        number, version = self._objects.number(gradient), _version(gradient)
        tally = self._tallies.get(self._objects.number(leaf))
        if is_zero(gradient):  # also where its version says nothing: `w.grad.data.zero_()`
            return Held(number, version, 0)
        if tally is not None and (tally.gradient, tally.version) == (number, version):
            return Held(number, version, tally.passes)
        # Clipping and scaling keep the count; but a pass may have gone by unseen.
        same = tally is not None and tally.gradient == number and tally.told == self._told
        return Held(number, version, tally.passes if same and tally is not None else None)

    def _set(self, leaf: int, tally: _Tally) -> None:
        if leaf not in self._tallies and len(self._tallies) >= _MOST_LEAVES:
            alive = self._objects.alive()
            self._tallies = {number: one for number, one in self._tallies.items() if number in alive}
        self._tallies[leaf] = tally


def _version(tensor: Any) -> int:
    try:
        return int(raw.version(tensor))
    except Exception:  # inference tensors count no versions
        return 0
