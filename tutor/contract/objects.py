"""Facts as the objects of the contract."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import UNSET

from tutor.contract.schema import (
    ArgumentObject,
    BackwardObject,
    CountObject,
    FailedObject,
    GradientObject,
    GradObject,
    GraphObject,
    LayerObject,
    LeafObject,
    NodeObject,
    OperandObject,
    OperationObject,
    OriginObject,
    PassedNodeObject,
    TensorObject,
    WriteObject,
    WrittenObject,
)
from tutor.explain.verdicts import ruling
from tutor.facts import (
    Argument,
    BackwardFacts,
    FailedCall,
    GradientFacts,
    GraphFacts,
    LayerFacts,
    LeafGradient,
    Operand,
    OpFacts,
    Origin,
    Snapshot,
    Step,
    TensorFacts,
)


def tensor_object(facts: TensorFacts) -> TensorObject:
    """One entry of `tensors` or `arrays`."""
    return TensorObject(
        shape=facts.shape,
        stride=facts.stride,
        dtype=facts.dtype,
        device=facts.device,
        offset=facts.offset,
        storage=facts.storage,
        data_ptr=facts.data_ptr,
        numel=facts.numel,
        is_contiguous=facts.is_contiguous,
        requires_grad=facts.requires_grad,
        is_leaf=facts.is_leaf,
        grad_fn=facts.grad_fn,
        retains_grad=facts.retains_grad,
        grad=None if facts.grad is None else GradObject(facts.grad),
        version=facts.version,
        kind=facts.kind,
        type=facts.type,
        block=facts.block,
        provenance=_origin(facts.origin),
        passes=facts.passes,
        unread=facts.unread if facts.unread is not None else UNSET,
    )


def _origin(origin: Origin | None) -> OriginObject | None:
    if origin is None:
        return None
    return OriginObject(
        origin.line,
        origin.expression,
        origin.operation,
        origin.filename,
        origin.seq,
        origin.within or UNSET,
    )


# ── operations ───────────────────────────────────────────────────────────────


def operation_object(op: OpFacts) -> OperationObject:
    """One entry of `operations`."""
    said = ruling(op)
    wrote = tuple(
        WriteObject(op.ins[w.argument].name or None, w.argument, w.before, w.after)
        for w in op.wrote
        if w.argument < len(op.ins)
    )
    return OperationObject(
        seq=op.seq,
        line=op.line,
        expression=op.part or op.expression,
        source=op.expression,
        name=op.name,
        function=op.function,
        ins=tuple(map(_operand, op.ins)),
        outs=tuple(map(_operand, op.outs)),
        verdict=op.verdict,
        of=said.of or None,
        why=said.why,
        wrote=wrote,
        hit=op.hit,
        within=op.within or UNSET,
        error=op.error if op.error is not None else UNSET,
    )


def _operand(operand: Operand) -> OperandObject:
    return OperandObject(
        name=operand.name or None,
        place=operand.place,
        shape=operand.shape,
        stride=operand.stride,
        offset=operand.offset,
        dtype=operand.dtype,
        device=operand.device,
        storage=operand.storage,
        requires_grad=operand.requires_grad,
        is_leaf=operand.is_leaf,
        grad_fn=operand.grad_fn,
        version=operand.version,
    )


def count_objects(step: Step) -> tuple[CountObject, ...]:
    """Entries of `operation_counts`: operations of which not every call is told."""
    told: dict[tuple[int, str, str, str], int] = {}
    for op in step.operations:
        key = (op.line, op.part, op.name, op.within)
        told[key] = told.get(key, 0) + 1
    return tuple(
        CountObject(one.line, one.part, one.name, one.count, one.within or UNSET)
        for one in step.counts
        if one.count > told.get((one.line, one.part, one.name, one.within), 0)
    )


def written_objects(step: Step, before: Snapshot, names: Collection[str]) -> Iterator[WrittenObject]:
    """Entries of `written`: memory that was there before, or that holds gradients which were added to."""
    changed = {change.name for change in step.changes if change.kind == "written"}
    for block, storage in step.snapshot.storages.items():
        known = block in before.storages
        unknown = storage.written is None and not changed.isdisjoint(storage.residents)
        if not known or not (storage.written or unknown):
            continue
        seqs = (op.seq for op in step.operations if _writes(op, storage.storages))
        yield WrittenObject(
            block=block,
            storages=storage.storages,
            names=tuple(name for name in storage.residents if name in names),
            dtype=storage.dtype,
            ranges=storage.written,
            operations=tuple(seqs),
        )


def _writes(op: OpFacts, storages: Collection[int]) -> bool:
    return any(w.argument < len(op.ins) and op.ins[w.argument].storage in storages for w in op.wrote)


# ── errors ───────────────────────────────────────────────────────────────────


def failed_object(call: FailedCall) -> FailedObject:
    """`failed` of an error."""
    return FailedObject(
        name=call.name,
        form=call.form,
        expression=call.expression,
        arguments=tuple(map(_argument, call.arguments)),
        module=None if call.module is None else _layer(call.module),
        signatures=call.signatures,
        inner=None if call.inner is None else failed_object(call.inner),
    )


def _argument(argument: Argument) -> ArgumentObject:
    return ArgumentObject(
        place=argument.place,
        parameter=argument.parameter or None,
        expression=argument.text or None,
        kind=argument.kind,
        type=argument.type,
        value=argument.value,
        tensor=None if argument.operand is None else _operand(argument.operand),
        items=tuple(map(_operand, argument.items)),
        length=argument.length,
        low=argument.low,
        high=argument.high,
    )


def _layer(layer: LayerFacts) -> LayerObject:
    tensors = {name: _operand(one) for name, one in layer.tensors.items()}
    return LayerObject(layer.type, layer.path or None, layer.settings, tensors, layer.training)


# ── graphs, backward ─────────────────────────────────────────────────────────


def graph_object(graph: GraphFacts) -> GraphObject:
    """One entry of `graphs`."""
    nodes = tuple(
        NodeObject(
            id=node.id,
            name=node.name,
            variable=node.variable,
            saved=node.saved,
            tensors=node.tensors,
            freed=node.freed,
            overwritten=node.overwritten,
            hooks=node.hooks,
            number=node.number,
            made=_origin(node.origin),
        )
        for node in graph.nodes
    )
    if graph.truncated:
        return GraphObject(nodes, graph.edges, True, graph.total_nodes)
    return GraphObject(nodes, graph.edges)


def backward_object(facts: BackwardFacts, step: int) -> BackwardObject:
    """One entry of `replay`."""
    nodes = tuple(
        PassedNodeObject(
            node=node.node,
            name=node.name,
            variable=node.variable,
            incoming=tuple(map(_gradient, node.incoming)),
            outgoing=tuple(map(_gradient, node.outgoing)),
            followers=node.followers,
        )
        for node in facts.nodes
    )
    return BackwardObject(
        seq=facts.seq,
        step=step,
        line=facts.line,
        expression=facts.expression,
        call=facts.call,
        roots=facts.roots,
        root_nodes=facts.root_nodes,
        retain_graph=facts.retain_graph,
        create_graph=facts.create_graph,
        nodes=nodes,
        leaves=tuple(map(_leaf, facts.leaves)),
        freed=facts.freed,
        omitted=facts.omitted,
        unread=facts.unread,
        error=facts.error,
        hit=facts.hit,
        hits=facts.hits,
        inner=facts.inner,
    )


def _leaf(leaf: LeafGradient) -> LeafObject:
    in_place = leaf.storage_before is not None and leaf.storage_before == leaf.storage_after
    return LeafObject(
        leaf.name,
        leaf.before,
        leaf.after,
        in_place,
        leaf.passes,
        *map(_gradient, (leaf.gradient, leaf.held, leaf.holds)),
    )


def _gradient(gradient: GradientFacts | None) -> GradientObject | None:
    if gradient is None:
        return None
    return GradientObject(
        shape=gradient.shape,
        dtype=gradient.dtype,
        values=gradient.values,
        partial=gradient.partial,
        norm=gradient.norm,
        broken=gradient.broken,
    )
