"""The messages between session and kernel: frozen structs, told apart by a tag."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from tutor.facts.devices import DeviceFacts, TransferFacts
from tutor.facts.graphs import GraphOutline
from tutor.facts.operations import BackwardFacts, OpCount, OpFacts, OptimizerFacts, UpdateFacts
from tutor.facts.progress import LoopFacts, ScalarSample
from tutor.facts.records import (
    Answer,
    ErrorFacts,
    GraphFacts,
    GraphStep,
    NodeFacts,
    Probe,
    Shape,
    SnapshotDelta,
    WarningFacts,
)

# ── messages: session -> kernel ──────────────────────────────────────────────


class Execute(Struct, frozen=True, tag=True):
    """Run `source` statement by statement. `script` runs as plain Python would; else as a cell."""

    id: int
    source: str
    filename: str | None = None
    script: bool = False
    #: Which top-level expressions have their value displayed.
    display: Literal["none", "last", "all"] = "last"
    #: Watch operations.
    trace: bool = True
    #: Record gradients of backward passes.
    replay: bool = True
    #: Wait for Proceed after each statement but the last.
    stepwise: bool = False
    #: Tell with Progress how a statement goes that takes long.
    live: bool = False
    #: Record the graphs as they are after each statement.
    graphs: bool = False


class Proceed(Struct, frozen=True, tag=True):
    """Run the next statement of a stepwise Execute, or with `to_end` all that are left."""

    id: int
    to_end: bool = False


class Evaluate(Struct, frozen=True, tag=True):
    """The value of one expression in the namespace as it is; used by predict steps."""

    id: int
    expression: str


class DescribeGraphs(Struct, frozen=True, tag=True):
    """Graphs of the named tensors, or of every named tensor that has a grad_fn."""

    id: int
    names: tuple[str, ...] | None = None
    limit: int = 2_000


class OutlineGraph(Struct, frozen=True, tag=True):
    """Structure, names and troubles of the graph behind one tensor."""

    id: int
    name: str
    limit: int = 100_000


class DescribeNodes(Struct, frozen=True, tag=True):
    """All facts of some nodes, by number, of the graph behind one tensor."""

    id: int
    name: str
    numbers: tuple[int, ...]


class CompareMemory(Struct, frozen=True, tag=True):
    """Exact overlap of two names: is some element of one an element of the other?"""

    id: int
    first: str
    second: str


class Preview(Struct, frozen=True, tag=True):
    """Values of one tensor near the element at `around`; without one, near the first.

    `limits` bounds slices, rows and columns; leading dimensions beyond three share the bound of slices.
    """

    id: int
    name: str
    limits: tuple[int, int, int] = (4, 12, 8)
    around: Shape = ()


class Complete(Struct, frozen=True, tag=True):
    """Names that can stand after `expression.`, or inside `expression["`; with no expression, variables.

    `imports` and `values` are what the text says about names that are not bound yet."""

    id: int
    expression: str = ""
    keys: bool = False
    imports: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


class Document(Struct, frozen=True, tag=True):
    """Signature and documentation of what `expression` stands for; `imports` and `values` as in Complete."""

    id: int
    expression: str
    imports: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


class Check(Struct, frozen=True, tag=True):
    """Answer questions about what `source`, the last code that ran, left; changes nothing.

    `solution` is the reference that functions are compared with.
    """

    id: int
    source: str
    filename: str
    solution: str
    probes: tuple[Probe, ...]


class Reset(Struct, frozen=True, tag=True):
    """Empty the namespace and start counting identities afresh."""

    id: int


class InputReply(Struct, frozen=True, tag=True):
    """The answer to InputRequest; None is end of file."""

    text: str | None


Request = (
    Execute
    | Evaluate
    | DescribeGraphs
    | OutlineGraph
    | DescribeNodes
    | CompareMemory
    | Check
    | Preview
    | Complete
    | Document
    | Reset
    | InputReply
    | Proceed
)


# ── messages: kernel -> session ──────────────────────────────────────────────


class Ready(Struct, frozen=True, tag=True):
    """torch is imported and the device chosen."""

    device: str
    torch: str
    available: tuple[str, ...]
    #: The statement that made an explicitly chosen accelerator torch's default device.
    preamble: str | None = None


class Refused(Struct, frozen=True, tag=True):
    """The kernel cannot start; `sentence` says why and what there is instead."""

    sentence: str


class Started(Struct, frozen=True, tag=True):
    """The statements about to run: line spans, 1-based and inclusive, and the text of each."""

    id: int
    spans: tuple[tuple[int, int], ...]
    sources: tuple[str, ...]


class StepDone(Struct, frozen=True, tag=True):
    """A statement ended. `mark` says whether its end was marked in the output pipe."""

    id: int
    index: int
    mark: bool
    delta: SnapshotDelta
    result: str | None
    warnings: tuple[WarningFacts, ...]
    error: ErrorFacts | None
    elapsed: float
    operations: tuple[OpFacts, ...] = ()
    counts: tuple[OpCount, ...] = ()
    unwatched: bool = False
    backwards: tuple[BackwardFacts, ...] = ()
    updates: tuple[UpdateFacts, ...] = ()
    optimizers: tuple[OptimizerFacts, ...] = ()
    graphs: GraphStep | None = None
    transfers: tuple[TransferFacts, ...] = ()
    device: DeviceFacts | None = None


class Progress(Struct, frozen=True, tag=True, omit_defaults=True):
    """How the running statement goes: the learner's innermost line, the loops around it, scalars.

    Comes at most 30 times a second and only where something changed."""

    id: int
    index: int
    #: 0 where it is one of code that was entered before what runs.
    line: int
    #: The learner's innermost function; empty for the module's own code.
    function: str = ""
    loops: tuple[LoopFacts, ...] = ()
    scalars: tuple[ScalarSample, ...] = ()


class Done(Struct, frozen=True, tag=True):
    """The whole request ended; a SyntaxError comes here with no steps."""

    id: int
    mark: bool
    error: ErrorFacts | None


class InputRequest(Struct, frozen=True, tag=True):
    """The learner's code waits in `input()`, or in `getpass()`, whose answer nobody is to see."""

    prompt: str
    hidden: bool = False


