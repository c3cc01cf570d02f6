"""The list of names beside what is being typed. It never has the focus: the code area lends it keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.geometry import Offset, Region, Size
from textual.widgets import OptionList
from textual.widgets.option_list import Option

#: Rows and cells at most.
ROWS, CELLS = 8, 44


def popup_region(cursor: Offset, word: str, names: Sequence[str], screen: Size) -> Region:
    """Under the beginning of `word`, which ends at `cursor`, or above it where there is more room."""
    rows = min(ROWS, len(names))
    below, above = screen.height - cursor.y - 1, cursor.y
    flip = below < rows and above > below
    rows = max(1, min(rows, above if flip else below))
    bar = 1 if len(names) > rows else 0
    width = min(CELLS, screen.width, max(map(cell_len, names), default=0) + 2 + bar)
    x = max(0, min(cursor.x - cell_len(word) - 1, screen.width - width))
    return Region(x, cursor.y - rows if flip else cursor.y + 1, width, rows)


class Popup(OptionList, can_focus=False):
    """Names to choose from. Enter takes one only once the learner has moved in the list."""

    def __init__(self) -> None:
        super().__init__(id="popup", markup=False)
        self._names: Sequence[str] = ()
        self.moved = False
        #: Called with the name that is chosen with the mouse.
        self.choose: Callable[[str], None] = lambda name: None

    @property
    def chosen(self) -> str:
        """The name that the highlight is on."""
        return self._names[self.highlighted or 0]

    def offer(self, names: Sequence[str], word: str, cursor: Offset) -> None:
        """Show `names` beside the cursor, which stands after `word`."""
        if names != self._names:
            self._names = names
            self.set_options([Option(Text(name, no_wrap=True, overflow="ellipsis")) for name in names])
        self.highlighted = 0
        self.moved = False
        self.remove_class("-moved")
        region = popup_region(cursor, word, names, self.screen.size)
        self.styles.width, self.styles.height = region.width, region.height
        self.absolute_offset = region.offset
        self.display = True

    def move(self, step: int) -> None:
        """To the next name, or the one before."""
        self.moved = True
        self.add_class("-moved")
        (self.action_cursor_down if step > 0 else self.action_cursor_up)()

    @on(OptionList.OptionSelected)
    def select(self, event: OptionList.OptionSelected) -> None:
        """A click takes a name."""
        event.stop()
        self.choose(self._names[event.option_index])
