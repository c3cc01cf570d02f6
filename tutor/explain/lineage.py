"""Who did it: the operation that made a tensor, that wrote some memory, the pass that freed a node.

Everything is taken from what was recorded while the learner's code ran; what was not seen is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, wraps

from msgspec.structs import replace

from tutor.explain.bindings import Code
from tutor.explain.engine import Rule
from tutor.explain.entries import At
from tutor.explain.past import Past
from tutor.explain.reading import failing
from tutor.explain.wording import fill, phrase
from tutor.facts import BackwardFacts, Explanation, OpFacts, Origin, Snapshot, Step, TensorFacts

_MADE_ALSO = "{made} and {last}"
_MADE = "`{name}` was made in {at}"
#: Tensors whose making is told in one sentence.
_MOST = 3
#: Views of views that are followed.
_DEEPEST = 50


@dataclass(frozen=True)
class Deed:
    """An operation, and the code in which it happened."""

    op: OpFacts
    code: Code

    @property
    def at(self) -> At:
        """Where, to be named in a sentence."""
        return self.code.at_deed(self.op)

    @property
    def words(self) -> str:
        """The operation as the learner wrote it."""
        return self.op.expression or self.op.name


@dataclass(frozen=True)
class Pass:
    """A backward pass, and the code in which it ran."""

    facts: BackwardFacts
    code: Code

    @property
    def at(self) -> At:
        """Where, to be named in a sentence."""
        return self.code.at_deed(self.facts)


class Lineage:
    """All that was seen up to the end of a step."""

    def __init__(self, step: Step, past: Past) -> None:
        self.here = past.now(step)
        self._codes = [*past.codes, self.here]

    @cached_property
    def deeds(self) -> list[Deed]:
        """Operations, in order."""
        return [Deed(op, code) for code in self._codes for op in code.operations]

    @cached_property
    def passes(self) -> list[Pass]:
        """Backward passes, in order."""
        return [Pass(facts, code) for code in self._codes for facts in code.backwards]

    @cached_property
    def _by_number(self) -> dict[int, Deed]:
        return {deed.op.seq: deed for deed in self.deeds}

    @cached_property
    def _makers(self) -> dict[int, Deed]:
        makers: dict[int, Deed] = {}
        for deed in self.deeds:
            given = {operand.object for operand in deed.op.ins}
            for out in deed.op.outs:
                if out.object not in given:
                    makers.setdefault(out.object, deed)
        return makers

    def deed(self, seq: int) -> Deed | None:
        """The operation of this number, where its record was kept."""
        return self._by_number.get(seq)

    def maker(self, tensor: int) -> Deed | None:
        """The operation that made an object."""
        return self._makers.get(tensor)

    def writes(self, storage: int, after: int = 0) -> Iterator[Deed]:
        """Operations with a number above `after` that wrote a storage and moved its version, in order."""
        for deed in self.deeds:
            op = deed.op
            if op.seq > after and any(self._moved(op, w.argument, storage) for w in op.wrote):
                yield deed

    def _moved(self, op: OpFacts, argument: int, storage: int) -> bool:
        """Whether an operation wrote a storage by this argument; `.data` has a version of its own."""
        if argument >= len(op.ins) or op.ins[argument].storage != storage:
            return False
        tensor: int | None = op.ins[argument].object
        for _ in range(_DEEPEST):
            made = self._makers[tensor].op if tensor in self._makers else None
            if made is None or made.verdict != "view" or made.of is None:
                return True
            if made.name == "data":
                return False
            tensor = made.ins[made.of].object
        return True

    def freed_by(self, nodes: Iterable[int], before: int) -> Pass | None:
        """The last pass with a number below `before` that freed one of these nodes."""
        wanted = frozenset(nodes)
        for one in reversed(self.passes):
            if one.facts.seq < before and not wanted.isdisjoint(one.facts.freed):
                return one
        return None

    def at(self, origin: Origin) -> At | None:
        """The place of an origin, to be named in a sentence; None where its code is not known any more."""
        deed = self.deed(origin.seq)
        return deed.at if deed is not None else None


def tells_makers(rule: Rule) -> Rule:
    """The rule, with a sentence behind its text about where the tensors that it names were made."""

    @wraps(rule)
    def with_makers(step: Step, before: Snapshot, past: Past) -> Explanation | None:
        explanation = rule(step, before, past)
        found = failing(step) if explanation is not None and explanation.names else None
        if explanation is None or found is None:
            return explanation
        named = (found.tensors[name] for name in explanation.names if name in found.tensors)
        sentence = made_text(Lineage(step, past), named)
        return replace(explanation, text=f"{explanation.text} {sentence}") if sentence else explanation

    return with_makers


def made_text(lineage: Lineage, tensors: Iterable[TensorFacts]) -> str:
    """A sentence about where each of these was made; empty where nothing of that was seen."""
    told: dict[int, str] = {}
    for facts in tensors:
        if facts.origin is None or facts.object in told:
            continue
        at = lineage.at(facts.origin)
        if at is not None and not facts.origin.within:
            told[facts.object] = fill(_MADE, name=facts.name, at=at.with_code(facts.origin.expression))
    parts = [one.rstrip(",") for one in told.values()][:_MOST]
    if not parts:
        return ""
    last = parts.pop()
    return (phrase(_MADE_ALSO, made=", ".join(parts), last=last) if parts else last) + "."
