"""The lines of the tensor table: names in a tree of containers, folded, filtered and sorted."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tutor.facts import TensorFacts
from tutor.view.words import dtype_word, shape_word

#: A container with more tensors than this is folded until it is opened, and split further inside.
FEW = 4
#: Containers inside containers have lines of their own down to this depth.
DEPTH = 8

_QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
#: A subscript may hold a path that has subscripts itself: `state[model[0].weight]`.
_INNER = rf"\[(?:{_QUOTED}|[^\[\]\"'])*\]"
_SEGMENT = re.compile(
    rf"""\[(?:{_QUOTED}|{_INNER}|[^\[\]"'])*\]|\[[^\]]*\]|\.[^.\[]*|\[|[^.\[]+""", re.DOTALL
)
_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class NameLine:
    """A tensor's own line."""

    name: str
    depth: int


@dataclass(frozen=True, slots=True)
class GroupLine:
    """The line of a container; `names` are all names inside, shown or not."""

    path: str
    depth: int
    names: tuple[str, ...]
    #: Tensors inside, gradients not counted.
    tensors: int
    open: bool


Line = NameLine | GroupLine


@dataclass(frozen=True, slots=True)
class Unit:
    """A tensor and what belongs right under it: `w` and `w.grad`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A container: a module, a list, a dictionary."""

    path: str
    parts: tuple[Part, ...]
    units: tuple[Unit, ...]


Part = Unit | Group
Keys = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Order:
    """How parts are sorted; without `key` as the namespace has them. Names without a key come last."""

    key: Keys | None = None
    descending: bool = False

    def sort(self, parts: Sequence[Part]) -> Sequence[Part]:
        """The parts in order; equal ones stay as they were. A container goes with the first inside."""
        if self.key is None:
            return parts
        keyed = [(part, self._key(part)) for part in parts]
        known = [pair for pair in keyed if pair[1] is not None]
        known.sort(key=lambda pair: pair[1], reverse=self.descending)
        return [part for part, _ in known] + [part for part, key in keyed if key is None]

    def _key(self, part: Part) -> Any:
        assert self.key is not None
        if isinstance(part, Unit):
            return self.key(part.names[0])
        keys = [key for unit in part.units if (key := self.key(unit.names[0])) is not None]
        choose = max if self.descending else min
        return choose(keys) if keys else None


def segments(path: str) -> tuple[str, ...]:
    """`model[0].weight` as `model`, `[0]`, `.weight`: joined they are the path again."""
    return tuple(_SEGMENT.findall(path)) or (path,)


def tree(names: Sequence[str]) -> tuple[Part, ...]:
    """Names as units and containers, in the order in which each first occurs."""
    known = set(names)
    split = {name: segments(name) for name in names}
    followers: dict[str, list[str]] = {}
    heads = []
    for name in names:
        owner = next((o for o in _prefixes(split[name]) if o in known), None)
        if owner is None:
            heads.append(name)
        else:
            followers.setdefault(owner, []).append(name)
    units = [(Unit((head, *followers.get(head, ()))), split[head]) for head in heads]
    return tuple(_parts(units, 0, 0))


def _prefixes(parts: Sequence[str]) -> Iterator[str]:
    """Proper prefixes of a path, the shortest first."""
    path = ""
    for part in parts[:-1]:
        path += part
        yield path


_Split = tuple[Unit, tuple[str, ...]]


def _parts(units: Sequence[_Split], at: int, depth: int) -> Iterator[Part]:
    """Units that share their first `at` segments, by the next one."""
    buckets: dict[str, list[_Split]] = {}
    for unit in units:
        segment = unit[1][at] if at < len(unit[1]) else ""
        buckets.setdefault(segment, []).append(unit)
    for bucket in buckets.values():
        if len(bucket) > (FEW if depth else 1) and depth < DEPTH:
            end = _common(bucket, at)
            path = "".join(bucket[0][1][:end])
            members = tuple(unit for unit, _ in bucket)
            yield Group(path, tuple(_parts(bucket, end, depth + 1)), members)
        else:
            yield from (unit for unit, _ in bucket)


def _common(bucket: Sequence[_Split], at: int) -> int:
    """How many leading segments all of the bucket share; a container with one way on is passed through."""
    if at == 0:  # the variable's own name stays the name of its container
        return 1
    paths = [parts for _, parts in bucket]
    end = at + 1
    while all(end < len(parts) - 1 for parts in paths) and len({parts[end] for parts in paths}) == 1:
        end += 1
    return end


def lines(
    parts: Sequence[Part],
    opened: Mapping[str, bool],
    order: Order,
    shown: Collection[str] | None = None,
) -> list[Line]:
    """The lines in order. With `shown`, those names alone, and every container of theirs is open."""
    found: list[Line] = []
    _list(parts, opened, order, shown, 0, found)
    return found


def _list(
    parts: Sequence[Part],
    opened: Mapping[str, bool],
    order: Order,
    shown: Collection[str] | None,
    depth: int,
    found: list[Line],
) -> None:
    for part in order.sort(parts):
        if isinstance(part, Unit):
            found += [NameLine(name, depth) for name in part.names if shown is None or name in shown]
            continue
        names = tuple(name for unit in part.units for name in unit.names)
        if shown is not None and not any(name in shown for name in names):
            continue
        is_open = shown is not None or is_opened(part, opened)
        found.append(GroupLine(part.path, depth, names, len(part.units), is_open))
        if is_open:
            _list(part.parts, opened, order, shown, depth + 1, found)


def is_opened(group: Group, opened: Mapping[str, bool]) -> bool:
    """As the learner left it; small containers are open from the start."""
    return opened.get(group.path, len(group.units) <= FEW)


def groups_around(parts: Sequence[Part], name: str) -> list[str]:
    """Paths of the containers that hold `name`, the outermost first."""
    paths: list[str] = []
    inside: Sequence[Part] = parts
    while True:
        group = next(
            (p for p in inside if isinstance(p, Group) and any(name in unit.names for unit in p.units)), None
        )
        if group is None:
            return paths
        paths.append(group.path)
        inside = group.parts


def matching(tensors: Mapping[str, TensorFacts], typed: str) -> frozenset[str] | None:
    """Names that fit every word typed: by name, by the beginning of a dtype, by shape. None for no filter."""
    terms = typed.casefold().split()
    if not terms:
        return None
    return frozenset(
        name for name, facts in tensors.items() if all(_fits(name, facts, term) for term in terms)
    )


def _fits(name: str, facts: TensorFacts, term: str) -> bool:
    if term in name.casefold():
        return True
    if facts.dtype is not None and len(term) > 1:
        words = (facts.dtype.casefold(), dtype_word(facts.dtype))
        if any(word.startswith(term) for word in words):
            return True
    if facts.shape is None or not any(mark in term for mark in "[],"):
        return False
    return term in shape_word(facts.shape).replace(" ", "")


def sort_key(column: str, facts: TensorFacts) -> Any:
    """What one column sorts by; None where the tensor has no such fact."""
    match column:
        case "":
            return facts.block
        case "name":
            parts = _NUMBER.split(facts.name.casefold())
            return [_natural(part) if at % 2 else part for at, part in enumerate(parts)]
        case "shape":
            return None if facts.shape is None else (facts.numel or 0, facts.shape)
        case "grad":
            leaf = "leaf" if facts.requires_grad and facts.is_leaf else None
            return facts.grad_fn or leaf
        case _:
            return getattr(facts, column) or None


def _natural(digits: str) -> tuple[int, str]:
    """Digits by their value, however many there are."""
    plain = digits.lstrip("0")
    return len(plain), plain
