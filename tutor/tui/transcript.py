"""What ran and what it said: bounded, and drawn only where it is seen."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.selection import Selection

from tutor.facts import Explanation, Run
from tutor.session.recording import Recording
from tutor.translation import say
from tutor.tui.entries import Entry
from tutor.tui.lines import LinesView, cursor_line
from tutor.tui.remarks import Remark, RemarkKind, Row, remarks_of, rows_of_part
from tutor.view.notes import Note

if TYPE_CHECKING:
    from tutor.course.store import TranscriptEntry

#: Rows, characters and entries of finished runs that are kept.
KEPT_ROWS, KEPT_TEXT, KEPT_ENTRIES = 4_000, 4_000_000, 400
#: Redraws a second while output comes.
RATE = 30
#: Bytes of an output that can be copied at once.
COPIED = 1 << 20


class Transcript(LinesView):
    """Entries in order; the last one is open while it runs. Follows its end unless scrolled away.

    With the focus, one entry is the current one: `[` and `]` choose it.
    """

    BINDINGS = [
        Binding("left_square_bracket,ctrl+up", "entry(-1)", show=False),
        Binding("right_square_bracket,ctrl+down", "entry(1)", show=False),
        Binding("enter", "open", show=False),
        Binding("o", "everything", show=False),
        Binding("y,ctrl+c,super+c", "copy", show=False),
        Binding("s", "everything('save')", show=False),
        Binding("ctrl+f,slash", "find", show=False),
    ]

    def __init__(self, *, id: str, rows: Callable[[], int], answered: Callable[[], None]) -> None:
        super().__init__(id=id)
        #: How many rows of the page it may have, and who wants to know that they may have to be others.
        self._most = rows
        self._answered = answered
        self._told_rows = 0
        self._entries: list[Entry] = []
        #: The rows of finished entries, and all rows as they are shown.
        self._drawn: dict[Entry, list[Row]] = {}
        self._rows: list[Row] = []
        #: The first row of each entry.
        self._starts: list[int] = []
        self._current: Entry | None = None
        #: The part of an entry's output that belongs to the moment which the screen shows.
        self._part: tuple[Entry | None, range] = (None, range(0))
        self._marked: frozenset[int] = frozenset()
        self._weight: dict[Entry, int] = {}
        self._elided = 0
        self._shape: tuple[str, int] = ("", 0)
        self._pending = False
        self._follow = True
        self._height = 0
        self._cost = 0.0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """What there is to show, as far as the page has the rows."""
        return min(self.virtual_size.height, self._most())

    @property
    def answer_rows(self) -> int:
        """Rows of the newest entry from its error or warning to the end; 0 where there is none."""
        return len(self._rows) - self._answer_start()

    def _answer_start(self) -> int:
        rows = self._rows
        if not self._starts or self._entries[-1].live or self._entries[-1].restored:
            return len(rows)
        return next((place for place in range(self._starts[-1], len(rows)) if rows[place].tells), len(rows))

    def watch_has_focus(self, has_focus: bool) -> None:
        """Who reads gets more rows."""
        super().watch_has_focus(has_focus)
        self.refresh(layout=True)

    # ── what is said ─────────────────────────────────────────────────────────

    def begin(
        self,
        mark: str,
        title: str,
        *,
        source: str = "",
        place: str = "",
        recording: Recording | None = None,
    ) -> Entry:
        """Open an entry for a run: of `source`, in `place` (a draft key); `recording` gets what it writes."""
        entry = Entry(mark, title, source=source, place=place, recording=recording, live=True)
        self._open(entry)
        return entry

    def say(self, text: str, kind: RemarkKind = "notice") -> None:
        """A sentence of the app itself, in an entry of its own."""
        self._open(Entry(remarks=[Remark(kind, text)]))

    def restore(self, entries: Sequence[TranscriptEntry]) -> None:
        """Show runs of earlier sessions above all others, oldest first."""
        if entries:
            heading = Entry(remarks=[Remark("notice", say("earlier"))], restored=True)
            now = [entry for entry in self._entries if not entry.restored]
            self._entries = [heading, *map(Entry.restore, entries), *now]
            self._redraw_soon()

    @property
    def has_entries(self) -> bool:
        """Something has been shown in this session since the last clearing."""
        return any(not entry.restored for entry in self._entries)

    @property
    def last(self) -> Entry:
        """The entry that what is said now belongs to."""
        if not self.has_entries:
            self._open(Entry())
        return self._entries[-1]

    def feed(self, text: str, skipped: int = 0) -> None:
        """Output of the open entry; `skipped` bytes before it were left out."""
        entry = self.last
        if skipped:
            entry.skipped += skipped
            entry.output.feed("\n…\n")
        entry.output.feed(text)
        self._changed(entry)

    def echo(self, text: str) -> None:
        """What a terminal would show of the learner's own typing, among the output."""
        if (recording := self.last.recording) is not None:
            recording.write(text.encode("utf-8", "replace"))
        self.feed(text)

    def remark(self, kind: RemarkKind, text: str) -> None:
        """Something about the open entry."""
        self.last.remarks.append(Remark(kind, text))
        self._changed(self.last)

    def finish(
        self,
        run: Run,
        fact: str,
        notes: Sequence[Note] = (),
        explanations: Sequence[Explanation] = (),
        *,
        elsewhere: bool = False,
    ) -> None:
        """The open entry's run ended; `notes` are for code that has no editor to show them beside, and what
        explains it stands `elsewhere` where there is one."""
        if self.has_entries:
            entry = self.last
            entry.notes = tuple(notes)
            entry.remarks.extend(remarks_of(run, explanations, elsewhere=elsewhere))
            entry.fact = fact
            entry.live = False
            self._changed(entry)

    def record(self) -> TranscriptEntry | None:
        """The newest run of this session as it stands, to be kept across sessions."""
        runs = (entry for entry in reversed(self._entries) if entry.mark and not entry.restored)
        newest = next(runs, None)
        return newest.record() if newest is not None else None

    def clear(self) -> None:
        """Forget everything."""
        for entry in self._entries:
            self._let_go(entry)
        self._entries.clear()
        self._current = None
        self._part = (None, range(0))
        self._elided = 0
        self._follow = True
        self.redraw()

    def _open(self, entry: Entry) -> None:
        if self._entries and not self._entries[-1].restored:
            self._entries[-1].settle()
            self._changed(self._entries[-1])
        self._entries.append(entry)
        self._current = None
        self._follow = True
        self._redraw_soon()

    def _changed(self, entry: Entry) -> None:
        self._drawn.pop(entry, None)
        self._weight.pop(entry, None)
        self._redraw_soon()

    def _let_go(self, entry: Entry) -> None:
        self._drawn.pop(entry, None)
        self._weight.pop(entry, None)
        if entry.recording is not None and not entry.live:
            entry.recording.close()

    # ── drawing ──────────────────────────────────────────────────────────────

    def _redraw_soon(self) -> None:
        """Coalesce: at most RATE redraws a second, fewer where drawing takes long."""
        if not self._pending and self.is_mounted:
            self._pending = True
            self.set_timer(max(1 / RATE, 4 * self._cost), self.redraw)

    def on_mount(self) -> None:
        """Colours are in the lines, so a new theme makes new lines."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw())

    def on_resize(self, event: events.Resize) -> None:
        """Lines are folded to the width; what was at its end stays there when the pane gets lower."""
        if self._shape[1] != self.room:
            self._redraw_soon()
        height = self.scrollable_content_region.height
        if height < self._height and self.scroll_offset.y + self._height >= len(self._rows):
            self._scroll_to_end()
        self._height = height

    def redraw(self) -> None:
        """Build the rows that changed: those of the open entry, or all after a new width or theme."""
        self._pending = False
        began = time.perf_counter()
        shape = (self.palette.name, self.room)
        if shape != self._shape:
            self._shape = shape
            self._drawn.clear()
        following = self._follow or self.scroll_offset.y >= self.max_scroll_y
        forgotten = self._forget_old()
        rows: list[Row] = []
        if self._elided:
            said = say("… 1 earlier run is not shown")
            if self._elided > 1:
                said = say("… {count} earlier runs are not shown", count=self._elided)
            left_out = Text(said, self.palette.muted)
            left_out.truncate(self.room)
            rows.append(Row(left_out))
        self._starts = []
        for entry in self._entries:
            self._starts.append(len(rows))
            rows += self._rows_of(entry)
        self._rows = rows
        self._mark_part()
        self.show_lines([row.text for row in rows])
        if self._told_rows != self.answer_rows:
            self._told_rows = self.answer_rows
            self._answered()
        if following:
            self._follow = False
            self._scroll_to_end()
        elif forgotten:
            self.scroll_to(y=max(0, self.scroll_offset.y - forgotten), animate=False, force=True)
        self._cost = time.perf_counter() - began

    def _rows_of(self, entry: Entry) -> list[Row]:
        if entry not in self._drawn:
            self._drawn[entry] = entry.rows(self.palette, self.room)
        return self._drawn[entry]

    def _scroll_to_end(self) -> None:
        """The end; of a long answer to an error only as far as leaves its beginning in sight."""
        first = self._answer_start()
        # The pane may be about to grow.
        height = max(self.scrollable_content_region.height, min(len(self._rows), self._most()))
        if 0 < height < len(self._rows) - first:
            self.scroll_to(y=first, animate=False, force=True)
        else:
            self.scroll_end(animate=False, force=True)

    def _forget_old(self) -> int:
        """Forget the oldest runs while there is too much; how many rows that took away."""
        finished = self._entries[:-1]
        rows = sum(len(self._rows_of(entry)) for entry in finished)
        for entry in finished:
            if entry not in self._weight:
                self._weight[entry] = entry.weight
        text = sum(self._weight[entry] for entry in finished)
        forgotten = 0
        for entry in finished:
            if rows - forgotten <= KEPT_ROWS and text <= KEPT_TEXT and len(self._entries) <= KEPT_ENTRIES:
                break
            forgotten += len(self._rows_of(entry))
            text -= self._weight[entry]
            self._entries.remove(entry)
            self._let_go(entry)
            self._elided += 1
        return forgotten

    def _line(self, index: int) -> Text:
        """The row as it is drawn: the current entry's first row has the cursor."""
        text = super()._line(index)
        if index in self._marked:
            text = cursor_line(text, self.room, self.palette)
        if not self.has_focus or not self._starts or index != self._starts[self._place()]:
            return text
        text = text.copy()
        text.pad_right(max(0, self.room - text.cell_len))
        text.stylize(f"on {self.palette.panel}")
        text.stylize(Style.parse(f"bold {self.palette.accent}"), 0, 1)
        return text

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text; lines that were folded are whole again."""
        text, before = "", -1
        for place, row in enumerate(self._rows):
            if (span := selection.get_span(place)) is not None:
                start, end = span
                text += "\n" if before >= 0 and not row.joined else ""
                text += row.text.plain[start : None if end == -1 else end]
                before = place
        return text, "\n"

    def show_part(self, entry: Entry | None, lines: range) -> None:
        """Mark what a statement wrote, and bring it into sight; None marks nothing and goes to the end."""
        self._part = (entry, lines)
        self._follow = False
        if first := self._mark_part():
            self.scroll_to(y=first[0], animate=False, force=True)
        elif entry is None:
            self._scroll_to_end()
        self.refresh()

    def _mark_part(self) -> list[int]:
        """Find the rows of the marked part."""
        entry, lines = self._part
        found: list[int] = []
        if entry is not None and entry in self._entries[: len(self._starts)]:
            start = self._starts[self._entries.index(entry)]
            found = [start + at for at in rows_of_part(self._rows_of(entry), lines)]
        self._marked = frozenset(found)
        return found

    # ── the current entry ────────────────────────────────────────────────────

    def _place(self) -> int:
        """Where the current entry is: the newest one unless another was chosen."""
        if self._current in self._entries:
            return self._entries.index(self._current)
        return len(self._entries) - 1

    def action_entry(self, by: int) -> None:
        """Go to the next or previous entry."""
        if not self._starts:
            return
        place = min(max(0, self._place() + by), len(self._starts) - 1)
        self._current = self._entries[place]
        self._show(place)
        self.refresh()

    def _show(self, place: int) -> None:
        """Scroll so that an entry is seen from its beginning."""
        start = self._starts[place]
        end = self._starts[place + 1] if place + 1 < len(self._starts) else len(self._rows)
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if start < top or end > top + height:
            self.scroll_to(y=start, animate=False, force=True)

    def action_open(self) -> None:
        """Open or close the traceback of the current entry; without one, show everything of it."""
        if not self._entries:
            return
        entry = self._entries[self._place()]
        if entry.has_traceback:
            self._toggle(entry)
        else:
            self.action_everything()

    def _toggle(self, entry: Entry) -> None:
        entry.opened = not entry.opened
        self._follow = False
        self._drawn.pop(entry, None)
        self._current = entry
        self.redraw()
        if entry in self._entries:
            self._show(self._entries.index(entry))

    def action_everything(self, then: str = "") -> None:
        """Everything of the current entry, over the whole screen."""
        if self._entries:
            from tutor.tui.output import OutputScreen

            self.app.push_screen(OutputScreen(self._entries[self._place()], then))

    def action_find(self) -> None:
        """Search in everything of the current entry."""
        self.find()

    def find(self) -> None:
        """Search in everything of the current entry."""
        self.action_everything("find")

    def action_copy(self) -> None:
        """Copy what is selected, or else what the current entry printed and returned."""
        if selected := self.screen.get_selected_text():
            self.app.copy_to_clipboard(selected)
        elif self._entries:
            entry = self._entries[self._place()]
            if entry.recording is not None and entry.recording.size > COPIED:
                size = entry.recording.size / 1e6
                self.notify(
                    say("{size:.0f} MB are too much to copy; s saves them to a file.", size=size),
                    markup=False,
                )
            else:
                self.app.copy_to_clipboard(entry.whole_text())

    def on_click(self, event: events.Click) -> None:
        """A click on a traceback or on what is not shown opens it; any other chooses the entry."""
        offset = event.get_content_offset(self)
        if offset is None or self.screen.get_selected_text():
            return
        row = offset.y + self.scroll_offset.y
        if not 0 <= row < len(self._rows):
            return
        self._current = self._entries[max(0, bisect_right(self._starts, row) - 1)]
        self.refresh()
        if self._rows[row].spot == "traceback":
            self._toggle(self._current)
        elif self._rows[row].spot == "all":
            self.action_everything()
