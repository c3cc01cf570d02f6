"""Histories that are lost without an error: copies of the numbers alone, backward from a leaf."""

from __future__ import annotations

from tutor.explain.engine import outcome
from tutor.explain.flow import Flow
from tutor.explain.past import Past
from tutor.explain.repairs import closed_text
from tutor.explain.severed import severed
from tutor.explain.wording import code_list, fill
from tutor.facts import Explanation, Snapshot, Step

# ── history-dropped ──────────────────────────────────────────────────────────

_TITLE = "`{code}` keeps the numbers and drops the history"
_TEXT = """
{given} {require} grad, and `{code}` makes a new tensor of the numbers alone: no gradient goes from it
back to {given}. {leaf} {how}
"""
_LEAF = "With `requires_grad=True` it gets a gradient of its own, which is that of no parameter."
_HOW_ONE = """
To go on computing with its history, use `{name}` itself, or `{closed}.clone()`. If the numbers alone are
meant, `{closed}.detach().clone()` says so, and torch does not warn.
"""
_HOW_MANY = "`torch.stack([...])` puts tensors together and keeps their history."
_WHAT_GIVEN = "What it was given"


@outcome
def history_dropped(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when torch.tensor, or what is like it, was given tensors that require grad."""
    flow = Flow(step, past)
    for op in flow.calls({"tensor", "new_tensor"}):
        given = [
            one for one in op.ins if one.requires_grad and not (op.name == "new_tensor" and one.place == "0")
        ]
        if not given or not op.outs or op.within or not op.grad_enabled:
            continue
        names = [one.name for one in given if one.name]
        single = given[0].place in ("0", "1", "data")
        one = fill(_HOW_ONE, name=names[0], closed=closed_text(names[0])) if names else ""
        how = one if single else _HOW_MANY
        text = fill(
            _TEXT,
            given=code_list(names) if names else _WHAT_GIVEN,
            require="requires" if len(names) < 2 else "require",
            code=op.expression,
            leaf=_LEAF if op.outs[0].requires_grad else "",
            how=how,
        )
        told = tuple(name for name in names if name in step.snapshot.tensors)
        return Explanation("history-dropped", "warning", fill(_TITLE, code=op.expression), text, None, told)
    return None


# ── backward-from-leaf ───────────────────────────────────────────────────────

_FROM_TITLE = "`{code}` began at a leaf and reached nobody else"
_FROM = """
{name} has no history: it was not computed from anything that requires grad, it only requires grad itself.
backward gave it a gradient of its own, 1 for each element, and no parameter got any. {why} Setting
`requires_grad=True` on a loss silences the error and does not bring the history back.
"""
_WHY = "The history ends at {at}: `{code}` {reason}."
_BEGINNING = "What it began at"


@outcome
def backward_from_leaf(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a backward pass began at a leaf, so that this is all that it reached."""
    for one in step.backwards:
        alone = len(one.nodes) == 1 and one.nodes[0].name == "AccumulateGrad" and not one.omitted
        if not alone or len(one.leaves) != 1 or one.call != "backward" or one.error is not None:
            continue
        flow = Flow(step, past)
        found = severed(flow.lineage, one.leaves[0].object)
        why = ""
        if found is not None:
            why = fill(_WHY, at=found.deed.at, code=found.deed.words, reason=found.why)
        name = next((root for root in one.roots if root), None) or one.leaves[0].name
        text = fill(_FROM, name=f"`{name}`" if name else _BEGINNING, why=why)
        names = (name,) if name and name in step.snapshot.tensors else ()
        title = fill(_FROM_TITLE, code=one.expression or "backward()")
        return Explanation("backward-from-leaf", "warning", title, text, None, names)
    return None
