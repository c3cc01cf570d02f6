"""Collects a run step by step and writes it as one JSON object."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import IO, BinaryIO, Self

import msgspec
from msgspec import UNSET, UnsetType

from tutor.contract.objects import (
    backward_object,
    count_objects,
    failed_object,
    graph_object,
    operation_object,
    tensor_object,
    written_objects,
)
from tutor.contract.schema import ErrorObject, StepObject
from tutor.explain import Past, explain_error, explain_step, take_troubles
from tutor.facts import ErrorFacts, Explanation, GraphFacts, Ready, Snapshot, Step, TensorFacts, is_simulated

#: Names in one step, and names in all steps together before each step is cut to `FEW_NAMES`.
MOST_NAMES = 1_000
MOST_ENTRIES = 500_000
FEW_NAMES = 100
#: Operations in all steps together, and nodes of backward passes; what comes later is only counted.
MOST_OPERATIONS = 20_000
MOST_NODES = 50_000
_SPOOL = 64 << 20

_encode = msgspec.json.Encoder().encode


class _Step(StepObject, frozen=True, kw_only=True):
    """A step whose tensors are encoded already: most are those of the step before."""

    tensors: dict[str, msgspec.Raw]  # type: ignore[assignment]
    arrays: dict[str, msgspec.Raw] | UnsetType = UNSET  # type: ignore[assignment]


class Contract:
    """Collects steps as they end and writes the one object at the end.

    Steps are kept as bytes, on disk beyond 64 MiB: a long script costs no memory."""

    def __init__(self) -> None:
        self._steps = tempfile.SpooledTemporaryFile(max_size=_SPOOL)  # noqa: SIM115 (closed by __exit__)
        self._replay = tempfile.SpooledTemporaryFile(max_size=_SPOOL)  # noqa: SIM115 (closed by __exit__)
        self._count = 0
        self._operations = 0
        #: Nodes of the backward passes so far, and passes that were left out.
        self._passed = self._passes_omitted = 0
        self._entries = 0
        self._encoded: dict[str, tuple[TensorFacts, bytes]] = {}
        self._last: tuple[Step, Snapshot] | None = None
        self._past = Past()
        self._label: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._steps.close()
        self._replay.close()

    def begin(self, label: str | None, past: Past) -> None:
        """What comes now belongs to the lesson's step of this id, and ran after `past`."""
        self._last, self._label, self._past = None, label, past

    def add(self, step: Step, before: Snapshot) -> None:
        """Encode one step."""
        label = self._label
        names = chosen_names(step, FEW_NAMES if self._entries > MOST_ENTRIES else MOST_NAMES)
        self._entries += len(names)
        if self._last is not None:
            self._past.add(self._last[0])
        self._last = (step, before)
        tensors = step.snapshot.tensors
        arrays = [name for name in names if tensors[name].kind == "ndarray"]
        operations = step.operations[: max(0, MOST_OPERATIONS - self._operations)]
        self._operations += len(operations)
        told, failed = _explained(step, before, self._past)
        omitted = step.snapshot.omitted + len(tensors) - len(names)
        record = _Step(
            line=step.line,
            end_line=step.end_line,
            source=step.source,
            stdout=step.stdout,
            result=step.result,
            warnings=step.warnings,
            tensors=self._table(tensors[name] for name in names if tensors[name].kind != "ndarray"),
            sharing=sharing_groups(step.snapshot, frozenset(names)),
            operations=tuple(map(operation_object, operations)),
            written=tuple(written_objects(step, before, frozenset(names))),
            explanations=told,
            lesson_step=label if label is not None else UNSET,
            stdout_elided=step.stdout_elided or UNSET,
            arrays=self._table(tensors[name] for name in arrays) or UNSET,
            operation_counts=count_objects(step) or UNSET,
            unwatched=step.unwatched or UNSET,
            explanations_failed=failed or UNSET,
            tensors_omitted=omitted or UNSET,
            transfers=step.transfers or UNSET,
            memory=step.device if step.device is not None else UNSET,
            operations_omitted=len(step.operations) - len(operations) or UNSET,
            containers_omitted=step.snapshot.beyond or UNSET,
        )
        self._steps.write((b",\n" if self._count else b"") + _encode(record))
        self._add_passes(step)
        self._count += 1

    def _add_passes(self, step: Step) -> None:
        for backward in step.backwards:
            if self._passed + len(backward.nodes) > MOST_NODES:
                self._passes_omitted += 1
                continue
            self._passed += len(backward.nodes)
            self._replay.write(
                (b"," if self._replay.tell() else b"") + _encode(backward_object(backward, self._count))
            )

    def write(
        self,
        out: BinaryIO,
        ready: Ready | None,
        device: str,
        error: ErrorFacts | None,
        graphs: dict[str, GraphFacts],
    ) -> None:
        """Write the object: `ready` is None when the kernel never got that far."""
        head: dict[str, object] = {"ok": error is None}
        head["device"] = ready.device if ready else device
        if is_simulated(str(head["device"])):
            head["simulated"] = True
        head["torch"] = ready.torch if ready else _installed_torch()
        if ready is not None and ready.preamble is not None:
            head["preamble"] = ready.preamble
        out.write(_encode(head)[:-1] + b',"steps":[')
        _copy(self._steps, out)
        out.write(b'],"error":' + _encode(self._error(error)) + b',"graphs":')
        named = {name: graph_object(graph) for name, graph in graphs.items() if is_plain(name)}
        out.write(_encode(named) + b',"replay":[')
        _copy(self._replay, out)
        out.write(b"]")
        if self._passes_omitted:
            out.write(b',"replay_omitted":' + _encode(self._passes_omitted))
        out.write(b"}\n")
        out.flush()

    def _error(self, error: ErrorFacts | None) -> ErrorObject | None:
        if error is None:
            return None
        explanation: Explanation | None = None
        if self._last is not None and self._last[0].error is not None:
            explanation = explain_error(*self._last, self._past)
        failed = None if error.failed is None else failed_object(error.failed)
        return ErrorObject(error.type, error.message, error.line, error.traceback, explanation, failed)

    def _table(self, facts: Iterable[TensorFacts]) -> dict[str, msgspec.Raw]:
        """Objects by name; what did not change since the last step is not encoded again."""
        table = {}
        for one in facts:
            known = self._encoded.get(one.name)
            if known is None or known[0] is not one:
                known = self._encoded[one.name] = (one, _encode(tensor_object(one)))
            table[one.name] = msgspec.Raw(known[1])
        return table


