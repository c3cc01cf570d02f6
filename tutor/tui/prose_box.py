"""The lesson's text: as high as the page lets it be, with a mark where there is more below."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region, Size
from textual.visual import Visual, visualize
from textual.widget import Widget
from textual.widgets import Static

from tutor.translation import say
from tutor.tui.commands import key_for
from tutor.view.prose import fold


class Passage(Static):
    """A part of the text: what continues a list item stands under its text, at any width."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._text = Text()
        #: By width: measuring tries several before one is decided on.
        self._folded: dict[int, Visual] = {}

    def show(self, text: Text) -> None:
        """Show this text."""
        self._text = text
        self._folded.clear()
        self.update(text)

    def _fold(self, width: int) -> Visual:
        if width not in self._folded:
            self._folded[width] = visualize(self, fold(self._text, width), markup=False)
        return self._folded[width]

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """All of it, since the text fits itself into any."""
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The text in lines of this width."""
        return self._fold(width).get_height(self.styles.get_rules(), width) if width else 0

    def render(self) -> Visual:
        """The text in lines of the width that the page gave it."""
        width = self.content_size.width
        return self._fold(width) if width else self.visual


class ProseBox(VerticalScroll):
    """Its parts one under the other; `share` says how many of the rows that it wants, at a width, it gets."""

    def __init__(self, *parts: Widget, share: Callable[[int, int], int], id: str) -> None:
        super().__init__(*parts, id=id)
        self._share = share

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """What the text needs, as far as the page has it."""
        wanted = super().get_content_height(container, viewport, width)
        return min(wanted, self._share(wanted, width))

    def row_length(self, row: int) -> int:
        """Cells of text in a row of what is visible."""
        y = row + self.scrollable_content_region.y
        for part in self.displayed_children:
            if part.region.y <= y < part.region.bottom:
                text = part.render_line(y - part.region.y).text.rstrip()
                return part.region.x - self.scrollable_content_region.x + cell_len(text)
        return 0


class More(Static):
    """Says at the end of the last row that is seen that the text goes on; where that row is full, nothing."""

    def __init__(self, prose: ProseBox, *, turns: Callable[[], bool]) -> None:
        super().__init__(id="more")
        self._prose = prose
        self._turns = turns
        self._shown: tuple[str, tuple[int, int] | None] = ("", None)

    def compose(self) -> ComposeResult:
        """Nothing inside."""
        return ()

    def on_mount(self) -> None:
        """Follow the text."""
        self.display = False
        self.watch(self._prose, "scroll_y", self.look_soon, init=False)
        self.watch(self._prose, "virtual_size", self.look_soon, init=False)
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self.look_soon())
        self.look_soon()

    def look_soon(self) -> None:
        """Look once everything has its place."""
        self.call_after_refresh(self._look)

    def _look(self) -> None:
        prose = self._prose
        box = prose.scrollable_content_region
        goes_on = prose.display and prose.scroll_offset.y < prose.max_scroll_y and box.height > 0
        mark = self._fitting(box.width - prose.row_length(box.height - 1)) if goes_on else ""
        place = self._place_of(mark, box) if mark else None
        if (mark, place) == self._shown:  # else each look would have another one follow
            return
        self._shown = mark, place
        if place is not None:
            self.styles.offset = place
            self.styles.width = cell_len(mark)
            self.update(Content(mark))
        self.display = place is not None

    def _place_of(self, mark: str, box: Region) -> tuple[int, int]:
        """Where the mark ends the last row of the text."""
        parent = self.parent.region if isinstance(self.parent, Widget) else box
        return box.right - parent.x - cell_len(mark), box.bottom - 1 - parent.y

    def _fitting(self, room: int) -> str:
        """The longest mark that fits, apart from the text by some cells."""
        # A pane that scrolls itself has its own Page Down.
        key = "pgdn" if self._turns() else key_for("read_on")
        marks = ((say("more: {key} ↓", key=key), 3), (f"{key} ↓", 1), ("↓", 1))
        return next((mark for mark, gap in marks if cell_len(mark) + gap <= room), "")
