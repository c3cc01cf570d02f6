"""Names that share memory: one tensor under two names, views, detached tensors, numpy arrays."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tutor.explain.engine import outcome
from tutor.explain.past import Past
from tutor.explain.reading import COPY_IF_NEEDED, evaluated, path, root, statement_of, words
from tutor.explain.strides import elements, fills
from tutor.explain.wording import code_list, count_text, elements_text, fill, layout_text, shape_text
from tutor.facts import Explanation, Snapshot, Step, StorageFacts, TensorFacts
from tutor.translation import translated

#: Methods that return the tensor itself when there is nothing to convert.
_CONVERTING = frozenset(
    "to type type_as cpu cuda float double half bfloat16 int long short bool numpy".split()  # noqa: SIM905
)

#: Names of one step, and residents of one block, that are looked at.
_MOST = 50

_TITLE = "`{new}` shares memory with `{old}`"
_TITLE_SAME = "`{new}` and `{old}` are one {thing}"
_THINGS = ("tensor", "numpy array")
_LIVES = "{names} lives in this memory too."
_LIVE = "{names} live in this memory too."
_SAME = """
{why} `{new}` and `{old}` are two names of one and the same {thing}; nothing was copied. What is changed in it
through one name is changed for the other. For memory of its own, write `{new} = {old}.{copy}`.
"""
_WHY_IN_ORDER = "The elements of `{old}` lie in order already, so `{call}` returned `{old}` itself."
_WHY_CONVERTED = "There was nothing to convert, so `{call}` returned `{old}` itself."
_ARRAY = """
`{new}` is a numpy array laid over the memory of the tensor `{old}`: no number was copied. {consequence}
PyTorch does not notice a write through numpy. `{old}.{copy}.numpy()` makes a copy.
"""
_TENSOR = """
`{new}` is a tensor laid over the memory of the numpy array `{old}`: no number was copied. {consequence}
PyTorch does not notice a write through numpy. `torch.tensor({old})` makes a copy.
"""
_BYTES = """
`{new}` reads the bytes of `{old}` as {dtype}, where `{old}` is {old_dtype}: no number was copied or
converted. A write into one changes what the other reads there.
"""
_DETACHED = """
`{new}` is cut off from the gradient history of `{old}`, not from its memory: both read the same {elements}.
A write into one changes the other, and autograd does not record a write through `{new}`. For memory of
its own, write `{new} = {old}.detach().clone()`.
"""
_VIEW = "{why} {reading} {repeats} {consequence}"
_WHY_VIEW = """
`{method}` copies only when it must: a stride describes shape {shape} over the memory of `{old}`, so it gave
a view.
"""
_READING = """
`{new}` has no numbers of its own: it reads the memory of `{old}` with {layout}, where `{old}` has
{old_layout}.
"""
_READING_UNKNOWN = "`{new}` has no numbers of its own: it reads the memory of `{old}`."
_REPEATS = """
Its stride of 0 along dimension {dimension} means that all {size:,} steps there read the same numbers, so one
write is seen at every one of them.
"""
_APART = """
The two have no element in common, so a write into one leaves the other as it is, but the whole memory stays
in use as long as either of them lives.
"""
_SOME = "They have {elements} in common: a write there through one changes the other."
_ALL_OF_ONE = "Every write into `{new}` changes `{old}`."
_ALL_OF_BOTH = "Every write into `{new}` changes `{old}`, and the other way round."
_WHEREVER = "A write into one changes the other wherever both read the same place."


@dataclass(frozen=True)
class _Pair:
    """A name that this step bound, and an older name that lives in the same memory."""

    new: TensorFacts
    old: TensorFacts
    block: StorageFacts
    #: The expression that the name was bound to, where the statement is a plain assignment.
    value: ast.expr | None
    source: str

    @property
    def names(self) -> dict[str, str]:
        return {"new": self.new.name, "old": self.old.name}

    @property
    def method(self) -> str:
        """The method that made the new tensor, called on the older name itself; else ""."""
        call = self.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            return call.func.attr if path(call.func.value) == self.old.name else ""
        return ""


@outcome
def shares_memory(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a name was bound to memory that another name, bound before it, already lives in."""
    names = _bound(step)
    pairs = [p for at, name in enumerate(names) if (p := _pair(name, names[:at], step, before)) is not None]
    if not pairs:
        return None
    first = pairs[0]
    others = [pair.new.name for pair in pairs[1:] if pair.old.name == first.old.name]
    title, text = _relation(first)
    if others:
        text += " " + fill(_LIVES if len(others) == 1 else _LIVE, names=code_list(others))
    told = tuple(dict.fromkeys((first.new.name, first.old.name, *others)))
    return Explanation("shares-memory", "note", title, text, None, told)


def _bound(step: Step) -> list[str]:
    """Names that the step bound, in the order of the namespace; of paths only those that it spells out."""
    bound = {change.name for change in step.changes if change.kind in ("new", "rebound")}
    names = [name for name in step.snapshot.tensors if name in bound and not name.startswith("_")]
    statement = statement_of(step)
    spelled = {path(t) for t in statement.targets} if isinstance(statement, ast.Assign) else set()
    return [name for name in names if name.isidentifier() or name in spelled][:_MOST]


