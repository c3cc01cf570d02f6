"""What ran and what it said: bounded, and drawn only where it is seen."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from rich.text import Text
from textual import events

from tutor.facts import Explanation, Run
from tutor.tui.entries import Entry, Remark, RemarkKind, remarks_of, wrap
from tutor.tui.lines import LinesView
from tutor.view.notes import Note

#: Lines of finished entries that are kept.
KEPT_LINES = 4_000
#: Redraws a second while output comes.
RATE = 30


class Transcript(LinesView):
    """Entries in order; the last one is open while it runs. Follows its end unless scrolled away."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._entries: deque[Entry] = deque()
        self._finished_rows: list[list[Text]] = []
        self._elided = 0
        self._shape: tuple[str, int] = ("", 0)
        self._pending = False
        self._cost = 0.0

    def begin(self, mark: str, title: str) -> None:
        """Open an entry for a run."""
        self._open(Entry(mark, title, live=True))

    def say(self, text: str, kind: RemarkKind = "notice") -> None:
        """A sentence of the app itself, in an entry of its own."""
        self._open(Entry(remarks=[Remark(kind, text)]))

    @property
    def has_entries(self) -> bool:
        """Something has been shown since the last clearing."""
        return bool(self._entries)

    def feed(self, text: str, skipped: int = 0) -> None:
        """Output of the open entry; `skipped` bytes before it were left out."""
        if not self._entries:
            self._open(Entry())
        if skipped:
            self._entries[-1].skipped += skipped
            self._entries[-1].output.feed("\n…\n")
        self._entries[-1].output.feed(text)
        self._redraw_soon()

    def remark(self, kind: RemarkKind, text: str) -> None:
        """Something about the open entry."""
        if not self._entries:
            self._open(Entry())
        self._entries[-1].remarks.append(Remark(kind, text))
        self._redraw_soon()

    def finish(
        self, run: Run, fact: str, notes: Sequence[Note] = (), explanations: Sequence[Explanation] = ()
    ) -> None:
        """The open entry's run ended; `notes` are for code that has no editor to show them beside."""
        if self._entries:
            self._entries[-1].notes = tuple(notes)
            self._entries[-1].remarks.extend(remarks_of(run, explanations))
            self._entries[-1].fact = fact
            self._entries[-1].live = False
            self._redraw_soon()

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._finished_rows.clear()
        self._elided = 0
        self.redraw()

    def _open(self, entry: Entry) -> None:
        if self._entries:
            self._entries[-1].live = False
        self._entries.append(entry)
        self._redraw_soon()

    def _redraw_soon(self) -> None:
        """Coalesce: at most RATE redraws a second, fewer where drawing takes long."""
        if not self._pending and self.is_mounted:
            self._pending = True
            self.set_timer(max(1 / RATE, 4 * self._cost), self.redraw)

    def on_mount(self) -> None:
        """Colours are in the lines, so a new theme makes new lines."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw())

    def on_resize(self, event: events.Resize) -> None:
        """Lines are folded to the width."""
        if self._shape[1] != self.room:
            self._redraw_soon()

    def redraw(self) -> None:
        """Build the lines that changed: those of the open entry, or all after a new width or theme."""
        self._pending = False
        began = time.perf_counter()
        shape = (self.palette.name, self.room)
        if shape != self._shape:
            self._shape = shape
            self._finished_rows.clear()
        following = self.scroll_offset.y >= self.max_scroll_y
        entries = list(self._entries)
        for entry in entries[len(self._finished_rows) : -1]:
            self._finished_rows.append(entry.rows(self.palette, self.room))
        self._forget_old()
        rows = [row for closed in self._finished_rows for row in closed]
        if self._entries:
            rows += self._entries[-1].rows(self.palette, self.room)
        if self._elided:
            runs = "1 earlier run is" if self._elided == 1 else f"{self._elided} earlier runs are"
            rows[:0] = wrap(Text(f"… {runs} not shown", self.palette.muted), self.room)
        self.show_lines(rows)
        if following:
            self.scroll_end(animate=False, force=True)
        self._cost = time.perf_counter() - began

    def _forget_old(self) -> None:
        kept = sum(map(len, self._finished_rows))
        while kept > KEPT_LINES and self._finished_rows:
            kept -= len(self._finished_rows.pop(0))
            self._entries.popleft()
            self._elided += 1
