"""The records: plain frozen facts about a run."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from msgspec import Struct, field

from tutor.facts.devices import DeviceFacts, TransferFacts
from tutor.facts.failed import FailedCall, Missing
from tutor.facts.operations import (
    BackwardFacts,
    OpCount,
    OpFacts,
    OptimizerFacts,
    Origin,
    Shape,
    Span,
    UpdateFacts,
)
from tutor.facts.progress import ScalarFacts

K = TypeVar("K")
V = TypeVar("V")

TensorKind = Literal[
    "tensor", "parameter", "buffer", "gradient", "ndarray",
    "sparse", "nested", "quantized", "fake", "subclass", "unreadable",
]  # fmt: skip


# Facts that each snapshot holds by the thousand, none of which leads back to itself, are told to Python's
# collector as such: it does not go through every snapshot that is kept, again and again.
class TensorFacts(Struct, frozen=True, omit_defaults=True, gc=False):
    """One tensor or numpy array under one name. Sizes in elements; a fact that torch refuses is None."""

    name: str
    kind: TensorKind
    type: str
    #: Identity of the object: a small integer that is never used again in this kernel.
    object: int
    shape: Shape | None = None
    stride: Shape | None = None
    offset: int | None = None
    dtype: str | None = None
    device: str | None = None
    layout: str | None = None
    numel: int | None = None
    itemsize: int | None = None
    is_contiguous: bool | None = None
    requires_grad: bool | None = None
    is_leaf: bool | None = None
    grad_fn: str | None = None
    retains_grad: bool | None = None
    #: Shape of `.grad` where there is one.
    grad: Shape | None = None
    version: int | None = None
    #: Identity of the storage (torch's StorageImpl): never used again. None where there is none.
    storage: int | None = None
    #: Identity of the memory: storages and arrays whose byte ranges intersect have one block.
    #: People see it as a letter.
    block: int | None = None
    data_ptr: int | None = None
    #: Number of its grad_fn, as graphs and operations have it.
    node: int | None = None
    #: The operation that made it, where that was seen.
    origin: Origin | None = None
    #: How many backward passes have been added up in `.grad` since it was None or was set to zero.
    passes: int | None = None
    #: Why some fact could not be read, in a few words.
    unread: str | None = None
    #: It is in a list, dictionary or tuple that a module has as an attribute, where the module does not look.
    hidden: bool = False


class StorageFacts(Struct, frozen=True, omit_defaults=True, gc=False):
    """One block of memory that named tensors live in: a storage, or the bytes of a numpy array."""

    block: int
    #: Storage ids of the torch storages in this block (usually one; none for a bare array).
    storages: tuple[int, ...]
    #: Address of the first byte; 0 for meta and fake storages.
    start: int
    nbytes: int
    device: str
    #: The dtype in which `values`, `written` and element positions are counted.
    dtype: str
    itemsize: int
    residents: tuple[str, ...] = ()
    #: All elements as short text, only where the storage is small and readable.
    values: tuple[str, ...] | None = None
    #: Half-open element ranges that this step wrote; None where that is not known.
    written: tuple[tuple[int, int], ...] | None = ()
    #: Its bytes are compared, so that writes are seen too that no version counts: through `.data`, or numpy.
    compared: bool = True


class Change(Struct, frozen=True):
    """What a step did to one name."""

    name: str
    kind: Literal["new", "rebound", "written", "altered", "deleted"]


class Snapshot(Struct, frozen=True, omit_defaults=True):
    """The namespace after a step. `tensors` is in the order of the namespace."""

    tensors: dict[str, TensorFacts] = field(default_factory=dict)
    storages: dict[int, StorageFacts] = field(default_factory=dict)
    #: Disjoint groups of names that share memory (two names or more each).
    sharing: tuple[tuple[str, ...], ...] = ()
    #: Names that the budget left out.
    omitted: int = 0
    #: How many tensors more there are in containers than have paths, by the container's path.
    beyond: dict[str, int] = field(default_factory=dict)

    @property
    def unshown(self) -> int:
        """How many tensors are known to have no facts here."""
        return self.omitted + sum(self.beyond.values())


class SnapshotDelta(Struct, frozen=True, omit_defaults=True):
    """How a snapshot differs from the one before; what is None by default is None when unchanged."""

    tensors: tuple[TensorFacts, ...] = ()
    gone: tuple[str, ...] = ()
    #: All names in order, where that is another than what stayed, as it was, with what is new behind it.
    order: tuple[str, ...] | None = None
    #: Blocks that are new or have other facts; numbers of those that are gone; the order, as of the names.
    storages: tuple[StorageFacts, ...] = ()
    freed: tuple[int, ...] = ()
    blocks: tuple[int, ...] | None = None
    sharing: tuple[tuple[str, ...], ...] | None = None
    omitted: int = 0
    beyond: dict[str, int] | None = None
    changes: tuple[Change, ...] = ()


def apply(before: Snapshot, delta: SnapshotDelta) -> Snapshot:
    """The snapshot after `delta`; everything unchanged is shared with `before`."""
    tensors = _applied(before.tensors, delta.gone, {each.name: each for each in delta.tensors}, delta.order)
    blocks = {each.block: each for each in delta.storages}
    storages = _applied(before.storages, delta.freed, blocks, delta.blocks)
    sharing = before.sharing if delta.sharing is None else delta.sharing
    beyond = before.beyond if delta.beyond is None else delta.beyond
    return Snapshot(tensors=tensors, storages=storages, sharing=sharing, omitted=delta.omitted, beyond=beyond)


def _applied(
    before: dict[K, V], gone: tuple[K, ...], now: dict[K, V], order: tuple[K, ...] | None
) -> dict[K, V]:
    if not gone and not now and order is None:
        return before
    after = before | now
    for key in gone:
        after.pop(key, None)
    return after if order is None else {key: after[key] for key in order if key in after}


class WarningFacts(Struct, frozen=True):
    """A warning that a step raised; `line` is the learner's nearest line, 1-based."""

    category: str
    message: str
    line: int


