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


class Filled(Struct):
    """Leaves that passes from one place fill, by `id()` and number: holds none of them."""

    keys: list[int] = []
    numbers: list[int] = []
    #: Those whose `.grad` already held a pass when some pass from here began.
    kept: set[int] = set()

    def add(self, leaf: Any, number: int, held: int | None) -> None:
        if number not in self.numbers:
            self.keys.append(id(leaf))
            self.numbers.append(number)
        if held != 0:
            self.kept.add(number)


class _Tally(Struct, frozen=True):
    """One leaf's `.grad` as the last pass left it."""

    gradient: int
    version: int
    passes: int | None
    #: How many passes there had been that nobody watched.
    missed: int


class Held(Struct, frozen=True):
    """One leaf's `.grad` before a pass, and how many passes it has added up."""

    gradient: int | None
    version: int
    passes: int | None


class Accumulated:
    """Told before and after every pass that is watched, and how many there were that were not.

    Where it cannot be known what those did, the answer is unknown. Holds no tensor.
    """

    def __init__(self, objects: Identities) -> None:
        self._objects = objects
        self._tallies: dict[int, _Tally] = {}
        #: Passes that nobody watched.
        self.missed = 0

    def lost(self) -> None:
        """A pass may run, or have run, of which nothing more is known."""
        self.missed += 1

    def before(self, leaves: Iterable[Any]) -> list[Held]:
        """What each `.grad` holds now, before a pass. Call inside `raw.Reading()`."""
        return [self._hold(leaf, raw.grad(leaf)) for leaf in leaves]

    def after(self, leaves: Iterable[Any], held: Iterable[Held]) -> None:
        """The pass ended: where `.grad` moved it has been added to."""
        for leaf, before in zip(leaves, held, strict=True):
            gradient = raw.grad(leaf)
            if gradient is None:
                continue
            state = self._state(gradient)
            moved = state != (before.gradient, before.version)
            passes = before.passes if not moved or before.passes is None else before.passes + 1
            self._set(self._objects.number(leaf), _Tally(*state, passes, self.missed))

    def catch_up(self, filled: Filled, passes: int) -> None:
        """So many passes filled these leaves since the last one that was watched.

        Where every watched one began with nothing, so did these; else each moved the version by one, if
        nothing but they wrote.
        """
        known, self.missed = self.missed, self.missed + passes
        for leaf in self._objects.living(filled.keys, filled.numbers):
            gradient = raw.grad(leaf)
            if gradient is None:
                continue
            number, state = self._objects.number(leaf), self._state(gradient)
            tally = self._tallies.get(number)
            count: int | None = None
            if is_zero(gradient):
                count = 0
            elif number not in filled.kept:
                count = 1
            elif tally == _Tally(state[0], state[1] - passes, tally.passes if tally else None, known):
                count = None if tally.passes is None else tally.passes + passes
            self._set(number, _Tally(*state, count, self.missed))

    def passes(self, leaf: Any, gradient: Any) -> int | None:
        """How many passes `gradient`, the `.grad` of `leaf`, has added up; None where that is not known."""
        return None if gradient is None else self._hold(leaf, gradient).passes

    def _state(self, gradient: Any) -> tuple[int, int]:
        try:
            return self._objects.number(gradient), int(raw.version(gradient))
        except Exception:  # inference tensors count no versions
            return self._objects.number(gradient), 0

    def _hold(self, leaf: Any, gradient: Any) -> Held:
        if gradient is None:
            return Held(None, 0, 0)
        number, version = self._state(gradient)
        if is_zero(gradient):  # also where its version says nothing: `w.grad.data.zero_()`
            return Held(number, version, 0)
        tally = self._tallies.get(self._objects.number(leaf))
        if tally is None or tally.gradient != number:
            return Held(number, version, None)
        # Clipping and scaling move the version and keep the count; but a pass may have gone by unseen.
        sure = tally.version == version or tally.missed == self.missed
        return Held(number, version, tally.passes if sure else None)

    def _set(self, leaf: int, tally: _Tally) -> None:
        if leaf not in self._tallies and len(self._tallies) >= _MOST_LEAVES:
            alive = self._objects.alive()
            self._tallies = {number: one for number, one in self._tallies.items() if number in alive}
        self._tallies[leaf] = tally