def _explained(step: Step, before: Snapshot, past: Past) -> tuple[tuple[Explanation, ...], str]:
    """The explanations of a step. Should a rule fail, that is said, and costs none of the facts."""
    take_troubles()
    return explain_step(step, before, past), "; ".join(take_troubles())


def _copy(source: IO[bytes], target: BinaryIO) -> None:
    source.seek(0)
    while chunk := source.read(1 << 20):
        target.write(chunk)


def chosen_names(step: Step, most: int) -> list[str]:
    """All names in the namespace's order, or the `most` that matter: changed first, then newest.

    Names come before paths such as `lin.weight` or `batch["x"]`."""
    names = list(step.snapshot.tensors)
    if len(names) <= most:
        return names
    changed = [change.name for change in step.changes if change.name in step.snapshot.tensors]
    ranked = dict.fromkeys([*changed, *reversed(names)])
    return sorted(ranked, key=lambda name: not name.isidentifier())[:most]


def is_plain(name: str) -> bool:
    """Whether `name` is a public variable and not a path such as `lin.weight`."""
    return name.isidentifier() and name[0] != "_"


def sharing_groups(snapshot: Snapshot, names: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of plain public names; paths such as `lin.weight` follow from their owners."""
    groups = []
    for group in snapshot.sharing:
        plain = tuple(name for name in group if name in names and is_plain(name))
        if len(plain) > 1:
            groups.append(plain)
    return tuple(groups)


def _installed_torch() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""
