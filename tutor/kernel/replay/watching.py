"""What one pass is asked for, and what of it is watched."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from threading import local
from time import perf_counter
from types import CodeType
from typing import Any

import torch
from msgspec import Struct, field, structs

from tutor.facts import BackwardFacts, SpoiledNode
from tutor.kernel import raw
from tutor.kernel.blame import OriginOf, spoiled
from tutor.kernel.errors import clean, describe_error
from tutor.kernel.guard import GENUINE
from tutor.kernel.replay.accumulated import Accumulated, Filled, Held
from tutor.kernel.replay.filling import LeafAs, Tables
from tutor.kernel.replay.passing import RUNNING, Names, PassedAs, Passing, node_of
from tutor.kernel.trace.sequence import next_number
from tutor.kernel.trace.sites import Site

globals()["__builtins__"] = GENUINE

#: Passes of one place in a statement that are recorded whole; then one now and then, the last one kept.
FIRST_PASSES = 3

#: Seconds that later records of one place may take in a statement, and the part of its time beyond that.
ALLOWANCE = 0.002
SHARE = 0.005

current_node = getattr(torch._C, "_current_autograd_node", lambda: None)


class Place(Struct):
    """Where in the learner's code passes begin, and what is known of those in this statement."""

    #: Held so that its `id()` stays its own.
    code: CodeType | None
    site: Site | None
    key: int
    #: When the first pass began.
    since: float
    hits: int = 0
    first: list[Recorded] = []
    latest: Recorded | None = None
    #: Leaves that the recorded passes filled, and how many passes have filled them since.
    filled: Filled = field(default_factory=Filled)
    unwatched: int = 0
    #: Until then passes are not recorded.
    rests_until: float = 0.0
    #: Seconds that later records have taken.
    spent: float = 0.0


class Call(Struct):
    """What the engine was asked for."""

    roots: Sequence[Any]
    gradients: Sequence[Any]
    retain_graph: bool
    create_graph: bool
    inputs: Sequence[Any]
    accumulates: bool


class Recorded(Struct):
    """A pass that ended, before text is made of its gradients: of passes that are not kept, none is made."""

    head: BackwardFacts
    nodes: Sequence[PassedAs] = ()
    leaves: Sequence[LeafAs] = ()

    def facts(self, hits: int) -> BackwardFacts:
        nodes, leaves = tuple(one.facts() for one in self.nodes), tuple(one.facts() for one in self.leaves)
        return structs.replace(self.head, nodes=nodes, leaves=leaves, hits=hits)


class _Watching(local):
    """The pass on this thread that is inside of no other, if it is recorded."""

    def __init__(self) -> None:
        self.outermost: Watch | None = None


WATCHING = _Watching()


