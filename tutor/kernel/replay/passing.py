"""One backward pass: its nodes are given hooks before it runs, and lose them when it has ended."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from threading import local
from time import perf_counter
from typing import Any, NamedTuple

import torch
from msgspec import Struct

from tutor.facts import PassedNode
from tutor.kernel import raw
from tutor.kernel.nodes import number
from tutor.kernel.replay.filling import Leaf, LeafAs, Tables
from tutor.kernel.replay.gradients import Noted, Room, facts_of, note
from tutor.kernel.saved import read_saved
from tutor.kernel.tensors import node_name

#: Nodes that get hooks, and nodes that are visited to find leaves.
MOST_NODES = 500
MOST_VISITED = 5_000
MOST_LEAVES = 500

_FUNCTION = torch._C._FunctionBase
ACCUMULATE = torch._C._functions.AccumulateGrad
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
    saved: dict[str, Any]
    incoming: Gradients = ()
    outgoing: Gradients = ()
    began: bool = False
    ended: bool = False


class PassedAs(NamedTuple):
    """A node that a pass went through, before text is made of its gradients. Holds no node."""

    number: int
    name: str
    variable: str | None
    incoming: Gradients
    outgoing: Gradients
    followers: tuple[int | None, ...]
    saved: dict[str, Any]

    def facts(self) -> PassedNode:
        incoming, outgoing = tuple(map(facts_of, self.incoming)), tuple(map(facts_of, self.outgoing))
        rest = self.followers, self.saved
        return PassedNode(self.number, self.name, self.variable, incoming, outgoing, *rest)


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

    def __init__(self, roots: Sequence[Any], given: Sequence[Any], names: Names, tables: Tables) -> None:
        self._tables = tables
        self._names = names
        self._room, self._leaf_room = Room(), Room()
        self._handles: list[Any] = []
        self._order: list[_Hooked] = []
        self._hooked: dict[int, _Hooked] = {}
        self.omitted = 0
        #: Seconds that the hooks have taken.
        self.spent = 0.0
        self.root_nodes = tuple(number(root) if root is not None else None for root in roots)
        #: Leaves by `id()`, and by the node that fills them.
        self._leaves: dict[int, Leaf] = {}
        self._filled_by: dict[int, Leaf] = {}
        self._walk([root for root in roots if root is not None])
        for tensor in names.retaining:
            self._add_leaf(tensor, None)
        for key, gradient in zip(self.root_nodes, given, strict=True):
            if key in self._filled_by:
                self._filled_by[key].give(note(gradient, self._room, measured=True), 0)

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
            if type(node) is ACCUMULATE:
                self._add_leaf(node.variable, key)
            if len(self._hooked) < MOST_NODES:
                self._hooked[key] = _Hooked(node, key, node_name(node), followers, read_saved(node)[0])
            else:
                self.omitted += 1
        self.omitted += len(waiting)

    def _add_leaf(self, tensor: Any, node: int | None) -> None:
        if len(self._leaves) < MOST_LEAVES and id(tensor) not in self._leaves:
            leaf = Leaf(tensor, node, self._names.tensors.get(id(tensor)), self._tables, self._leaf_room)
            self._leaves[id(tensor)] = leaf
            if node is not None:
                self._filled_by[node] = leaf

    @property
    def leaves(self) -> list[Any]:
        """Tensors whose `.grad` the pass may fill."""
        return [filled.tensor for filled in self._leaves.values()]

    def attach(self) -> None:
        """Give the nodes their hooks, which are the last ones of each node."""
        for hooked in self._hooked.values():
            # A leaf's node lives as long as any graph of the leaf's, and would keep calling our hooks'
            # empty list. What it gets is known all the same, unless hooks of the learner's change it.
            if (leaf := self._filled_by.get(hooked.number)) is not None and not leaf.is_hooked:
                continue
            custom = raw.is_a(hooked.node, _FUNCTION)
            before, after = self._hooks(hooked)
            # Nodes outlive the pass where the graph is kept, and each hook that they ever had costs them
            # something. So only those that may fail, or may write into what they get, have one in front.
            if custom or not hooked.followers or _is_spoiled(hooked.saved):
                add = _prehook_custom if custom else type(hooked.node).register_prehook
                self._handles.append(add(hooked.node, before))
            if hooked.followers:
                add = _hook_custom if custom else type(hooked.node).register_hook
                self._handles.append(add(hooked.node, after))

    def _hooks(self, hooked: _Hooked) -> tuple[Callable[..., None], Callable[..., None]]:
        filled_by: Mapping[int | None, Leaf] = self._filled_by  # type: ignore[assignment]

        def before(incoming: Any) -> None:
            if self._is_running():
                self._order.append(hooked)
                hooked.began = True
                hooked.incoming = self._note(incoming, True)

        def after(outgoing: Any, incoming: Any) -> None:
            if not self._is_running():
                return
            if not hooked.began:
                self._order.append(hooked)
                hooked.incoming = self._note(incoming, True)
            hooked.outgoing = self._note(outgoing, False)
            hooked.ended = True
            for follower, noted in zip(hooked.followers, hooked.outgoing, strict=False):
                if noted is not None and (leaf := filled_by.get(follower)) is not None:
                    leaf.give(noted, len(self._order))

        return before, after

    def _is_running(self) -> bool:
        """Not where a pass inside of this one, or one on another thread, goes through a node of this one.

        An accelerator runs its nodes on a thread on which no pass was begun.
        """
        passes = RUNNING.passes
        return not passes or passes[-1] is self

    def _note(self, gradients: Any, measured: bool) -> Gradients:
        began = perf_counter()
        with raw.Reading():
            noted = tuple([note(gradient, self._room, measured) for gradient in gradients])
        self.spent += perf_counter() - began
        return noted

    # ── after ────────────────────────────────────────────────────────────────

    def detach(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def settle(self, accumulates: bool, chosen: bool) -> None:
        """Put the nodes that filled leaves where they ran: just after the last node that gave to them."""
        ran = {hooked.number for hooked in self._order}
        filled: list[tuple[int, _Hooked]] = []
        for node, leaf in self._filled_by.items():
            leaf.look()
            hooked = self._hooked.get(node)
            if hooked is None or node in ran or not accumulates:
                continue
            if leaf.moved or (leaf.at is not None and not chosen):
                hooked.incoming = (leaf.incoming(whole=not self.omitted),)
                filled.append((len(self._order) if leaf.at is None else leaf.at, hooked))
        for at, hooked in sorted(filled, key=lambda pair: pair[0], reverse=True):
            self._order.insert(at, hooked)

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
        if node is not None:
            return number(node), _output_number(wanted)
        leaf = self._leaves.get(id(wanted))
        return (None if leaf is None else leaf.node), 0

    def nodes(self) -> list[PassedAs]:
        """The nodes in the order in which they ran."""
        leaves = {node: leaf.name for node, leaf in self._filled_by.items()}
        return [
            PassedAs(
                hooked.number,
                hooked.name,
                leaves.get(hooked.number) or self._names.made.get(hooked.number),
                hooked.incoming,
                hooked.outgoing,
                hooked.followers,
                hooked.saved,
            )
            for hooked in self._order
        ]

    def freed(self) -> tuple[int, ...]:
        """Nodes that ran, so they had what they had saved, and have it no longer."""
        return tuple(hooked.number for hooked in self._order if hooked.ended and read_saved(hooked.node)[1])

    def leaf_gradients(self, passes: Callable[[Any, Any], int | None]) -> list[LeafAs]:
        """The leaves that the pass reached: those that it filled, or whose gradient it gave."""
        ran = {hooked.number: hooked.incoming for hooked in self._order}
        found = []
        for leaf in self._leaves.values():
            given = ran.get(leaf.node or 0)
            if given is not None or leaf.moved:
                whole = leaf.incoming(whole=not self.omitted)
                found.append(leaf.result(given[0] if given else whole, passes))
        return found

    def forget(self) -> None:
        """Let go of all nodes and leaves."""
        self._hooked.clear()
        self._order.clear()
        self._leaves.clear()
        self._filled_by.clear()
        self._names = Names({}, {}, ())


def _is_spoiled(saved: Mapping[str, Any]) -> bool:
    """Whether something that a node had saved is gone or was changed."""
    return any(
        isinstance(value, dict) and ("freed" in value or "modified" in value) for value in saved.values()
    )


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
