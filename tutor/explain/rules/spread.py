"""Broadcasting that fails nothing and means something else: a column and a row that become a square."""

from __future__ import annotations

import ast

from tutor.explain.engine import outcome
from tutor.explain.flow import ELEMENTWISE, MOVING, Flow, first_of, one_line
from tutor.explain.past import Past
from tutor.explain.wording import fill, shape_text
from tutor.facts import Explanation, Operand, OpFacts, Snapshot, Step

_ARITHMETIC = frozenset({"sub", "add", "mul", "div", "rsub", "eq", "ne", "gt", "lt", "ge", "le", "dist"})
_LOSSES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
_FULL = frozenset({"mean", "sum", "norm", "nanmean", "max", "min", "item", "all", "count_nonzero"})
#: Operations that make room for broadcasting, where they stand in the same expression.
_SPREADING = frozenset({"getitem", "unsqueeze", "view", "reshape"})

_TITLE = "`{code}` compares each of {count} numbers with every other, {square}"
_TEXT = """
`{first}` is {first_shape} and `{second}` is {second_shape}. Broadcasting lines shapes up from the right, so
the column and the row become a square of {square}: every element of one meets every element of the other,
where only pairs of the same position were meant. {result} Give both one shape: {how}.
"""
_OF_LOSS = """
The loss is the mean over all {many:,} pairs, not over {count:,}, and its least value is reached where every
prediction is the mean of the targets.
"""
_OF_LOSS_SUM = "All {many:,} pairs go into the loss, not the {count:,} that belong together."
_OF_REDUCTION = "`{code}` then takes all {many:,} pairs together, so the number that comes out means nothing."
_UNNAMED = "one operand"
_HOW_EITHER = "`.squeeze(1)` makes a column flat"
_HOW_COLUMN = "`{column}.squeeze(1)` makes the column [{count}]"


@outcome
def square_broadcast(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when [N] and [N, 1], of different origin and not spread on purpose in that very expression,
    met element by element in a loss, or in arithmetic or a comparison that was then reduced to one number."""
    flow = Flow(step, past)
    for op in flow.calls(_ARITHMETIC | _LOSSES):
        pair = _pair(op)
        if pair is None:
            continue
        row, column = pair
        count = (row.shape or (0,))[0]
        if op.name in _LOSSES:
            plain = op.plain.get("reduction") in (None, '"mean"')
            result = fill(_OF_LOSS if plain else _OF_LOSS_SUM, many=count * count, count=count)
        else:
            if flow.root(row) == flow.root(column) or _is_meant(flow, op, (row, column)):
                continue
            end = _reduction(flow, op)
            if end is None:
                continue
            result = fill(_OF_REDUCTION, code=end.expression, many=count * count)
        return _told(flow, op, row, column, count, result)
    return None


def _told(flow: Flow, op: OpFacts, row: Operand, column: Operand, count: int, result: str) -> Explanation:
    first, second = op.ins[0], op.ins[1]
    square, tensors = shape_text((count, count)), flow.step.snapshot.tensors
    name = _name(flow, op, column)
    text = fill(
        _TEXT,
        first=_name(flow, op, first),
        second=_name(flow, op, second),
        first_shape=shape_text(first.shape or ()),
        second_shape=shape_text(second.shape or ()),
        square=square,
        result=result,
        how=fill(_HOW_COLUMN, column=name, count=count) if name != _UNNAMED else _HOW_EITHER,
    )
    names = tuple(n for one in (first, second) if (n := _name(flow, op, one)) in tensors)
    title = fill(_TITLE, code=op.expression, count=count, square=square)
    return Explanation("square-broadcast", "warning", title, text, _fix(flow, op, column), names)


def _name(flow: Flow, op: OpFacts, operand: Operand) -> str:
    """The learner's code of an operand, of a loss that is a layer what that was given."""
    node = flow.argument(op, operand)
    return operand.name or (one_line(node, flow.source_of(op)) if node is not None else _UNNAMED)


def _pair(op: OpFacts) -> tuple[Operand, Operand] | None:
    """The operand of shape [N] and the one of shape [N, 1], N being 2 at least."""
    first = first_of(op, "0", "input")
    second = first_of(op, "1", "other", "target")
    if first is None or second is None or first.shape is None or second.shape is None:
        return None
    row, column = (first, second) if len(first.shape) == 1 else (second, first)
    if row.shape is None or column.shape is None or len(row.shape) != 1 or row.shape[0] < 2:
        return None
    return (row, column) if column.shape == (row.shape[0], 1) else None


def _is_meant(flow: Flow, op: OpFacts, pair: tuple[Operand, Operand]) -> bool:
    """Whether the column was made a column in the expression itself: `a[:, None] - b`."""
    for operand in pair:
        made = flow.lineage.maker(operand.object)
        inside = made is not None and made.op.expression and made.op.expression in op.expression
        if made is not None and inside and made.op.name in _SPREADING and made.op.line == op.line:
            index = made.op.name == "getitem" and "None" not in made.op.expression
            if not index and len(operand.shape or ()) == 2:
                return True
    return False


def _reduction(flow: Flow, op: OpFacts) -> OpFacts | None:
    """The operation that takes all of the square together."""
    pending, seen = [op.outs[0].object] if op.outs else [], set()
    while pending:
        for user in flow.users(pending.pop(), op.seq):
            if user.name in _FULL and user.outs and user.outs[0].shape == ():
                return user
            if user.name in ELEMENTWISE | MOVING and user.outs and user.seq not in seen:
                seen.add(user.seq)
                pending.append(user.outs[0].object)
    return None


def _fix(flow: Flow, op: OpFacts, column: Operand) -> str | None:
    """The step with the column made flat, where its code stands in the operation's."""
    if flow.own(op) is None:
        return None
    node = flow.argument(op, column)
    if not isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
        return None
    return flow.fixed(node, f"{one_line(node, flow.step.source)}.squeeze(1)")