class FrameFacts(Struct, frozen=True, omit_defaults=True):
    """A frame of the learner's code that an exception passed through, as it was at that moment."""

    #: `<module>`, or the bare name of the function.
    function: str
    line: int
    #: The top-level statement or the function definition that runs here, without its indentation.
    source: str = ""
    #: Where in `source` the expression stands that raised.
    span: Span | None = None
    #: Line of the learner's source at which `source` begins.
    first_line: int = 0
    #: Names that are the function's own, whatever they hold.
    own: tuple[str, ...] = ()
    #: Tensors of these names, and those that the code reaches by paths (`self.w`, `pair[0]`).
    tensors: dict[str, TensorFacts] = field(default_factory=dict)
    #: Whole numbers under names and paths, and types of modules under theirs.
    numbers: dict[str, int] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    #: It runs code that was entered before: its lines are none of what was running.
    elsewhere: bool = False


class CallFacts(Struct, frozen=True, omit_defaults=True):
    """The deepest function of torch.nn, written in Python, that an exception passed through."""

    function: str
    #: Type of the module whose method it is, and the learner's path of that module.
    module: str | None = None
    path: str | None = None
    #: Tensors by the names that the function has for them, the module's parameters as `self.weight`.
    tensors: dict[str, TensorFacts] = field(default_factory=dict)


class ErrorFacts(Struct, frozen=True):
    """An exception that ended a run; `line` is the deepest line of the learner's source, 1-based."""

    type: str
    message: str
    line: int
    traceback: str = ""
    #: Frames of the learner's code, the outermost first; the outermost and the deepest where there are many.
    frames: tuple[FrameFacts, ...] = ()
    call: CallFacts | None = None
    #: The call of torch or numpy that raised it; None where none did.
    failed: FailedCall | None = None
    #: What was asked for and is not there, where that is what went wrong.
    missing: Missing | None = None
    #: Names of the classes that its class is derived from, the nearest first.
    bases: tuple[str, ...] = ()


class Step(Struct, frozen=True):
    """One top-level statement that ran (or failed): what it printed, displayed and changed."""

    index: int
    line: int
    end_line: int
    source: str
    stdout: str
    stdout_elided: int
    result: str | None
    warnings: tuple[WarningFacts, ...]
    snapshot: Snapshot
    changes: tuple[Change, ...]
    error: ErrorFacts | None
    #: Seconds of the statement alone.
    elapsed: float
    #: Whether another statement stands on one of its lines.
    crowded: bool = False
    #: Whether it is the last of what was run at once.
    last: bool = False
    #: Operations in order, as far as the budget of detail went, and how often each ran in all.
    operations: tuple[OpFacts, ...] = ()
    counts: tuple[OpCount, ...] = ()
    #: Part of the statement ran too hot to be watched: operations are missing and counts are least counts.
    unwatched: bool = False
    #: Backward passes in order.
    backwards: tuple[BackwardFacts, ...] = ()
    #: Steps of optimizers, and the optimizers that there are, where there was a step.
    updates: tuple[UpdateFacts, ...] = ()
    optimizers: tuple[OptimizerFacts, ...] = ()
    #: How scalars went while it ran, where it took long enough to be looked at.
    scalars: tuple[ScalarFacts, ...] = ()
    #: What it did to graphs; None where that was not recorded.
    graphs: GraphStep | None = None
    #: What was copied between devices, and what the accelerator held afterwards; None where there is none.
    transfers: tuple[TransferFacts, ...] = ()
    device: DeviceFacts | None = None


