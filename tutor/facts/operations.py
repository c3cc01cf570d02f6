"""What a statement did, operation by operation, and how gradients went through its graphs."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Shape = tuple[int, ...]
#: First line, first column, last line, last column: lines 1-based, columns in UTF-8 bytes.
Span = tuple[int, int, int, int]

#: What an operation made of its arguments: the same object, another tensor on the memory of one, new
#: memory that has only elements of one (some of them, in another order, or converted to another dtype or
#: device), new memory with computed ones, a write into one, or no tensor. Of several results the first
#: counts.
Verdict = Literal["same", "view", "copy", "new", "in place", "none"]


class Origin(Struct, frozen=True, omit_defaults=True, gc=False):
    """Where in the learner's code something happened: the operation by its number, line and text."""

    #: Number of the operation; greater means later. Never used again in this kernel.
    seq: int
    filename: str
    line: int
    #: The whole sub-expression as the learner wrote it: `x.T.reshape(6)`.
    expression: str
    #: Name of the operation: `reshape`, `T`, `add`.
    operation: str
    #: What of torch's own code it happened inside of (`Linear`, `Adam.step`); empty where the learner called.
    within: str = ""


class Operand(Struct, frozen=True, omit_defaults=True):
    """A tensor that an operation took or gave, as it was before the call or after it."""

    object: int
    #: As the learner wrote it (`x.T`, `lin.weight`); empty where the code does not name it.
    name: str = ""
    #: Where in the call it stands: `0`, `1[2]`, `weight`; of results `0`, `1`, ….
    place: str = ""
    kind: str = "tensor"
    shape: Shape | None = None
    stride: Shape | None = None
    offset: int | None = None
    dtype: str | None = None
    device: str | None = None
    storage: int | None = None
    requires_grad: bool | None = None
    is_leaf: bool | None = None
    grad_fn: str | None = None
    #: Number of its grad_fn, as graphs have it.
    node: int | None = None
    version: int | None = None

    #: Of a result: some element is NaN, or some is infinite and none NaN, where that was quick to see; of an
    #: argument only where a result has such elements and it has them too.
    broken: Literal["nan", "inf"] | None = None


class Write(Struct, frozen=True):
    """An argument whose version an operation moved; `argument` is its index among `ins`."""

    argument: int
    before: int
    after: int


class OpFacts(Struct, frozen=True, omit_defaults=True):
    """One call of a torch operation, seen while it happened."""

    seq: int
    name: str
    line: int
    #: The learner's sub-expression, and the part of it that is this call: `x.T.reshape(6)` and `.reshape(6)`.
    expression: str = ""
    part: str = ""
    span: Span | None = None
    filename: str = ""
    #: `<module>`, or the learner's function it was called in.
    function: str = "<module>"
    within: str = ""
    ins: tuple[Operand, ...] = ()
    outs: tuple[Operand, ...] = ()
    verdict: Verdict = "none"
    #: Index among `ins` of the argument that the verdict is about.
    of: int | None = None
    wrote: tuple[Write, ...] = ()
    #: Which time this call at this place it is in the statement, 1-based.
    hit: int = 1
    grad_enabled: bool = True
    #: Numbers of arguments as the learner gave them, by place: `{"0": 6}`; short text of plain values only.
    plain: dict[str, str] = {}
    #: `Type: message` of the exception that this call raised.
    error: str | None = None
    #: The line is one of code that was entered before what ran: of a function or class from there.
    elsewhere: bool = False


class OpCount(Struct, frozen=True, omit_defaults=True):
    """How often one operation ran at one place in a statement; at least so often where not all was seen."""

    name: str
    line: int
    part: str = ""
    within: str = ""
    count: int = 1
    #: Which time a result without dimensions was first NaN or infinite, of those not told in detail.
    broken: int = 0
    #: As of `OpFacts`.
    elsewhere: bool = False


# ── optimizers ───────────────────────────────────────────────────────────────


