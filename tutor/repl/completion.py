"""Names to complete in line mode: those that begin with what stands before the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tutor.assist.code import state_after
from tutor.assist.completion import Completer
from tutor.assist.place import Place, place_at
from tutor.facts import SIMULATED
from tutor.repl.commands import COMMANDS
from tutor.repl.pieces import COMMAND
from tutor.session import Session


@dataclass(frozen=True)
class Candidates:
    """Names that begin with `word`, which stands before the cursor."""

    word: str
    names: tuple[str, ...] = ()

    @property
    def common(self) -> str:
        """What all of them begin with, `word` at least."""
        if not self.names:
            return self.word
        first, last = min(self.names), max(self.names)
        size = 0
        while size < len(first) and first[size] == last[size]:
            size += 1
        return first[:size]


class Completion:
    """What can stand where the cursor is. Asks the kernel only while it is idle, and never waits long."""

    def __init__(self, session: Session, commands: Sequence[str] = ()) -> None:
        """`commands` are those of a lesson."""
        self._commands = {*commands, *(command.name for command in COMMANDS)}
        self._session = session
        self._completer = Completer(session, guess=False)

    async def refresh(self) -> None:
        """Something ran: know the variables before code runs again and the kernel cannot be asked."""
        await self._completer.names(Place("name", ""), [])

    async def candidates(self, before: str) -> Candidates:
        """Candidates for the text before the cursor."""
        if before.lstrip().startswith(COMMAND):
            return self._for_command(before.lstrip())
        *above, line = before.split("\n")
        place = place_at(line, state_after(above))
        if place is None:
            return Candidates("")
        names = await self._completer.names(place, [*above, line[: len(line) - len(place.word)]])
        return _matching(place.word, names.all)

    def _for_command(self, text: str) -> Candidates:
        name, space, argument = text.removeprefix(COMMAND).partition(" ")
        if not space:
            return _matching(name, self._commands)
        if name == "graph":
            tensors = self._session.snapshot.tensors.values()
            return _matching(argument, [facts.name for facts in tensors if facts.grad_fn is not None])
        info = self._session.info
        return _matching(
            argument, (*info.available, SIMULATED) if name == "device" and info is not None else ()
        )


def _matching(word: str, names: Iterable[str]) -> Candidates:
    """Names that begin with `word`; private ones only where it is private too."""
    shown = [name for name in names if name.startswith(word) and (word or not name.startswith("_"))]
    return Candidates(word, tuple(sorted(shown)))
