"""Names for a place in the code: the kernel's while it is idle, else those that the text mentions."""

from __future__ import annotations

import asyncio
import builtins
import keyword
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tutor.assist.place import Place
from tutor.assist.scan import Scan, scan
from tutor.facts import Snapshot
from tutor.session import Session, SessionError

#: Seconds that the kernel has for an answer; it answers in a few milliseconds when it can.
PATIENCE = 0.3
#: Longer texts are scanned in a thread: the first time takes a while.
_LONG = 200

#: Names that are always there.
PYTHON = frozenset(keyword.kwlist) | {name for name in dir(builtins) if not name.startswith("_")}


@dataclass(frozen=True, slots=True)
class Names:
    """Names that can stand somewhere, and those among them that the code at hand uses."""

    all: frozenset[str] = frozenset()
    familiar: frozenset[str] = frozenset()


class Completer:
    """Asks a session for names. What it was told stays known until something runs."""

    def __init__(self, session: Session, setup: Callable[[], str] = str, *, guess: bool = True) -> None:
        self._session = session
        #: The code that runs before the learner's: its names are the lesson's.
        self._setup = setup
        #: Whether attributes that the text mentions are offered for what is not known.
        self._guess = guess
        self._known: dict[object, tuple[str, ...]] = {}
        self._known_at: Snapshot | None = None

    async def names(self, place: Place, lines: Sequence[str]) -> Names:
        """All names that can stand at `place` in `lines`, in which the word being written is left out."""
        text = [*self._setup().split("\n"), *lines]
        said = scan(text) if len(text) < _LONG else await asyncio.to_thread(scan, text)
        live = await self._live(place, said)
        if place.kind == "key":
            return Names(frozenset(live))
        if place.kind == "attribute":
            return Names(frozenset(live or (said.attributes if self._guess else ())), said.attributes)
        tensors = (name for name in self._session.snapshot.tensors if name.isidentifier())
        return Names(said.names.union(live, tensors, PYTHON), said.names.union(live))

    async def _live(self, place: Place, said: Scan) -> tuple[str, ...]:
        idle = self._session.state == "idle"
        if idle and self._known_at is not self._session.snapshot:
            self._known.clear()
            self._known_at = self._session.snapshot
        imports, values = said.about(place.expression)
        if place.module:
            root = place.expression.partition(".")[0]
            imports[root] = root
        key = (place.expression, place.kind == "key", *imports.items(), *values.items())
        if not idle or key in self._known:
            return self._known.get(key, ())
        asked_at = self._known_at
        try:
            question = self._session.complete(
                place.expression, keys=place.kind == "key", imports=imports, values=values
            )
            names = await asyncio.wait_for(question, PATIENCE)
        except (SessionError, TimeoutError):
            return ()
        if self._known_at is asked_at:
            self._known[key] = names
        return names
