"""One run in the transcript: its head, its output, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from tutor.session.recording import Recording
from tutor.translation import say
from tutor.tui.reel import REWIND, lines_of, plain
from tutor.tui.remarks import (
    HEAD,
    TAIL,
    TOLD,
    WHOLE,
    Remark,
    Row,
    as_kind,
    fold_row,
    folded_rows,
    plain_lines,
    remark_rows,
)
from tutor.view.notes import Note, note_text
from tutor.view.palette import Palette
from tutor.view.row import Line
from tutor.view.terminal import TerminalText

if TYPE_CHECKING:
    from tutor.course.store import TranscriptEntry

#: Lines of a running entry that are drawn.
LIVE_LINES = 100
#: Rows of a line of finished output that are drawn.
LINE_ROWS = 6
#: Lines of code that head an entry.
CODE_LINES = 12


def _output() -> TerminalText:
    return TerminalText(head=200, tail=800, rewind=REWIND)


@dataclass(eq=False)
class Entry:
    """`mark` and `title` head the entry; an entry without them is a remark of the app itself."""

    mark: str = ""
    title: str = ""
    fact: str = ""
    #: The code that ran, and where: a lesson's step or the scratch page.
    source: str = ""
    place: str = ""
    #: Bytes of output that came too fast to be drawn.
    skipped: int = 0
    output: TerminalText = field(default_factory=_output)
    #: Everything that the run wrote.
    recording: Recording | None = None
    #: What each statement did, for code that was entered at the prompt.
    notes: tuple[Note, ...] = ()
    remarks: list[Remark] = field(default_factory=list)
    #: The run goes on: only the end of its output is drawn, so that a flood costs no more than a trickle.
    live: bool = False
    #: The traceback is shown.
    opened: bool = False
    #: From an earlier session.
    restored: bool = False

    @property
    def has_traceback(self) -> bool:
        return any(remark.traceback for remark in self.remarks)

    @property
    def complete(self) -> bool:
        """Whether all of the output can still be shown."""
        if self.recording is None:
            return not self.skipped and not self.output.hidden
        return not self.recording.gone

    @property
    def lines_so_far(self) -> int:
        """Lines of output that there have been."""
        return self.output.so_far

    @property
    def weight(self) -> int:
        """Characters, roughly."""
        lines = 0 if self.live else sum(map(len, self.output.plain()))
        return lines + sum(len(each.text) + len(each.traceback) for each in self.remarks) + len(self.title)

    def settle(self) -> None:
        """Forget the middle of a long output: the recording has it."""
        self.live = False
        self.remarks = [replace(each, elsewhere=False) for each in self.remarks]
        if self.recording is not None and len(self.output) > WHOLE:
            self.output.shrink(HEAD, TAIL)

    def rows(self, palette: Palette, width: int) -> list[Row]:
        """The entry as rows of at most `width` cells."""
        rows = [*self._head(palette, width), *self._output_rows(palette, width)]
        told = False
        for remark in self.remarks:
            if remark.elsewhere:
                continue
            first = len(rows)
            rows += remark_rows(remark, palette, width, self.opened)
            if remark.kind in TOLD and not told:
                told = True
                rows[first] = replace(rows[first], tells=True)
        if self.restored:
            rows = [replace(row, text=Text(row.text.plain, palette.muted)) for row in rows]
        return rows

    def _head(self, palette: Palette, width: int) -> list[Row]:
        rows: list[Row] = []
        lines = plain_lines(self.title, palette) if self.title else []
        for index, line in enumerate(lines[:CODE_LINES]):
            lead = f"{self.mark} " if index == 0 else "  "
            rows += folded_rows(Text.assemble((lead, palette.muted), (line.plain, palette.label)), width)
        if len(lines) > CODE_LINES:
            rows.append(
                fold_row(say("{count:,} lines of code more", count=len(lines) - CODE_LINES), palette, width)
            )
        if self.fact and rows:
            # Heading left, fact right.
            first = rows[0].text
            room = width - first.cell_len - cell_len(self.fact)
            if room >= 2:
                rows[0] = Row(Text.assemble(first, (" " * room + self.fact, palette.muted)))
        for note in self.notes:
            rows.append(Row(Text.assemble("  ", note_text(note, palette, max(1, width - 2)))))
        return rows

    def _output_rows(self, palette: Palette, width: int) -> Iterator[Row]:
        output, count = self.output, len(self.output)
        if self.live:
            for index in range(max(0, count - LIVE_LINES), count):
                yield from self._numbered(index, folded_rows(output.line(index, palette), width))
            if self.skipped:
                skipped = say("… {size:.1f} MB passed too fast to be shown", size=self.skipped / 1e6)
                yield Row(Text(skipped[:width], palette.muted))
            return
        if not output.hidden and count <= WHOLE:
            yield from self._line_rows(range(count), palette, width)
            if self.skipped:
                skipped = say("{size:.1f} MB more", size=self.skipped / 1e6)
                yield fold_row(skipped, palette, width, kept=self.complete)
            return
        head = min(HEAD, output.gap) if output.hidden else HEAD
        tail = min(TAIL, count - output.gap - 1) if output.hidden else TAIL
        yield from self._line_rows(range(head), palette, width)
        total = max(0, count - 1) + output.hidden if output.hidden else count
        if self.skipped and self.recording is not None:
            total = max(total, self.recording.newlines)
        hidden = max(1, total - head - tail)
        what = say("1 line more") if hidden == 1 else say("{count:,} lines more", count=hidden)
        hidden_row = fold_row(what, palette, width, kept=self.complete)
        yield replace(hidden_row, lines=range(head, head + hidden))
        yield from self._line_rows(range(count - tail, count), palette, width)

    def _line_rows(self, lines: range, palette: Palette, width: int) -> Iterator[Row]:
        """Finished lines; of one that would fill the pane alone, the beginning."""
        for index in lines:
            line = self.output.line(index, palette)
            if len(line) <= LINE_ROWS * width // 2 or len(rows := folded_rows(line, width)) <= LINE_ROWS:
                yield from self._numbered(index, folded_rows(line, width))
                continue
            shown = rows[: LINE_ROWS - 1]
            more = len(line) - sum(len(row.text) for row in shown)
            yield from self._numbered(index, shown)
            yield fold_row(say("{count:,} characters more", count=more), palette, width, kept=self.complete)

    def _numbered(self, index: int, rows: list[Row]) -> Iterator[Row]:
        """The rows of a line of output, with its number among all that there have been."""
        output = self.output
        number = index + output.hidden - 1 if output.hidden and index > output.gap else index
        return (replace(row, lines=range(number, number + 1)) for row in rows)

    def record(self) -> TranscriptEntry:
        """The entry as it is kept across sessions."""
        from tutor.course.store import TranscriptEntry

        lines = self.output.plain()
        gap = self.output.gap if self.output.hidden else len(lines)
        head, tail = "".join(f"{line}\n" for line in lines[:gap]), "\n".join(lines[gap + 1 :])
        written = self.recording.size if self.recording is not None else 0
        elided = max(1, written - len(head) - len(tail)) if self.output.hidden or self.skipped else 0
        if not elided and lines and lines[-1]:
            head = head[:-1]  # a line more than there was could be one too many to be kept
        remarks = tuple((each.kind, each.text) for each in self.remarks)
        source = self.source or self.title
        return TranscriptEntry(self.place, source, self.mark, self.fact, head, tail, elided, remarks)

    @classmethod
    def restore(cls, kept: TranscriptEntry) -> Entry:
        """An entry from an earlier session."""
        name = kept.place.rpartition("/")[2]
        title = f"{name}.py" if kept.mark == "▸" and name else kept.source
        entry = cls(kept.mark, title, kept.fact, kept.source, kept.place, restored=True)
        entry.output.feed(kept.head)
        if kept.elided:
            entry.output.feed(say("… {count:,} characters were not kept", count=kept.elided) + "\n")
        entry.output.feed(kept.tail)
        entry.remarks += [Remark(as_kind(kind), text) for kind, text in kept.remarks]
        return entry

    @property
    def name(self) -> str:
        """What the entry is called: its file, or the first line of its code."""
        return self.title.partition("\n")[0] or "torchtutor"

    def content(self) -> Iterator[list[Line]]:
        """Everything of the entry as lines, some at a time; they may be read in another thread."""
        recorded = self.recording is not None and not self.recording.gone
        chunks = self.recording.chunks() if self.recording is not None and recorded else None
        lost = self.recording.lost if self.recording is not None else 0
        code = self.title.count("\n") >= CODE_LINES
        said = [each.traceback or each.text for each in self.remarks]
        return _content(self.title if code else "", chunks, lost, self.output.plain(), said)

    def whole_text(self) -> str:
        """Output and results as plain text; of an entry that has neither, its error or else its code."""
        results = [replace(each, traceback="") for each in self.remarks if each.kind == "result"]
        said = Entry(output=self.output, recording=self.recording, remarks=results)
        if text := "\n".join(plain(line) for lines in said.content() for line in lines):
            return text
        errors = [remark.traceback or remark.text for remark in self.remarks]
        return "\n".join(errors) or self.source or self.title


def _content(
    code: str, chunks: Iterator[bytes] | None, lost: int, kept: list[str], said: list[str]
) -> Iterator[list[Line]]:
    if code:
        yield from lines_of([code.encode("utf-8", "replace")], 0)
        yield [""]
    if chunks is None:
        yield [*kept]
    else:
        yield from lines_of(chunks, lost)
    for text in said:
        yield from lines_of([text.encode("utf-8", "replace")], 0)
