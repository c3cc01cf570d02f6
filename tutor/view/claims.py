"""What one step did, as claims about names: the most telling first. Line notes are made of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tutor.facts import Change, Snapshot, Step, StorageFacts, TensorFacts
from tutor.translation import say
from tutor.view.context import Births, Context
from tutor.view.devices import copy_word, transfer_word
from tutor.view.holdings import Holding, holdings, is_kept, root_of
from tutor.view.reach import Ranges, elements, extent, is_dense, merge, runs, touches
from tutor.view.reasons import unread_words
from tutor.view.words import clean, grad_fn_word, kind_word, said_kind, shape_word, stride_word

#: Order of telling: what surprises most comes first.
WRITTEN, RELATED, MADE, GRADIENT, MOVED, ALTERED, DELETED = range(7)


@dataclass(frozen=True)
class Claim:
    """A fact about `names`; `rank` orders claims of one step."""

    rank: int
    names: tuple[str, ...]
    block: int | None
    text: str
    tail: str = ""
    #: The device that a new object is said to be a copy on.
    copied_to: str = ""


def claims_of(step: Step, before: Snapshot, births: Births) -> list[Claim]:
    """Claims about every name that `step` changed, the most telling first."""
    context = Context(step, before, births)
    claims = _writes(context)
    passed_over = set(context.echoes)
    for holding in holdings(step.changes, before, step.snapshot):
        claim, names = _held(context, holding)
        claims += [claim] if claim is not None else []
        passed_over.update(names)
    for change in step.changes:
        if change.name in passed_over and change.kind != "written":
            continue
        make = _MAKERS.get(change.kind)
        claim = make(context, change) if make else None
        if claim is not None:
            claims.append(claim)
    bound = {change.name for change in step.changes if change.kind not in ("altered", "written")}
    claims = [claim for claim in claims if not _follows(claim, bound)]
    claims += _transfers(context, claims)
    return sorted(
        claims,
        key=lambda c: (bool(c.names) and is_kept(c.names), c.rank, not any(map(context.mentions, c.names))),
    )


def _transfers(context: Context, claims: Sequence[Claim]) -> Iterator[Claim]:
    """Copies between devices that no other claim tells."""
    for transfer in context.step.transfers:
        told = sum(claim.copied_to == transfer.target for claim in claims)
        if told < transfer.count:
            yield Claim(MOVED, transfer.names, None, transfer_word(transfer), _some(transfer.names))


def _follows(claim: Claim, bound: set[str]) -> bool:
    """Whether the claim only repeats, of an attribute, what happened to the name before its dot."""
    name = claim.names[0]
    bases = (name[:dot] for dot, char in enumerate(name) if char == ".")
    return claim.rank > WRITTEN and not bound.isdisjoint(bases)


def _held(context: Context, holding: Holding) -> tuple[Claim | None, Iterable[str]]:
    """A claim about a container as a whole, and the names of which nothing more is told."""
    moved = set(holding.changed).difference(holding.told)
    came = [name for name in holding.told if name in holding.after]
    is_whole = holding.is_new and max(holding.count, holding.count_before) > 1 and holding.count != 1
    if not is_whole and (came or len(holding.told) == 1):
        return None, moved
    if not is_whole and not holding.changed and holding.count == holding.count_before:
        return None, moved
    block, tail = None, _was(f"{holding.count_before:,}") if holding.count_before != holding.count else ""
    if is_whole and holding.count:
        block, shared = _shared(context, holding)
        tail = shared or (tail if holding.count_before else "")
    text = _counted(holding.count) if is_whole or tail else say("other order")
    names = holding.after or holding.before
    rank = RELATED if is_whole and tail else MADE if holding.count >= holding.count_before else DELETED
    return Claim(rank, names, block, context.prefix(holding.root) + text, tail), holding.changed


def _counted(tensors: int) -> str:
    return say("{count:,} tensor" if tensors == 1 else "{count:,} tensors", count=tensors)


def _was(former: str) -> str:
    return say("was {former}", former=former)


def _shared(context: Context, holding: Holding) -> tuple[int | None, str]:
    """The block of all tensors in a container, if it is one, and older names that share memory with them."""
    blocks = list(dict.fromkeys(context.after.tensors[name].block for name in holding.after))
    older: dict[str, None] = {}
    for block in blocks:
        outside = [name for name in context.names.on_block(block) if root_of(name) != holding.root]
        if name := context.older(outside, holding.after[0]):
            older[name] = None
    names = _some(tuple(older))
    tail = say("share with {names}" if len(holding.after) > 1 else "shares with {names}", names=names)
    whole = len(blocks) == 1 and holding.count == len(holding.after)
    return (blocks[0] if whole else None), (tail if older else "")


def _made(context: Context, change: Change) -> Claim | None:
    facts = context.after.tensors.get(change.name)
    if facts is None:
        return None
    if facts.kind == "gradient":
        word = say("new" if change.kind == "new" else "replaced")
        shape = shape_word(facts.shape) if facts.shape is not None else ""
        return Claim(GRADIENT, (change.name,), facts.block, clean(change.name), f"{shape} {word}".strip())
    (relation, is_view), kind = _relation(context, facts), kind_word(facts)
    if (moved := _moved(context, facts)) and not relation:
        tail = " ".join(filter(None, (kind, *_origin(facts))))
        text = context.prefix(change.name) + moved
        return Claim(RELATED, (change.name,), facts.block, text, tail, facts.device or "")
    # A view is where its memory is.
    place = "" if is_view else _device(context, facts)
    tail = " ".join(filter(None, (relation, place, *_origin(facts))))
    rank = RELATED if relation else MADE
    return Claim(rank, (change.name,), facts.block, context.prefix(change.name) + kind, tail)


def _relation(context: Context, facts: TensorFacts) -> tuple[str, bool]:
    """How the new object stands to an older name: the same object, a view, or shared memory; whether that
    is a view."""
    if name := context.older(context.names.of_object(facts.object), facts.name):
        return say("same as {name}", name=clean(name)), False
    if facts.numel == 0:
        return "", False
    if name := context.older(context.names.on_storage(facts.storage), facts.name):
        return say("view of {base}", base=clean(name)), True
    if name := context.older(context.names.on_block(facts.block), facts.name):
        if _both_arrays(context, facts, name):
            return say("view of {base}", base=clean(name)), True
        return say("shares with {names}", names=clean(name)), False
    old = context.before.tensors.get(facts.name)
    if old is not None and old.block is not None and old.block == facts.block:
        return say("same memory"), False
    copied = context.copied_from(facts.object)
    if copied is None or copied.device not in (None, facts.device) or not copied.name:
        return "", False
    return say("copy of {name}", name=clean(copied.name)), False


def _moved(context: Context, facts: TensorFacts) -> str:
    """A copy on another device: where to, and how much; empty for all else."""
    copied = context.copied_from(facts.object)
    if copied is None or None in (facts.device, copied.device) or facts.device == copied.device:
        return ""
    return copy_word(facts.device or "", _nbytes(facts))


def _nbytes(facts: TensorFacts) -> int:
    return (facts.numel or 0) * (facts.itemsize or 0)


def _both_arrays(context: Context, facts: TensorFacts, name: str) -> bool:
    return facts.kind == "ndarray" and context.after.tensors[name].kind == "ndarray"


def _device(context: Context, facts: TensorFacts) -> str:
    """The device, where the namespace knows several and this is not the usual one or not the former one."""
    old = context.before.tensors.get(facts.name)
    moved = old is not None and old.device != facts.device
    told = (facts.device != "cpu" or moved) and len(context.devices) > 1
    return clean(facts.device or "") if told else ""


def _origin(facts: TensorFacts) -> Iterable[str]:
    if facts.kind in ("sparse", "nested", "quantized", "fake"):
        yield said_kind(facts.kind)
    if facts.kind == "unreadable" and facts.unread:
        yield unread_words(facts.unread)
    if facts.grad_fn is not None:
        yield f"← {grad_fn_word(facts.grad_fn)}"
    elif facts.requires_grad and facts.is_leaf:
        yield say("leaf")


def _altered(context: Context, change: Change) -> Claim | None:
    old, new = context.before.tensors.get(change.name), context.after.tensors.get(change.name)
    if old is None or new is None:
        return None
    path = f"{new.name}.grad"
    if old.grad != new.grad and path not in context.before.tensors and path not in context.after.tensors:
        tail = f"{shape_word(new.grad)} {say('new')}" if new.grad is not None else "None"
        return Claim(GRADIENT, (change.name,), None, clean(path), tail)
    text, tail = _alteration(old, new, context)
    if not text:
        return None
    return Claim(ALTERED, (change.name,), new.block, context.prefix(change.name) + text, tail)


def _alteration(old: TensorFacts, new: TensorFacts, context: Context) -> tuple[str, str]:
    if old.shape != new.shape or old.dtype != new.dtype:
        return kind_word(new), _was(kind_word(old))
    if old.device != new.device:
        return say("on {device}", device=clean(new.device or "?")), _was(clean(old.device or "?"))
    if old.storage != new.storage:
        return say("other memory"), _relation(context, new)[0]
    if new.stride is not None and old.stride is not None and _layout(old) != _layout(new):
        stride = say("stride {stride}", stride=stride_word(new.stride, new.offset))
        return stride, _was(stride_word(old.stride, old.offset))
    if old.requires_grad != new.requires_grad:
        return say("requires_grad on" if new.requires_grad else "requires_grad off"), " ".join(_origin(new))
    if not old.retains_grad and new.retains_grad:
        return say("retains grad"), ""
    if old.grad_fn != new.grad_fn:
        return f"← {grad_fn_word(new.grad_fn)}" if new.grad_fn else say("detached"), ""
    return "", ""


def _layout(facts: TensorFacts) -> tuple[object, ...]:
    return facts.shape, facts.stride, facts.offset, facts.dtype, facts.storage


def _deleted(context: Context, change: Change) -> Claim:
    old = context.before.tensors.get(change.name)
    block = old.block if old is not None else None
    base = change.name.removesuffix(".grad")
    if base != change.name and base in context.after.tensors:
        return Claim(DELETED, (change.name,), None, say("{name} is None", name=clean(change.name)))
    deleted = say("deleted {name}", name=clean(change.name))
    storage = context.after.storages.get(block) if block is not None else None
    if storage is None or not storage.residents:
        return Claim(DELETED, (change.name,), None, deleted)
    names = _some(storage.residents)
    stay = say("{names} stays" if len(storage.residents) == 1 else "{names} stay", names=names)
    return Claim(DELETED, (change.name,), block, deleted, stay)


def _laid_out(context: Context, change: Change) -> Claim | None:
    """A name whose tensor was given another shape or stride in place, which torch counts as a write."""
    return _altered(context, change) if _has_new_layout(context, change.name) else None


def _has_new_layout(context: Context, name: str) -> bool:
    old, new = context.before.tensors.get(name), context.after.tensors.get(name)
    return old is not None and new is not None and _layout(old) != _layout(new)


_MAKERS: dict[str, Callable[[Context, Change], Claim | None]] = {
    "new": _made,
    "rebound": _made,
    "altered": _altered,
    "written": _laid_out,
    "deleted": _deleted,
}


def _writes(context: Context) -> list[Claim]:
    """One claim for each block that the step wrote in place through an existing name."""
    names_by_block: dict[int | None, list[str]] = {}
    for change in context.step.changes:
        facts = context.after.tensors.get(change.name)
        if change.kind == "written" and facts is not None and change.name not in context.echoes:
            names_by_block.setdefault(facts.block, []).append(change.name)
    writes = {block: names for block, names in names_by_block.items() if _is_write(context, names)}
    return [_write(context, block, names) for block, names in writes.items()]


def _is_write(context: Context, names: list[str]) -> bool:
    """Whether elements were written, as far as is known, and not just a shape, a stride or a device."""
    if all(_has_moved(context, name) for name in names):
        return False
    block = context.after.tensors[names[0]].block
    storage = context.after.storages.get(block) if block is not None else None
    return bool(storage and storage.written) or not any(_has_new_layout(context, name) for name in names)


def _has_moved(context: Context, name: str) -> bool:
    """Whether a tensor, itself, is on another device now."""
    old, new = context.before.tensors.get(name), context.after.tensors.get(name)
    return old is not None and new is not None and old.object == new.object and old.device != new.device


def _write(context: Context, block: int | None, names: list[str]) -> Claim:
    storage = context.after.storages.get(block) if block is not None else None
    writer = _writer(context, names, storage)
    if storage is None or storage.itemsize < 1:
        text = say("written") if context.mentions(writer) else say("{name} written", name=clean(writer))
        return Claim(WRITTEN, tuple(names), block, text)
    ranges = merge(storage.written) if storage.written else None
    rank = WRITTEN if context.mentions(writer) else GRADIENT
    if ranges is None:
        sharers = _touched(context, storage, _covered(context.after, storage, writer), writer)
        tail = say("shared with {names}", names=_some(sharers)) if sharers else ""
        text = say("writes into {name}" if rank == WRITTEN else "{name} written", name=clean(writer))
        return Claim(rank, _first(writer, names), block, text, tail)
    touched = _touched(context, storage, ranges, writer)
    count, amount = storage.nbytes // storage.itemsize, sum(stop - start for start, stop in ranges)
    too = say("{names} too", names=_some(touched)) if touched else ""
    told = _first(writer, [*names, *touched])
    if rank == WRITTEN:
        text = say(
            "writes all {count:,}" if amount == count else "writes {amount:,} of {count:,}",
            amount=amount,
            count=count,
        )
        return Claim(rank, told, block, text, too)
    size = say("{amount:,} of {count:,}", amount=amount, count=count) if amount != count else ""
    text = say("{name} written", name=clean(writer))
    return Claim(rank, told, block, text, " ".join(filter(None, (size, too))))


def _first(first: str, names: Iterable[str]) -> tuple[str, ...]:
    """`names` without repeats, `first` in front."""
    return tuple(dict.fromkeys((first, *names)))


def _writer(context: Context, names: list[str], storage: StorageFacts | None) -> str:
    """The name through which the statement wrote: the first that its code mentions, else the oldest."""
    candidates = [*names, *(storage.residents if storage is not None else ())]
    mentioned = [(place, name) for name in candidates if (place := context.place(name)) is not None]
    return min(mentioned)[1] if mentioned else names[0]


def _covered(after: Snapshot, storage: StorageFacts, name: str) -> Ranges:
    """Element ranges of `storage` that `name` covers; the whole storage where that is too long to list."""
    facts = after.tensors[name]
    reach = extent(facts, storage)
    if reach is not None and is_dense(facts):
        return ((reach[0] // storage.itemsize, -(-reach[1] // storage.itemsize)),)
    positions = elements(facts, storage)
    return runs(positions) if positions is not None else ((0, storage.nbytes // storage.itemsize),)


def _touched(context: Context, storage: StorageFacts, ranges: Ranges, writer: str) -> tuple[str, ...]:
    """Other names with some element in `ranges`."""
    tensors = context.after.tensors
    others = [tensors[name] for name in storage.residents if name != writer and name in tensors]
    return tuple(
        facts.name for facts in others if facts.name not in context.echoes and touches(facts, storage, ranges)
    )


def _some(names: tuple[str, ...]) -> str:
    shown = [clean(name) for name in names[:2]]
    return ", ".join(shown) + (f" +{len(names) - 2}" if len(names) > 2 else "")
