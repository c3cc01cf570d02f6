"""What a step did to containers as wholes: which tensors came, went, or only moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tutor.facts import Change, Snapshot, TensorFacts


@dataclass(frozen=True)
class Holding:
    """A list, dictionary or the like that holds other tensors than before, or in other places."""

    root: str
    #: Names of the tensors in it, before and after.
    before: tuple[str, ...]
    after: tuple[str, ...]
    #: How many it holds, those without names included.
    count_before: int
    count: int
    #: Names whose object came or went; the others in `changed` only moved.
    told: tuple[str, ...]
    changed: tuple[str, ...]
    #: None of its former tensors is in it.
    is_new: bool


def root_of(name: str) -> str:
    """The variable that a path starts from."""
    return name.partition(".")[0].partition("[")[0]


def is_kept(names: Iterable[str]) -> bool:
    """Whether these are an optimizer's own tensors, which matter less than the parameters it wrote."""
    return all(".state[" in name for name in names)


def holdings(changes: Iterable[Change], before: Snapshot, after: Snapshot) -> Iterator[Holding]:
    """One for each container whose tensors were exchanged or moved. Modules are none."""
    changed: dict[str, list[str]] = {}
    for change in changes:
        root = root_of(change.name)
        if change.name != root and change.kind in ("new", "rebound", "deleted"):
            changed.setdefault(root, []).append(change.name)
    for path in {**before.beyond, **after.beyond}:
        if before.beyond.get(path) != after.beyond.get(path):
            changed.setdefault(root_of(path), [])
    if not changed:
        return
    roots = set(changed)
    olds, news = _inside(before, roots), _inside(after, roots)
    for root, names in changed.items():
        old, new = olds.get(root, []), news.get(root, [])
        if _is_container([*old, *new]):
            yield _holding(root, names, old, new, _more(before, root), _more(after, root))


def _holding(
    root: str, names: list[str], old: list[TensorFacts], new: list[TensorFacts], more_before: int, more: int
) -> Holding:
    before, after = {t.name: t.object for t in old}, {t.name: t.object for t in new}
    stayed = {*before.values()} & {*after.values()}
    own = [name for name in names if name in before or name in after]  # gradients are told by themselves
    told = [name for name in own if after.get(name, before.get(name)) not in stayed]
    counts = len(old) + more_before, len(new) + more
    return Holding(root, tuple(before), tuple(after), *counts, tuple(told), tuple(own), not stayed)


def _inside(snapshot: Snapshot, roots: set[str]) -> dict[str, list[TensorFacts]]:
    found: dict[str, list[TensorFacts]] = {}
    for name, facts in snapshot.tensors.items():
        if not name.isidentifier() and facts.kind != "gradient" and (root := root_of(name)) in roots:
            found.setdefault(root, []).append(facts)
    return found


def _is_container(inside: list[TensorFacts]) -> bool:
    """Whether these tensors lie in something else than a module, whose parameters have names."""
    return any(facts.kind not in ("parameter", "buffer") or facts.name.endswith("]") for facts in inside)


def _more(snapshot: Snapshot, root: str) -> int:
    return sum(count for path, count in snapshot.beyond.items() if root_of(path) == root)