class Watch:
    """A pass that is recorded whole."""

    def __init__(
        self,
        call: Call,
        place: Place,
        names: Names,
        accumulated: Accumulated,
        tables: Tables,
        origin_of: OriginOf | None = None,
    ) -> None:
        began = perf_counter()
        self._origin_of = origin_of
        self._call, self._place, self._accumulated, self._tables = call, place, accumulated, tables
        self._inner = inner = current_node() is not None
        self._seq = next_number()
        self._hit = place.hits
        roots = [node_of(root) for root in call.roots]
        self._roots = tuple(names.tensors.get(id(root)) for root in call.roots)
        self._passing = Passing(roots, call.gradients, names, tables)
        del roots
        #: Leaves whose `.grad` this pass may fill, those of passes inside of it too, and what it held.
        self.filled: dict[int, tuple[Any, Held]] = {}
        if call.accumulates:
            outer = WATCHING.outermost if inner else self
            if outer is not None:
                outer.expect(self._passing.leaves)
            elif inner:
                accumulated.lost()
        RUNNING.passes.append(self._passing)
        try:
            self._passing.attach()
        except Exception:
            RUNNING.passes.remove(self._passing)
            self._passing.detach()
            raise
        if not inner:
            WATCHING.outermost = self
        self._took = perf_counter() - began

    def expect(self, leaves: Sequence[Any]) -> None:
        """These may be filled before the pass ends. What a pass inside of this one adds is part of it."""
        fresh = [leaf for leaf in leaves if id(leaf) not in self.filled]
        for leaf, held in zip(fresh, self._accumulated.before(fresh), strict=True):
            self.filled[id(leaf)] = leaf, held

    def end(self, result: Any, error: BaseException | None) -> None:
        """The pass ended."""
        began = perf_counter()
        passing = self._passing
        if passing in RUNNING.passes:
            RUNNING.passes.remove(passing)
        passing.detach()
        if WATCHING.outermost is self:
            WATCHING.outermost = None
        try:
            with raw.Reading():
                recorded = self._recorded(result, error)
        except Exception as problem:
            self._accumulated.lost()
            recorded = Recorded(self._head(unread=clean(f"{type(problem).__name__}: {problem}")[:200]))
        passing.forget()
        self.filled.clear()
        self._keep(recorded, self._took + passing.spent + perf_counter() - began)

    def _recorded(self, result: Any, error: BaseException | None) -> Recorded:
        passing, call = self._passing, self._call
        if self.filled:
            leaves, before = zip(*self.filled.values(), strict=True)
            self._accumulated.after(leaves, before)
            for leaf, held in self.filled.values():
                self._place.filled.add(leaf, self._tables[0].number(leaf), held.passes)
        passing.settle(call.accumulates, chosen=bool(call.inputs) or error is not None)
        if not call.accumulates and result is not None:
            passing.add_results(call.inputs, result)
        told = None if error is None else describe_error(error, "")
        head = self._head(
            freed=() if call.retain_graph else passing.freed(),
            error=None if told is None else f"{told.type}: {told.message}"[:500],
            spoiled=self._spoiled() if isinstance(error, RuntimeError) else (),
        )
        return Recorded(head, passing.nodes(), (passing.leaf_gradients(self._accumulated.passes)))

    def _spoiled(self) -> tuple[SpoiledNode, ...]:
        return spoiled(map(node_of, self._call.roots), self._origin_of)

    def _head(self, **more: Any) -> BackwardFacts:
        return BackwardFacts(
            seq=self._seq,
            call="backward" if self._call.accumulates else "grad",
            **_where(self._place.site),
            roots=self._roots,
            root_nodes=self._passing.root_nodes,
            retain_graph=self._call.retain_graph,
            create_graph=self._call.create_graph,
            omitted=self._passing.omitted,
            hit=self._hit,
            inner=self._inner,
            **more,
        )

    def _keep(self, recorded: Recorded, took: float) -> None:
        place, now = self._place, perf_counter()
        if self._hit <= FIRST_PASSES:
            place.first.append(recorded)
        else:
            place.latest = recorded
            place.spent += took
        if self._hit >= FIRST_PASSES:
            # The next one is taken when that many seconds make the share that it may have.
            place.rests_until = max(now, place.since + (place.spent + took - ALLOWANCE) / SHARE)


# ── details ──────────────────────────────────────────────────────────────────


def read_call(roots: Any, args: Any, kwargs: Any) -> Call:
    """The engine's arguments, of which torch gives some by position and some by name."""
    gradients, retain_graph, create_graph, inputs = args[:4]
    return Call(
        tuple(roots),
        tuple(gradients),
        bool(retain_graph),
        bool(create_graph),
        tuple(inputs),
        bool(kwargs.get("accumulate_grad", False)),
    )


def _where(site: Site | None) -> dict[str, Any]:
    if site is None:
        return {"line": 0}
    return {
        "line": site.line,
        "expression": site.expression,
        "filename": site.filename,
        "elsewhere": site.elsewhere,
    }


def unread(call: Call, place: Place, reason: str) -> BackwardFacts:
    return BackwardFacts(
        seq=next_number(),
        call="backward" if call.accumulates else "grad",
        **_where(place.site),
        roots=tuple(None for _ in call.roots),
        retain_graph=call.retain_graph,
        create_graph=call.create_graph,
        unread=reason,
    )


def reason_against(call: Call) -> str | None:
    """Why this pass must not be touched; None where it may be."""
    if _is_compiling():
        return "it runs inside torch.compile"
    if torch._C._get_tracing_state() is not None:
        return "torch.jit is tracing"
    if torch._C._len_torch_dispatch_stack():
        return "a dispatch mode is on"
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "it runs inside a function transform"
    if torch.autograd._profiler_enabled():
        return "the profiler is on"
    if any(raw.is_tensor(one) and torch._C._functorch.is_legacy_batchedtensor(one) for one in call.gradients):
        return "its gradients come in batches"
    return None


def _is_compiling() -> bool:
    if torch.compiler.is_compiling():
        return True
    compiled = sys.modules.get("torch._dynamo.compiled_autograd")
    return bool(getattr(compiled, "compiled_autograd_enabled", False))
