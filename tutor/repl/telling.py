"""What one run came to, statement by statement, in words."""

from __future__ import annotations

import re

from rich.text import Text

from tutor.explain import Past, explain_step
from tutor.facts import ErrorFacts, Explanation, Run, Snapshot, Step
from tutor.repl.out import PALETTE, Out, bold
from tutor.repl.pieces import Piece, crowded
from tutor.repl.stream import Stream
from tutor.translation import later, say, translated
from tutor.view.notes import Note, note_text, notes_for
from tutor.view.syntax import highlight
from tutor.view.terminal import TerminalText
from tutor.view.words import clean, entered_before

#: Notes begin in this column of the code, or two cells right of longer code.
NOTE_COLUMN = 40
#: Cells of a note.
NOTE_ROOM = 100
INDENT = 4
#: Lines of a result or a message, head and tail.
LINES = 400

_KINDS = {
    "note": (later("Note"), PALETTE.primary),
    "warning": (later("Warning"), PALETTE.warning),
    "error": (later("Why"), PALETTE.error),
}


class Telling:
    """Tells one run while it happens. With `echo` the code is written too, each note beside its line;
    without it the code stands above, because it was typed there."""

    def __init__(
        self, out: Out, stream: Stream, piece: Piece, before: Snapshot, past: Past, *, echo: bool
    ) -> None:
        self._out = out
        self._stream = stream
        self._before = before
        self._offset = piece.line - 1
        source = piece.text.replace("\r\n", "\n").expandtabs(4)
        self._plain = source.split("\n")
        self._code = highlight("\n".join(map(clean, self._plain)), PALETTE) if echo else []
        self._crowded = crowded(piece.text)
        self._echoed = 0
        self._failed = False
        self._past = past
        #: The rule of the last error or warning that was explained, else of the last note.
        self.rule = ""

    def started(self, end_line: int) -> None:
        """A statement begins: its code, the last line still open for a note."""
        lines = self._code[self._echoed : end_line]
        self._echoed = max(self._echoed, end_line)
        while lines and not lines[0].plain.strip():
            lines = lines[1:]
        for line in lines[:-1]:
            self._out.line(line)
        for line in lines[-1:]:
            self._out.fresh()
            line.rstrip()
            self._out.part(line)

    def finished(self, step: Step) -> None:
        """What came of a statement, after all of its output."""
        self._stream.flush()
        self._note(step)
        if step.result is not None:
            self._lines(step.result)
        for warning in step.warnings:
            where = self._place(warning.line)
            words = " ".join(warning.message.split())
            self._out.prose(f"{clean(warning.category)}{where}: {clean(words)}", style=PALETTE.warning)
        explanations = explain_step(step, self._before, self._past)
        for explanation in explanations:
            if explanation.kind != "error":
                self._explain(explanation)
        if step.error is not None:
            self._fail(step.error)
        for explanation in explanations:
            if explanation.kind == "error":
                self._explain(explanation)
        self._before = step.snapshot
        self._past.add(step)
        if not self._stream.is_open:
            self._out.fresh()

    def ended(self, run: Run) -> None:
        """The run is over; what kept it from beginning, such as a SyntaxError, is told here."""
        self._stream.finish()
        if run.error is not None and not self._failed:
            self._fail(run.error)

    def placed(self, sentence: str) -> str:
        """A sentence of the session, with its line as this run counts lines."""
        written = r"(\d+)".join(map(re.escape, translated("at line {line}").split("{line}")))
        return re.sub(f" {written}", lambda found: self._place(int(found[1])), sentence)

    def _note(self, step: Step) -> None:
        """Beside the code where its line is still open and has room, else below it; with its statement
        where the line has several."""
        for note in notes_for([step], self._before).values():
            if note.kind == "fact" and not _repeats(note, step):
                text = note_text(note, PALETTE, NOTE_ROOM)
                self._indent(step, text.cell_len)
                self._out.part(text)
                self._out.fresh()

    def _indent(self, step: Step, size: int) -> None:
        """To where a note of `size` cells begins."""
        if step.index in self._crowded:
            self._out.fresh()
            self._out.part(Text(" " * INDENT + clean(step.source.partition("\n")[0])))
        elif self._stream.is_open:
            self._out.fresh()
        column = self._out.column
        start = max(column + 2, NOTE_COLUMN) if column else INDENT
        if start + size > self._out.width:
            start = column + 2
        if not column or start + size > self._out.width:
            self._out.fresh()
            column, start = 0, INDENT
        self._out.part(Text(" " * (start - column)))

    def _lines(self, text: str) -> None:
        """Text of the learner's program, bounded and harmless."""
        for line in _harmless(text):
            self._out.line(line)

    def _message(self, text: str, lead: Text) -> None:
        first, *more = _harmless(text) or [Text()]
        self._out.wrapped(Text.assemble(lead, first))
        for line in more:
            self._out.wrapped(line)

    def _fail(self, error: ErrorFacts) -> None:
        """The error, with its line where there is more than one. A death is told by the session."""
        self._failed = True
        if error.type == "KernelDied":
            return
        where = self._place(error.line)
        if error.type == "KeyboardInterrupt":
            self._out.line(Text(say("Stopped{where}.", where=where), PALETTE.warning))
            return
        lead = Text.assemble((clean(error.type), bold(PALETTE.error)), (where, PALETTE.error))
        self._message(error.message, lead.append(": ") if error.message else lead)
        if where and self._echoed < error.line <= len(self._plain):
            self._out.line(" " * INDENT + clean(self._plain[error.line - 1].strip()))
        if before := entered_before(error):
            self._out.wrapped(Text(" " * INDENT + clean(before)))

    def _place(self, line: int) -> str:
        several = len(self._plain) > 1 or self._offset > 0
        return " " + say("at line {line}", line=line + self._offset) if several and line > 0 else ""

    def _explain(self, explanation: Explanation) -> None:
        if explanation.kind != "note" or not self.rule:
            self.rule = explanation.rule
        word, colour = _KINDS[explanation.kind]
        self._out.prose(
            f"{translated(word)}: {clean(explanation.title)}", style=f"bold {colour}", indent=INDENT
        )
        for paragraph in explanation.text.strip().split("\n"):
            self._out.prose(clean(paragraph), indent=INDENT)
        if explanation.fix:
            self._out.prose(say("Instead:"), style=colour, indent=INDENT)
            fix = "\n".join(map(clean, explanation.fix.split("\n")))
            for line in highlight(fix, PALETTE):
                self._out.line(Text.assemble(" " * (2 * INDENT), line))


def _harmless(text: str) -> list[Text]:
    shown = TerminalText(LINES, LINES)
    shown.feed(text)
    return shown.lines(PALETTE)


def _repeats(note: Note, step: Step) -> bool:
    """Whether the note is the displayed value, which is written anyway."""
    return step.result is not None and note.block is None and note.text.startswith("= ")
