"""The code, with a note beside each line about what that line did."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.geometry import Offset
from textual.strip import Strip

from tutor.tui.editing.area import CodeArea
from tutor.tui.lines import strip_of
from tutor.tui.messages import NameSelected
from tutor.tui.placement import Placed, Placement
from tutor.view.notes import Note, note_text

#: Column of the code at which notes begin where the code leaves room.
NOTE_COLUMN = 40
#: Cells kept for a note beside code that is long but not too long.
NOTE_ROOM = 24


class AnnotatedEditor(CodeArea):
    """The lesson's code. Code always wins: a note moves right of a long line, and shortens to its letter."""

    def __init__(self, text: str = "", *, id: str) -> None:
        self._ran: tuple[str, ...] = ()
        self._notes: dict[int, Note] = {}
        self._outdated = False
        self._running_lines: range = range(0)
        #: They are about to run: the code waits for the next step.
        self._waits = False
        #: Lines (0-based, of the code that ran) of the moment that is shown, where that is not now.
        self._past_lines: range = range(0)
        self._placement: tuple[int, Placement] | None = None
        self._labels: LRUCache[tuple[object, ...], Strip] = LRUCache(512)
        self._marked = ""
        super().__init__(text, line_numbers=True, id=id)

    @property
    def edited(self) -> bool:
        """Whether the text differs from what ran last."""
        return bool(self._ran) and tuple(self.document.lines) != self._ran

    def begin(self, source: str) -> None:
        """`source` is about to run: the old notes go."""
        self._ran = tuple(source.split("\n"))
        self._outdated = False
        self._past_lines = range(0)
        self.close_popup()
        self.annotate({})

    def recall(self, source: str, notes: Mapping[int, Note], first: int, last: int) -> None:
        """Show `notes` of a run of `source` as of the moment when lines `first` to `last` had just run."""
        self._ran = tuple(source.split("\n"))
        self._past_lines = range(first - 1, last) if first else range(0)
        self.annotate(notes)
        if first:
            self.reveal(last)

    def annotate(self, notes: Mapping[int, Note]) -> None:
        """Show `notes`, keyed by the 1-based line of the code that ran."""
        self._notes = {line - 1: note for line, note in notes.items()}
        self._redraw()

    def mark_running(self, first: int, last: int, *, waits: bool = False) -> None:
        """Lines `first` to `last` (1-based) run now, or are about to; 0, 0 for none."""
        self._waits = waits
        self._running_lines = range(first - 1, last) if first else range(0)
        self._redraw()

    def outdate(self) -> None:
        """The namespace that the notes are about is gone."""
        self._outdated = True
        self._redraw()

    def forget(self) -> None:
        """Nothing has run."""
        self._ran = ()
        self._past_lines = range(0)
        self.annotate({})

    def mark_name(self, name: str) -> None:
        """Mark the notes that are about `name`."""
        self._marked = name
        self.refresh()

    def name_at_cursor(self) -> str:
        """The first name that the note of the cursor's line is about; empty where there is none."""
        placed = self.note_at(self.cursor_location[0])
        fresh = placed is not None and not placed.stale and not self._outdated
        return placed.note.names[0] if placed is not None and fresh and placed.note.names else ""

    def tell_name(self, name: str) -> None:
        """The note of `name` was chosen."""
        self.post_message(NameSelected(name, "note"))

    def on_click(self) -> None:
        """A click on a line with a note selects what the note is about."""
        if name := self.name_at_cursor():
            self.tell_name(name)

    def reveal(self, line: int) -> None:
        """Scroll so that `line` (1-based) is seen; the cursor stays."""
        row = self.wrapped_document.location_to_offset((min(line, self.document.line_count) - 1, 0)).y
        top, height = self.scroll_offset.y, self.content_size.height
        if not top <= row < top + height:
            self.scroll_to(y=max(0, row - height // 2), animate=False, force=True)

    def _redraw(self) -> None:
        self._placement = None
        self.refresh()

    def note_at(self, line: int) -> Placed | None:
        """The note on a 0-based line as it is shown."""
        if not self._ran:
            return None
        origin = self._origin(line)
        note = self._notes.get(origin[0]) if origin is not None else None
        return Placed(note, origin[1]) if origin is not None and note is not None else None

    def _origin(self, line: int) -> tuple[int, bool] | None:
        """Which 0-based line of the code that ran a line is now, and whether it is stale."""
        if self._placement is None or self._placement[0] != self.revision:
            self._placement = (self.revision, Placement(self._ran, self.document.lines))
        return self._placement[1].origin(line)

    def _is_within(self, line: int, lines: range) -> bool:
        """Whether a line is one of some lines of the code that ran."""
        if not lines:
            return False
        origin = self._origin(line)
        return origin is not None and origin[0] in lines

    def _mark_past(self, strip: Strip, mark: str) -> Strip:
        """A row of the statement whose moment is shown: a sign in the gutter, and a ground of its own."""
        at = max(0, self.gutter_width - 2)
        sign = Strip([Segment(mark, Style.parse(f"bold {self.palette.accent}"))])
        strip = Strip.join([strip.crop(0, at), sign, strip.crop(at + 1)])
        ground = Style(bold=True) if self.palette.native else Style.parse(f"on {self.palette.panel}")
        return Strip([Segment(s.text, (s.style or Style()) + ground, s.control) for s in strip])

    def render_line(self, y: int) -> Strip:
        """The line of code with its note laid over the blank end of the row."""
        strip = super().render_line(y)
        row = y + self.scroll_offset.y
        if row >= self.wrapped_document.height:
            return strip
        line, column = self.wrapped_document.offset_to_location(Offset(0, row))
        if self._is_within(line, self._past_lines):
            first = column == 0 and self._is_within(line, self._past_lines[:1])
            strip = self._mark_past(strip, "▸" if first else " ")
        offsets = self.wrapped_document.get_offsets(line)
        section = bisect_right(offsets, column)
        if section != len(offsets):
            return strip
        code = cell_len(self.wrapped_document.get_sections(line)[section].expandtabs(4).rstrip())
        width = strip.cell_length
        start = max(
            self.gutter_width + code + 2,
            min(self.gutter_width + NOTE_COLUMN, width - NOTE_ROOM),
        )
        room = width - start - 1
        label = self._label(line) if room >= 1 else None
        if label is None:
            return strip
        under = next(iter(strip.crop(start, start + 1)), None)
        ground = under.style.bgcolor if under is not None and under.style else None
        beside = self._drawn(*label, room, ground)
        return Strip.join([strip.crop(0, start), beside, strip.crop(start + beside.cell_length)])

    def _label(self, line: int) -> tuple[Note | None, bool] | None:
        """The note of a line and whether it is stale; no note for the line that runs."""
        if self._running_lines and self._is_within(line, self._running_lines[-1:]):
            return None, False
        placed = self.note_at(line)
        return (placed.note, placed.stale or self._outdated) if placed is not None else None

    def _drawn(self, note: Note | None, stale: bool, room: int, ground: Color | None) -> Strip:
        """A note, drawn once: most rows have the same beside them after a key as before."""
        key = (note, stale, room, ground, self.palette.name, self._marked, self._waits)
        strip = self._labels.get(key)
        if strip is None:
            if note is None:
                text = Text(
                    ("▸ next" if self._waits else "▸ running")[:room],
                    Style.parse(self.palette.accent),
                    end="",
                )
            else:
                text = note_text(note, self.palette, room, stale=stale, selected=self._marked)
                text.end = ""
            strip = strip_of(text, self.app.console).apply_style(Style(bgcolor=ground))
            self._labels[key] = strip
        return strip
