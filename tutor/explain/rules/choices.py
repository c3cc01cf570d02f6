"""Classes that are chosen along the wrong dimension, rates that change at the wrong time."""

from __future__ import annotations

from tutor.explain.engine import outcome
from tutor.explain.flow import Flow, first_of, number_at
from tutor.explain.past import Past
from tutor.explain.reading import statement_of
from tutor.explain.wording import fill, phrase, shape_text
from tutor.facts import Explanation, Operand, OpFacts, Snapshot, Step

# ── wrong-argmax ─────────────────────────────────────────────────────────────

_ARGMAX_TITLE = "`{code}` does not choose a class for each sample"
_ARGMAX = """
`{scores}` is {shape}: {samples} samples with {classes} scores each. {what} `{compared}` then compares
that with {labels} labels, and no error tells. The class of each sample is where its own row is largest:
`argmax(dim=1)`, or `dim=-1`.
"""
_MATRIX = "the matrix"
_LABELS_NAMED = "`{name}`, the {count}"
_LABELS = "the {count}"
_ALL = """
Without `dim`, `{code}` looks for the largest number of all and gives one position in the whole, counted
through all rows.
"""
_DOWN = "`{code}` goes down the columns: it gives the sample with the largest score for each class."
_LAYER = frozenset({"linear", "matmul", "addmm", "softmax", "log_softmax", "sigmoid", "conv2d", "relu"})


@outcome
def wrong_argmax(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when labels, one for each row of a matrix, were compared with its argmax over everything, or
    with its argmax along the columns where a layer made it and it has as many rows as columns."""
    flow = Flow(step, past)
    for op in flow.calls({"eq", "ne"}):
        first, second = first_of(op, "0"), first_of(op, "1", "other")
        if first is None or second is None:
            continue
        for chosen, labels in ((first, second), (second, first)):
            made = flow.source(chosen)
            if made is None or made.op.name != "argmax" or not made.op.ins:
                continue
            scores, shape = made.op.ins[0], made.op.ins[0].shape or ()
            dim = number_at(made.op, "1", "dim")
            if len(shape) != 2 or labels.shape != (shape[0],) or shape[0] < 2:
                continue
            over_all = dim is None and chosen.shape == () and "dim" not in made.op.plain
            if not over_all and not (dim in (0, -2) and _is_scores(flow, scores)):
                continue
            return _told(flow, op, made.op, labels, over_all)
    return None


def _is_scores(flow: Flow, operand: Operand) -> bool:
    made = flow.source(operand)
    return made is not None and made.op.name in _LAYER


def _told(flow: Flow, op: OpFacts, made: OpFacts, labels: Operand, over_all: bool) -> Explanation:
    scores, shape = made.ins[0], made.ins[0].shape or (0, 0)
    text = fill(
        _ARGMAX,
        scores=scores.name or phrase(_MATRIX),
        shape=shape_text(shape),
        samples=shape[0],
        classes=shape[1],
        what=fill(_ALL if over_all else _DOWN, code=made.expression),
        compared=op.expression,
        labels=phrase(_LABELS_NAMED if labels.name else _LABELS, name=labels.name, count=shape[0]),
    )
    node = flow.own(made)
    better = None
    if made.expression.endswith(".argmax()"):
        better = f"{made.expression[:-1]}dim=1)"
    elif made.expression.endswith((".argmax(0)", ".argmax(dim=0)")):
        better = f"{made.expression.rpartition('(')[0]}(dim=1)"
    fix = flow.fixed(node, better) if node is not None and better is not None else None
    names = (scores.name,) if scores.name in flow.step.snapshot.tensors else ()
    title = fill(_ARGMAX_TITLE, code=made.expression)
    return Explanation("wrong-argmax", "warning", title, text, fix, names)


# ── scheduler-first ──────────────────────────────────────────────────────────

_FIRST_TITLE = "The scheduler stepped before the optimizer"
_FIRST = """
At {at} the learning rate was changed before the optimizer had made its first step with it, so the first
rate of the schedule is never used, and all others come one round early. In each round, step the optimizer
first, and the scheduler after it.
"""


@outcome
def scheduler_first(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when torch found that a scheduler stepped before its optimizer ever did."""
    told = next(
        (one for one in step.warnings if "lr_scheduler.step()` before `optimizer.step" in one.message), None
    )
    if told is None or statement_of(step) is None:
        return None
    text = fill(_FIRST, at=past.now(step).at_line(told.line))
    return Explanation("scheduler-first", "warning", _FIRST_TITLE, text)
