"""Writing lines: plain text that only ever goes forward, in colour where that is wanted."""

from __future__ import annotations

import os
import shutil
import sys

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text

from tutor.view.palette import ANSI
from tutor.view.prose import fold

#: The terminal's own sixteen colours: they are readable on its ground, whatever that is.
PALETTE = ANSI
#: Columns of prose, and of everything where there is no terminal to ask.
PROSE, WIDE = 80, 100


def wants_colour() -> bool:
    """Whether standard output is a terminal with colour, and `NO_COLOR` is not set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Out:
    """Standard output. A line always begins in the first column, whatever was left open before it."""

    def __init__(self, *, colour: bool) -> None:
        self.colour = colour
        self._console = Console(
            color_system="auto" if colour else None,
            force_terminal=colour,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )
        self._column = 0
        #: While a prompt stands below, nothing may be left open.
        self.whole_lines = False

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return shutil.get_terminal_size((WIDE, 24)).columns if sys.stdout.isatty() else WIDE

    @property
    def column(self) -> int:
        """Cells of the line that is open; 0 when none is."""
        return self._column

    def part(self, text: Text) -> None:
        """More of the open line."""
        if text.plain:
            self._console.print(text, soft_wrap=True, end="")
            self._column += text.cell_len

    def fresh(self) -> None:
        """End the open line, if there is one."""
        if self._column:
            self._console.print()
            self._column = 0

    def line(self, text: Text | str = "") -> None:
        """One line."""
        self.fresh()
        self._console.print(text, soft_wrap=True)

    def wrapped(self, text: Text) -> None:
        """A line that a terminal would break anywhere, broken between words."""
        if not sys.stdout.isatty():
            self.line(text)
            return
        for line in text.wrap(self._console, max(20, self.width)):
            line.rstrip()
            self.line(line)

    def prose(self, words: str, *, style: str = "", indent: int = 0) -> None:
        """A paragraph, broken between words."""
        room = max(20, min(self.width, PROSE) - indent)
        for line in Text(words, style).wrap(self._console, room):
            line.rstrip()
            self.line(Text.assemble(" " * indent, line))

    def entry(self, lead: str, words: str) -> None:
        """A word and what it means, broken between words and under where that began."""
        room = max(20, min(self.width, PROSE) - cell_len(lead))
        for number, line in enumerate(Text(words).wrap(self._console, room)):
            line.rstrip()
            self.line(Text.assemble(" " * cell_len(lead) if number else lead, line))

    def page(self, text: Text) -> None:
        """Several paragraphs, broken between words."""
        room = max(20, min(self.width, PROSE))
        for line in fold(text, room).split("\n", allow_blank=True):
            line.rstrip()
            self.line(line)

    def say(self, sentence: str) -> None:
        """A sentence of ours."""
        self.prose(sentence, style=PALETTE.primary)

    def fault(self, sentence: str) -> None:
        """A sentence of ours about what cannot be."""
        self.prose(sentence, style=PALETTE.error)

    def echoed(self, cells: int) -> None:
        """The terminal itself wrote `cells` cells: what was typed while code ran."""
        self._column += cells

    def rewind(self) -> None:
        """To the beginning of the open line, which a prompt writes once more."""
        sys.stdout.write("\r")
        sys.stdout.flush()
        self._column = 0

    def forget_column(self) -> None:
        """Something else, such as a prompt, left the cursor in the first column."""
        self._column = 0


def bold(colour: str) -> Style:
    return Style.parse(f"bold {colour}")
