"""Alt with an arrow, in each way in which terminals send it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

from textual import events
from textual._xterm_parser import XTermParser

#: xterm's modifier 3, as most terminals and tmux send it, and 9 for Meta (iTerm2); and Escape before the
#: arrow's own sequence (rxvt, PuTTY, Option as Meta on a Mac). Textual takes each for two keys, Escape first.
_ALT = re.compile(r"\x1b(?:\x1b[\[O]|\[1;[39])([ABCDFH])")
_KEYS = {"A": "up", "B": "down", "C": "right", "D": "left", "F": "end", "H": "home"}


class Parser(XTermParser):
    """Reads all of them as one key."""

    def feed(self, data: str) -> Iterable[Any]:
        """The events of what came at once; Escape and an arrow, pressed one after the other, come apart."""
        return super().feed(_ALT.sub("\x1b[1;3\\1", data))

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        found = _ALT.fullmatch(sequence)
        if found is None:
            return super()._sequence_to_key_events(sequence, alt)
        return (events.Key(f"alt+{_KEYS[found[1]]}", None),)


def read_alt_by(driver: type) -> None:
    """Have a driver of Textual's read by this parser: it makes its own by the name that its module has."""
    module = sys.modules.get(driver.__module__)
    if getattr(module, "XTermParser", None) is XTermParser:
        vars(module)["XTermParser"] = Parser
