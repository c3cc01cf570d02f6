"""The code, with a note beside each line about what that line did."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from types import ModuleType

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Offset
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from tutor.tui.lines import palette_of, strip_of
from tutor.tui.placement import Placed, place_notes
from tutor.view.notes import Note, note_text
from tutor.view.palette import Palette

#: Column of the code at which notes begin where the code leaves room.
NOTE_COLUMN = 40
#: Cells kept for a note beside code that is long but not too long.
NOTE_ROOM = 24

#: Control characters have pictures, so that no text in the editor can drive the terminal.
_PICTURES = {code: 0x2400 + code for code in range(32) if code != 9} | {0x7F: 0x2421}
_PICTURES |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


class CodeArea(TextArea):
    """Python in the palette's colours, one lexed line at a time."""

    #: `tutor.view.syntax`, imported after the first paint, which it would hold up.
    _syntax: ModuleType | None = None

    def __init__(self, text: str = "", *, line_numbers: bool = False, placeholder: str = "", id: str) -> None:
        self._lexed: list[str] = []
        self._states: list[tuple[str, ...]] = []
        super().__init__(
            text,
            id=id,
            soft_wrap=True,
            tab_behavior="indent",
            show_line_numbers=line_numbers,
            highlight_cursor_line=line_numbers,
            placeholder=placeholder,
        )
        self.cursor_blink = False

    @property
    def palette(self) -> Palette:
        return palette_of(self.app.theme)

    def on_mount(self) -> None:
        """Take the theme's colours now and whenever the theme changes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._dress())
        self._dress()
        if CodeArea._syntax is None:
            self.call_after_refresh(self._begin_colouring)

    def _begin_colouring(self) -> None:
        from tutor.view import syntax

        CodeArea._syntax = syntax
        self.notify_style_update()
        self.refresh()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The cursor's line has a ground of its own only while the cursor is here."""
        super().watch_has_focus(has_focus)
        self._dress()

    def _dress(self) -> None:
        """The stock cursor-line style carries a text colour, which would bury the syntax colours."""
        name = f"{self.app.theme}-{'focus' if self.has_focus else 'blur'}"
        line = Style.parse(f"on {self.palette.surface}") if self.has_focus else Style.null()
        self.register_theme(TextAreaTheme(name, cursor_line_style=line))
        self.theme = name
        self.refresh()

    def get_line(self, line_index: int) -> Text:
        """The line with its syntax colours."""
        line = super().get_line(line_index)
        source = line.plain
        line.plain = source.translate(_PICTURES)
        if self._syntax is None:
            return line
        spans, _ = self._syntax.lex_line(source, self._state(self._syntax, line_index))
        for start, end, token in spans:
            if (style := self._syntax.style_for(token, self.palette)) is not None:
                line.stylize(style, start, end)
        return line

    def _state(self, syntax: ModuleType, line_index: int) -> tuple[str, ...]:
        """What line `line_index` begins inside of; lexes only from the first changed line on."""
        lines = self.document.lines
        known = len(self._states) - 1
        if self._lexed is not lines and self._lexed != lines:
            same = next((i for i, (a, b) in enumerate(zip(self._lexed, lines, strict=False)) if a != b), None)
            known = min(known, min(len(self._lexed), len(lines)) if same is None else same)
            self._lexed = list(lines)
        self._states = self._states[: known + 1] or [syntax.START]
        for index in range(len(self._states) - 1, line_index):
            self._states.append(syntax.lex_line(lines[index], self._states[index])[1])
        return self._states[line_index]

    async def _on_key(self, event: events.Key) -> None:
        """Enter keeps the indentation and deepens it after a colon."""
        if event.key == "enter" and not self.read_only:
            event.stop()
            event.prevent_default()
            row, column = self.cursor_location
            before = self.document.get_line(row)[:column]
            indent = before[: len(before) - len(before.lstrip())]
            if before.rstrip().endswith(":"):
                indent += "    "
            self.replace(f"\n{indent}", *self.selection, maintain_selection_offset=False)
            return
        await super()._on_key(event)


class AnnotatedEditor(CodeArea):
    """The lesson's code. Code always wins: a note moves right of a long line, and shortens to its letter."""

    def __init__(self, text: str = "", *, id: str) -> None:
        self._ran: tuple[str, ...] = ()
        self._notes: dict[int, Note] = {}
        self._outdated = False
        self._running_lines: range = range(0)
        self._placed: tuple[list[str], dict[int, Placed]] | None = None
        super().__init__(text, line_numbers=True, id=id)

    @property
    def edited(self) -> bool:
        """Whether the text differs from what ran last."""
        return bool(self._ran) and tuple(self.document.lines) != self._ran

    def begin(self, source: str) -> None:
        """`source` is about to run: the old notes go."""
        self._ran = tuple(source.split("\n"))
        self._outdated = False
        self.annotate({})

    def annotate(self, notes: Mapping[int, Note]) -> None:
        """Show `notes`, keyed by the 1-based line of the code that ran."""
        self._notes = {line - 1: note for line, note in notes.items()}
        self._redraw()

    def mark_running(self, first: int, last: int) -> None:
        """Lines `first` to `last` (1-based) run now; 0, 0 for none."""
        self._running_lines = range(first - 1, last) if first else range(0)
        self._redraw()

    def outdate(self) -> None:
        """The namespace that the notes are about is gone."""
        self._outdated = True
        self._redraw()

    def forget(self) -> None:
        """Nothing has run."""
        self._ran = ()
        self.annotate({})

    def reveal(self, line: int) -> None:
        """Scroll so that `line` (1-based) is seen; the cursor stays."""
        row = self.wrapped_document.location_to_offset((min(line, self.document.line_count) - 1, 0)).y
        top, height = self.scroll_offset.y, self.content_size.height
        if not top <= row < top + height:
            self.scroll_to(y=max(0, row - height // 2), animate=False, force=True)

    def _redraw(self) -> None:
        self._placed = None
        self.refresh()

    def notes_by_line(self) -> dict[int, Placed]:
        """The notes as they are shown, by 0-based line."""
        lines = list(self.document.lines)
        if self._placed is None or self._placed[0] != lines:
            placed = place_notes(self._ran, lines, self._notes) if self._ran else {}
            self._placed = (lines, placed)
        return self._placed[1]

    def render_line(self, y: int) -> Strip:
        """The line of code with its note laid over the blank end of the row."""
        strip = super().render_line(y)
        row = y + self.scroll_offset.y
        if row >= self.wrapped_document.height:
            return strip
        line, column = self.wrapped_document.offset_to_location(Offset(0, row))
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
        label = self._label(line, width - start - 1)
        if label is None:
            return strip
        under = next(iter(strip.crop(start, start + 1)), None)
        paint = Style(bgcolor=under.style.bgcolor) if under is not None and under.style else Style()
        beside = strip_of(label, self.app.console).apply_style(paint)
        return Strip.join([strip.crop(0, start), beside, strip.crop(start + beside.cell_length)])

    def _label(self, line: int, room: int) -> Text | None:
        if room < 1:
            return None
        if line in self._running_lines and line == self._running_lines[-1]:
            return Text("▸ running"[:room], Style.parse(self.palette.accent), end="")
        placed = self.notes_by_line().get(line)
        if placed is None:
            return None
        text = note_text(placed.note, self.palette, room, stale=placed.stale or self._outdated)
        text.end = ""
        return text