def _pair(name: str, peers: Sequence[str], step: Step, before: Snapshot) -> _Pair | None:
    """`name` with a name from before the step, else with one of `peers`, bound by the step itself."""
    new = step.snapshot.tensors[name]
    block = step.snapshot.storages.get(new.block) if new.block is not None else None
    if block is None or not new.numel or new.kind == "gradient":
        return None
    older = [facts for facts in stayed(block, step, before) if facts.name != name]
    if not older:
        older = [step.snapshot.tensors[peer] for peer in peers if peer in block.residents]
    if not older:
        return None
    mentioned = _mentioned(step, [facts.name for facts in older])

    def rank(facts: TensorFacts) -> tuple[bool, ...]:
        return (*_distance(facts, new), facts.name not in mentioned, not facts.name.isidentifier())

    old = min(older, key=rank)
    statement = statement_of(step)
    plain = isinstance(statement, ast.Assign) and [path(target) for target in statement.targets] == [name]
    value = statement.value if isinstance(statement, ast.Assign) and plain else None
    return _Pair(new, old, block, value, step.source)


def _distance(old: TensorFacts, new: TensorFacts) -> tuple[bool, bool]:
    return old.object != new.object, old.storage is None or old.storage != new.storage


def stayed(block: StorageFacts, step: Step, before: Snapshot) -> Iterator[TensorFacts]:
    """Residents of the block, the oldest of them, that were there before the step and are the same still."""
    for name in block.residents[:_MOST]:
        now, then = step.snapshot.tensors.get(name), before.tensors.get(name)
        if now is not None and then is not None and now.object == then.object and now.numel:
            yield now


def _mentioned(step: Step, names: list[str]) -> set[str]:
    """Those of `names` that the statement's code reads."""
    statement = statement_of(step)
    known = frozenset(names)
    return {
        name
        for node in (evaluated(statement) if statement is not None else ())
        if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), ast.Store)
        if (name := root(node, known)) is not None
    }


def _relation(pair: _Pair) -> tuple[str, str]:
    """Title and text."""
    new, old, names = pair.new, pair.old, pair.names
    if new.object == old.object:
        return _same_object(pair)
    title = fill(_TITLE, **names)
    if (new.kind == "ndarray") != (old.kind == "ndarray"):
        template = _ARRAY if new.kind == "ndarray" else _TENSOR
        copy = "detach().clone()" if old.requires_grad else "clone()"
        return title, fill(template, **names, copy=copy, consequence=_consequence(pair))
    if new.dtype != old.dtype:
        return title, fill(_BYTES, **names, dtype=new.dtype, old_dtype=old.dtype)
    same_layout = (new.shape, new.stride, new.data_ptr) == (old.shape, old.stride, old.data_ptr)
    if same_layout and old.requires_grad and not new.requires_grad:
        return title, fill(_DETACHED, **names, elements=elements_text(new))
    return title, fill(
        _VIEW,
        why=_why_view(pair),
        reading=_reading(pair),
        repeats=_repeats(new),
        consequence=_consequence(pair),
    )


def _same_object(pair: _Pair) -> tuple[str, str]:
    array = pair.new.kind == "ndarray"
    names = {**pair.names, "thing": translated(_THINGS[array])}
    call = words(pair.value, pair.source) if pair.value is not None else ""
    why = ""
    if pair.method == "contiguous":
        why = fill(_WHY_IN_ORDER, **names, call=call)
    elif pair.method in _CONVERTING:
        why = fill(_WHY_CONVERTED, **names, call=call)
    return fill(_TITLE_SAME, **names), fill(_SAME, **names, why=why, copy="copy()" if array else "clone()")


def _why_view(pair: _Pair) -> str:
    """Why a method that may copy did not."""
    if pair.method not in COPY_IF_NEEDED or pair.new.shape is None:
        return ""
    return fill(_WHY_VIEW, **pair.names, method=pair.method, shape=shape_text(pair.new.shape))


def _reading(pair: _Pair) -> str:
    new, old = pair.new, pair.old
    if new.stride is None or old.stride is None or new.shape is None or old.shape is None:
        return fill(_READING_UNKNOWN, **pair.names)
    layouts = {
        "layout": layout_text(new.shape, new.stride, new.offset),
        "old_layout": layout_text(old.shape, old.stride, old.offset),
    }
    return fill(_READING, **pair.names, **layouts)


def _repeats(facts: TensorFacts) -> str:
    """What a stride of 0 means."""
    if facts.shape is None or facts.stride is None:
        return ""
    for dimension, (size, step) in enumerate(zip(facts.shape, facts.stride, strict=True)):
        if size > 1 and step == 0:
            return fill(_REPEATS, dimension=dimension, size=size)
    return ""


def _consequence(pair: _Pair) -> str:
    """What follows for writes, from the elements that the two have in common."""
    new, old = elements(pair.new, pair.block), elements(pair.old, pair.block)
    if new is None or old is None:
        both = fills(pair.new, pair.block) and fills(pair.old, pair.block)
        template = _ALL_OF_BOTH if both else _ALL_OF_ONE if fills(pair.old, pair.block) else _WHEREVER
        return fill(template, **pair.names)
    common = set(new) & set(old)
    if not common:
        return fill(_APART)
    if common == set(new):
        return fill(_ALL_OF_BOTH if common == set(old) else _ALL_OF_ONE, **pair.names)
    return fill(_SOME, elements=count_text(len(common), "element"))
