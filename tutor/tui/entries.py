"""One run in the transcript: its head, its output, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from textwrap import indent
from typing import Literal

from rich.text import Text

from tutor.facts import Explanation, Run
from tutor.tui.lines import fold
from tutor.view.notes import Note, note_text
from tutor.view.palette import Palette
from tutor.view.terminal import TerminalText

#: Lines of a running entry that are drawn.
LIVE_LINES = 100

RemarkKind = Literal["result", "warning", "error", "explanation", "right", "wrong", "notice"]

#: The sign before a remark and the palette's name for its colour.
_SIGNS: dict[RemarkKind, tuple[str, str]] = {
    "result": ("", "foreground"),
    "warning": ("! ", "warning"),
    "error": ("✗ ", "error"),
    "explanation": ("▎ ", "accent"),
    "right": ("✓ ", "success"),
    "wrong": ("✗ ", "warning"),
    "notice": ("· ", "accent"),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """What the run came to, in the order in which it is told."""

    kind: RemarkKind
    text: str


@dataclass
class Entry:
    """`mark` and `title` head the entry; an entry without them is a remark of the app itself."""

    mark: str = ""
    title: str = ""
    fact: str = ""
    #: Bytes of output that were not even read.
    skipped: int = 0
    output: TerminalText = field(default_factory=lambda: TerminalText(head=200, tail=800))
    #: What each statement did, for code that was entered at the prompt.
    notes: tuple[Note, ...] = ()
    remarks: list[Remark] = field(default_factory=list)
    #: The run goes on: only the end of its output is drawn, so that a flood costs no more than a trickle.
    live: bool = False

    def rows(self, palette: Palette, width: int) -> list[Text]:
        """The entry as lines of at most `width` cells."""
        rows = self._head(palette, width)
        first = max(0, len(self.output) - LIVE_LINES) if self.live else 0
        for index in range(first, len(self.output)):
            rows += fold(self.output.line(index, palette), width)
        if self.skipped:
            rows.append(Text(f"… {self.skipped / 1e6:.1f} MB of output not shown"[:width], palette.muted))
        for remark in self.remarks:
            rows += _remark_rows(remark, palette, width)
        return rows

    def _head(self, palette: Palette, width: int) -> list[Text]:
        rows: list[Text] = []
        for index, line in enumerate(plain_lines(self.title, palette) if self.title else []):
            lead = f"{self.mark} " if index == 0 else "  "
            rows += fold(Text.assemble((lead, palette.muted), (line.plain, palette.label)), width)
        if self.fact and rows:
            rows[-1] = Text.assemble(rows[-1], (f"  {self.fact}", palette.muted))
        for note in self.notes:
            rows.append(Text.assemble("  ", note_text(note, palette, max(1, width - 2))))
        return rows


def remarks_of(run: Run, explanations: Sequence[Explanation] = ()) -> list[Remark]:
    """Results, warnings, the error with its line, what explains them. A death is told by the session's
    own sentence."""
    remarks = [Remark("result", step.result) for step in run.steps if step.result is not None]
    for step in run.steps:
        remarks += [Remark("warning", f"{w.category} at line {w.line}: {w.message}") for w in step.warnings]
    told = [Remark("explanation", _explanation_text(each)) for each in explanations]
    error = run.error
    if error is None or error.type == "KernelDied":
        return [*remarks, *told]
    if error.type == "KeyboardInterrupt":
        return [*remarks, Remark("notice", f"stopped at line {error.line}")]
    message = f": {error.message}" if error.message else ""
    return [*remarks, Remark("error", f"{error.type} at line {error.line}{message}"), *told]


def _explanation_text(explanation: Explanation) -> str:
    fix = f"\nInstead:\n{indent(explanation.fix, '  ')}" if explanation.fix else ""
    return f"{explanation.text}{fix}"


def plain_lines(text: str, palette: Palette) -> list[Text]:
    """Text from the learner's program as lines that can do nothing to the screen."""
    output = TerminalText()
    output.feed(text)
    return output.lines(palette)


def _remark_rows(remark: Remark, palette: Palette, width: int) -> list[Text]:
    sign, color = _SIGNS[remark.kind]
    rows: list[Text] = []
    cut: Callable[[Text, int], list[Text]] = fold if remark.kind == "result" else wrap
    for line in plain_lines(remark.text, palette):
        for piece in cut(line, width - len(sign)):
            repeated = remark.kind == "explanation"
            lead = sign if repeated or not rows else " " * len(sign)
            rows.append(Text.assemble((lead, getattr(palette, color)), piece))
    return rows


def wrap(line: Text, width: int) -> list[Text]:
    """`line` broken between words, and inside those that are too long."""
    rows: list[Text] = []
    start = 0
    plain = line.plain
    while start < len(plain):
        piece = fold(line[start:], width)[0]
        end = start + len(piece)
        if end < len(plain) and (space := plain.rfind(" ", start + 1, end + 1)) > 0:
            end = space
        rows.append(line[start:end])
        start = end + 1 if end < len(plain) and plain[end] == " " else end
    return rows or [line]
