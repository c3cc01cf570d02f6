"""Losses that are given what they do not expect: probabilities for scores, scores for probabilities."""

from __future__ import annotations

import ast
from math import e, log
from typing import Literal

from tutor.explain.engine import outcome
from tutor.explain.flow import Flow, first_of, number_at, one_line
from tutor.explain.lineage import Deed
from tutor.explain.past import Past
from tutor.explain.reading import path
from tutor.explain.wording import fill, phrase, shape_text
from tutor.facts import Explanation, OpFacts, Snapshot, Step

Kind = Literal["note", "warning"]
_PROBABILITIES = "probabilities"
_RAW = "raw scores"
_LAYER = frozenset({"linear", "matmul", "mm", "addmm", "bmm", "conv1d", "conv2d", "conv3d", "bilinear"})
_ACTIVATED = frozenset({"relu", "gelu", "dropout", "leaky_relu", "elu", "silu", "batch_norm", "layer_norm"})

# ── scores-expected ──────────────────────────────────────────────────────────

_TWICE_TITLE = "`{loss}` is given what `{made}` made, and applies {own} itself"
_TWICE = """
`{loss}` takes the raw scores of the last layer and applies {own} to them itself. Here it got the result of
`{made}` ({at}), numbers between 0 and 1, so the two are applied one after the other{consequence} Nothing
fails: the model learns slowly, and the loss stays far above 0 however sure it is. {how}
"""
_CROSS = """
: with {classes} classes the loss cannot fall below {floor:.3f}, even where every prediction is right.
"""
_BCE = """
: no result can be below 0.5, and the loss cannot fall below 0.313 where the target is 1, or 0.693 where it
is 0.
"""
_HOW = "Give it the scores, and leave `{made}` for when you want to read probabilities."

_OWN = {"cross_entropy": "log_softmax", "binary_cross_entropy_with_logits": "the sigmoid"}
_WRONG = {
    "cross_entropy": frozenset({"softmax", "sigmoid"}),
    "binary_cross_entropy_with_logits": frozenset({"sigmoid", "softmax"}),
}


