"""Values that an operation had kept for its backward, and that were written over before it ran."""

from __future__ import annotations

from math import prod

from tutor.explain.engine import failure
from tutor.explain.lineage import Deed, Lineage
from tutor.explain.passes import failing_pass
from tutor.explain.past import Past
from tutor.explain.reading import raised
from tutor.explain.wording import fill, maker, phrase, shape_text
from tutor.facts import BackwardFacts, Explanation, Operand, Snapshot, SpoiledNode, Step

_OWN_NAMED = "its own result, {name},"
_OWN_RESULT = "its own result"
_ITS_ARGUMENT = "its argument"
_THE_RESULT = "the result"
_TITLE = "A value that backward needs was written over"
_TITLE_NAMED = "`{name}` was written over after `{maker}` had kept it for backward"
_TEXT = "{kept} {written} {cure} {hint}"
_KEPT = """
`{code}` ({at}) kept {what} to compute its gradient with.
"""
_KEPT_UNSEEN = "The operation `{maker}` behind `{start}` kept a tensor of shape {shape} for its gradient."
_WRITTEN = """
{at:^}, `{code}`, then changed it in place, from version {before} to {after}: the gradient would come out of
numbers that are no longer those of the computation, so torch refuses.
"""
_WRITTEN_MORE = """
{at:^}, `{code}`, then changed it in place, and {more} more write{s} came after: the gradient would come out
of numbers that are no longer those of the computation, so torch refuses.
"""
_UNSEEN_WRITE = """
It was changed in place since, from version {before} to {after}, by a write that was not recorded (as in a hot
loop, or inside torch's own code).
"""
_CURE_NAMED = """
Let the result have memory of its own, as in `{name} = {name} + …` instead of a write in place, or keep a copy
for the write with `{name}.clone()`.
"""
_CURE_STEP = """
Parameters may only change after the last backward that needs them: call `{start}.backward()` before
`step()`, or compute `{start}` anew after it.
"""
_CURE = "Do that with an operation that makes a new tensor, or write into a `.clone()`."
_HINT = "`retain_graph=True` does not help: the old numbers are gone."


@failure
def saved_overwritten(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when backward needed a saved tensor that a write in place had changed since."""
    if not raised(step, "modified by an inplace operation"):
        return None
    facts = next((one for one in reversed(step.backwards) if one.error is not None), None)
    spoiled = [one for one in facts.spoiled if one.why == "overwritten"] if facts is not None else []
    if facts is None or not spoiled:
        return None
    lineage, node = Lineage(step, past), spoiled[0]
    maker_of = lineage.deed(node.origin.seq) if node.origin is not None else None
    kept = _kept(lineage, maker_of, node) if maker_of is not None else None
    writes = _writes(lineage, maker_of, kept, node)
    name = _name(kept, writes)
    start = _start(step, facts)
    fields: dict[str, object] = {"start": start, "maker": maker(node.name), "name": name}
    text = fill(
        _TEXT,
        kept=_kept_text(maker_of, kept, node, fields),
        written=_written_text(writes, node),
        cure=_cure(writes, name, fields),
        hint=fill(_HINT),
    )
    title = fill(_TITLE_NAMED if name else _TITLE, **fields)
    names = (name,) if name in before.tensors else ()
    return Explanation("saved-overwritten", "error", title, text, None, names)


def _kept(lineage: Lineage, deed: Deed, node: SpoiledNode) -> Operand | None:
    """The argument or result that was saved, if need be turned over: by its size, its version and what was
    written since; of several the result where the saved value is called so."""
    op, result = deed.op, node.saved.startswith(("result", "output"))

    def fitness(one: Operand) -> tuple[bool, ...]:
        same = node.shape is None or one.shape == node.shape
        alike = same or (
            one.shape is not None and node.shape is not None and prod(one.shape) == prod(node.shape)
        )
        version = node.expected is None or one.version == node.expected
        written = one.storage is not None and next(lineage.writes(one.storage, op.seq), None) is not None
        return alike, written, version, same, (one in op.outs) == result

    best = max((*op.ins, *op.outs), key=fitness, default=None)
    return best if best is not None and fitness(best)[0] else None


def _writes(lineage: Lineage, deed: Deed | None, kept: Operand | None, node: SpoiledNode) -> list[Deed]:
    if deed is None or kept is None or kept.storage is None:
        return []
    return list(lineage.writes(kept.storage, after=deed.op.seq))


def _name(kept: Operand | None, writes: list[Deed]) -> str:
    """What the learner calls what was written: where it was kept, else where it was written."""
    if kept is not None and kept.name:
        return kept.name
    for deed in writes:
        for write in deed.op.wrote:
            if write.argument < len(deed.op.ins) and deed.op.ins[write.argument].name:
                return deed.op.ins[write.argument].name
    return ""


def _start(step: Step, facts: BackwardFacts) -> str:
    found = failing_pass(step)
    if found is not None:
        return found.start
    return next((name for name in facts.roots if name), phrase(_THE_RESULT))


def _kept_text(deed: Deed | None, kept: Operand | None, node: SpoiledNode, fields: dict[str, object]) -> str:
    if deed is None:
        shape = shape_text(node.shape) if node.shape is not None else "unknown"
        return fill(_KEPT_UNSEEN, shape=shape, **fields)
    name = f"`{fields['name']}`" if fields["name"] else ""
    if kept is not None and kept in deed.op.outs:
        what = phrase(_OWN_NAMED if name else _OWN_RESULT, name=name)
    else:
        what = name or phrase(_ITS_ARGUMENT)
    return fill(_KEPT, code=deed.words, at=deed.at, what=what)


def _written_text(writes: list[Deed], node: SpoiledNode) -> str:
    if not writes:
        before = node.expected if node.expected is not None else "?"
        return fill(_UNSEEN_WRITE, before=before, after=node.version if node.version is not None else "later")
    first, more = writes[0], len(writes) - 1
    if more:
        return fill(_WRITTEN_MORE, at=first.at, code=first.words, more=more, s="" if more == 1 else "s")
    write = first.op.wrote[0]
    return fill(_WRITTEN, at=first.at, code=first.words, before=write.before, after=write.after)


def _cure(writes: list[Deed], name: str, fields: dict[str, object]) -> str:
    if writes and writes[0].op.within:
        return fill(_CURE_STEP, **fields)
    simple = name.isidentifier()
    return fill(_CURE_NAMED, **fields) if simple else fill(_CURE)