class UpdateFacts(Struct, frozen=True, omit_defaults=True):
    """One `step()` of an optimizer, as it ended."""

    seq: int
    line: int
    #: Type of the optimizer, and its number.
    optimizer: str
    object: int
    expression: str = ""
    filename: str = ""
    #: Numbers of the parameters that it holds, and how many backward passes the `.grad` of each has added
    #: up: 0 where it has none, -1 where that is not known.
    parameters: tuple[int, ...] = ()
    passes: tuple[int, ...] = ()
    #: Those of them that do not require grad.
    frozen: tuple[int, ...] = ()
    #: It holds more parameters than are told.
    more: bool = False
    #: How many backward passes there had been in this kernel.
    backwards: int = 0
    #: Which step of this optimizer in the statement it is, of how many; only the first ones are told.
    hit: int = 1
    hits: int = 1
    #: As of `OpFacts`.
    elsewhere: bool = False


class OptimizerFacts(Struct, frozen=True, omit_defaults=True):
    """An optimizer under a name of the learner's, and the numbers of the parameters that it holds."""

    name: str
    type: str
    object: int
    parameters: tuple[int, ...] = ()
    more: bool = False


# ── backward ─────────────────────────────────────────────────────────────────


class GradientFacts(Struct, frozen=True, omit_defaults=True):
    """A gradient on its way. `values` only of small ones, else the first few (`partial`) and the norm."""

    shape: Shape | None = None
    dtype: str | None = None
    device: str | None = None
    values: tuple[str, ...] = ()
    partial: bool = False
    norm: float | None = None
    #: Some element is NaN or infinite.
    broken: bool = False


class PassedNode(Struct, frozen=True, omit_defaults=True):
    """One node as the backward pass went through it; None stands for a gradient that was not defined."""

    node: int
    name: str
    #: Path of the leaf that it fills, or of the tensor that it made.
    variable: str | None = None
    incoming: tuple[GradientFacts | None, ...] = ()
    #: For each of `followers`: what it was handed by this node, where that can be told.
    outgoing: tuple[GradientFacts | None, ...] = ()
    #: Numbers of the nodes that its results go to; None where nothing is asked for.
    followers: tuple[int | None, ...] = ()
    #: What it had saved for its rule, as `NodeFacts` has it.
    saved: dict[str, Any] = {}


class LeafGradient(Struct, frozen=True, omit_defaults=True):
    """A leaf before and after a backward pass; shapes are None where `.grad` was None."""

    object: int
    name: str | None = None
    before: Shape | None = None
    after: Shape | None = None
    #: The storage of `.grad` before and after: the same one where it was added to in place.
    storage_before: int | None = None
    storage_after: int | None = None
    #: How many backward passes have been added up in `.grad` since it was None or was set to zero.
    passes: int | None = None
    #: What this pass gave it; and what `.grad` held before and after.
    gradient: GradientFacts | None = None
    held: GradientFacts | None = None
    holds: GradientFacts | None = None


class SpoiledNode(Struct, frozen=True, omit_defaults=True):
    """A node that a backward pass could not go through: a value that it had saved is gone or was changed."""

    node: int
    name: str
    #: Name of the saved value: `self`, `result`, `other`.
    saved: str
    why: Literal["freed", "overwritten"]
    shape: Shape | None = None
    #: The version it had when it was saved, and the one it has now.
    expected: int | None = None
    version: int | None = None
    #: The operation that saved it.
    origin: Origin | None = None


class BackwardFacts(Struct, frozen=True, omit_defaults=True):
    """One backward pass of the learner's, node by node in the order in which it ran."""

    seq: int
    call: Literal["backward", "grad"]
    line: int
    expression: str = ""
    filename: str = ""
    #: Names of the tensors it began from, where they have any, and the numbers of their nodes.
    roots: tuple[str | None, ...] = ()
    root_nodes: tuple[int | None, ...] = ()
    retain_graph: bool = False
    create_graph: bool = False
    nodes: tuple[PassedNode, ...] = ()
    leaves: tuple[LeafGradient, ...] = ()
    #: Nodes whose saved values this pass freed.
    freed: tuple[int, ...] = ()
    #: Nodes beyond the budget, whose gradients were not looked at.
    omitted: int = 0
    #: Why gradients were not recorded, in a few words.
    unread: str | None = None
    error: str | None = None
    #: Where it failed for what had been saved: the nodes that it could not have gone through.
    spoiled: tuple[SpoiledNode, ...] = ()
    #: Which pass from this place in the statement it is, of how many; only some of many are recorded.
    hit: int = 1
    hits: int = 1
    #: It ran inside another pass: a checkpoint, or a hook that runs one.
    inner: bool = False
    #: As of `OpFacts`.
    elsewhere: bool = False
