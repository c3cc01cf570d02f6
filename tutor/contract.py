"""The one JSON object that `torchtutor inspect --json` prints."""

from __future__ import annotations

import contextlib
import tempfile
from importlib.metadata import PackageNotFoundError, version
from typing import Any, BinaryIO, Self

import msgspec

from tutor.explain import Past, explain_error, explain_step
from tutor.facts import ErrorFacts, Explanation, GraphFacts, Ready, Snapshot, Step, TensorFacts

#: Names in one step, and names in all steps together before each step is cut to `FEW_NAMES`.
MOST_NAMES = 1_000
MOST_ENTRIES = 500_000
FEW_NAMES = 100
_SPOOL = 64 << 20

_encode = msgspec.json.Encoder().encode


class Contract:
    """Collects steps as they end and writes the one object at the end.

    Steps are kept as bytes, on disk beyond 64 MiB: a long script costs no memory."""

    def __init__(self) -> None:
        self._steps = tempfile.SpooledTemporaryFile(max_size=_SPOOL)  # noqa: SIM115 (closed by __exit__)
        self._count = 0
        self._entries = 0
        self._encoded: dict[str, tuple[TensorFacts, bytes]] = {}
        self._last: tuple[Step, Snapshot] | None = None
        self._past = Past()
        self._label: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._steps.close()

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
        record: dict[str, Any] = {
            **({} if label is None else {"lesson_step": label}),
            "line": step.line,
            "end_line": step.end_line,
            "source": step.source,
            "stdout": step.stdout,
            **({"stdout_elided": step.stdout_elided} if step.stdout_elided else {}),
            "result": step.result,
            "warnings": step.warnings,
            "tensors": self._table(tensors[name] for name in names if tensors[name].kind != "ndarray"),
            **({"arrays": self._table(tensors[name] for name in arrays)} if arrays else {}),
            "sharing": sharing_groups(step.snapshot, frozenset(names)),
            **_explained(step, before, self._past),
        }
        omitted = step.snapshot.omitted + len(tensors) - len(names)
        if omitted:
            record["tensors_omitted"] = omitted
        if step.snapshot.beyond:
            record["containers_omitted"] = step.snapshot.beyond
        self._steps.write((b",\n" if self._count else b"") + _encode(record))
        self._count += 1

    def write(
        self,
        out: BinaryIO,
        ready: Ready | None,
        device: str,
        error: ErrorFacts | None,
        graphs: dict[str, GraphFacts],
    ) -> None:
        """Write the object: `ready` is None when the kernel never got that far."""
        head: dict[str, Any] = {"ok": error is None}
        head["device"] = ready.device if ready else device
        head["torch"] = ready.torch if ready else _installed_torch()
        if ready is not None and ready.preamble is not None:
            head["preamble"] = ready.preamble
        out.write(_encode(head)[:-1] + b',"steps":[')
        self._steps.seek(0)
        while chunk := self._steps.read(1 << 20):
            out.write(chunk)
        out.write(b'],"error":' + _encode(self._error(error)) + b',"graphs":')
        named = {name: graph_object(graph) for name, graph in graphs.items() if is_plain(name)}
        out.write(_encode(named) + b"}\n")
        out.flush()

    def _error(self, error: ErrorFacts | None) -> dict[str, Any] | None:
        if error is None:
            return None
        explanation: Explanation | None = None
        if self._last is not None and self._last[0].error is not None:
            with contextlib.suppress(Exception):  # said in the step's `explanations_failed`
                explanation = explain_error(*self._last, self._past)
        return {
            "type": error.type,
            "message": error.message,
            "line": error.line,
            "traceback": error.traceback,
            "explanation": explanation,
        }

    def _table(self, facts: Any) -> dict[str, msgspec.Raw]:
        """Objects by name; what did not change since the last step is not encoded again."""
        table = {}
        for one in facts:
            known = self._encoded.get(one.name)
            if known is None or known[0] is not one:
                known = self._encoded[one.name] = (one, _encode(tensor_object(one)))
            table[one.name] = msgspec.Raw(known[1])
        return table


def _explained(step: Step, before: Snapshot, past: Past) -> dict[str, Any]:
    """The explanations of a step. Should a rule fail, that is said, and costs none of the facts."""
    try:
        return {"explanations": explain_step(step, before, past)}
    except Exception as error:
        return {"explanations": (), "explanations_failed": f"{type(error).__name__}: {error}"}


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


def sharing_groups(snapshot: Snapshot, names: frozenset[str]) -> list[list[str]]:
    """Groups of plain public names; paths such as `lin.weight` follow from their owners."""
    groups = []
    for group in snapshot.sharing:
        plain = [name for name in group if name in names and is_plain(name)]
        if len(plain) > 1:
            groups.append(plain)
    return groups


def tensor_object(facts: TensorFacts) -> dict[str, Any]:
    """One entry of `tensors` or `arrays`."""
    entry = {
        "shape": facts.shape,
        "stride": facts.stride,
        "dtype": facts.dtype,
        "device": facts.device,
        "offset": facts.offset,
        "storage": facts.storage,
        "data_ptr": facts.data_ptr,
        "numel": facts.numel,
        "is_contiguous": facts.is_contiguous,
        "requires_grad": facts.requires_grad,
        "is_leaf": facts.is_leaf,
        "grad_fn": facts.grad_fn,
        "retains_grad": facts.retains_grad,
        "grad": None if facts.grad is None else {"shape": facts.grad},
        "version": facts.version,
        "kind": facts.kind,
        "type": facts.type,
        "block": facts.block,
    }
    if facts.unread is not None:
        entry["unread"] = facts.unread
    return entry


def graph_object(graph: GraphFacts) -> dict[str, Any]:
    """One entry of `graphs`."""
    entry: dict[str, Any] = {
        "nodes": [
            {
                "id": node.id,
                "name": node.name,
                "variable": node.variable,
                "saved": node.saved,
                "tensors": node.tensors,
                "freed": node.freed,
            }
            for node in graph.nodes
        ],
        "edges": graph.edges,
    }
    if graph.truncated:
        entry.update(truncated=True, total_nodes=graph.total_nodes)
    return entry


def _installed_torch() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""