class Evaluated(Struct, frozen=True, tag=True):
    """`value` is plain data where the value is plain (numbers, text, booleans, lists of them), else None."""

    id: int
    text: str
    value: Any
    error: ErrorFacts | None


class Graphs(Struct, frozen=True, tag=True):
    id: int
    graphs: dict[str, GraphFacts]


class Outlined(Struct, frozen=True, tag=True):
    """`outline` is None where the tensor has no grad_fn."""

    id: int
    outline: GraphOutline | None


class Nodes(Struct, frozen=True, tag=True):
    """Those of the nodes asked for that still live."""

    id: int
    nodes: tuple[NodeFacts, ...]


class Overlap(Struct, frozen=True, tag=True):
    """`same_storage` and `overlap` are None where torch cannot tell."""

    id: int
    same_storage: bool | None
    shares_memory: bool | None
    overlap: bool | None


class Overview(Struct, frozen=True):
    """The least and greatest finite number in a tensor (of complex ones: size), and what is not finite."""

    low: float | None
    high: float | None
    nans: int
    infinities: int


class Values(Struct, frozen=True, tag=True, omit_defaults=True):
    """A window of a tensor's values as short text, row by row; `reason` says why there is none."""

    id: int
    name: str
    #: How many indices of each dimension `texts` covers, from `start` on (without one, from the first).
    window: Shape = ()
    texts: tuple[str, ...] = ()
    reason: str | None = None
    start: Shape = ()
    #: Each value as a number (of a complex one its size), and written out in full.
    numbers: tuple[float, ...] = ()
    exact: tuple[str, ...] = ()
    #: What there is in the whole tensor, where that was quick to find.
    overview: Overview | None = None
    #: What the values are, where they are not simply the tensor's.
    note: str = ""


class Completions(Struct, frozen=True, tag=True):
    """In no order; empty where nothing is known."""

    id: int
    names: tuple[str, ...]


class Documentation(Struct, frozen=True, tag=True):
    """`signature` and `text` are empty where nothing is known."""

    id: int
    signature: str = ""
    text: str = ""


class Checked(Struct, frozen=True, tag=True):
    """One answer for each probe, in order."""

    id: int
    answers: tuple[Answer, ...]


class ResetDone(Struct, frozen=True, tag=True):
    id: int


Reply = (
    Ready
    | Refused
    | Started
    | StepDone
    | Done
    | InputRequest
    | Evaluated
    | Graphs
    | Outlined
    | Nodes
    | Overlap
    | Checked
    | Values
    | Completions
    | Documentation
    | ResetDone
    | Progress
)
