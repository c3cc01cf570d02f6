"""How much of a statement's operations is told in detail, and how often each ran."""

from __future__ import annotations

from types import CodeType

from msgspec import structs

from tutor.facts import OpCount, Origin
from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.kinds import Kind

globals()["__builtins__"] = GENUINE

#: Calls of one operation at one place, and by one module there, that are told in detail.
DETAILED = 8
#: Calls of one statement that are told in detail.
MOST = 1_000


class Tally:
    """One operation at one place: how often it ran, and where it is."""

    __slots__ = (
        *(
            "broken",
            "code",
            "count",
            "detailed",
            "elsewhere",
            "first_node",
            "is_operation",
            "kind",
            "line",
            "origin",
            "part",
            "within",
        ),
    )

    def __init__(self, code: CodeType, kind: Kind) -> None:
        #: Held, so that its `id` stays its own.
        self.code = code
        self.kind = kind
        self.count = self.detailed = 0
        #: Which call, of those only counted, first gave a number that is NaN or infinite.
        self.broken = 0
        self.line = 0
        self.elsewhere = False
        #: Some call of it took or gave a tensor, or failed.
        self.is_operation = False
        #: Where torch's numbering of nodes was when its latest call began.
        self.first_node = 0
        self.part = ""
        #: What of a library's code it is inside of, once that was looked at.
        self.within: str | None = None
        #: Of its latest detailed call: where the others are too.
        self.origin: Origin | None = None

    def facts(self) -> OpCount:
        within = self.within or ""
        return OpCount(self.kind.name, self.line, self.part, within, self.count, self.broken, self.elsewhere)


class Budget:
    """The tallies of one statement."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[int, int, str, int], Tally] = {}
        self._spent = 0

    def tally(self, code: CodeType, instruction: int, kind: Kind, way: int) -> Tally:
        """Count one more call, that came to it in this way: by a module's method, or with autograd off."""
        key = (id(code), instruction, kind.name, way)
        found = self._tallies.get(key)
        if found is None:
            found = self._tallies[key] = Tally(code, kind)
        found.count += 1
        return found

    def allows(self, tally: Tally) -> bool:
        """Whether this call of it is told in detail; if so, it is taken from the budget."""
        if tally.detailed >= DETAILED or self._spent >= MOST:
            return False
        tally.detailed += 1
        self._spent += 1
        return True

    def counts(self) -> tuple[OpCount, ...]:
        """How often each operation ran, in the order in which they began; modules of one kind together."""
        found: dict[tuple[int, int, str, str], OpCount] = {}
        for (code, instruction, name, _), tally in self._tallies.items():
            if not tally.is_operation:
                continue
            key = (code, instruction, name, tally.within or "")
            known = found.get(key)
            more = tally.facts()
            found[key] = more if known is None else _together(known, more)
        return tuple(found.values())


def _together(one: OpCount, other: OpCount) -> OpCount:
    return structs.replace(one, count=one.count + other.count, broken=one.broken or other.broken)
