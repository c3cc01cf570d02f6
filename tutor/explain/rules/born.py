"""NaN and infinities, at the operation where they were born."""

from __future__ import annotations

from tutor.explain.engine import outcome
from tutor.explain.flow import Flow
from tutor.explain.past import Past
from tutor.explain.wording import fill, phrase
from tutor.facts import BackwardFacts, Explanation, OpCount, Operand, OpFacts, Snapshot, Step

#: What looks for NaN and replaces it.
_HANDLING = frozenset(
    {"isnan", "isfinite", "isinf", "nan_to_num", "nan_to_num_", "nanmean", "nansum", "nanmedian", "where"}
    | {"masked_fill", "masked_fill_", "nanquantile", "fmax", "fmin"}
)
#: Random and empty memory, and what copies elements of something else.
_NO_BIRTH = frozenset({"empty_like", "new_empty", "tensor", "from_numpy", "setitem", "fill_"})

_TITLE = "`{code}` gave the first NaN"
_TEXT = """
At {at}, `{code}` gave NaN, and {nothing}. {why} {spread}
"""
_NONE_IN_IT = "what it was given has none"
_NONE_IN_THEM = "nothing that it was given has one"
_SPREAD = """
From there on every result that it goes into is NaN: a loss of NaN makes every gradient NaN, and one step
of an optimizer every parameter.
"""
_WHY = {
    "log": "The logarithm of a negative number is not defined: some element of `{arg}` is below 0.",
    "sqrt": "The root of a negative number is not real: some element of `{arg}` is below 0.",
    "rsqrt": "The root of a negative number is not real: some element of `{arg}` is below 0.",
    "pow": "A negative number has no real power with a fraction: some element of `{arg}` is below 0.",
    "acos": "Only numbers from -1 to 1 have an arc cosine, and some element of `{arg}` is beyond.",
    "asin": "Only numbers from -1 to 1 have an arc sine, and some element of `{arg}` is beyond.",
}
_WHY["log2"] = _WHY["log10"] = _WHY["log"]
_ZERO = "0 divided by 0 is not defined: where `{arg}` is 0, so is what it divides."
_EMPTY = "`{arg}` has no elements, {shape}, and the {name} of nothing is not defined."
_ONE = """
The variance divides by one less than the count of the numbers, which of a single number is 0: 0 / 0.
`correction=0` divides by the count itself.
"""
_INF = "{arg} has infinite elements{made}: {kind}."
_INF_MADE = ", since `{code}` at {at}"
_GIVEN = "What it was given"
_INF_KINDS = {
    "sub": "infinity less infinity is not defined",
    "add": "infinity and minus infinity together are not defined",
    "mul": "0 times infinity is not defined",
    "div": "infinity divided by infinity is not defined",
    "softmax": "where a whole row is minus infinity, as of a mask that leaves nothing, it is 0 / 0",
    "log_softmax": "where a whole row is minus infinity, softmax divides 0 by 0",
}
_INF_ANY = "what comes of infinities is often not defined"
_ADVICE = {
    "log": "Keep them above 0, with `.clamp(min=1e-8)`, or stay with logarithms, as log_softmax does.",
    "div": "Add a small number to the divisor, or treat that case apart with `torch.where`.",
}


