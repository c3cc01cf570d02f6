"""Names to complete: the namespace's, and the attributes of what a name stands for."""

from __future__ import annotations

import asyncio
import builtins
import inspect
import keyword
import re
from dataclasses import dataclass

from tutor.repl import static
from tutor.repl.commands import COMMANDS
from tutor.repl.pieces import COMMAND
from tutor.session import Session, SessionError

#: Seconds that the kernel has for an answer; it answers in a few milliseconds when it can.
PATIENCE = 0.5

#: `a.b.` and the beginning of a name, at the end of a line. Nothing that would have to be called or indexed.
_ENDING = re.compile(r"(?:(?P<path>[^\W\d]\w*(?:\.[^\W\d]\w*)*)\.)?(?P<word>(?:[^\W\d]\w*)?)$")
_PYTHON = frozenset(keyword.kwlist) | {name for name in dir(builtins) if not name.startswith("_")}

#: The learner may have bound names such as `list` and `type`: what is used here is taken from `builtins`.
_GLOBALS = "(lambda b: [name for name in b.globals() if b.type(name) is b.str])(__import__('builtins'))"
_ATTRIBUTES = (
    "(lambda b, scope, value: (b.exec({code!r}, scope), scope['attribute_names'](value, {names!r}))[1])"
    "(__import__('builtins'), {{}}, {root})"
)


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

    def __init__(self, session: Session) -> None:
        self._session = session
        self._globals: tuple[str, ...] = ()
        self._attributes: dict[str, tuple[str, ...]] = {}

    async def refresh(self) -> None:
        """Something ran: look at the namespace anew."""
        self._attributes.clear()
        self._globals = await self._ask(_GLOBALS)

    async def candidates(self, before: str) -> Candidates:
        """Candidates for the text before the cursor, of which the last line counts."""
        if before.lstrip().startswith(COMMAND):
            return self._for_command(before.lstrip())
        line = before.rpartition("\n")[2]
        found = _ENDING.search(line)
        if found is None or line[: found.start()].endswith((".", "'", '"')):
            return Candidates("")
        path, word = found["path"], found["word"]
        if not path:
            return _matching(word, {*_PYTHON, *self._globals, *self._plain_names()})
        if path not in self._attributes:
            self._attributes[path] = await self._ask(self._question(path))
        return _matching(word, self._attributes[path])

    def _question(self, path: str) -> str:
        facts = self._session.snapshot.tensors.get(path)
        if facts is not None and "." in path and facts.kind in ("tensor", "parameter", "buffer", "gradient"):
            path, root = "torch.Tensor", "__import__('torch')"
        else:
            root = path.partition(".")[0]
        return _ATTRIBUTES.format(code=inspect.getsource(static), names=path.split(".")[1:], root=root)

    def _plain_names(self) -> list[str]:
        return [name for name in self._session.snapshot.tensors if name.isidentifier()]

    def _for_command(self, text: str) -> Candidates:
        name, space, argument = text.removeprefix(COMMAND).partition(" ")
        if not space:
            return _matching(name, [command.name for command in COMMANDS])
        if name == "graph":
            tensors = self._session.snapshot.tensors.values()
            return _matching(argument, [facts.name for facts in tensors if facts.grad_fn is not None])
        info = self._session.info
        return _matching(argument, info.available if name == "device" and info is not None else ())

    async def _ask(self, expression: str) -> tuple[str, ...]:
        if self._session.state != "idle":
            return ()
        try:
            answer = await asyncio.wait_for(self._session.evaluate(expression), PATIENCE)
        except (SessionError, TimeoutError):
            return ()
        return tuple(answer.value) if isinstance(answer.value, list) else ()


def _matching(word: str, names: object) -> Candidates:
    """Names that begin with `word`; private ones only where it is private too."""
    assert isinstance(names, set | list | tuple)
    shown = [name for name in names if name.startswith(word) and (word or not name.startswith("_"))]
    return Candidates(word, tuple(sorted(shown)))
