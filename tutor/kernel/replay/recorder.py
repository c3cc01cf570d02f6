"""Watching the learner's own backward passes, wherever in the code they are started."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from types import CodeType, FrameType
from typing import Any

import torch
from msgspec import Struct, field, structs

from tutor.facts import BackwardFacts
from tutor.kernel import names as learner_names
from tutor.kernel import raw
from tutor.kernel.blame import spoiled
from tutor.kernel.errors import clean, describe_error
from tutor.kernel.guard import GENUINE
from tutor.kernel.identity import Identities
from tutor.kernel.namespace import Snapshots
from tutor.kernel.nodes import number
from tutor.kernel.replay.accumulated import Accumulated, Leaves
from tutor.kernel.replay.passing import RUNNING, LeafAs, Names, PassedAs, Passing, node_of
from tutor.kernel.trace.sequence import next_number
from tutor.kernel.trace.sites import Site, Sites
from tutor.kernel.variables import Variables

globals()["__builtins__"] = GENUINE

#: Passes of one place in a statement that are recorded whole; then one now and then, the last one kept.
FIRST_PASSES = 3
#: Passes recorded whole in one statement, whatever the places.
MOST_PASSES = 40
#: Seconds that records of one place may take in a statement, and the part of its time beyond that.
ALLOWANCE = 0.002
SHARE = 0.005

_graph = torch.autograd.graph
_current_node = getattr(torch._C, "_current_autograd_node", lambda: None)
_NEW_LOCALS = 2  # inspect.CO_NEWLOCALS

Engine = Callable[..., Any]


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
    #: Leaves that the recorded passes filled.
    leaves: Leaves = field(default_factory=Leaves)
    #: Seconds that all records have taken, and the last one; and looking at the leaves in between.
    spent: float = 0.0
    took: float = 0.0
    watching: float = 0.0


class _Call(Struct):
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


class Replay:
    """Records the backward passes of a statement, in full at first and then now and then.

    Every way to run one in Python ends in one function of torch, which is wrapped while a statement runs.
    """

    def __init__(self, namespace: dict[str, Any], sites: Sites, snapshots: Snapshots) -> None:
        self._namespace = namespace
        self._sites = sites
        self._snapshots = snapshots
        self._variables = Variables(namespace, frozenset({"__builtins__"}))
        self.reset()

    def reset(self) -> None:
        """Forget everything, after the snapshots did."""
        self.accumulated = Accumulated(self._snapshots.objects)
        self._snapshots.passes = self.accumulated.passes
        self._places: dict[tuple[int, int], Place] = {}
        self._whole = 0
        self._original: Engine | None = None
        self._installed: Engine | None = None

    # ── around a statement ───────────────────────────────────────────────────

    def start(self, wanted: bool = True) -> None:
        """A statement is about to run."""
        self._places, self._whole = {}, 0
        if not wanted:
            self.accumulated.lost()
            return
        self._original = original = _graph._engine_run_backward
        self._installed = wrapped = self._wrapped(original)
        _graph._engine_run_backward = torch.autograd._engine_run_backward = wrapped

    def stop(self) -> tuple[BackwardFacts, ...]:
        """The statement ended; the passes of it in the order in which they began."""
        if self._installed is not None:
            for module in (_graph, torch.autograd):  # unless the learner put something else there
                if module._engine_run_backward is self._installed:
                    module._engine_run_backward = self._original
            self._original = self._installed = None
        places, self._places = self._places, {}
        found: list[BackwardFacts] = []
        for place in places.values():
            recorded = [*place.first, *([place.latest] if place.latest is not None else [])]
            found += [one.facts(place.hits) for one in recorded]
        return tuple(sorted(found, key=lambda facts: facts.seq))

    # ── around a pass ────────────────────────────────────────────────────────

    def _wrapped(self, engine: Engine) -> Engine:
        """The engine's function, watched. No frame of ours is seen in what it raises."""

        def run_backward(t_outputs: Any, *args: Any, **kwargs: Any) -> Any:
            watch = self._begin(t_outputs, args, kwargs)
            if watch is None:
                try:
                    return engine(t_outputs, *args, **kwargs)
                except BaseException as error:
                    _hide_frames(error)
                    raise
            try:
                result = engine(t_outputs, *args, **kwargs)
            except BaseException as error:
                _hide_frames(error)
                watch.end(None, error)
                raise
            watch.end(result, None)
            return result

        _leave_uncompiled(run_backward.__code__)
        return run_backward

    def _begin(self, roots: Any, args: Any, kwargs: Any) -> _Watch | _LeafWatch | None:
        """What watches the pass that is about to run; None where nothing does."""
        try:
            place = self._place()
            place.hits += 1
            if not self._is_due(place):
                return self._watch_leaves(place) if kwargs.get("accumulate_grad") else None
            with raw.Reading():
                return self._watch(_call(roots, args, kwargs), place)
        except Exception:  # a pass that cannot be watched runs all the same
            self.accumulated.lost()
            return None

    def _watch(self, call: _Call, place: Place) -> _Watch | None:
        reason = _reason(call)
        if reason is None:
            self._whole += 1
            return _Watch(self, call, place, self._sites.nearest(sys._getframe(1)))
        self.accumulated.lost()
        if place.hits == 1:
            place.first.append(Recorded(_unread(call, place, reason)))
        return None

    def _watch_leaves(self, place: Place) -> _LeafWatch | None:
        if _current_node() is not None:  # what a pass inside of another adds up, that one adds up
            return None
        if not place.leaves.keys:
            self.accumulated.lost()
            return None
        leaves = self.accumulated.quick(place.key, place.leaves)
        if leaves is None:
            return None
        if not self._can_spare(place, place.watching):
            self.accumulated.lost()
            return None
        return _LeafWatch(self.accumulated, place, leaves)

    def _place(self) -> Place:
        """Where the learner's code is just now."""
        frame: FrameType | None = sys._getframe(3)
        namespace = self._namespace
        while frame is not None and frame.f_globals is not namespace:
            frame = frame.f_back
        code, instruction = (None, -1) if frame is None else (frame.f_code, frame.f_lasti)
        place = self._places.get((id(code), instruction))
        if place is None:
            place = self._places[id(code), instruction] = self._new_place(frame)
        return place

    def _new_place(self, frame: FrameType | None) -> Place:
        frame_known = self._sites.nearest(frame)
        site = None if frame_known is None else self._sites.at(frame_known)
        return Place(None if frame is None else frame.f_code, site, len(self._places), perf_counter())

    def _is_due(self, place: Place) -> bool:
        """Whether the pass that begins now is recorded whole."""
        if place.hits <= FIRST_PASSES:
            return self._whole < MOST_PASSES
        return self._can_spare(place, place.spent + place.took)

    def _can_spare(self, place: Place, seconds: float) -> bool:
        return seconds <= ALLOWANCE + (perf_counter() - place.since) * SHARE

    def names(self, frame: FrameType | None) -> Names:
        """The learner's names as they are in this frame; its own before those of the module."""
        locals_ = [] if frame is None or frame.f_locals is self._namespace else _locals(frame)
        pairs = zip(*self._variables.look(()), strict=True)
        collector = learner_names.Collector()
        own = collector.collect((name, value) for name, value in locals_ if type(name) is str)
        variables = self._variables.is_variable
        items = own + collector.collect((name, value) for name, value in pairs if variables(name))
        items.sort(key=lambda item: item.holder != "")
        tensors: dict[int, str] = {}
        made: dict[int, str] = {}
        retaining: list[Any] = []
        for item in items:
            if not raw.is_tensor(item.value):
                continue
            tensors.setdefault(id(item.value), item.path)
            try:
                node = raw.grad_fn(item.value)
            except Exception:
                continue
            if node is not None:
                made.setdefault(number(node), item.path)
                if raw.retains_grad(item.value):
                    retaining.append(item.value)
        return Names(tensors, made, retaining)

    @property
    def tables(self) -> tuple[Identities, Identities]:
        """The numbers of objects and of storages."""
        return self._snapshots.objects, self._snapshots.storages


