"""Parameters that train nothing: hidden from their module, not held by an optimizer, without a gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from tutor.explain.engine import outcome
from tutor.explain.lineage import Lineage
from tutor.explain.past import Past
from tutor.explain.training import Training, layer_of, root_of
from tutor.explain.wording import code_list, count_text, fill
from tutor.facts import Explanation, OpFacts, Snapshot, Step
from tutor.translation import translated

_WARNING: Literal["warning"] = "warning"
_NOTE: Literal["note"] = "note"

# ── hidden-layers ────────────────────────────────────────────────────────────

_HIDDEN_TITLE = "`{root}` does not know the layers in `{holder}`"
_HIDDEN = """
`{holder}` is a plain {kind}, and a module looks for layers only in its own attributes and in containers
that are modules: the {count} there, such as `{name}`, {are} not among `{root}.parameters()`{also}. An
optimizer made of these does not train {them}, and `state_dict()`, `.to(device)` and `.eval()` leave
{them} out too. Put the layers into `nn.{container}(...)`, which behaves like the {kind} and is seen.
"""
_HIDDEN_ALSO = ", and neither are those in {holders}"
_LIST, _DICTIONARY, _OBJECT = "list", "dictionary", "object"


@outcome
def hidden_layers(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a module got layers or parameters that require grad in a plain list, tuple or dictionary,
    and no other name leads to them."""
    tensors = step.snapshot.tensors
    fresh = [c.name for c in step.changes if c.kind in ("new", "rebound") and c.name in tensors]
    hidden = [tensors[name] for name in fresh if tensors[name].hidden and tensors[name].requires_grad]
    if not hidden:
        return None
    known = {facts.object for facts in tensors.values() if not facts.hidden}
    lost = [facts for facts in hidden if facts.object not in known]
    if not lost:
        return None
    first = lost[0].name
    holder, kind = _holder(first)
    root = holder.rpartition(".")[0] or root_of(first)
    mates = {facts.object for facts in lost if facts.name.startswith((f"{holder}[", f"{holder}."))}
    others = list(dict.fromkeys(h for f in lost if (h := _holder(f.name)[0]) != holder))
    container = "Dict" if kind == _DICTIONARY else "List"
    single = layer_of(first) == holder or "." not in first[len(holder) :]
    text = fill(
        _HIDDEN,
        root=root,
        holder=holder,
        kind=translated(kind),
        count=count_text(len(mates), "parameter"),
        name=first,
        are="is" if len(mates) == 1 else "are",
        them="it" if len(mates) == 1 else "them",
        also=fill(_HIDDEN_ALSO, holders=code_list(others)) if others else "",
        container=f"Parameter{container}" if single else f"Module{container}",
    )
    title = fill(_HIDDEN_TITLE, root=root, holder=holder)
    return Explanation("hidden-layers", "warning", title, text, None, tuple(f.name for f in lost[:3]))


def _holder(name: str) -> tuple[str, str]:
    """`net.blocks` and what it is, for `net.blocks[0].weight` and `net.blocks["a"].weight`."""
    before, bracket, rest = name.partition("[")
    if not bracket:
        return layer_of(layer_of(name)), _OBJECT
    return before, _DICTIONARY if rest[:1] in "\"'" else _LIST


# ── not-held ─────────────────────────────────────────────────────────────────

_NOT_HELD_TITLE = "No optimizer holds {names}"
_NOT_HELD = """
The backward pass at {back} gave {names} {a} gradient{s}, and `{step}` at {at} did not move {them}: the
{optimizer} was made with other parameters. {why} {how}
"""
_WHY_NONE = """
It holds none of `{root}`'s parameters: what it moves belongs to a module that was there before.
"""
_WHY_NEW = (
    "`{layer}` was put in its place after the optimizer was made, which still holds what was there before."
)
_WHY_REST = "It holds the parameters of {others} only."
_HOW_AFTER = "Make the optimizer after the model is complete."
_HOW_BOTH = """
To train both, give it the parameters of both: `[*{first}.parameters(), *{second}.parameters()]`. If
`{second}` is to stay as it is, say so with `{second}.requires_grad_(False)`.
"""
_HOW_GROUP = """
If it is to be trained too, give the optimizer `{root}.parameters()`. If it is to stay as it is,
`{layer}.requires_grad_(False)` says so and spares the work.
"""


