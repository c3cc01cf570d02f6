"""Values that autograd needs as they were: leaves that may not be changed in place."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import (
    Write,
    failing,
    raised,
    wrap,
    writes,
)
from tutor.explain.wording import fill
from tutor.facts import Explanation, Snapshot, Step, TensorFacts

# ── leaf-in-place ────────────────────────────────────────────────────────────

#: Methods that overwrite values whatever they were: setting up, not computing.
_SETTING = frozenset(
    {"zero_", "fill_", "copy_", "normal_", "uniform_", "random_", "exponential_", "bernoulli_"}
)

_LEAF_TITLE = "`{leaf}` requires grad and cannot be changed in place while autograd records"
_LEAF = """
`{leaf}` is a leaf: a computation starts from its values and backward collects its gradient, so autograd
refuses to have the values overwritten while it records. {view} {choice}
"""
_LEAF_VIEW = "`{through}` is a view of it, with the same memory."
_LEAF_SET = """
This statement sets new values, which is no part of what is to be differentiated: put it under
`with torch.no_grad():`. Writing `{leaf} = {leaf} - ...` instead would make `{leaf}` a new tensor that is no
leaf and keeps no gradient.
"""
_LEAF_CHOICE = """
If you mean to set new values, put the statement under `with torch.no_grad():`. If the change is part of the
computation to differentiate, make it in a copy that autograd records: `changed = {leaf}.clone()`.
"""


@failure
def leaf_in_place(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a leaf that requires grad, or a view of one, was to be changed while autograd records."""
    told = raised(step, "leaf Variable that requires grad is being used in an in-place")
    found = failing(step) if told else None
    if found is None:
        return None
    written = [
        (write, leaf)
        for write in writes(found.nodes, found.tensors)
        if (leaf := _leaf_of(write.name, found.tensors)) is not None
    ]
    if len(written) != 1:
        return None
    write, leaf = written[0]
    sets = _sets_values(write)
    text = fill(
        _LEAF,
        leaf=leaf.name,
        view=fill(_LEAF_VIEW, through=write.name) if leaf.name != write.name else "",
        choice=fill(_LEAF_SET if sets else _LEAF_CHOICE, leaf=leaf.name),
    )
    fix = found.changed(wrap(found.source, found.statement, "with torch.no_grad():")) if sets else None
    names = tuple(dict.fromkeys((leaf.name, write.name)))
    return Explanation("leaf-in-place", "error", fill(_LEAF_TITLE, leaf=leaf.name), text, fix, names)


def _leaf_of(name: str, tensors: Mapping[str, TensorFacts]) -> TensorFacts | None:
    """The leaf that a write through `name` changes: itself, or the one leaf on the same storage."""
    facts = tensors[name]
    if facts.is_leaf:
        return facts if facts.requires_grad else None
    if facts.storage is None:
        return None
    leaves = [t for t in tensors.values() if t.storage == facts.storage and t.is_leaf and t.requires_grad]
    if len({leaf.object for leaf in leaves}) != 1:
        return None
    return min(leaves, key=lambda leaf: not leaf.name.isidentifier())


def _sets_values(write: Write) -> bool:
    """Whether the write is surely an update of values, not a step of what is to be differentiated."""
    reads_grad = any(isinstance(node, ast.Attribute) and node.attr == "grad" for node in ast.walk(write.node))
    return reads_grad or write.method in _SETTING
