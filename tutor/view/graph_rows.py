"""The rows of a drawn graph: which nodes, references and folds stand under each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby, pairwise
from typing import NamedTuple

from tutor.view.graph_shape import REPEATS, Fold, GraphShape

#: Nesting beyond which branches are no longer indented.
DEEPEST = 8


class What(Enum):
    """What a row is about."""

    NODE = 0
    #: An edge to a node that has its row elsewhere.
    REFERENCE = 1
    #: Repetitions that are folded away, or shown below.
    FOLD = 2


class Row(NamedTuple):
    """One line: `node` is an index of the outline, of a fold the first node of it."""

    what: What
    node: int
    prefix: str = ""
    fold: Fold | None = None
    #: Nodes that are closed away under this row; of a reference: whether its node stands above.
    hidden: int = 0
    above: bool = False


@dataclass(frozen=True)
class Choices:
    """What the learner opened and closed, by numbers of nodes."""

    opened: frozenset[int] = field(default_factory=frozenset)
    closed: frozenset[int] = field(default_factory=frozenset)


def rows(shape: GraphShape, choices: Choices = Choices()) -> Iterator[Row]:
    """All rows from the root on; no chain and no nesting is too deep."""
    if shape.order:
        yield from _Walk(shape, choices).rows()


@dataclass(slots=True)
class _Task:
    """A spine, or the rest of one, that is still to be drawn, or a reference."""

    node: int
    #: Before its first row, and before all that follow.
    first: str = ""
    rest: str = ""
    depth: int = 0
    folds: dict[int, Fold] | None = None
    reference: bool = False
    #: Only a row that stands for neighbours that look alike.
    fold: Fold | None = None


class _Walk:
    def __init__(self, shape: GraphShape, choices: Choices) -> None:
        self._shape = shape
        self._numbers = shape.outline.numbers
        self._opened, self._closed = choices.opened, choices.closed
        self._seen: set[int] = set()

    def rows(self) -> Iterator[Row]:
        stack = [_Task(0)]
        while stack:
            task = stack.pop()
            if task.fold is not None:
                yield Row(What.FOLD, task.node, task.first, task.fold)
            elif task.reference:
                yield Row(What.REFERENCE, task.node, task.first, above=task.node in self._seen)
            else:
                yield from self._spine(task, stack)

    def _spine(self, task: _Task, stack: list[_Task]) -> Iterator[Row]:
        shape, numbers = self._shape, self._numbers
        node, prefix = task.node, task.first
        begins = task.folds is None
        folds = shape.folds(node) if task.folds is None else task.folds
        while node >= 0:
            fold = folds.get(node)
            if fold is not None:
                yield Row(What.FOLD, node, prefix, fold)
                prefix = task.rest
                if numbers[node] not in self._opened:
                    node = fold.after
                    continue
            self._seen.add(node)
            main = shape.main[node]
            if numbers[node] in self._closed:
                hidden = shape.size[node] - 1 if begins else shape.hidden(node)
                yield Row(What.NODE, node, prefix, hidden=hidden)
                main = -1 if begins else main
            else:
                yield Row(What.NODE, node, prefix)
                if shape.sides[node] or shape.references[node]:
                    if main >= 0:
                        stack.append(_Task(main, task.rest, task.rest, task.depth, folds))
                    self._branch(node, task, main >= 0, stack)
                    return
            node, prefix, begins = main, task.rest, False

    def _branch(self, node: int, task: _Task, goes_on: bool, stack: list[_Task]) -> None:
        """Plan what hangs on `node`, in order, before the rest of its spine."""
        below = self._below(node)
        last = len(below) - 1
        tasks = []
        for at, each in enumerate(below):
            ends = at == last and not goes_on
            if task.depth < DEEPEST:
                first, rest = ("└─ ", "   ") if ends else ("├─ ", "│  ")
                first, rest = task.rest + first, task.rest + rest
            else:
                first = rest = f"{task.rest.partition('┊')[0]}┊{task.depth + 1}· "
            each.first, each.rest, each.depth = first, rest, task.depth + 1
            tasks.append(each)
        stack.extend(reversed(tasks))

    def _below(self, node: int) -> list[_Task]:
        """References and branches of `node`; of many that look alike the first, and a fold."""
        shape = self._shape
        kind, looks = shape.outline.kind, shape.looks
        below: list[_Task] = []
        for each, run in _runs(shape.references[node], lambda other: kind[other]):
            below += self._folded(run, [_Task(other, reference=True) for other in run], 0, each)
        for each, run in _runs(shape.sides[node], lambda other: looks[other]):
            below += self._folded(run, [_Task(other) for other in run], shape.size[each], each)
        return below

    def _folded(self, run: Sequence[int], tasks: list[_Task], nodes: int, first: int) -> list[_Task]:
        if len(run) < REPEATS:
            return tasks
        fold = Fold(run[1], len(run) - 1, nodes, -1)
        shown = tasks[1:] if self._numbers[run[1]] in self._opened else []
        return [tasks[0], _Task(run[1], fold=fold), *shown]


def _runs(nodes: Sequence[int], look: Callable[[int], int]) -> Iterator[tuple[int, Sequence[int]]]:
    """Neighbours that look alike, with the first of them."""
    for _, run in groupby(nodes, look):
        found = list(run)
        yield found[0], found


def needed_to_see(shape: GraphShape, node: int, choices: Choices) -> Choices:
    """Choices with which `node` has a row: what hides it is opened."""
    numbers = shape.outline.numbers
    way = [*shape.way_to(node), node]
    opened, closed = set(choices.opened), set(choices.closed)
    for above, each in pairwise(way):
        for _, run in _runs(shape.sides[above], lambda other: shape.looks[other]):
            if len(run) >= REPEATS and each in run[1:]:
                opened.add(numbers[run[1]])
    closed.difference_update(numbers[each] for each in way[:-1])
    starts = [way[0]] + [each for each in way[1:] if shape.main[shape.above[each]] != each]
    for start in starts:
        opened.update(numbers[first] for first in _folds_around(shape, start, set(way)))
    return Choices(frozenset(opened), frozenset(closed))


def _folds_around(shape: GraphShape, start: int, wanted: Collection[int]) -> Iterator[int]:
    """First nodes of the folds of a spine that hide one of `wanted`."""
    folds = shape.folds(start)
    if not folds:
        return
    current: Fold | None = None
    for node in shape.spine(start):
        if current is not None and node == current.after:
            current = None
        current = folds.get(node, current)
        if current is not None and node in wanted:
            yield current.first