class Run(Struct, frozen=True):
    """One execution of a piece of code."""

    source: str
    filename: str
    steps: tuple[Step, ...]
    error: ErrorFacts | None
    #: Seconds from request to answer.
    elapsed: float
    #: The namespace before it.
    before: Snapshot = Snapshot()

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def cut_short(self) -> bool:
        """The learner stopped it, or its kernel died."""
        return self.error is not None and self.error.type in ("KeyboardInterrupt", "KernelDied")


class NodeFacts(Struct, frozen=True, omit_defaults=True, gc=False):
    """One node of an autograd graph; `saved` maps names of saved values to numbers, text or {"shape": …}."""

    id: str
    name: str
    #: The learner's path of the leaf that an AccumulateGrad node fills.
    variable: str | None = None
    #: Learner's names of live tensors that this node made.
    tensors: tuple[str, ...] = ()
    saved: dict[str, Any] = field(default_factory=dict)
    freed: bool = False
    #: Identity of the node: a small integer that is never used again in this kernel.
    number: int | None = None
    #: The operation that made it, where that was seen.
    origin: Origin | None = None
    #: A tensor that it saved was changed in place since: backward would fail here.
    overwritten: bool = False
    #: What runs when a gradient passes: `retain_grad`, `hook f`, `post-accumulate-grad hook g`;
    #: of named tensors and of leaves only.
    hooks: tuple[str, ...] = ()
    #: Shapes of the tensors that it made, where torch tells.
    outputs: tuple[Shape | None, ...] = ()
    #: Number of the leaf that an AccumulateGrad node fills.
    leaf: int | None = None
    #: For each edge: which input of the operation it leads to. None where that was not read.
    slots: tuple[int, ...] | None = None


class GraphFacts(Struct, frozen=True, omit_defaults=True):
    """The autograd graph behind one tensor; the first node is its grad_fn, edges run towards the leaves."""

    nodes: tuple[NodeFacts, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    truncated: bool = False
    total_nodes: int = 0


class GraphStep(Struct, frozen=True, omit_defaults=True):
    """What a statement did to the graphs behind named tensors; `GraphHistory` puts them together."""

    #: Which kernel it was: node numbers are its own.
    kernel: int
    #: Counts its statements.
    moment: int
    #: Nodes that no earlier step had; `followers` are the numbers of those that follow each of them.
    nodes: tuple[NodeFacts, ...] = ()
    followers: tuple[tuple[int, ...], ...] = ()
    #: Numbers of nodes that are freed since this statement, and of nodes that are overwritten.
    freed: tuple[int, ...] = ()
    overwritten: tuple[int, ...] = ()
    #: Hooks of nodes, where they have changed.
    hooks: dict[int, tuple[str, ...]] = field(default_factory=dict)
    #: The budget ended the reading: of nodes that are further from the newest names nothing new is known.
    cut: bool = False

    @property
    def when(self) -> GraphStep:
        """Only which moment it was: what a kept step needs once a history has the rest."""
        return GraphStep(self.kernel, self.moment)


class Explanation(Struct, frozen=True):
    """A claim about this run, made from its facts alone."""

    rule: str
    kind: Literal["note", "warning", "error"]
    title: str
    text: str
    fix: str | None = None
    names: tuple[str, ...] = ()


class CheckResult(Struct, frozen=True, omit_defaults=True):
    """One fact of a check: whether it holds, and what to tell the learner where it does not."""

    ok: bool
    #: The fact by its name in the lesson (`shape`, `shares_memory`, …); of a missing variable `exists`.
    kind: str
    #: The variable that it is about; empty where it is about none.
    name: str = ""
    #: Short text, where there is something to compare.
    expected: str = ""
    got: str = ""
    #: What the lesson says, or else expected versus got and what the learner's line did.
    sentence: str = ""
    #: The learner's line that last set the variable, 1-based.
    line: int | None = None
    #: What of the inspector shows the fact: shape, dtype, stride, grad, device or storage; empty for none.
    fact: str = ""
    #: Which of the step's checks this belongs to; -1 for what is asked of all code, that it runs.
    item: int = -1


class Probe(Struct, frozen=True, omit_defaults=True):
    """One question about live values: `kind` of the learner's `var`, against `other`."""

    kind: str
    var: str = ""
    #: A literal, an expression for the namespace before the learner's code, or a variable's name.
    other: Any = None
    options: dict[str, Any] = field(default_factory=dict)


class Answer(Struct, frozen=True, omit_defaults=True):
    """What the kernel found. `ok` is None where the question could not be put."""

    ok: bool | None = None
    expected: str = ""
    got: str = ""
    #: The fact that failed, where that is narrower than the question (`dtype` of `equals`).
    kind: str = ""
    #: A clause about how the value or the call differs.
    note: str = ""
    #: Facts of the variable where it is a tensor or array.
    facts: TensorFacts | None = None
    #: An exception, of the learner's code or of an expression.
    error: ErrorFacts | None = None
