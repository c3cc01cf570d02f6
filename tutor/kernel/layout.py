"""What a namespace looked like when it was read, by which a later look tells that nothing changed."""

from __future__ import annotations

from collections.abc import Collection
from itertools import compress
from typing import TypeVar

from msgspec import Struct

from tutor.kernel import names
from tutor.kernel.guard import GENUINE
from tutor.kernel.memory import Resident
from tutor.kernel.screen import Screen, fits

globals()["__builtins__"] = GENUINE

K = TypeVar("K")


class Layout(Struct, frozen=True):
    """What was looked at, so that an unchanged namespace is recognised quickly."""

    names: list[str]
    ids: list[int]
    #: For each name: it holds nothing to follow; it is described by the screen; it is described otherwise.
    plain: list[bool]
    screened: list[bool]
    all_screened: bool
    others: list[bool]
    #: Types (by id) of the plain values: an id alone could be reused by a tensor.
    plain_types: list[int]
    #: Names whose mention asks for a full reading.
    tracked: frozenset[str]
    paths: list[str]
    #: Containers that were not looked at to the end, as `Collector.cut` has them.
    cut: list[tuple[str, int]]
    deaths: int
    screen: Screen
    #: By `id()` the names that parameters have in optimizers: what is not screened does not tell them all.
    parameters: dict[int, str]


def layout_of(
    looked_at: dict[str, object],
    tracked: frozenset[str],
    followed: set[str],
    residents: list[Resident],
    collector: names.Collector,
    deaths: int,
) -> Layout:
    """What was read of a namespace, by the names that were followed into and what came of them."""
    screened, paths = {}, []
    for resident in residents:
        facts = resident.facts
        if resident.named.root == facts.name and fits(resident.named.value, facts):
            screened[facts.name] = facts
        else:
            paths.append(facts.name)
    every = tracked | followed
    plain = [] if len(every) == len(looked_at) else [name not in every for name in looked_at]
    all_screened = len(screened) == len(looked_at)
    others = len(screened) < len(followed)
    return Layout(
        names=list(looked_at),
        ids=list(map(id, looked_at.values())),
        plain=plain,
        screened=[] if all_screened else [name in screened for name in looked_at],
        all_screened=all_screened,
        others=[name in followed and name not in screened for name in looked_at] if others else [],
        plain_types=list(map(id, map(type, compress(looked_at.values(), plain)))),
        tracked=tracked,
        paths=paths,
        cut=collector.cut,
        deaths=deaths,
        screen=Screen.of(list(screened.values())),
        parameters=collector.parameters,
    )


def rearranged(before: Collection[K], now: list[K]) -> tuple[tuple[K, ...], tuple[K, ...] | None]:
    """What is gone; and the order of all, where it is another than what stayed with what is new behind it."""
    old = list(before)
    if now[: len(old)] == old:
        return (), None
    there, known = set(now), set(old)
    gone = tuple([each for each in old if each not in there])
    expected = [each for each in old if each in there] + [each for each in now if each not in known]
    return gone, None if expected == now else tuple(now)
