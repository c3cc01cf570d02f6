"""What the JSON of `inspect` looks like. `torchtutor inspect --schema` prints this as JSON Schema.

A key that may be missing is `UNSET` here; a fact that torch refuses to tell is null.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tutor.facts import DeviceFacts, Explanation, Shape, TransferFacts, Verdict, WarningFacts

Position = Annotated[int, Meta(ge=0)]


class OriginObject(Struct, frozen=True):
    """The operation that made a tensor or a node."""

    line: int
    expression: Annotated[str, Meta(description="The call in the learner's words: `x.T`, `.reshape(6)`.")]
    operation: str
    filename: str
    seq: Annotated[int, Meta(description="Number of the operation, as in `operations`; later is greater.")]
    within: str | UnsetType = UNSET


class GradObject(Struct, frozen=True):
    """What is in `.grad`."""

    shape: Shape


class TensorObject(Struct, frozen=True):
    """One tensor or array under one name, after a statement. Sizes are in elements."""

    shape: Shape | None
    stride: Shape | None
    dtype: str | None
    device: str | None
    offset: int | None
    storage: Annotated[int | None, Meta(description="Identity of the storage, never used again.")]
    data_ptr: int | None
    numel: int | None
    is_contiguous: bool | None
    requires_grad: bool | None
    is_leaf: bool | None
    grad_fn: str | None
    retains_grad: bool | None
    grad: GradObject | None
    version: int | None
    kind: str
    type: str
    block: Annotated[int | None, Meta(description="Memory that storages and arrays have in common.")]
    provenance: Annotated[
        OriginObject | None, Meta(description="The operation that made it; null where that was not seen.")
    ]
    passes: Annotated[
        int | None,
        Meta(description="Backward passes added up in `.grad` since it was None or zero; null if not seen."),
    ]
    unread: str | UnsetType = UNSET


class OperandObject(Struct, frozen=True):
    """A tensor that went into an operation, or came out of it."""

    name: Annotated[str | None, Meta(description="As the learner wrote it; null where the code has no name.")]
    place: Annotated[str, Meta(description="Where in the call: `0`, `1[2]`, `weight`.")]
    shape: Shape | None
    stride: Shape | None
    offset: int | None
    dtype: str | None
    device: str | None
    storage: int | None
    requires_grad: bool | None
    is_leaf: bool | None
    grad_fn: str | None
    version: int | None


class WriteObject(Struct, frozen=True):
    """An argument that an operation wrote: its version before and after."""

    name: str | None
    argument: Position
    before: int
    after: int


class OperationObject(Struct, frozen=True):
    """One call of a torch operation, as it was seen while it happened."""

    seq: int
    line: int
    expression: Annotated[str, Meta(description="The call in the learner's words: `x.T`, `.reshape(6)`.")]
    source: Annotated[str, Meta(description="The whole expression up to its end: `x.T.reshape(6)`.")]
    name: Annotated[str, Meta(description="The operation: `reshape`.")]
    function: Annotated[str, Meta(description="The learner's function that it ran in, or `<module>`.")]
    ins: tuple[OperandObject, ...]
    outs: tuple[OperandObject, ...]
    verdict: Verdict
    of: Annotated[str | None, Meta(description="The argument that the verdict is about.")]
    why: str
    wrote: tuple[WriteObject, ...]
    hit: Annotated[int, Meta(description="Which call of this operation at this place it is, from 1.")]
    within: Annotated[
        str | UnsetType, Meta(description="What of torch's own code it ran inside of: `Linear`.")
    ] = UNSET
    error: str | UnsetType = UNSET


class CountObject(Struct, frozen=True):
    """How often an operation ran at one place, where not every call is in `operations`."""

    line: int
    expression: str
    name: str
    count: int
    within: str | UnsetType = UNSET


class WrittenObject(Struct, frozen=True):
    """Memory that was there before the statement, and which elements of it the statement wrote."""

    block: int
    storages: tuple[int, ...]
    names: Annotated[tuple[str, ...], Meta(description="Everything that lives in this memory now.")]
    dtype: str
    ranges: Annotated[
        tuple[tuple[int, int], ...] | None,
        Meta(description="Half-open ranges of elements that changed; null where only the version tells."),
    ]
    operations: Annotated[tuple[int, ...], Meta(description="`seq` of the operations that wrote it.")]


class StepObject(Struct, frozen=True):
    """One top-level statement."""

    line: int
    end_line: int
    source: str
    stdout: str
    result: str | None
    warnings: tuple[WarningFacts, ...]
    tensors: dict[str, TensorObject]
    sharing: tuple[tuple[str, ...], ...]
    operations: tuple[OperationObject, ...]
    written: tuple[WrittenObject, ...]
    explanations: tuple[Explanation, ...]
    lesson_step: str | UnsetType = UNSET
    stdout_elided: int | UnsetType = UNSET
    arrays: dict[str, TensorObject] | UnsetType = UNSET
    operation_counts: tuple[CountObject, ...] | UnsetType = UNSET
    unwatched: Annotated[
        bool | UnsetType, Meta(description="True where counts are least counts: a hot loop was let run.")
    ] = UNSET
    explanations_failed: str | UnsetType = UNSET
    tensors_omitted: int | UnsetType = UNSET
    transfers: Annotated[
        tuple[TransferFacts, ...] | UnsetType,
        Meta(description="Copies from one device's memory to another's; missing where there were none."),
    ] = UNSET
    memory: Annotated[
        DeviceFacts | UnsetType,
        Meta(description="What the accelerator holds afterwards, in bytes; missing where there is none."),
    ] = UNSET
    operations_omitted: int | UnsetType = UNSET
    containers_omitted: dict[str, int] | UnsetType = UNSET


class NodeObject(Struct, frozen=True):
    """A node of an autograd graph."""

    id: str
    name: str
    variable: Annotated[str | None, Meta(description="The learner's path of a leaf.")]
    saved: dict[str, Any]
    tensors: tuple[str, ...]
    freed: bool
    overwritten: Annotated[
        bool, Meta(description="A tensor that it saved was changed in place since: backward would fail.")
    ]
    hooks: Annotated[tuple[str, ...], Meta(description="Hooks of the tensors that it made, or of its leaf.")]
    number: Annotated[int | None, Meta(description="Identity of the node, as in `replay`.")]
    made: OriginObject | None


class GraphObject(Struct, frozen=True):
    """The autograd graph behind one name; the first node is its grad_fn."""

    nodes: tuple[NodeObject, ...]
    edges: tuple[tuple[str, str], ...]
    truncated: bool | UnsetType = UNSET
    total_nodes: int | UnsetType = UNSET


class GradientObject(Struct, frozen=True):
    """A gradient on its way."""

    shape: Shape | None
    dtype: str | None
    values: Annotated[tuple[str, ...], Meta(description="All of a small one, else the first few.")]
    partial: bool
    norm: float | None
    broken: Annotated[bool, Meta(description="Some element is NaN or infinite.")]


class PassedNodeObject(Struct, frozen=True):
    """A node as a backward pass went through it."""

    node: int
    name: str
    variable: str | None
    incoming: tuple[GradientObject | None, ...]
    outgoing: tuple[GradientObject | None, ...]
    followers: tuple[int | None, ...]


class LeafObject(Struct, frozen=True):
    """A leaf, before and after a backward pass; shapes are null where `.grad` was None."""

    name: str | None
    before: Shape | None
    after: Shape | None
    in_place: Annotated[bool, Meta(description="It was added to the `.grad` that was there.")]
    passes: int | None
    gradient: GradientObject | None
    held: Annotated[GradientObject | None, Meta(description="What `.grad` held before.")]
    holds: Annotated[GradientObject | None, Meta(description="What `.grad` holds after.")]


class BackwardObject(Struct, frozen=True):
    """One backward pass, node by node in the order in which it ran."""

    seq: int
    step: Annotated[int, Meta(description="Index of the statement in `steps`.")]
    line: int
    expression: str
    call: str
    roots: tuple[str | None, ...]
    root_nodes: tuple[int | None, ...]
    retain_graph: bool
    create_graph: bool
    nodes: tuple[PassedNodeObject, ...]
    leaves: tuple[LeafObject, ...]
    freed: Annotated[tuple[int, ...], Meta(description="Nodes whose saved values this pass freed.")]
    omitted: int
    unread: str | None
    error: str | None
    hit: Annotated[int, Meta(description="Which pass from this place it is in the statement, of `hits`.")]
    hits: int
    inner: Annotated[bool, Meta(description="It ran inside another pass: in a checkpoint or a hook.")]


class ArgumentObject(Struct, frozen=True):
    """One argument of a failed call."""

    place: Annotated[str, Meta(description="Place in torch's own order, or keyword.")]
    parameter: Annotated[str | None, Meta(description="Its name in torch's signature.")]
    expression: Annotated[str | None, Meta(description="The learner's words; null where there are none.")]
    kind: str
    type: str
    value: Annotated[str | None, Meta(description="Short text of a plain value, as Python source.")]
    tensor: OperandObject | None
    items: Annotated[tuple[OperandObject, ...], Meta(description="Tensors in a list, tuple or dictionary.")]
    length: int | None
    low: Annotated[float | int | None, Meta(description="Smallest element, where that was looked at.")]
    high: float | int | None


class LayerObject(Struct, frozen=True):
    """The module that was called, or whose method was."""

    type: str
    path: Annotated[str | None, Meta(description="The learner's path of it: `model.net[2]`.")]
    settings: Annotated[dict[str, str], Meta(description='Plain attributes: `{"in_features": "3"}`.')]
    tensors: dict[str, OperandObject]
    training: bool | None


class FailedObject(Struct, frozen=True):
    """The call of torch or numpy that raised."""

    name: Annotated[str, Meta(description="Public name, the same for all forms: `torch.matmul` of `a @ b`.")]
    form: str
    expression: str
    arguments: tuple[ArgumentObject, ...]
    module: LayerObject | None
    signatures: tuple[str, ...]
    inner: Annotated[FailedObject | None, Meta(description="What was at fault deeper inside of it.")]


class ErrorObject(Struct, frozen=True):
    """Why the run ended before its end."""

    type: str
    message: str
    line: int
    traceback: str
    explanation: Explanation | None
    failed: FailedObject | None


class Document(Struct, frozen=True):
    """All of it."""

    ok: bool
    device: str
    torch: str
    steps: tuple[StepObject, ...]
    error: ErrorObject | None
    graphs: dict[str, GraphObject]
    replay: tuple[BackwardObject, ...]
    simulated: Annotated[
        bool | UnsetType, Meta(description="True where `device` is simulated; missing otherwise.")
    ] = UNSET
    preamble: str | UnsetType = UNSET
    replay_omitted: int | UnsetType = UNSET


def json_schema() -> bytes:
    """The JSON Schema of the whole object."""
    return msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Document)), indent=2)
