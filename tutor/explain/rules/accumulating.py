"""Gradients that are used again: no zero_grad between one optimizer step and the next."""

from __future__ import annotations

import ast

from tutor.explain.engine import outcome
from tutor.explain.lineage import Lineage
from tutor.explain.past import Past
from tutor.explain.reading import insert_line, parse
from tutor.explain.training import Training
from tutor.explain.wording import fill
from tutor.facts import BackwardFacts, Explanation, OpFacts, Snapshot, Step, UpdateFacts

_TITLE = "The gradients are not set to zero between steps"
_TEXT = """
backward adds to `.grad`; it does not replace it. At {at}, `{code}` used gradients that had added up
{has} backward passes, although {had} of them {were} in the step before already: nothing set `.grad` to zero
between the two. So every step repeats all the earlier gradients, growing more wrong with each round. {how}
"""
_HOW = """
Write `{zero}` in each round, before `{backward}`. To add up several passes on purpose, set the gradients to
zero right after the step that uses them.
"""
_HOW_HAND = "Set it to zero in each round once it is used: `{leaf}.grad = None`, or `{leaf}.grad.zero_()`."


@outcome
def stale_gradients(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an optimizer stepped, or a leaf was moved by its `.grad`, with gradients in which there
    still was all that the step before it had used."""
    if step.updates:
        return _of_optimizer(step, past)
    return _by_hand(step, past) if step.backwards or _moves(step) else None


def _of_optimizer(step: Step, past: Past) -> Explanation | None:
    training = Training(step, past)
    found = training.stale()
    if found is None:
        return None
    receiver = found.again.expression.partition(".step(")[0] or "optimizer"
    zero = f"{receiver}.zero_grad()"
    backward = next((one.expression for one in reversed(training.passes)), "") or "loss.backward()"
    text = fill(
        _TEXT,
        at=training.here.at_deed(found.again),
        code=found.again.expression or "step()",
        has=found.has,
        had=found.had,
        were="was" if found.had == 1 else "were",
        how=fill(_HOW, zero=zero, backward=backward),
    )
    fix = _inserted(step, found.again, zero)
    return Explanation("stale-gradients", "warning", _TITLE, text, fix, _leaves(step, found.again))


def _leaves(step: Step, update: UpdateFacts) -> tuple[str, ...]:
    held = frozenset(update.parameters)
    named = [n for n, facts in step.snapshot.tensors.items() if facts.object in held]
    return tuple(named[:3])


def _inserted(step: Step, update: UpdateFacts, zero: str) -> str | None:
    """The step with `zero` before the backward pass, where both stand in the same block of the step."""
    if len({one.line for one in step.backwards}) != 1 or update.elsewhere or step.backwards[0].elsewhere:
        return None
    offset = step.end_line - step.source.count("\n") - 1
    line, last = step.backwards[0].line - offset, update.line - offset
    for root in parse(step.source):
        for node in ast.walk(root):
            for part in ("body", "orelse"):
                block = getattr(node, part, [])
                at = [one for one in block if isinstance(one, ast.Expr) and one.lineno == line]
                same = any(isinstance(one, ast.Expr) and one.lineno == last for one in block)
                if at and same and not isinstance(node, ast.If):
                    return insert_line(step.source, at[0], zero, after=False)
    return None


# ── without an optimizer ─────────────────────────────────────────────────────

_MOVING = frozenset({"sub_", "add_", "isub", "iadd"})


def _by_hand(step: Step, past: Past) -> Explanation | None:
    lineage = Lineage(step, past)
    passes = [one.facts for one in lineage.passes]
    moves = [deed.op for deed in lineage.deeds if _is_move(deed.op)]
    for at, move in enumerate(moves):
        if all(op is not move for op in step.operations):
            continue
        storage = move.ins[0].storage
        earlier = [op for op in moves[:at] if op.ins[0].storage == storage]
        last = _last(passes, move, storage, step)
        first = _last(passes, earlier[-1], storage, step) if earlier else None
        if last is None or first is None or last[0] is first[0]:
            continue
        between = [one for one in passes if first[0].seq < one.seq < move.seq]
        if first[1] >= 1 and last[1] == first[1] + len(between):
            leaf = last[2]
            text = fill(
                _TEXT,
                at=lineage.here.at_deed(move),
                code=move.expression,
                has=last[1],
                had=first[1],
                were="was" if first[1] == 1 else "were",
                how=fill(_HOW_HAND, leaf=leaf),
            )
            names = (leaf,) if leaf in step.snapshot.tensors else ()
            return Explanation("stale-gradients", "warning", _TITLE, text, None, names)
    return None


def _moves(step: Step) -> bool:
    return any(map(_is_move, step.operations))


def _is_move(op: OpFacts) -> bool:
    """A write into a leaf, or its `.data`, that the learner's code computes from a gradient."""
    return op.name in _MOVING and not op.within and bool(op.ins) and ".grad" in op.expression


def _last(
    passes: list[BackwardFacts], move: OpFacts, storage: int | None, step: Step
) -> tuple[BackwardFacts, int, str] | None:
    """The last pass before a write that filled the leaf on this storage: with its count and name."""
    leaves = {facts.object for facts in step.snapshot.tensors.values() if facts.storage == storage}
    if move.ins[0].is_leaf and move.ins[0].requires_grad:
        leaves.add(move.ins[0].object)
    for one in reversed(passes):
        if one.seq < move.seq:
            for leaf in one.leaves:
                if leaf.object in leaves and leaf.passes is not None:
                    return one, leaf.passes, leaf.name or move.ins[0].name
    return None


# ── nothing-to-step ──────────────────────────────────────────────────────────

_NOTHING_TITLE = "`{step}` found no gradients"
_NOTHING = """
Whenever `{step}` ran at {at}, the gradients of all {count} parameters that it holds were None or 0, so it
moved none of them, although `{backward}` at {back} had filled them. {why} The order in each round is
`{zero}`, `{backward}`, `{step}`.
"""
_CLEARED = "Between the two `{zero}` set them to zero."
_ORDER = "They are set to zero before they are used."


@outcome
def nothing_to_step(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when every step of an optimizer that was seen in a statement found no gradient at all, although
    backward passes of the statement had filled parameters that it holds."""
    passes = [one for one in step.backwards if one.call == "backward" and one.error is None]
    for update in step.updates:
        mine = [one for one in step.updates if one.object == update.object]
        held = set(update.parameters)
        filled = any(leaf.object in held and leaf.after is not None for one in passes for leaf in one.leaves)
        if not filled or any(any(one.passes) for one in mine) or not held:
            continue
        if len(mine) < 2 and passes[0].seq > update.seq:
            continue  # a single step, before anything was computed
        receiver = update.expression.partition(".step(")[0] or "optimizer"
        here, first = past.now(step), passes[0]
        zero = f"{receiver}.zero_grad()"
        text = fill(
            _NOTHING,
            step=update.expression or "step()",
            at=here.at_deed(update),
            count=len(held),
            backward=first.expression or "backward()",
            back=here.at_deed(first),
            why=fill(_CLEARED, zero=zero) if first.seq < update.seq else _ORDER,
            zero=zero,
        )
        title = fill(_NOTHING_TITLE, step=update.expression or "step()")
        return Explanation("nothing-to-step", "warning", title, text, None, _leaves(step, update))
    return None
