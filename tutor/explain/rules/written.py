"""Writes through one name that other names see."""

from __future__ import annotations

from dataclasses import dataclass

from tutor.explain.engine import outcome
from tutor.explain.past import Past
from tutor.explain.reading import evaluated, statement_of, writes
from tutor.explain.rules.memory import stayed
from tutor.explain.strides import elements, fills, index_of
from tutor.explain.wording import code_list, count_text, fill, phrase
from tutor.facts import Explanation, Snapshot, Step, StorageFacts, TensorFacts

_TITLE = "The write through `{writer}` changed {others} too"
_TEXT = """
This statement changed {amount} in memory through `{writer}`, and {others} {reads} the same memory. {effect}
To change `{writer}` alone, give it memory of its own before writing: `{writer} = {writer}.{copy}`.
"""
_SOMEWHERE = """
This statement wrote into memory through `{writer}`, and {others} {reads} the same memory. To change
`{writer}` alone, give it memory of its own before writing: `{writer} = {writer}.{copy}`.
"""
_ONE = "{element} was {was} and is {now} now."
_ONE_UNKNOWN = "{element} is different now."
_BOTH, _ALL, _PART = "Both", "All {count:,}", "{count:,} of the {whole:,}"
_MANY = "{count} elements of `{name}` are different now."


@dataclass(frozen=True)
class _Reached:
    """An older name, and the positions in reading order of its elements that were written.

    `changed` is empty where it is only known that there are some."""

    facts: TensorFacts
    changed: tuple[int, ...] = ()


@outcome
def written_through(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a write that the statement spells out changed elements of another older name too."""
    statement = statement_of(step)
    changed = {change.name for change in step.changes if change.kind == "written"}
    if statement is None or not changed:
        return None
    tensors = step.snapshot.tensors
    for name in dict.fromkeys(write.name for write in writes(evaluated(statement), tensors)):
        writer = tensors[name]
        block = step.snapshot.storages.get(writer.block) if writer.block is not None else None
        if block is None or block.block not in before.storages or name not in changed:
            continue
        others = [f for f in stayed(block, step, before) if f.object != writer.object and f.name in changed]
        named = {facts.object for facts in others if facts.name.isidentifier()}
        others = [f for f in others if f.name.isidentifier() or f.object not in named]
        if block.written is None:
            reached = [_Reached(facts) for facts in others if fills(facts, block)]
        else:
            reached = _reached(writer, others, block)
        if reached:
            return _explanation(writer, reached, block, before.storages[block.block])
    return None


def _written_by(writer: TensorFacts, block: StorageFacts) -> set[int]:
    """Elements of the writer that changed; those outside it were changed by something else."""
    changed = {place for start, stop in block.written or () for place in range(start, stop)}
    return changed.intersection(elements(writer, block) or ())


def _reached(writer: TensorFacts, others: list[TensorFacts], block: StorageFacts) -> list[_Reached]:
    written = _written_by(writer, block)
    found = []
    for facts in others:
        places = elements(facts, block) or ()
        changed = tuple(at for at, place in enumerate(places) if place in written)
        if changed:
            found.append(_Reached(facts, changed))
    return found


def _explanation(
    writer: TensorFacts, reached: list[_Reached], block: StorageFacts, earlier: StorageFacts
) -> Explanation:
    others = tuple(r.facts.name for r in reached)
    known = block.written is not None
    text = fill(
        _TEXT if known else _SOMEWHERE,
        writer=writer.name,
        others=code_list(others),
        amount=count_text(len(_written_by(writer, block)), "element"),
        reads="reads" if len(others) == 1 else "read",
        effect=_effect(reached[0], block, earlier) if known else "",
        copy="copy()" if writer.kind == "ndarray" else "clone()",
    )
    title = fill(_TITLE, writer=writer.name, others=code_list(others))
    return Explanation("written-through", "note", title, text, None, (writer.name, *others))


def _effect(reached: _Reached, block: StorageFacts, earlier: StorageFacts) -> str:
    """What one of the names reads now that it did not read before."""
    facts, count = reached.facts, len(reached.changed)
    if count > 1:
        every = _BOTH if count == 2 else _ALL
        share = phrase(every if count == facts.numel else _PART, count=count, whole=facts.numel)
        return fill(_MANY, count=share, name=facts.name)
    at = reached.changed[0]
    place = (elements(facts, block) or [])[at]
    index = ", ".join(map(str, index_of(at, facts.shape or ())))
    element = f"`{facts.name}[{index}]`" if index else f"`{facts.name}`"
    if earlier.values is None or block.values is None or earlier.start != block.start:
        return fill(_ONE_UNKNOWN, element=element)
    return fill(_ONE, element=element, was=earlier.values[place], now=block.values[place])
