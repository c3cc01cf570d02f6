"""Dropout and BatchNorm in the wrong mode: evaluating as in training, or training as in evaluation."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.explain.engine import outcome
from tutor.explain.flow import Flow
from tutor.explain.past import Past
from tutor.explain.reading import insert_line, path, statement_of
from tutor.explain.training import root_of
from tutor.explain.wording import fill
from tutor.facts import Explanation, OpFacts, Snapshot, Step

_DROPOUT = frozenset(
    {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"}
)
#: Operations that read results: what comes before them is no training.
_READING = frozenset(
    {"argmax", "max", "eq", "ne", "gt", "ge", "lt", "item", "tolist", "numpy", "topk", "round", "sort"}
    | {"cross_entropy", "mse_loss", "nll_loss", "l1_loss", "binary_cross_entropy", "softmax", "sigmoid"}
    | {"binary_cross_entropy_with_logits"}
)
#: Operations that are followed from one layer on.
_MOST = 500

# ── evaluated-in-train-mode ──────────────────────────────────────────────────

_TITLE = "{model} is evaluated in train mode"
_THE_MODEL = "The model"
_TEXT = """
{what} `no_grad` only turns off the recording for backward; it does not change what layers do. {how}
"""
_TEXT_GRAD = "{what} {how}"
_DROPPED = """
At {at}, `{code}` still set numbers to 0 at random and scaled up the others: Dropout does so in train
mode, so the result differs from call to call.
"""
_NORMED = """
At {at}, `{code}` took mean and variance from this very batch, and moved the running ones of the layer
towards them: BatchNorm does so in train mode, so what it gives for one sample depends on the others, and
the model has learned from data that it was to be judged by.
"""
_HOW = """
Call `{name}.eval()` before evaluating, and `{name}.train()` before training goes on.
"""
_HOW_ALWAYS = """
A function knows no mode: it drops unless it is told not to, whatever `{name}.eval()` says. Use an
`nn.Dropout` layer, or give it the mode: `training=self.training`.
"""


@outcome
def evaluated_in_train_mode(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when Dropout dropped, or BatchNorm took the batch's statistics, where results were only read:
    without recording, or in a statement that has no backward pass and chooses or compares results."""
    flow = Flow(step, past)
    for op in step.operations:
        always = op.name in _DROPOUT and not op.within and not {"training", "2"} & op.plain.keys()
        dropped = op.name in _DROPOUT and op.verdict == "new" and ("Dropout" in op.within or not op.within)
        if not dropped and not _took_statistics(op):
            continue
        if not _is_evaluation(flow, op) or _is_meant(flow, op):
            continue
        name = _model(flow, op)
        what = fill(_DROPPED if dropped else _NORMED, at=flow.at(op), code=op.expression)
        how = fill(_HOW_ALWAYS if always else _HOW, name=name or "model", code=op.expression)
        text = fill(_TEXT_GRAD if op.grad_enabled else _TEXT, what=what, how=how)
        statement = statement_of(step)
        fix = None
        if (
            name
            and not always
            and isinstance(statement, ast.With)
            and not step.backwards
            and name.isidentifier()
        ):
            fix = insert_line(step.source, statement, f"{name}.eval()", after=False)
        title = fill(_TITLE, model=f"`{name}`" if name else _THE_MODEL)
        return Explanation("evaluated-in-train-mode", "warning", title, text, fix)
    return None


def _took_statistics(op: OpFacts) -> bool:
    """Whether it is BatchNorm's count of the batches that it has learned from."""
    counted = bool(op.ins) and op.ins[0].name.endswith("num_batches_tracked")
    return op.name == "add_" and "BatchNorm" in op.within and counted


def _is_evaluation(flow: Flow, op: OpFacts) -> bool:
    """Whether what the layer gave is read, and nothing learns from it."""
    if op.grad_enabled and flow.step.backwards:
        return False
    read = trained = False
    for user in _after(flow, op):
        trained = trained or (user.grad_enabled and any(one.requires_grad for one in user.outs))
        read = read or user.name in _READING
    if op.grad_enabled:
        return read and not flow.step.updates and _chooses(flow, op)
    alone = not flow.step.backwards and not flow.step.updates
    return not trained and (read or alone)


