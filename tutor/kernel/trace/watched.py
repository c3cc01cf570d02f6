"""One operation from before its call to after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import torch
from msgspec import structs

from tutor.facts import Operand, OpFacts, Origin
from tutor.kernel.errors import clean
from tutor.kernel.failed.arguments import Describer
from tutor.kernel.failed.seen import Asked, Failure, note
from tutor.kernel.guard import GENUINE
from tutor.kernel.namespace import Snapshots
from tutor.kernel.trace import within
from tutor.kernel.trace.budget import Tally
from tutor.kernel.trace.operands import Reader, arguments, results
from tutor.kernel.trace.origins import Origins
from tutor.kernel.trace.sequence import next_number
from tutor.kernel.trace.sites import Site
from tutor.kernel.trace.sound import broken
from tutor.kernel.trace.verdicts import judge, writes
from tutor.kernel.trace.written import Call

globals()["__builtins__"] = GENUINE

_LONGEST_ERROR = 400
_sequence_number = torch.autograd._get_sequence_nr
_is_grad_enabled = torch.is_grad_enabled


Names = Mapping[int, str]


class Watched:
    """Holds the arguments of a call while it runs. All methods: call inside `raw.Reading()`."""

    def __init__(self, snapshots: Snapshots, origins: Origins, site: Site, tally: Tally) -> None:
        self._origins, self._site, self._kind, self._tally = origins, site, tally.kind, tally
        self._reader = Reader(snapshots.objects, snapshots.storages)
        self._hit = tally.count
        self._within = ""

    def read(self, asked: Asked, variables: Mapping[str, Any]) -> None:
        """The arguments as they are before the call."""
        self._call = Call(self._site, self._kind, asked.func, asked.args, variables)
        self._found = arguments(asked.args, asked.kwargs)
        names = self._call.names(self._found)
        self._ins = [self._reader.read(one, name) for one, name in zip(self._found, names, strict=True)]
        self._plain = self._call.plain(asked.kwargs)
        self._grad_enabled = _is_grad_enabled()
        self._first_node = _sequence_number()

    def look_around(self, caller: FrameType, learner: FrameType, known: Callable[[], Names]) -> None:
        """Where the call is made: by the learner's own code, or inside of a library's."""
        if caller is learner:
            if not self._call.is_operation:
                self._rename({}, known)
            return
        if self._tally.within is None:
            self._tally.within = within.describe(within.between(caller, learner), self._kind.name)
        self._within = self._tally.within
        if self._within:
            module = within.module_around(caller, learner)
            self._rename({} if module is None else within.names_in(module), known)

    def _rename(self, members: Names, known: Callable[[], Names]) -> None:
        """Parameters and buffers by the learner's path, or else as their module calls them (by `id()`)."""
        paths = known()
        for index, (one, found) in enumerate(zip(self._ins, self._found, strict=True)):
            name = paths.get(one.object) or members.get(id(found.value))
            if name is not None and name != one.name:
                self._ins[index] = structs.replace(one, name=name)

    def finish(self, result: Any) -> OpFacts | None:
        """What came of it; lets go of the arguments. None where no tensor had a part in it."""
        found, ins = self._found, self._ins
        wrote = writes(found, ins)
        made = results(result)
        if not found and not made:
            return None
        self._tally.is_operation = True
        outs = [self._reader.read(one, "") for one in made]
        self._look_at_numbers(made, outs)
        verdict, about = judge(self._kind, (found, ins), (made, outs), wrote, self._shares)
        facts = self._facts(outs=tuple(outs), verdict=verdict, of=about, wrote=wrote)
        origin = self._origin(facts)
        given = {one.object for one in ins}
        for one in outs:
            if one.object not in given:
                self._origins.made(one.object, one.storage, origin, verdict in ("new", "copy"))
        self._origins.made_nodes(self._first_node, _sequence_number(), origin)
        self._tally.origin = origin
        self._found = []
        return facts

    def _look_at_numbers(self, made: list[Any], outs: list[Operand]) -> None:
        """Which results have NaN or infinite elements, and where some do, which arguments have them."""
        faults = [broken(found.value, facts) for found, facts in zip(made, outs, strict=True)]
        if not any(faults):
            return
        outs[:] = [
            structs.replace(facts, broken=fault) if fault else facts
            for facts, fault in zip(outs, faults, strict=True)
        ]
        for index, (found, facts) in enumerate(zip(self._found, self._ins, strict=True)):
            if (fault := broken(found.value, facts)) is not None:
                self._ins[index] = structs.replace(facts, broken=fault)

    def fail(self, error: BaseException) -> OpFacts:
        """It raised; lets go of the arguments."""
        self._tally.is_operation = True
        facts = self._facts(error=_sentence(error), wrote=writes(self._found, self._ins))
        self._found = []
        return facts

    def failure(self, asked: Asked, facts: OpFacts) -> Failure:
        """What the error is told with, beyond the facts of the call."""
        return note(asked, self._call, self._site, facts, Describer(self._reader))

    def _facts(self, **outcome: Any) -> OpFacts:
        site, tally = self._site, self._tally
        direct = not self._within and self._call.is_operation
        part = self._call.part if direct else site.expression
        tally.line, tally.part, tally.elsewhere = site.line, part, site.elsewhere
        return OpFacts(
            seq=next_number(),
            name=self._kind.name,
            line=site.line,
            expression=site.expression,
            part=part,
            span=site.span,
            filename=site.filename,
            function=site.function,
            within=self._within,
            ins=tuple(self._ins),
            hit=self._hit,
            grad_enabled=self._grad_enabled,
            plain=self._plain,
            elsewhere=site.elsewhere,
            **outcome,
        )

    def _origin(self, facts: OpFacts) -> Origin:
        return Origin(facts.seq, facts.filename, facts.line, facts.expression, facts.name, facts.within)

    def _shares(self, given: Any, result: Any) -> bool:
        return self._reader.share(given.value, result.value)


def _sentence(error: BaseException) -> str:
    """`Type: message`; the message only where it is text already, for `__str__` may be the learner's."""
    kind = type.__dict__["__name__"].__get__(type(error))
    parts = BaseException.__dict__["args"].__get__(error)
    text = parts[0] if type(parts) is tuple and parts and type(parts[0]) is str else ""
    return clean(f"{kind}: {text[:_LONGEST_ERROR]}" if text else str(kind))