@outcome
def not_held(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an optimizer stepped, and parameters that got a gradient in this statement are held by no
    optimizer at all, and not moved by hand either. A note where others of the same module are held, which
    may be meant."""
    if not step.updates or not any(one.call == "backward" for one in step.backwards):
        return None
    training = Training(step, past)
    if not training.certain:
        return None
    filled = training.filled([one for one in step.backwards if one.call == "backward"])
    held, update = training.held, step.updates[0]
    every = [facts for facts in training.parameters() if facts.requires_grad]
    by_hand = {change.name for change in step.changes if change.kind == "written"}
    loose = [f for f in every if f.object in filled and f.object not in held and f.name not in by_hand]
    if not loose or any(f.hidden for f in loose):
        return None
    roots = {root_of(f.name) for f in every if f.object in held}
    root, layer = root_of(loose[0].name), layer_of(loose[0].name)
    whole = sum(root_of(f.name) == root for f in every)
    replaced = _is_lost(step, held) and (root in roots or len(update.parameters) == whole)
    kind: Literal["note", "warning"]
    if roots and root not in roots and not replaced:
        kind, why = _WARNING, fill(_WHY_REST, others=code_list(sorted(roots)))
        how = fill(_HOW_BOTH, first=min(roots), second=root)
    elif replaced:
        kind = _WARNING
        why = fill(_WHY_NEW, layer=layer) if root in roots else fill(_WHY_NONE, root=root)
        how = _HOW_AFTER
    elif root in roots:
        kind, why, how = _NOTE, "", fill(_HOW_GROUP, root=root, layer=layer)
    else:
        return None  # it moves something else than a model: an image, an embedding
    names = [f.name for f in loose]
    text = fill(
        _NOT_HELD,
        names=code_list(names),
        back=training.here.at_deed(step.backwards[0]),
        a="a" if len(names) == 1 else "",
        s="" if len(names) == 1 else "s",
        step=update.expression or "step()",
        at=training.here.at_deed(update),
        them="it" if len(names) == 1 else "them",
        optimizer=update.optimizer,
        why=why,
        how=how,
    ).replace("  ", " ")
    title = fill(_NOT_HELD_TITLE, names=code_list(names, 2))
    return Explanation("not-held", kind, title, text, None, tuple(names[:3]))


def _is_lost(step: Step, held: frozenset[int]) -> bool:
    """Whether an optimizer holds parameters that no name leads to any more."""
    there = {facts.object for facts in step.snapshot.tensors.values()}
    return not step.snapshot.unshown and bool(held - there)


# ── no-gradient ──────────────────────────────────────────────────────────────

_NO_GRADIENT_TITLE = "{names} got no gradient, so `{step}` did not move {them}"
_NO_GRADIENT = """
{names} {require} grad and the {optimizer} holds {them}, but no backward pass came there: `.grad` is None,
and an optimizer passes such parameters over. {why}
"""
_CUT = """
The layer was used, and the way from the loss back to it is cut at {at}: `{code}` {reason}.
"""
_OFF = "ran where autograd does not record"
_OTHER = "gives a result without a history"
_UNUSED = "No operation of this statement used {them}: look whether `forward` calls `{layer}`."
_REASONS = {
    "detach": "gives the same numbers without their history",
    "detach_": "drops the history",
    "data": "reads the numbers without their history",
    "numpy": "gives numbers, which have no history",
    "item": "gives a number, which has no history",
    "tolist": "gives numbers, which have no history",
    "tensor": "makes a new tensor of the numbers alone",
    "argmax": "gives positions, which have no gradient",
}


@outcome
def no_gradient(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an optimizer stepped and parameters that it holds got no gradient by any pass, all of
    which are known: a warning where what they computed was cut off, else a note."""
    if not step.updates or not step.backwards:
        return None
    training = Training(step, past)
    filled = training.filled(training.passes)
    update = step.updates[0]
    holds, empty = (
        set(update.parameters),
        {n for n, count in zip(update.parameters, update.passes, strict=True) if count == 0},
    )
    last = [u for u in step.updates if u.object == update.object][-1]
    empty &= {n for n, count in zip(last.parameters, last.passes, strict=True) if count == 0}
    idle = [
        f
        for f in training.parameters()
        if f.requires_grad and f.object in holds & empty and f.object not in filled and f.grad is None
    ]
    if not idle or update.more:
        return None
    names = [f.name for f in idle]
    used = [op for op in step.operations if any(one.object in {f.object for f in idle} for one in op.ins)]
    cut = _cut(Lineage(step, past), used, step)
    them = "it" if len(names) == 1 else "them"
    if cut is not None:
        reason = _OFF if not cut.grad_enabled else _REASONS.get(cut.name, _OTHER)
        at = training.here.at_deed(cut)
        why = fill(_CUT, at=at, code=cut.expression or cut.name, reason=reason)
    elif used or step.unwatched:
        return None
    else:
        why = fill(_UNUSED, them=them, layer=layer_of(names[0]))
    text = fill(
        _NO_GRADIENT,
        names=code_list(names),
        require="requires" if len(names) == 1 else "require",
        optimizer=update.optimizer,
        them=them,
        why=why,
    )
    title = fill(_NO_GRADIENT_TITLE, names=code_list(names, 2), step=update.expression or "step()", them=them)
    kind = _WARNING if cut is not None else _NOTE
    return Explanation("no-gradient", kind, title, text, None, tuple(names[:3]))


def _cut(lineage: Lineage, used: Sequence[OpFacts], step: Step) -> OpFacts | None:
    """The operation at which what these computed lost its history, followed forward."""
    pending: list[OpFacts] = list(used)
    seen: set[int] = set()
    while pending:
        op = pending.pop(0)
        if op.seq in seen:
            continue
        seen.add(op.seq)
        asks = any(one.requires_grad for one in op.ins)
        gives = any(one.requires_grad for one in op.outs)
        floats = any((one.dtype or "").startswith(("float", "bfloat")) for one in op.outs)
        if asks and not gives and (floats or op.name in _REASONS) and op.name != "backward":
            if op.grad_enabled or _is_trained(op, step):
                return op
            continue
        for out in op.outs:
            pending += [o for o in step.operations if o.seq > op.seq and _takes(o.ins, out.object)]
    return None


def _takes(operands: Iterable[object], number: int) -> bool:
    return any(getattr(one, "object", None) == number for one in operands)


def _is_trained(op: OpFacts, step: Step) -> bool:
    """Whether an operation that autograd did not record stands before a backward pass of the step."""
    return any(one.seq > op.seq for one in step.backwards)


# ── frozen-held ──────────────────────────────────────────────────────────────

_FROZEN_TITLE = "The {optimizer} holds {count} that {do} not require grad"
_FROZEN = """
{names} {get} no gradient, because `requires_grad` is False, and `{step}` leaves {them} as {they}: an
optimizer passes over parameters without one. That is how a layer is frozen. To train {them} again, set
`requires_grad_(True)`; the optimizer holds {them} already.
"""


@outcome
def frozen_held(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an optimizer stepped that holds parameters which do not require grad."""
    update = next((one for one in step.updates if one.frozen), None)
    if update is None:
        return None
    frozen = set(update.frozen)
    names = [facts.name for facts in Training(step, past).parameters() if facts.object in frozen]
    if not names:
        return None
    one = len(update.frozen) == 1
    text = fill(
        _FROZEN,
        names=code_list(names),
        get="gets" if one else "get",
        step=update.expression or "step()",
        them="it" if one else "them",
        they="it is" if one else "they are",
    )
    count = count_text(len(update.frozen), "parameter")
    title = fill(_FROZEN_TITLE, optimizer=update.optimizer, count=count, do="does" if one else "do")
    return Explanation("frozen-held", "note", title, text, None, tuple(names[:3]))