class _LeafWatch:
    """A pass of which only the leaves are looked at."""

    def __init__(self, accumulated: Accumulated, place: Place, leaves: list[Any]) -> None:
        began = perf_counter()
        self._accumulated, self._place, self._leaves = accumulated, place, leaves
        with raw.Reading():
            self._held = accumulated.before(leaves)
        place.watching += perf_counter() - began

    def end(self, result: Any, error: BaseException | None) -> None:
        """The pass ended."""
        began = perf_counter()
        try:
            with raw.Reading():
                self._accumulated.after(self._leaves, self._held)
        except Exception:
            self._accumulated.lost()
        self._place.watching += perf_counter() - began


class _Watch:
    """A pass that is recorded whole."""

    def __init__(self, replay: Replay, call: _Call, place: Place, frame: FrameType | None) -> None:
        began = perf_counter()
        self._replay, self._call, self._place = replay, call, place
        self._inner = inner = _current_node() is not None
        self._seq = next_number()
        self._hit = place.hits
        names = replay.names(frame)
        roots = [node_of(root) for root in call.roots]
        self._roots = tuple(names.tensors.get(id(root)) for root in call.roots)
        self._passing = Passing(roots, names, *replay.tables)
        del roots
        # A pass inside of another is part of what that one adds up.
        self._leaves = self._passing.leaves if call.accumulates and not inner else []
        self._held = replay.accumulated.before(self._leaves) if self._leaves else []
        self._passing.attach()
        RUNNING.passes.append(self._passing)
        self._took = perf_counter() - began

    def end(self, result: Any, error: BaseException | None) -> None:
        """The pass ended."""
        began = perf_counter()
        passing = self._passing
        RUNNING.passes.remove(passing)
        passing.detach()
        try:
            with raw.Reading():
                recorded = self._recorded(result, error)
        except Exception as problem:
            self._replay.accumulated.lost()
            recorded = Recorded(self._head(unread=clean(f"{type(problem).__name__}: {problem}")[:200]))
        passing.forget()
        self._leaves, self._held = [], []
        self._keep(recorded, self._took + perf_counter() - began)

    def _recorded(self, result: Any, error: BaseException | None) -> Recorded:
        passing, call, replay = self._passing, self._call, self._replay
        if self._leaves:
            replay.accumulated.after(self._leaves, self._held)
            for leaf in self._leaves:
                self._place.leaves.add(leaf, replay.tables[0].number(leaf))
        if not call.accumulates and result is not None:
            passing.add_results(call.inputs, result)
        told = None if error is None else describe_error(error, "")
        head = self._head(
            freed=() if call.retain_graph else passing.freed(),
            error=None if told is None else f"{told.type}: {told.message}"[:500],
            spoiled=spoiled(map(node_of, call.roots)) if isinstance(error, RuntimeError) else (),
        )
        return Recorded(head, passing.nodes(), tuple(passing.leaf_gradients(replay.accumulated.passes)))

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
        place = self._place
        if self._hit <= FIRST_PASSES:
            place.first.append(recorded)
        else:
            place.latest = recorded
        place.spent, place.took = place.spent + took, took


