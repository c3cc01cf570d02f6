"""How a graph hangs together: which node every way to another one leads through, and what looks alike."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from tutor.facts import GraphOutline

#: The longest pattern that is looked for, and how often it must occur.
LONGEST = 32
REPEATS = 3
#: A way to a leaf of so many nodes is drawn as a branch, even where nothing else hangs there.
SHORT = 3


@dataclass(frozen=True)
class Fold:
    """`period` nodes of a spine that occur `repeats` times more than they are shown; `after` follows."""

    first: int
    repeats: int
    #: Nodes of one occurrence, those that hang on its spine among them; 0 of references.
    nodes: int
    #: -1 for none.
    after: int


class GraphShape:
    """A graph as a tree in which each node hangs on the nearest node that all ways to it lead through.

    So a node that several others need stands after all of them, once, and what they need of it is a
    reference. Of what hangs on a node the biggest part is its `main`: a graph is drawn as spines, each
    node followed by its main, with the rest as branches. Everything is by index of the outline.
    """

    def __init__(self, outline: GraphOutline) -> None:
        self.outline = outline
        self.order = _order(outline.followers)
        self.above = _dominators(outline.followers, self.order)
        count = len(outline.kind)
        hanging: dict[int, list[int]] = {}
        lone = [-1] * count  # what hangs on a node alone, as in most of a graph: a list for each costs time
        for node in self.order[1:]:
            above = self.above[node]
            if lone[above] < 0:
                lone[above] = node
            else:
                hanging.setdefault(above, [lone[above]]).append(node)
        self.size = [1] * count
        for node in reversed(self.order[1:]):
            self.size[self.above[node]] += self.size[node]
        self.main = [-1] * count
        #: What else hangs on each node, in the order in which it is drawn, and edges to nodes elsewhere.
        self.sides: list[Sequence[int]] = [()] * count
        self.references: list[Sequence[int]] = [()] * count
        followers = outline.followers
        for node in self.order:
            alone = lone[node]
            if len(followers[node]) == 1 and followers[node][0] == alone and node not in hanging:
                self.main[node] = alone
            elif followers[node]:
                self._arrange(node, hanging.get(node) or ([alone] if alone >= 0 else []))
        #: The same number for nodes that look alike: without, and with all that hangs on them.
        self._tokens, self.looks = self._compare()
        self._folds: dict[int, dict[int, Fold]] = {}

    def _arrange(self, node: int, hanging: list[int]) -> None:
        following = self.outline.followers[node]
        if hanging:
            size = self.size
            main = hanging[-1]
            for each in hanging:
                if size[each] > size[main]:
                    main = each
            if len(hanging) == len(following) == 1 or not self._is_short(main):
                self.main[node] = main
                hanging = [each for each in hanging if each != main]
            self.sides[node] = hanging
        elsewhere = []
        seen: set[int] = set()
        for each in following:
            if self.above[each] != node or each in seen:
                elsewhere.append(each)
            seen.add(each)
        self.references[node] = elsewhere

    def _is_short(self, node: int) -> bool:
        """Whether only a leaf hangs on `node`, at most a step or two away: a weight, say."""
        if self.size[node] > SHORT:
            return False
        followers = self.outline.followers
        for _ in range(SHORT):
            if not followers[node]:
                return True
            if len(followers[node]) > 1:
                return False
            node = followers[node][0]
        return False

    def _compare(self) -> tuple[list[int], list[int]]:
        outline = self.outline
        apart = set(outline.tensors) | set(outline.overwritten)
        freed = set(outline.freed)
        tokens = [0] * len(outline.kind)
        whole = [0] * len(outline.kind)
        numbers: dict[object, int] = {}
        kind, hooks, sides, references = outline.kind, outline.hooks, self.sides, self.references
        for node in reversed(self.order):
            own: object
            if node in apart:
                own = -1 - node
            elif sides[node] or references[node] or hooks:
                looks = tuple([whole[each] for each in sides[node]])
                towards = tuple([kind[each] for each in references[node]])
                own = kind[node], node in freed, hooks.get(node), looks, towards
            else:
                own = kind[node], node in freed
            token = tokens[node] = numbers.setdefault(own, len(numbers))
            main = self.main[node]
            if main >= 0:
                own = token, whole[main], 0
                token = numbers.setdefault(own, len(numbers))
            whole[node] = token
        return tokens, whole

    def hidden(self, node: int) -> int:
        """How many nodes hang on `node` besides its main."""
        return sum(self.size[each] for each in self.sides[node])

    def folds(self, start: int) -> dict[int, Fold]:
        """Repeating runs of the spine from `start` on, by the node that begins the second occurrence."""
        found = self._folds.get(start)
        if found is None:
            found = self._folds[start] = self._find_folds(start)
        return found

    def spine(self, start: int) -> list[int]:
        """`start`, its main, the main of that, and so on."""
        spine = [start]
        while (node := self.main[spine[-1]]) >= 0:
            spine.append(node)
        return spine

    def _find_folds(self, start: int) -> dict[int, Fold]:
        spine = self.spine(start)
        tokens = [self._tokens[node] for node in spine]
        folds = {}
        at = 0
        while at < len(spine):
            period, repeats = _pattern(tokens, at)
            if repeats:
                first, stop = at + period, at + period * repeats
                nodes = sum(1 + self.hidden(node) for node in spine[at:first])
                after = spine[stop] if stop < len(spine) else -1
                folds[spine[first]] = Fold(spine[first], repeats - 1, nodes, after)
                at = stop
            else:
                at += 1
        return folds

    def way_to(self, node: int) -> list[int]:
        """The nodes that `node` hangs on, from the root on, without `node` itself."""
        way = []
        while node != 0:
            node = self.above[node]
            way.append(node)
        return way[::-1]


def _order(followers: Sequence[Sequence[int]]) -> list[int]:
    """What is reached from the first node, each node after all that it follows."""
    waiting: dict[int, int] = {0: 0}
    reached = [0] if followers else []
    for node in reached:  # grows while it is walked
        for each in followers[node]:
            if each not in waiting:
                waiting[each] = 0
                reached.append(each)
            waiting[each] += 1
    ready = deque(reached[:1])
    done: set[int] = set(ready)
    order = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for each in followers[node]:
            waiting[each] -= 1
            if waiting[each] == 0 and each not in done:
                done.add(each)
                ready.append(each)
    return order if len(order) == len(reached) else order + [node for node in reached if node not in done]


def _dominators(followers: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """For each node the nearest other one that all ways to it lead through; 0 for the first."""
    above = [0] * len(followers)
    depth = [0] * len(followers)
    #: A node far above each, so that common ones are found in few steps.
    far = [0] * len(followers)
    known = [False] * len(followers)

    def common(one: int, other: int) -> int:
        if depth[one] < depth[other]:
            one, other = other, one
        while depth[one] > depth[other]:
            one = far[one] if depth[far[one]] >= depth[other] else above[one]
        while one != other:
            if far[one] != far[other]:
                one, other = far[one], far[other]
            else:
                one, other = above[one], above[other]
        return one

    placed = [False] * len(followers)
    for node in order:
        parent = above[node]
        if node != order[0]:
            depth[node] = depth[parent] + 1
            level = depth[parent] - depth[far[parent]] == depth[far[parent]] - depth[far[far[parent]]]
            far[node] = far[far[parent]] if level else parent
        placed[node] = True
        for each in followers[node]:
            if not placed[each]:
                above[each] = common(above[each], node) if known[each] else node
                known[each] = True
    return above


def _pattern(tokens: Sequence[int], at: int) -> tuple[int, int]:
    """The shortest pattern that starts at `at` and occurs REPEATS times or more: its length and count."""
    for period in range(1, min(LONGEST, (len(tokens) - at) // REPEATS) + 1):
        if tokens[at] != tokens[at + period]:
            continue
        pattern = tokens[at : at + period]
        count = 1
        while tokens[at + count * period : at + (count + 1) * period] == pattern:
            count += 1
        if count >= REPEATS:
            return period, count
    return 0, 0