def _chooses(flow: Flow, op: OpFacts) -> bool:
    """Whether classes are chosen or counted: an argmax or a comparison, and no loss."""
    names = {user.name for user in _after(flow, op)}
    return bool(names & {"argmax", "eq", "topk"}) and not any("loss" in n or "entropy" in n for n in names)


def _after(flow: Flow, op: OpFacts) -> Iterator[OpFacts]:
    """Operations of the step that its result went into, by any way."""
    known = {one.object for one in op.outs}
    if op.name == "add_":  # the normalisation itself comes next
        known = set()
    left = _MOST
    for user in flow.step.operations:
        if user.seq <= op.seq or left <= 0:
            continue
        begins = not known and user.name == "batch_norm"
        if begins or any(one.object in known for one in user.ins):
            left -= 1
            known |= {one.object for one in user.outs}
            if not begins:
                yield user


def _is_meant(flow: Flow, op: OpFacts) -> bool:
    """Whether the code says that it wants train mode: a `train()` where nothing is recorded, the same
    input several times over, torch's own way to set BatchNorm's statistics."""
    if "update_bn" in op.expression or "update_bn" in flow.step.source:
        return True
    for code in flow.around:
        for tree in code.tree:
            for node in ast.walk(tree):
                quiet = isinstance(node, ast.With) and "no_grad" in ast.unparse(node.items[0].context_expr)
                if quiet and any(_trains(one) for one in ast.walk(node)):
                    return True
    again = [one for one in flow.step.operations if (one.name, one.span) == (op.name, op.span)]
    first = [o for o in flow.step.operations if o.ins and not o.ins[0].requires_grad and o.name == "linear"]
    objects = [one.ins[0].object for one in first if not one.grad_enabled]
    repeated = len(objects) > 1 and len(set(objects)) < len(objects)
    return len(again) > 1 and repeated and not flow.step.backwards and op.name in _DROPOUT


def _trains(node: ast.AST) -> bool:
    call = node.func if isinstance(node, ast.Call) else None
    return isinstance(call, ast.Attribute) and call.attr == "train" and path(call.value) is not None


def _model(flow: Flow, op: OpFacts) -> str:
    """The variable of the model that a layer belongs to, by the parameters used around it."""
    tensors = flow.step.snapshot.tensors
    near = sorted(flow.step.operations, key=lambda one: abs(one.seq - op.seq))[:50]
    for one in near:
        for operand in one.ins:
            known = tensors.get(operand.name)
            if known is not None and known.kind in ("parameter", "buffer") and "." in operand.name:
                return root_of(operand.name)
            if known is not None and known.kind in ("parameter", "buffer") and "[" in operand.name:
                return root_of(operand.name)
    return ""


# ── trained-in-eval-mode ─────────────────────────────────────────────────────

_BACK_TITLE = "Training went on in eval mode"
_BACK = """
In the first round `{code}` ({at}) dropped numbers, as it should in training; later in the same statement
it let all of them through, with gradients recorded and a backward pass behind it: `eval()` was called in
between, and nothing called `train()` again. {how}
"""
_BACK_HOW = "Write `{name}.train()` at the beginning of each round of training."


@outcome
def trained_in_eval_mode(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a Dropout layer dropped in a forward pass that was trained on, and later in the same
    statement passed everything on in another that was trained on too."""
    if not step.backwards:
        return None
    flow, active = Flow(step, past), set()
    last = max(one.seq for one in step.backwards)
    for op in step.operations:
        if op.name not in _DROPOUT or not op.grad_enabled or op.seq > last:
            continue
        if op.verdict == "new":
            active.add(op.span)
        elif op.verdict == "same" and op.span in active and any(one.requires_grad for one in op.outs):
            name = _model(flow, op)
            how = fill(_BACK_HOW, name=name or "model")
            text = fill(_BACK, code=op.expression, at=flow.at(op), how=how)
            return Explanation("trained-in-eval-mode", "warning", _BACK_TITLE, text)
    return None
