"""The code, with a note beside each line about what that line did."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.events import Click
from textual.geometry import Offset
from textual.strip import Strip

from tutor.explain.repair import Explained
from tutor.translation import say
from tutor.tui.editing.sorting import SortingArea
from tutor.tui.editing.wrapping import QuickWrappedDocument
from tutor.tui.explained import Aside, asides
from tutor.tui.lines import strip_of
from tutor.tui.messages import CommandChosen, NameSelected
from tutor.tui.placement import Placed, Placement
from tutor.view.notes import Note, note_text

#: Column of the code at which notes begin where the code leaves room.
NOTE_COLUMN = 40
#: Cells kept for a note beside code that is long but not too long.
NOTE_ROOM = 24
#: Rows below a line that there may be in the smallest window.
LEAST_BELOW = 4
#: Seconds between marks of running lines: quick statements would have all the code drawn again for each.
MARK_PAUSE = 1 / 15


class AnnotatedEditor(SortingArea):
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
        #: The line that a check failed by.
        self._failed_lines: range = range(0)
        #: The line that runs was drawn at this time, or is about to be.
        self._marked_at, self._mark_pending = 0.0, False
        #: Of which revision of the text, and of which code that ran.
        self._placement: tuple[int, tuple[str, ...], Placement] | None = None
        self._labels: LRUCache[tuple[object, ...], Strip] = LRUCache(512)
        self._marked = ""
        self._explained: tuple[Explained, ...] = ()
        #: The line (1-based) that is to stay in sight while the panes find their heights; 0 for none.
        self._to_reveal = 0
        #: What stands below each line now, by its 0-based number.
        self._asides: dict[int, list[Aside]] = {}
        super().__init__(text, line_numbers=True, id=id)

    @property
    def edited(self) -> bool:
        """Whether the text differs from what ran last."""
        return bool(self._ran) and tuple(self.document.lines) != self._ran

    def begin(self, source: str) -> None:
        """`source` is about to run: the old notes go."""
        self._ran = tuple(source.split("\n"))
        self._outdated = False
        self._past_lines = self._failed_lines = range(0)
        self.close_popup()
        self.annotate({})
        self.explain(())

    def recall(self, source: str, notes: Mapping[int, Note], first: int, last: int) -> None:
        """Show `notes` of a run of `source` as of the moment when lines `first` to `last` had just run."""
        self._ran = tuple(source.split("\n"))
        self._past_lines = range(first - 1, last) if first else range(0)
        self.annotate(notes)
        self._arrange()
        if first:
            self.reveal(last)

    def annotate(self, notes: Mapping[int, Note]) -> None:
        """Show `notes`, keyed by the 1-based line of the code that ran."""
        self._notes = {line - 1: note for line, note in notes.items()}
        self.refresh()

    def mark_running(self, first: int, last: int, *, waits: bool = False) -> None:
        """Lines `first` to `last` (1-based) run now, or are about to; 0, 0 for none."""
        self._waits = waits
        self._running_lines = range(first - 1, last) if first else range(0)
        if not first or waits or time.monotonic() - self._marked_at >= MARK_PAUSE:
            self._draw_mark()
        elif not self._mark_pending:
            self._mark_pending = True
            self.set_timer(MARK_PAUSE, self._draw_mark)

    def _draw_mark(self) -> None:
        self._marked_at, self._mark_pending = time.monotonic(), False
        self.refresh()

    def light(self, line: int) -> None:
        """Mark the 1-based line by which a check failed until it is edited or code runs; it is in sight."""
        self._failed_lines = range(line - 1, line)
        self.reveal(line)
        self.refresh()

    def outdate(self) -> None:
        """The namespace that the notes are about is gone."""
        self._outdated = True
        self._arrange()
        self.refresh()

    def forget(self) -> None:
        """Nothing has run."""
        self._ran = ()
        self._past_lines = self._failed_lines = range(0)
        self.annotate({})
        self.explain(())

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

    def on_click(self, event: Click) -> None:
        """A click on a line with a note selects what the note is about; on a row below a line, it does what
        that row says."""
        below = self.wrapped_document.below(event.y + self.scroll_offset.y)
        if below is not None:
            deed = self._asides[below[0]][below[1]].deed
            if deed:
                self.post_message(CommandChosen(deed))
        elif name := self.name_at_cursor():
            self.tell_name(name)

    def reveal(self, line: int) -> None:
        """Scroll so that `line` (1-based) is seen, with what stands below it; the cursor stays."""
        at = min(line, self.document.line_count) - 1
        row = self.wrapped_document.location_to_offset((at, 0)).y
        last = row + len(self._asides.get(at, ()))
        top, height = self.scroll_offset.y, self.content_size.height
        self._to_reveal = line if last > row else 0
        if last > row and not top <= row <= last < top + height:
            self.scroll_to(y=max(0, min(row, last + 1 - height)), animate=False, force=True)
        elif not top <= row < top + height:
            self.scroll_to(y=max(0, row - height // 2), animate=False, force=True)

    def on_resize(self) -> None:
        """What was to be seen is still to be seen."""
        super().on_resize()
        if self._to_reveal:
            self.call_after_refresh(self.reveal, self._to_reveal)

    def watch_selection(self) -> None:
        """The learner looks at something else."""
        super().watch_selection()
        self._to_reveal = 0

    # ── below the lines ──────────────────────────────────────────────────────

    def explain(self, explained: Sequence[Explained]) -> None:
        """Have explanations stand below their lines until other code has run."""
        self._explained = tuple(explained)
        self._arrange()

    @property
    def explained_here(self) -> Explained | None:
        """The explanation below the cursor's line; None where there is none."""
        here = self._now_at(self.cursor_location[0])
        return here[-1][0] if here else None

    def repaired(self, each: Explained) -> tuple[int, int, list[str]] | None:
        """The 0-based lines that the repair replaces now, and with what; None where they are others."""
        repair = each.repair
        lines = list(self.document.lines)
        for at in range(len(lines)) if repair is not None else ():
            origin = self._origin(at)
            if repair is not None and origin is not None and origin[0] == repair.first - 1:
                end = at + repair.last - repair.first
                new = repair.applied(lines[at : end + 1])
                if new is not None:
                    return at, end, new
        return None

    def put_lines(self, first: int, last: int, lines: list[str]) -> None:
        """Other lines in place of the 0-based `first` to `last`, as one step to undo."""
        self.history.checkpoint()
        self.replace("\n".join(lines), (first, 0), (last, len(self.document.get_line(last))))
        self.history.checkpoint()
        self.move_cursor((first + len(lines) - 1, len(lines[-1])))

    def _now_at(self, line: int) -> list[tuple[Explained, bool]]:
        """What explains a 0-based line as it is now, and whether it is stale; nothing that explains other
        code than stands there."""
        origin = self._origin(line) if self._explained and self._ran else None
        if origin is None or origin[0] >= len(self._ran) or self._past_lines:
            return []
        if self._ran[origin[0]] != self.document.lines[line]:
            return []
        return [(each, origin[1]) for each in self._explained if each.line - 1 == origin[0]]

    def _arrange(self) -> None:
        """Give each line the rows below it that it should have now."""
        if not isinstance(self.wrapped_document, QuickWrappedDocument):
            return  # Textual is about to be given ours
        found: dict[int, list[Aside]] = {}
        if self._explained and self.is_mounted:
            most = max(LEAST_BELOW, self.app.size.height // 3 - 1)
            for line in range(self.document.line_count):
                if here := self._now_at(line):
                    stale = self._outdated or here[0][1]
                    told = [each for each, _ in here]
                    found[line] = asides(told, self.palette, self.wrap_width, most, stale=stale)
        if not found and not self._asides:
            return
        self._asides = found
        if self.wrapped_document.put_below({line: len(rows) for line, rows in found.items()}):
            self._recompute_cursor_offset()
            self._refresh_size()
        self._line_cache.clear()
        self.refresh()

    def _build_highlight_map(self) -> None:
        super()._build_highlight_map()
        self._arrange()

    def _rewrap_and_refresh_virtual_size(self) -> None:
        super()._rewrap_and_refresh_virtual_size()
        self._arrange()

    def _dress(self) -> None:
        super()._dress()
        self._arrange()

    def _below_strip(self, line: int, number: int) -> Strip:
        ground, width = self.rich_style, self.size.width
        rows = self._asides.get(line, [])
        text = rows[number].text if number < len(rows) else Text()
        strip = Strip.join([Strip.blank(self.gutter_width), strip_of(text, self.app.console)])
        return strip.apply_style(ground).extend_cell_length(width, ground).crop(0, width)

    def note_at(self, line: int) -> Placed | None:
        """The note on a 0-based line as it is shown."""
        if not self._ran:
            return None
        origin = self._origin(line)
        note = self._notes.get(origin[0]) if origin is not None else None
        return Placed(note, origin[1]) if origin is not None and note is not None else None

    def _origin(self, line: int) -> tuple[int, bool] | None:
        """Which 0-based line of the code that ran a line is now, and whether it is stale."""
        known = self._placement
        if known is None or known[0] != self.revision or known[1] is not self._ran:
            known = self._placement = (self.revision, self._ran, Placement(self._ran, self.document.lines))
        return known[2].origin(line)

    def _is_within(self, line: int, lines: range, *, fresh: bool = False) -> bool:
        """Whether a line is one of some lines of the code that ran; as it ran, where it must be `fresh`."""
        if not lines:
            return False
        origin = self._origin(line)
        return origin is not None and origin[0] in lines and not (fresh and origin[1])

    def _marked_row(self, strip: Strip, mark: str, colour: str) -> Strip:
        """A row that stands out: a sign in the gutter, and a ground of its own."""
        at = max(0, self.gutter_width - 2)
        sign = Strip([Segment(mark, Style.parse(f"bold {colour}"))])
        strip = Strip.join([strip.crop(0, at), sign, strip.crop(at + 1)])
        ground = Style(bold=True) if self.palette.native else Style.parse(f"on {self.palette.panel}")
        return Strip([Segment(s.text, (s.style or Style()) + ground, s.control) for s in strip])

    def render_line(self, y: int) -> Strip:
        """The line of code with its note laid over the blank end of the row."""
        row = y + self.scroll_offset.y
        if (below := self.wrapped_document.below(row)) is not None:
            return self._below_strip(*below)
        strip = super().render_line(y)
        if row >= self.wrapped_document.height:
            return strip
        line, column = self.wrapped_document.offset_to_location(Offset(0, row))
        if self._is_within(line, self._past_lines):
            first = column == 0 and self._is_within(line, self._past_lines[:1])
            strip = self._marked_row(strip, "▸" if first else " ", self.palette.accent)
        elif self._failed_lines and self._is_within(line, self._failed_lines, fresh=True):
            strip = self._marked_row(strip, "✗" if column == 0 else " ", self.palette.warning)
        if self.holds and line == self.cursor_location[0]:
            strip = self._marked_row(strip, "↕", self.palette.accent)
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
                said = say("▸ next") if self._waits else say("▸ running")
                text = Text(said, Style.parse(self.palette.accent), end="")
                text.truncate(room)
            else:
                text = note_text(note, self.palette, room, stale=stale, selected=self._marked)
                text.end = ""
            strip = strip_of(text, self.app.console).apply_style(Style(bgcolor=ground))
            self._labels[key] = strip
        return strip