# ── details ──────────────────────────────────────────────────────────────────


def _call(roots: Any, args: Any, kwargs: Any) -> _Call:
    """The engine's arguments, of which torch gives some by position and some by name."""
    gradients, retain_graph, create_graph, inputs = args[:4]
    return _Call(
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
    return {"line": site.line, "expression": site.expression, "filename": site.filename}


def _unread(call: _Call, place: Place, reason: str) -> BackwardFacts:
    return BackwardFacts(
        seq=next_number(),
        call="backward" if call.accumulates else "grad",
        **_where(place.site),
        roots=tuple(None for _ in call.roots),
        retain_graph=call.retain_graph,
        create_graph=call.create_graph,
        unread=reason,
    )


def _reason(call: _Call) -> str | None:
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
    callback = getattr(torch._C._dynamo.eval_frame, "get_eval_frame_callback", lambda: None)()
    if callback not in (None, False):
        return True
    compiled = sys.modules.get("torch._dynamo.compiled_autograd")
    return bool(getattr(compiled, "compiled_autograd_enabled", False))


def _leave_uncompiled(code: CodeType) -> None:
    """Dynamo, where it is at work around a pass, runs this code as it is."""
    eval_frame = torch._C._dynamo.eval_frame
    if hasattr(eval_frame, "skip_code"):
        eval_frame.skip_code(code)
    elif hasattr(eval_frame, "set_code_exec_strategy"):
        skip = eval_frame._FrameAction.SKIP
        eval_frame.set_code_exec_strategy(code, eval_frame._FrameExecStrategy(skip, skip))


def _hide_frames(error: BaseException) -> None:
    """Our frame on top of the traceback; a bare `raise` after this adds none."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    error.__traceback__ = trace


def _locals(frame: FrameType) -> list[tuple[str, object]]:
    """A function's variables. Before 3.13 the frame keeps the mapping, which must not hold their values."""
    variables = frame.f_locals
    pairs = list(variables.items())
    # The frame, this function, and the call below: nobody else looks at it.
    if type(variables) is dict and frame.f_code.co_flags & _NEW_LOCALS and sys.getrefcount(variables) <= 3:
        variables.clear()
    return pairs