@outcome
def nan_born(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an operation gave NaN although nothing that it was given had one, and nothing that looks
    for NaN took it."""
    flow = Flow(step, past)
    away = bool(step.backwards) and _first_broken(step) is not None
    for op in step.operations:
        if away and op.hit > 1:
            return None  # `diverged` tells it from its beginning
        if op.error is not None or op.name in _NO_BIRTH or not op.ins:
            continue
        born = [one for one in op.outs if one.broken == "nan"]
        if not born or any(one.broken == "nan" for one in op.ins) or any(w.argument == 0 for w in op.wrote):
            continue
        if any(user.name in _HANDLING for one in born for user in flow.users(one.object, op.seq)):
            continue
        nothing = _NONE_IN_IT if len(op.ins) == 1 else _NONE_IN_THEM
        why, spread = _why(flow, op), fill(_SPREAD)
        text = fill(_TEXT, at=flow.at(op), code=_code(op), nothing=nothing, why=why, spread=spread)
        names = tuple(one.name for one in op.ins if one.name in step.snapshot.tensors)
        return Explanation("nan-born", "warning", fill(_TITLE, code=_code(op)), text, None, names)
    return None


def _code(op: OpFacts) -> str:
    return op.expression or op.name


def _named(op: OpFacts, operand: Operand) -> str:
    return operand.name or (op.within or op.name)


def _why(flow: Flow, op: OpFacts) -> str:
    given = op.ins[0]
    infinite = next((one for one in op.ins if one.broken == "inf"), None)
    if infinite is not None:
        made = flow.lineage.maker(infinite.object)
        there = fill(_INF_MADE, code=_code(made.op), at=made.at) if made is not None else ""
        name = f"`{infinite.name}`" if infinite.name else _GIVEN
        return fill(_INF, arg=name, made=there, kind=_INF_KINDS.get(op.name, _INF_ANY))
    if given.shape is not None and 0 in given.shape:
        return fill(_EMPTY, arg=_named(op, given), shape=list(given.shape), name=op.name)
    if op.name in ("std", "var"):
        return fill(_ONE)
    if op.name == "div":
        divisor = op.ins[-1]
        why = fill(_ZERO, arg=_named(op, divisor)) if len(op.ins) > 1 else ""
        return f"{why} {phrase(_ADVICE['div'])}".strip()
    if op.name in _WHY and given.name:
        return f"{fill(_WHY[op.name], arg=given.name)} {phrase(_ADVICE.get(op.name, ''))}".strip()
    return ""


# ── diverged ─────────────────────────────────────────────────────────────────

_LOST_TITLE = "`{code}` was no number any more after some rounds"
_LOST = """
At {at}, `{code}` was a number in {before}, and NaN or infinite {then}. {grown} Most often that comes of steps
that are too large, each overshooting further than the one before: take a smaller learning rate, scale the
inputs to numbers around 1, or limit the gradients with `torch.nn.utils.clip_grad_norm_`.
"""
_GROWN = "The gradient of `{name}` had norm {first:.3g} in pass {one:,} and {last} in pass {other:,}."
_FIRST_ROUNDS, _FIRST = "the first rounds", "the first {count:,} rounds"
_LATER, _IN_ROUND = "later", "in round {broken:,} of {count:,}"
_NAN_OR_INFINITY = "NaN or infinity"
_LOSSES = ("loss", "entropy", "mean", "sum", "kl_div", "norm")


@outcome
def diverged(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a number that a loop computes by a loss or a mean, with backward passes around it, was
    first NaN or infinite in a later round."""
    if not step.backwards:
        return None
    first = _first_broken(step)
    if first is None:
        return _ended_broken(step, past)
    code = _said(step, first)
    text = fill(
        _LOST,
        at=past.now(step).at_deed(first),
        code=code,
        before=_FIRST_ROUNDS if step.unwatched else phrase(_FIRST, count=first.broken - 1),
        then=phrase(_LATER) if step.unwatched else phrase(_IN_ROUND, broken=first.broken, count=first.count),
        grown=_growth(step.backwards),
    )
    return Explanation("diverged", "warning", fill(_LOST_TITLE, code=code), text, None, ())


def _first_broken(step: Step) -> OpCount | None:
    """The loss that first was no number in a later round, with that round as `broken`."""
    found = [c for c in step.counts if c.broken and any(word in c.name for word in _LOSSES)]
    for op in step.operations:
        loss = any(word in op.name for word in _LOSSES) and op.hit > 1 and not op.within.endswith("step")
        if loss and any(one.broken and one.shape == () for one in op.outs):
            same = [c.count for c in step.counts if (c.name, c.line) == (op.name, op.line)]
            count = max(same, default=op.hit)
            found.append(OpCount(op.name, op.line, op.part, op.within, count, op.hit, op.elsewhere))
    return min(found, key=lambda one: one.broken, default=None)


def _ended_broken(step: Step, past: Past) -> Explanation | None:
    """The same of a loss whose round nobody saw: what is known is how the statement left it."""
    if any(one.broken for op in step.operations for one in op.outs):
        return None
    changed = {change.name for change in step.changes}
    for name, facts in step.snapshot.tensors.items():
        block = step.snapshot.storages.get(facts.block) if facts.block is not None else None
        values = block.values if block is not None else None
        if name not in changed or facts.shape != () or not facts.requires_grad or facts.is_leaf or not values:
            continue
        if len(values) == 1 and values[0] in ("nan", "inf", "-inf") and facts.origin is not None:
            expression = facts.origin.expression
            text = fill(
                _LOST,
                at=past.now(step).at_line(facts.origin.line),
                code=name if expression.startswith(("for ", "while ")) else expression or name,
                before=_FIRST_ROUNDS,
                then=phrase(_LATER),
                grown=_growth(step.backwards),
            )
            return Explanation("diverged", "warning", fill(_LOST_TITLE, code=name), text, None, (name,))
    return None


def _said(step: Step, count: OpCount) -> str:
    same = [op for op in step.operations if (op.name, op.line) == (count.name, count.line)]
    return same[0].expression if same and same[0].expression else count.name


def _growth(passes: tuple[BackwardFacts, ...]) -> str:
    """How the gradient of one leaf grew, where two passes tell."""
    seen: dict[int, tuple[int, float]] = {}
    best = ""
    for one in passes:
        for leaf in one.leaves:
            norm = leaf.gradient.norm if leaf.gradient is not None else None
            broken = leaf.gradient is not None and leaf.gradient.broken
            if leaf.object not in seen and norm is not None and not broken:
                seen[leaf.object] = (one.hit, norm)
            elif leaf.object in seen and leaf.name and (broken or norm is not None):
                hit, start = seen[leaf.object]
                last = _NAN_OR_INFINITY if broken or norm is None else f"{norm:.3g}"
                if broken or (norm is not None and norm > 10 * start > 0):
                    best = fill(_GROWN, name=leaf.name, first=start, one=hit, last=last, other=one.hit)
    return best
