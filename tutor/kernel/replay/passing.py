"""One backward pass: its nodes are given hooks before it runs, and lose them when it has ended."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import local
from typing import Any, NamedTuple

import torch
from msgspec import Struct

from tutor.facts import GradientFacts, LeafGradient, PassedNode
from tutor.kernel import raw
from tutor.kernel.identity import Identities
from tutor.kernel.nodes import number
from tutor.kernel.replay.gradients import Noted, Room, note
from tutor.kernel.saved import read_saved
from tutor.kernel.tensors import node_name

#: Nodes that get hooks, and nodes that are visited to find leaves.
MOST_NODES = 500
MOST_VISITED = 5_000
MOST_LEAVES = 500

_FUNCTION = torch._C._FunctionBase
_ACCUMULATE = torch._C._functions.AccumulateGrad
_custom_followers = _FUNCTION.next_functions.__get__
_custom_order = _FUNCTION._sequence_nr
_hook_custom, _prehook_custom = _FUNCTION.register_hook, _FUNCTION.register_prehook
_output_number = torch._C.TensorBase.output_nr.__get__

Gradients = tuple[Noted | None, ...]


class _Hooked(Struct):
    """A node with what went in and out of it. Lives for one pass."""

    node: Any
    number: int
    name: str
    followers: tuple[int | None, ...]
    incoming: Gradients = ()
    outgoing: Gradients = ()
    ended: bool = False


class _Before(Struct):
    """The `.grad` of one leaf before the pass: its number, storage and elements, not itself."""

    leaf: Any
    name: str | None
    storage: int | None = None
    values: Noted | None = None


class PassedAs(NamedTuple):
    """A node that a pass went through, before text is made of its gradients. Holds no node."""

    number: int
    name: str
    variable: str | None
    incoming: Gradients
    outgoing: Gradients
    followers: tuple[int | None, ...]

    def facts(self) -> PassedNode:
        incoming, outgoing = tuple(map(_facts, self.incoming)), tuple(map(_facts, self.outgoing))
        return PassedNode(self.number, self.name, self.variable, incoming, outgoing, self.followers)


class LeafAs(NamedTuple):
    """A leaf that a pass filled, before text is made of its gradients. Holds no leaf."""

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
            _facts(self.gradient),
            _facts(self.before),
            _facts(self.after),
        )


class _Running(local):
    """The passes that run on this thread, the innermost last."""

    def __init__(self) -> None:
        self.passes: list[Passing] = []


RUNNING = _Running()


class Names(Struct):
    """Names of tensors by `id()`, of nodes by number. Valid while the tensors live."""

    tensors: Mapping[int, str]
    made: Mapping[int, str]
    #: Tensors of the learner's, not leaves, that retain their gradient.
    retaining: Sequence[Any]


class Passing:
    """Everything that is noted of one pass. Holds nodes and leaves until `facts` are made of it."""

    def __init__(self, roots: Sequence[Any], names: Names, objects: Identities, storages: Identities) -> None:
        self._objects, self._storages = objects, storages
        self._names = names
        self._room = Room()
        self._handles: list[Any] = []
        self._order: list[_Hooked] = []
        self._hooked: dict[int, _Hooked] = {}
        self._filling: dict[int, int] = {}
        self.omitted = 0
        self.root_nodes = tuple(number(root) if root is not None else None for root in roots)
        self._leaves: dict[int, _Before] = {}
        self._walk([root for root in roots if root is not None])
        for tensor in names.retaining:
            self._add_leaf(tensor, None)

    # ── before ───────────────────────────────────────────────────────────────

    def _walk(self, roots: Sequence[Any]) -> None:
        """Nodes in the order in which the engine takes them, as far as that is known: the latest first."""
        waiting: list[tuple[int, int, Any]] = []
        seen: set[int] = set()

        def meet(node: Any) -> int:
            key = number(node)
            if key not in seen:
                seen.add(key)
                heapq.heappush(waiting, (-_order(node), key, node))
            return key

        for root in roots:
            meet(root)
        while waiting and len(self._hooked) + self.omitted < MOST_VISITED:
            _, key, node = heapq.heappop(waiting)
            followers = tuple(
                None if follower is None else meet(follower) for follower, _ in _followers(node)
            )
            if type(node) is _ACCUMULATE:
                self._add_leaf(node.variable, key)
            if len(self._hooked) < MOST_NODES:
                self._hooked[key] = _Hooked(node, key, node_name(node), followers)
            else:
                self.omitted += 1
        self.omitted += len(waiting)

    def _add_leaf(self, leaf: Any, node: int | None) -> None:
        if len(self._leaves) >= MOST_LEAVES or id(leaf) in self._leaves:
            return
        if node is not None:
            self._filling[id(leaf)] = node
        self._leaves[id(leaf)] = before = _Before(leaf, self._names.tensors.get(id(leaf)))
        gradient = raw.grad(leaf)
        if gradient is not None:
            before.storage, before.values = self._storage(gradient), note(gradient, self._room)

    def _storage(self, tensor: Any) -> int | None:
        try:
            return self._storages.number(raw.untyped_storage(tensor))
        except Exception:
            return None

    @property
    def leaves(self) -> list[Any]:
        """Tensors whose `.grad` the pass may fill."""
        return [before.leaf for before in self._leaves.values()]

    def attach(self) -> None:
        """Give the nodes their hooks, which are the last ones of each node."""
        for hooked in self._hooked.values():
            custom = raw.is_a(hooked.node, _FUNCTION)
            before, after = self._hooks(hooked)
            add = _prehook_custom if custom else type(hooked.node).register_prehook
            self._handles.append(add(hooked.node, before))
            if hooked.followers:
                add = _hook_custom if custom else type(hooked.node).register_hook
                self._handles.append(add(hooked.node, after))

    def _hooks(self, hooked: _Hooked) -> tuple[Callable[..., None], Callable[..., None]]:
        def before(incoming: Any) -> None:
            if self._is_running():
                self._order.append(hooked)
                hooked.incoming = self._note(incoming, True)

        def after(outgoing: Any, incoming: Any) -> None:
            if self._is_running():
                hooked.outgoing = self._note(outgoing, False)
                hooked.ended = True

        return before, after

    def _is_running(self) -> bool:
        """Not where a pass inside of this one, or one on another thread, goes through a node of this one.

        An accelerator runs its nodes on a thread on which no pass was begun.
        """
        passes = RUNNING.passes
        return not passes or passes[-1] is self

    def _note(self, gradients: Any, measured: bool) -> Gradients:
        with raw.Reading():
            return tuple([note(gradient, self._room, measured) for gradient in gradients])

    # ── after ────────────────────────────────────────────────────────────────

    def detach(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def add_results(self, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        """What `autograd.grad` gave: the nodes of its inputs are not run, so no hook of theirs was called."""
        ran = {hooked.number for hooked in self._order}
        given: dict[int, dict[int, Noted | None]] = {}
        for wanted, result in zip(inputs, results, strict=True):
            node, at = self._edge(wanted)
            if node is not None and node not in ran and result is not None:
                given.setdefault(node, {})[at] = note(result, self._room, measured=True)
        for node, gradients in given.items():
            if (hooked := self._hooked.get(node)) is not None:
                hooked.incoming = tuple(gradients.get(at) for at in range(max(gradients) + 1))
                self._order.append(hooked)

    def _edge(self, wanted: Any) -> tuple[int | None, int]:
        if not raw.is_tensor(wanted):  # a GradientEdge
            return number(wanted.node), wanted.output_nr
        node = raw.grad_fn(wanted)
        return (self._filling.get(id(wanted)), 0) if node is None else (number(node), _output_number(wanted))

    def nodes(self) -> list[PassedAs]:
        """The nodes in the order in which they ran."""
        leaves = {node: self._names.tensors.get(leaf) for leaf, node in self._filling.items()}
        return [
            PassedAs(
                hooked.number,
                hooked.name,
                leaves.get(hooked.number) or self._names.made.get(hooked.number),
                hooked.incoming,
                hooked.outgoing,
                hooked.followers,
            )
            for hooked in self._order
        ]

    def freed(self) -> tuple[int, ...]:
        """Nodes that ran, so they had what they had saved, and have it no longer."""
        return tuple(hooked.number for hooked in self._order if hooked.ended and read_saved(hooked.node)[1])

    def leaf_gradients(self, passes: Callable[[Any, Any], int | None]) -> Iterator[LeafAs]:
        """The leaves that the pass reached: those that it filled, or whose gradient it gave."""
        ran = {hooked.number: hooked for hooked in self._order}
        for key, before in self._leaves.items():
            gradient = raw.grad(before.leaf)
            storage = None if gradient is None else self._storage(gradient)
            after = None if gradient is None else note(gradient, self._room)
            node = ran.get(self._filling.get(key, -1))
            same = storage == before.storage and _same(before.values, after)
            if node is None and same:
                continue
            yield LeafAs(
                self._objects.number(before.leaf),
                before.name,
                before.storage,
                storage,
                passes(before.leaf, gradient),
                node.incoming[0] if node is not None and node.incoming else None,
                before.values,
                after,
            )

    def forget(self) -> None:
        """Let go of all nodes and leaves."""
        self._hooked.clear()
        self._order.clear()
        self._leaves.clear()
        self._names = Names({}, {}, ())


def node_of(root: Any) -> Any:
    """The node that a pass from `root` begins with; None where it is not to be had."""
    if not raw.is_tensor(root):
        return root.node  # a GradientEdge
    node = raw.grad_fn(root)
    if node is None and raw.requires_grad(root):
        with torch.enable_grad():  # the only way to ask for the node that fills a leaf
            return root.view_as(root).grad_fn.next_functions[0][0]
    return node


def _followers(node: Any) -> Any:
    return _custom_followers(node) if raw.is_a(node, _FUNCTION) else node.next_functions


def _order(node: Any) -> int:
    return int(_custom_order(node) if raw.is_a(node, _FUNCTION) else node._sequence_nr())


def _facts(noted: Noted | None) -> GradientFacts | None:
    return None if noted is None else noted.facts()


def _same(before: Noted | None, after: Noted | None) -> bool:
    if before is None or after is None:
        return before is after
    if before.values is None or after.values is None:
        return before.norm == after.norm
    return before.norm == after.norm and before.values.tobytes() == after.values.tobytes()
