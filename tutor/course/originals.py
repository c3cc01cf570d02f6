"""Variables of the setup as they were at first, also where the learner makes them again in other words."""

from __future__ import annotations

import ast
from functools import cached_property
from itertools import product, takewhile

from tutor.course.reading import names_in
from tutor.facts import Run, Snapshot, TensorFacts
from tutor.facts import Step as RunStep

#: What another tensor has to have in common with the first one to be the same again.
_ALIKE = (
    "kind",
    "type",
    "shape",
    "stride",
    "dtype",
    "device",
    "requires_grad",
    "is_leaf",
    "grad_fn",
    "layout",
)
#: Elements of a tensor that are compared.
_MOST = 10_000


class Originals:
    """What stands for each variable of the setup in one run of the learner's code."""

    def __init__(self, run: Run, setup: str) -> None:
        self._run = run
        self._setup = setup

    def of(self, name: str) -> list[tuple[TensorFacts, int]]:
        """The variable as it was at first, then each time that it was made again so; with the index of the
        first step to look at."""
        return self._found.get(name) or self._made(name)

    def _made(self, name: str) -> list[tuple[TensorFacts, int]]:
        """What the learner first gave a name to that the setup does not have, or gave it again."""
        found: list[tuple[TensorFacts, int]] = []
        made_by = ""
        for index, step in enumerate(self._run.steps):
            if name not in step.snapshot.tensors:
                continue
            statement = _statement(step)
            text = "" if statement is None else ast.dump(statement)
            if not found:
                made_by = text
            elif any(change.kind == "written" for change in step.changes):
                break
            else:
                read = _read_by(step, name)
                # Of a statement that reads tensors, what it was made of may be another by now.
                if text != made_by or read is None or any(each in step.snapshot.tensors for each in read):
                    continue
            found.append((step.snapshot.tensors[name], index + 1))
        return found

    @cached_property
    def _found(self) -> dict[str, list[tuple[TensorFacts, int]]]:
        found = {name: [(facts, 0)] for name, facts in self._run.before.tensors.items()}
        before = self._run.before
        for index, step in enumerate(self._run.steps):
            standing = {name for name in found if _is(before.tensors.get(name), found[name][-1][0])}
            for change in step.changes:
                now = step.snapshot.tensors.get(change.name)
                if change.kind != "rebound" or now is None or change.name not in found:
                    continue
                if self._repeats_setup(step) or self._is_same_again(change.name, step, before, standing):
                    found[change.name].append((now, index + 1))
            before = step.snapshot
        return found

    def _repeats_setup(self, step: RunStep) -> bool:
        statement = _statement(step)
        return statement is not None and ast.dump(statement) in self._statements

    @cached_property
    def _statements(self) -> set[str]:
        try:
            return {ast.dump(node) for node in ast.parse(self._setup).body}
        except SyntaxError:
            return set()

    def _is_same_again(self, name: str, step: RunStep, before: Snapshot, standing: set[str]) -> bool:
        """Whether a statement made a tensor like the first one: out of nothing, or out of what the first was
        made of, and not out of the first one itself. That would be a copy of it."""
        first, now = self._run.before.tensors[name], step.snapshot.tensors[name]
        if any(getattr(first, fact) != getattr(now, fact) for fact in _ALIKE):
            return False
        if now.block is not None and now.block == first.block and now.offset == first.offset:
            return True  # the same elements, which have the same history
        read = _read_by(step, name)
        if read is None or name in read:
            return False
        for each in read:
            tensor = before.tensors.get(each)
            if tensor is None:
                if any(path.startswith((f"{each}.", f"{each}[")) for path in before.tensors):
                    return False
                continue
            if each not in standing:
                return False
            then = self._run.before.tensors[each]
            if (then.block == first.block) is not (tensor.block == now.block):
                return False
        if any(step.snapshot.tensors.get(each, first).block != now.block for each in self._shared_by(name)):
            return False
        values = _values(first, self._run.before)
        return values is not None and values == _values(now, step.snapshot)

    def _shared_by(self, name: str) -> list[str]:
        """Variables that were there before `name` in the setup, and had its memory: it is a view of them."""
        tensors = self._run.before.tensors
        earlier = takewhile(lambda each: each != name, tensors)
        block = tensors[name].block
        return [each for each in earlier if block is not None and tensors[each].block == block]


def _is(one: TensorFacts | None, other: TensorFacts) -> bool:
    return one is not None and one.object == other.object


def _statement(step: RunStep) -> ast.stmt | None:
    try:
        body = ast.parse(step.source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return body[0] if len(body) == 1 else None


def _read_by(step: RunStep, name: str) -> list[str] | None:
    """The variables that a plain assignment to `name` reads; None for any other statement."""
    node = _statement(step)
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return None
    if not any(isinstance(target, ast.Name) and target.id == name for target in targets):
        return None
    value = ast.unparse(node.value)
    return [each for each in names_in(value) if each != value or each.isidentifier()]


def _values(facts: TensorFacts, snapshot: Snapshot) -> list[str] | None:
    """All elements as texts, in the order of the indices; None where the records do not have them."""
    storage = snapshot.storages.get(facts.block) if facts.block is not None else None
    if storage is None or storage.values is None or storage.dtype != facts.dtype or len(storage.storages) > 1:
        return None
    if facts.shape is None or facts.stride is None or facts.offset is None or (facts.numel or 0) > _MOST:
        return None
    steps = facts.stride
    places = [
        facts.offset + sum(at * step for at, step in zip(index, steps, strict=True))
        for index in product(*map(range, facts.shape))
    ]
    if any(not 0 <= place < len(storage.values) for place in places):
        return None
    return [storage.values[place] for place in places]
