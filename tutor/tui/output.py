"""Everything of one entry over the whole screen: scrolled, searched, copied and saved."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from tutor.translation import later, say, translated
from tutor.tui.entries import Entry
from tutor.tui.heading import Heading
from tutor.tui.lines import fold, palette_of, strip_of
from tutor.tui.reel import Reel, plain
from tutor.view.terminal import line_text

#: Rows of a selection that are copied at most, and bytes of all that is copied at once.
COPIED_ROWS, COPIED = 50_000, 1 << 20
#: Seconds between looks at how much has been read.
PAUSE = 1 / 15

KEYS = later("^f find · n N next · s save · y copy · esc close")


class ReelView(ScrollView, can_focus=True):
    """The rows of a reel; only those that are seen are read."""

    def __init__(self, reel: Reel) -> None:
        super().__init__(id="reel")
        self.reel = reel
        self.wanted: re.Pattern[str] | None = None
        self.found: int | None = None
        self._pieces = lru_cache(maxsize=64)(self._fold_line)

    @property
    def room(self) -> int:
        return self.scrollable_content_region.width

    def measure(self) -> None:
        """The reel or the width has changed."""
        self.reel.fold(self.room)
        self._pieces.cache_clear()
        size = Size(max(1, self.room), self.reel.rows)
        if size != self.virtual_size:
            self.virtual_size = size
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Lines are folded to the width."""
        self.measure()

    def on_mount(self) -> None:
        """Colours are in the lines."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.measure())

    def go_to(self, line: int) -> None:
        """Scroll so that a line is seen."""
        row, height = self.reel.row_of(line), self.size.height
        if not self.scroll_offset.y <= row < self.scroll_offset.y + height:
            self.scroll_to(y=max(0, row - height // 2), animate=False, force=True)
        self.refresh()

    def mark(self, wanted: re.Pattern[str] | None, found: int | None) -> None:
        """Show where something was found."""
        self.wanted, self.found = wanted, found
        self._pieces.cache_clear()
        if found is not None:
            self.go_to(found)
        self.refresh()

    def _fold_line(self, number: int) -> list[Text]:
        palette = palette_of(self.app.theme)
        text = line_text(self.reel.line(number), palette)
        if self.wanted is not None:
            style = (
                f"bold underline {palette.accent}" if number == self.found else f"underline {palette.accent}"
            )
            for match in self.wanted.finditer(text.plain):
                text.stylize(style, *match.span())
        return fold(text, self.room)

    def _row(self, row: int) -> Text | None:
        if not 0 <= row < self.reel.rows:
            return None
        number, piece = self.reel.at(row)
        pieces = self._pieces(number)
        return pieces[piece] if piece < len(pieces) else None

    def render_line(self, y: int) -> Strip:
        """Row `y` of what is visible, padded to the width."""
        ground, width = self.rich_style, self.size.width
        row = y + self.scroll_offset.y
        text = self._row(row)
        if text is None:
            return Strip.blank(width, ground)
        if (selection := self.text_selection) is not None and (span := selection.get_span(row)) is not None:
            start, end = span
            text = text.copy()
            style = self.screen.get_component_rich_style("screen--selection")
            text.stylize(style, start, len(text) if end == -1 else end)
        strip = strip_of(text, self.app.console).apply_style(ground)
        return strip.extend_cell_length(width, ground).crop(0, width).apply_offsets(0, row)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text; lines that were folded are whole again."""
        first = selection.start.y if selection.start is not None else 0
        last = selection.end.y if selection.end is not None else self.reel.rows - 1
        text = ""
        for row in range(first, min(last + 1, first + COPIED_ROWS, self.reel.rows)):
            piece = self._row(row)
            span = selection.get_span(row)
            if piece is None or span is None:
                continue
            start, end = span
            joined = row > first and self.reel.at(row)[1] > 0
            text += ("" if joined or row == first else "\n") + piece.plain[start : None if end == -1 else end]
        return text, "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Redraw what is marked as selected."""
        self.refresh()