@outcome
def scores_expected(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when cross_entropy or binary_cross_entropy_with_logits got what softmax or sigmoid gave."""
    flow = Flow(step, past)
    for op in flow.calls(_OWN):
        given = first_of(op, "0", "input")
        made = flow.source(given) if given is not None else None
        if given is None or made is None or made.op.name not in _WRONG[op.name]:
            continue
        consequence = _consequence(op, made, given.shape or ())
        text = fill(
            _TWICE,
            loss=_called(op),
            own=_OWN[op.name],
            made=_short(made.op),
            at=made.at,
            consequence=consequence or ".",
            how=fill(_HOW, made=_short(made.op)),
        )
        title = fill(_TWICE_TITLE, loss=_called(op), made=_short(made.op), own=_OWN[op.name])
        names = (given.name,) if given.name in step.snapshot.tensors else ()
        return Explanation("scores-expected", "warning", title, text, _without(flow, made), names)
    return None


def _consequence(op: OpFacts, made: Deed, shape: tuple[int, ...]) -> str:
    if op.name == "cross_entropy" and made.op.name == "softmax" and len(shape) > 1 and shape[1] > 1:
        floor = log((e + shape[1] - 1) / e)
        return fill(_CROSS, classes=shape[1], floor=floor)
    return fill(_BCE) if op.name != "cross_entropy" and made.op.name == "sigmoid" else ""


def _called(op: OpFacts) -> str:
    """The loss as the learner knows it: the class of the layer, or the function."""
    return op.within if op.within.endswith("Loss") else op.name


def _short(op: OpFacts) -> str:
    """The code of an operation, or where that is long its name."""
    return op.expression if 0 < len(op.expression) <= 40 else op.within or op.name


def _without(flow: Flow, made: Deed) -> str | None:
    """The step's code without the call that made probabilities, where the step makes them for the loss."""
    op = made.op
    node = flow.own(op) if made.code.order == flow.here.order and op.function == "<module>" else None
    if not isinstance(node, ast.Call) or op.within not in ("", "Softmax", "Sigmoid"):
        return None
    if len(list(flow.users(op.outs[0].object, op.seq))) != 1:
        return None  # probabilities are read elsewhere too
    taken = flow.argument(op, op.ins[0]) if op.ins else None
    inner = node.args[0] if op.within and node.args else taken
    if inner is None or (op.within and not _is_given(flow, made, inner)):
        return None  # the layer is inside of what was called
    code = ast.get_source_segment(flow.step.source, inner)
    return flow.fixed(node, code) if code is not None else None


def _is_given(flow: Flow, made: Deed, node: ast.expr) -> bool:
    """Whether the operation took just what this code gives."""
    given, text = made.op.ins[0], one_line(node, flow.step.source)
    maker = flow.lineage.maker(given.object)
    return given.name == text or (maker is not None and maker.op.expression == text)


# ── log-probabilities-expected ───────────────────────────────────────────────

_NLL_TITLE = "`{loss}` expects log-probabilities and is given {what}"
_NLL = """
`{loss}` only picks the number of the right class and turns its sign: it takes them for logarithms of
probabilities, as log_softmax gives them. Here it got {what}, from `{made}` ({at}), so the loss is no
likelihood and can fall without end below 0, or never come near it. {how}
"""
_NLL_SCORES = (
    "Use cross_entropy, which does both, or give it `log_softmax` of the scores over the class dimension."
)
_NLL_PROBABILITIES = "Use log_softmax where softmax stands, or cross_entropy on the scores themselves."


@outcome
def log_probabilities_expected(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when nll_loss got raw scores of a layer, or probabilities, where log-probabilities belong."""
    flow = Flow(step, past)
    for op in flow.calls({"nll_loss"}):
        given = first_of(op, "0", "input")
        made = flow.source(given) if given is not None else None
        if given is None or made is None:
            continue
        probabilities = made.op.name in ("softmax", "sigmoid")
        if not probabilities and made.op.name not in _LAYER | _ACTIVATED:
            continue
        what = phrase(_PROBABILITIES if probabilities else _RAW)
        how = _NLL_PROBABILITIES if probabilities else _NLL_SCORES
        text = fill(_NLL, loss=_called(op), what=what, made=_short(made.op), at=made.at, how=how)
        fix = None
        node = flow.own(op)
        if not probabilities and not op.within and isinstance(node, ast.Call) and op.expression:
            function = ast.get_source_segment(step.source, node.func) or ""
            if function.endswith(".nll_loss"):
                fix = flow.fixed(node.func, function.removesuffix("nll_loss") + "cross_entropy")
        names = (given.name,) if given.name in step.snapshot.tensors else ()
        title = fill(_NLL_TITLE, loss=_called(op), what=what)
        return Explanation("log-probabilities-expected", "warning", title, text, fix, names)
    return None


# ── softmax-over-batch ───────────────────────────────────────────────────────

_BATCH_TITLE = "`{code}` goes over the batch, not over the classes"
_BATCH = """
`{code}` makes the numbers along dimension 0 of {shape} add up to 1: that is across the {rows} samples of
the batch, so each sample's result depends on the others. {use} For probabilities of each sample take the
last dimension: `dim=1`, or `dim=-1`.
"""
_USED = "`{user}` then reads each row as one sample."
_USERS = frozenset(
    {"nll_loss", "cross_entropy", "kl_div", "mse_loss", "binary_cross_entropy", "argmax", "max"}
)


@outcome
def softmax_over_batch(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when softmax over dimension 0 of a matrix went, row by row, into a loss or an argmax."""
    flow = Flow(step, past)
    for user in flow.calls(_USERS):
        given = first_of(user, "0", "input")
        by_rows = user.name not in ("argmax", "max") or number_at(user, "1", "dim") in (1, -1)
        made = flow.source(given) if given is not None and by_rows else None
        if made is not None and made.op.name == "log" and made.op.ins:
            made = flow.source(made.op.ins[0])
        if made is None or made.op.name not in ("softmax", "log_softmax") or not made.op.ins:
            continue
        op, shape = made.op, made.op.ins[0].shape or ()
        if _dimension(flow, op) not in (0, -2) or len(shape) != 2 or min(shape) < 2:
            continue
        use = fill(_USED, user=_short(user))
        text = fill(_BATCH, code=op.expression, shape=shape_text(shape), rows=shape[0], use=use)
        names = (op.ins[0].name,) if op.ins[0].name in step.snapshot.tensors else ()
        title = fill(_BATCH_TITLE, code=op.expression)
        return Explanation("softmax-over-batch", "warning", title, text, _other_dimension(flow, made), names)
    return None


def _dimension(flow: Flow, op: OpFacts) -> int | None:
    """The dimension, of a layer by the code that makes the only layers of its kind."""
    given = number_at(op, "dim", "1")
    if given is not None or op.within not in ("Softmax", "LogSoftmax"):
        return given
    every = (node for code in flow.around for root in code.tree for node in ast.walk(root))
    made = [n for n in every if isinstance(n, ast.Call) and (path(n.func) or "").split(".")[-1] == op.within]
    found = {ast.unparse(one) for n in made for one in (*n.args, *(word.value for word in n.keywords))}
    return int(found.pop()) if found in ({"0"}, {"-2"}) and made else None


def _other_dimension(flow: Flow, made: Deed) -> str | None:
    node = flow.own(made.op) if made.code.order == flow.here.order else None
    if not isinstance(node, ast.Call):
        return None
    written = [word.value for word in node.keywords if word.arg == "dim"] or node.args[-1:]
    text = ast.get_source_segment(flow.step.source, written[0]) if written else None
    return flow.fixed(written[0], "1") if text in ("0", "-2") else None


# ── implicit-dimension ───────────────────────────────────────────────────────

_IMPLICIT_TITLE = "`{code}` does not say over which dimension, and takes dimension {dim}"
_IMPLICIT = """
Without `dim`, {name} takes dimension 0 of tensors with 1 or 3 dimensions and dimension 1 of all others: of
{shape} that is dimension {dim}, so these {size} numbers add up to 1 for each place in the rest. torch means
to do away with this choice and warns of it. Write `dim=-1` for the last dimension, or the one you mean.
"""


@outcome
def implicit_dimension(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when softmax, log_softmax or softmin was called without `dim` and torch had to choose one."""
    if not any("Implicit dimension choice" in warning.message for warning in step.warnings):
        return None
    flow = Flow(step, past)
    for op in flow.calls({"softmax", "log_softmax", "softmin"}):
        given = op.ins[0] if op.ins else None
        shape = given.shape if given is not None else None
        if given is None or not shape or number_at(op, "1", "dim") is not None:
            continue
        dim = 0 if len(shape) in (1, 3) else 1
        text = fill(_IMPLICIT, name=op.name, shape=shape_text(shape), dim=dim, size=shape[dim])
        kind: Kind = "warning" if len(shape) == 3 else "note"
        names = (given.name,) if given.name in step.snapshot.tensors else ()
        title = fill(_IMPLICIT_TITLE, code=_short(op), dim=dim)
        return Explanation("implicit-dimension", kind, title, text, None, names)
    return None
