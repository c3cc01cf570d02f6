"""Alt with an arrow, as terminals send it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from textual import events
from textual._xterm_parser import XTermParser

#: xterm's modifier 3, as most terminals and tmux send it, and 9 for Meta (iTerm2): Textual takes either for
#: two keys, Escape first. Escape before an arrow's own sequence stays two keys: so they arrive, too, when
#: somebody presses one after the other over a slow line.
_ALT = re.compile(r"\x1b\[1;[39]([ABCDFH])")
_KEYS = {"A": "up", "B": "down", "C": "right", "D": "left", "F": "end", "H": "home"}


class Parser(XTermParser):
    """Reads both as one key."""

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