class OutputScreen(Screen[None]):
    """The output of an entry, and what came of it; Escape closes."""

    CSS_PATH = "output.tcss"
    AUTO_FOCUS = "#reel"
    BINDINGS = [
        Binding("escape", "leave", show=False),
        Binding("q", "dismiss(None)", show=False),
        Binding("ctrl+f,slash", "find", show=False),
        Binding("n", "again(1)", show=False),
        Binding("N", "again(-1)", show=False),
        Binding("s", "save", show=False),
        Binding("y,ctrl+c,super+c", "copy", show=False),
    ]

    def __init__(self, entry: Entry, then: str = "") -> None:
        super().__init__()
        self._entry = entry
        self._then = then
        self._content = entry.content()
        self._reel = Reel(80)
        self._reading = True
        self._trouble = ""
        self._wanted = ""
        self.view = ReelView(self._reel)
        self.heading = Heading(entry.name)
        self.line = Input(id="line")
        self.words = Static(translated(KEYS), id="words", markup=False)

    def compose(self) -> ComposeResult:
        """Heading, lines, and what can be done with them."""
        yield self.heading
        yield self.view
        yield self.line
        yield self.words

    def on_mount(self) -> None:
        """Begin to read."""
        self.line.display = False
        self._reel.fold(max(1, self.app.size.width - 3))
        self._ticker = self.set_interval(PAUSE, self._look)
        self._read()
        if self._then:
            self.call_after_refresh(self.run_action, self._then)

    def on_unmount(self) -> None:
        """The lines are not needed any more."""
        self._reel.close()

    @work(thread=True, group="read")
    def _read(self) -> None:
        worker = get_current_worker()
        try:
            for lines in self._content:
                if worker.is_cancelled:
                    return
                self._reel.add(lines)
        except (OSError, ValueError) as error:  # the disk is full, or the screen was closed
            self._trouble = say("Not all of it can be shown: {reason}.", reason=_reason(error))
        self._reading = False

    def _look(self) -> None:
        """Show what has been read so far."""
        reading = self._reading
        self.view.measure()
        count = len(self._reel)
        lines = say("1 line") if count == 1 else say("{count:,} lines", count=count)
        self.heading.fact = say("reading, {lines} …", lines=lines) if reading else lines
        if not reading:
            self._ticker.stop()
            recording = self._entry.recording
            sentence = self._trouble or (recording.trouble if recording is not None else "")
            if sentence:
                self._say(sentence)

    def _say(self, sentence: str) -> None:
        self.words.update(sentence)

    # ── the line at the bottom ───────────────────────────────────────────────

    def _ask(self, what: str, text: str) -> None:
        self._wanted = what
        self.line.placeholder = say("text to find") if what == "find" else say("file to write")
        self.line.value = text
        self.line.display = True
        self.line.focus()
        finds = what == "find"
        self._say(say("enter finds · esc ends") if finds else say("enter writes the file · esc ends"))

    def action_leave(self) -> None:
        """Leave the line at the bottom, or else the screen."""
        if self.line.display:
            self._end_line()
        else:
            self.dismiss(None)

    def _end_line(self, words: str = "") -> None:
        self.line.display = False
        self.view.focus()
        self._say(words or translated(KEYS))

    def action_find(self) -> None:
        """Ask for what to find."""
        self._ask("find", "")

    def action_save(self) -> None:
        """Ask for a file."""
        self._ask("save", _free_name(self._entry.name))

    @on(Input.Submitted, "#line")
    def take_line(self, event: Input.Submitted) -> None:
        """Find, or write the file."""
        event.stop()
        text = event.value
        if not text.strip():
            self._end_line()
        elif self._wanted == "find":
            self.view.wanted = re.compile(re.escape(text), re.IGNORECASE)
            self._end_line()
            self._find(self.view.wanted, self._reel.at(self.view.scroll_offset.y)[0], 1)
        else:
            self._end_line(say("writing …"))
            self._write(Path(text.strip()).expanduser())

    def action_again(self, step: int) -> None:
        """The next or previous place."""
        if self.view.wanted is None:
            self.action_find()
            return
        found = self.view.found
        start = self._reel.at(self.view.scroll_offset.y)[0] if found is None else found + step
        self._find(self.view.wanted, start, step)

    @work(thread=True, exclusive=True, group="find")
    def _find(self, wanted: re.Pattern[str], start: int, step: int) -> None:
        try:
            found = self._reel.find(wanted, start, step)
        except (OSError, ValueError):  # closed meanwhile
            return
        self.app.call_from_thread(self._show_found, wanted, found)

    def _show_found(self, wanted: re.Pattern[str], found: int | None) -> None:
        self.view.mark(wanted, found)
        keys = translated(KEYS)
        self._say(keys if found is not None else say("not found · {keys}", keys=keys))

    @work(thread=True, group="write")
    def _write(self, path: Path) -> None:
        try:
            count = self._reel.save(path)
            said = say("{count:,} lines are in {path}.", count=count, path=path.absolute())
        except FileExistsError:
            said = say("{name} is there already: choose another name.", name=path.name)
        except (OSError, ValueError) as error:
            said = say("It cannot be written: {reason}.", reason=_reason(error))
        if self.is_attached:
            self.app.call_from_thread(self._say, said)

    def action_copy(self) -> None:
        """Copy what is selected, or else everything."""
        if selected := self.get_selected_text():
            self.app.copy_to_clipboard(selected)
            return
        pieces, size = [], 0
        for line in self._reel.lines():
            pieces.append(plain(line))
            size += len(pieces[-1]) + 1
            if size > COPIED:
                self._say(
                    say("This is too much to copy: s saves it to a file, and the mouse selects a part.")
                )
                return
        self.app.copy_to_clipboard("\n".join(pieces))


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _free_name(name: str) -> str:
    """A file name that is not taken: `views-output.txt`."""
    stem = re.sub(r"\W+", "-", name.removesuffix(".py")).strip("-")[:32] or "run"
    number = 1
    while Path(path := f"{stem}-output{f'-{number}' if number > 1 else ''}.txt").exists():
        number += 1
    return path
