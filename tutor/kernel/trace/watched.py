"""One operation from before its call to after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import torch
from msgspec import Struct, structs

from tutor.facts import OpFacts, Origin
from tutor.kernel.errors import clean
from tutor.kernel.guard import GENUINE
from tutor.kernel.namespace import Snapshots
from tutor.kernel.trace import within
from tutor.kernel.trace.budget import Tally
from tutor.kernel.trace.kinds import Kind
from tutor.kernel.trace.operands import Reader, arguments, results
from tutor.kernel.trace.origins import Origins
from tutor.kernel.trace.sequence import next_number
from tutor.kernel.trace.sites import Site
from tutor.kernel.trace.verdicts import judge, writes
from tutor.kernel.trace.written import Call

globals()["__builtins__"] = GENUINE

_LONGEST_ERROR = 400
_sequence_number = torch.autograd._get_sequence_nr
_is_grad_enabled = torch.is_grad_enabled


class Asked(Struct):
    """What torch was asked for."""

    func: Any
    kind: Kind
    args: tuple[Any, ...]
    kwargs: dict[str, Any] | None


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
        self._ins = [self._reader.read(one) for one in self._found]
        self._names = self._call.names(self._found)
        self._plain = self._call.plain(asked.kwargs)
        self._grad_enabled = _is_grad_enabled()
        self._first_node = _sequence_number()

    def look_around(
        self, caller: FrameType, learner: FrameType, known: Callable[[], Mapping[int, str]]
    ) -> None:
        """Where the call is made: by the learner's own code, or inside of a library's."""
        if caller is not learner:
            frames = within.between(caller, learner)
            self._within = within.describe(frames, self._kind.name)
            if self._within:
                members = within.names_in_modules(frames, self._found)
                self._names = [own or name for own, name in zip(members, self._names, strict=True)]
        if self._within or not self._call.is_operation:
            paths = known() if any(one.kind == "parameter" for one in self._ins) or self._within else {}
            named = zip(self._ins, self._names, strict=True)
            self._names = [paths.get(one.object, name) for one, name in named]

    def finish(self, result: Any) -> OpFacts:
        """What came of it; lets go of the arguments."""
        found, ins = self._found, self._ins
        wrote = writes(found, ins)
        made = results(result)
        outs = [self._reader.read(one) for one in made]
        verdict, about = judge(self._kind, (found, ins), (made, outs), wrote, self._shares)
        facts = self._facts()
        facts = structs.replace(facts, outs=tuple(outs), verdict=verdict, of=about, wrote=wrote)
        origin = self._origin(facts)
        given = {one.object for one in ins}
        for one in outs:
            if one.object not in given:
                self._origins.made(one.object, one.storage, origin, verdict in ("new", "copy"))
        self._origins.made_nodes(self._first_node, _sequence_number(), origin)
        self._tally.origin = origin
        self._found = []
        return facts

    def fail(self, error: BaseException) -> OpFacts:
        """It raised; lets go of the arguments."""
        facts = structs.replace(self._facts(), error=_sentence(error), wrote=writes(self._found, self._ins))
        self._found = []
        return facts

    def _facts(self) -> OpFacts:
        site, tally = self._site, self._tally
        direct = not self._within and self._call.is_operation
        part = self._call.part if direct else site.expression
        tally.line, tally.part, tally.within = site.line, part, self._within
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
            ins=tuple(
                structs.replace(one, name=name) if name else one
                for one, name in zip(self._ins, self._names, strict=True)
            ),
            hit=self._hit,
            grad_enabled=self._grad_enabled,
            plain=self._plain,
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
