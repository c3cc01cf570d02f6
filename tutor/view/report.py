"""A whole run for people: code with notes, output, the tensors at the end, the error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from tutor.facts import ErrorFacts, Explanation, Run, Snapshot, Step
from tutor.translation import say as spoken
from tutor.view.devices import held_word, together, transfer_word
from tutor.view.notes import Note, note_text, notes_for
from tutor.view.operations import OperationLines, Say, rows_of
from tutor.view.palette import Palette
from tutor.view.syntax import highlight
from tutor.view.table import aligned, headings, sharing_sentence, tensor_rows
from tutor.view.terminal import TerminalText
from tutor.view.words import clean, entered_before, fit, seconds_word

#: Lines of code, lines of output a step, and rows of tensors before the report shortens.
CODE, OUTPUT, ROWS = 2_000, 200, 100
#: Lines of operations that one statement gets.
OPERATIONS = 16
#: Notes start in this column of the code, or two cells right of longer code.
NOTE_COLUMN = 40


def run_report(
    run: Run,
    palette: Palette,
    width: int = 100,
    *,
    explanations: Mapping[int, Sequence[Explanation]] | None = None,
    say: Say | None = None,
) -> Text:
    """The report of `run`; `explanations` are keyed by step index. With `say` it has operations too, where
    a statement ran more than one."""
    report = _Report(run, palette, width, explanations or {}, say)
    return Text("\n", end="").join(report.lines())


class _Report:
    def __init__(
        self,
        run: Run,
        palette: Palette,
        width: int,
        explanations: Mapping[int, Sequence[Explanation]],
        say: Say | None,
    ) -> None:
        self.say = say
        self.run = run
        self.palette = palette
        self.width = width
        self.explanations = explanations
        self.gutter = len(str(run.source.count("\n") + 1)) + 2
        self.final = run.steps[-1].snapshot if run.steps else Snapshot()

    def lines(self) -> Iterator[Text]:
        took = seconds_word(self.run.elapsed)
        fact = spoken("ran in {time}", time=took) if self.run.ok else spoken("stopped in {time}", time=took)
        yield self._heading(clean(self.run.filename), fact)
        yield from self._code()
        if self.run.error is not None:
            yield from self._error(self.run.error)
        if self.final.tensors:
            yield Text()
            yield from self._tensors()
        for group in self.final.sharing:
            yield Text(fit(sharing_sentence(group), self.width), self.palette.label)
        yield from self._devices()

    def _devices(self) -> Iterator[Text]:
        """What was copied between devices, and what the accelerator holds at the end."""
        words = [transfer_word(one) for one in together(self.run.steps)]
        device = next((step.device for step in reversed(self.run.steps) if step.device is not None), None)
        words += [held_word(device)] if device is not None else []
        for line in words:
            yield Text(fit(line, self.width), self.palette.label)

    def _heading(self, label: str, fact: str) -> Text:
        label = fit(label, max(8, self.width - cell_len(fact) - 6))
        rule = "─" * max(0, self.width - cell_len(label) - cell_len(fact) - 4)
        palette = self.palette
        return Text.assemble(
            (label, f"bold {palette.foreground}"), "  ", (rule, palette.rule), "  ", (fact, palette.muted)
        )

    def _code(self) -> Iterator[Text]:
        notes = notes_for(self.run.steps, Snapshot())
        below: dict[int, list[Step]] = {}
        for step in self.run.steps:
            below.setdefault(step.end_line, []).append(step)
        source = self.run.source.removesuffix("\n").replace("\r\n", "\n").expandtabs(4)
        lines = highlight("\n".join(map(clean, source.split("\n"))), self.palette)
        for number, line in enumerate(lines[:CODE], start=1):
            yield self._line(number, line, notes.get(number))
            for step in below.get(number, ()):
                yield from self._step(step)
        if len(lines) > CODE:
            yield Text(spoken("… and {count:,} more lines", count=len(lines) - CODE), self.palette.muted)

    def _line(self, number: int, code: Text, note: Note | None) -> Text:
        failed = self.run.error is not None and self.run.error.line == number
        colour = f"bold {self.palette.error}" if failed else self.palette.muted
        mark = "✗" if failed else " "
        line = Text.assemble((f"{number:>{self.gutter - 2}}{mark} ", colour), code)
        if note is None:
            line.rstrip()
        else:
            start = max(line.cell_len + 2, self.gutter + NOTE_COLUMN)
            shown = note_text(note, self.palette, max(12, self.width - start))
            line.append(" " * (start - line.cell_len)).append_text(shown)
        return line

    def _step(self, step: Step) -> Iterator[Text]:
        """What a statement printed and displayed, and what there is to say about it."""
        yield from self._operations(step)
        output = TerminalText(head=OUTPUT // 2, tail=OUTPUT // 2)
        output.feed(step.stdout)
        if step.stdout_elided:
            output.feed("\n" + spoken("… {count:,} bytes of output left out …", count=step.stdout_elided))
        for line in output.lines(self.palette):
            yield self._aside("│", line)
        if step.result is not None:
            shown = TerminalText(head=OUTPUT // 2, tail=OUTPUT // 2)
            shown.feed(step.result)
            for number, line in enumerate(shown.lines(self.palette)):
                yield self._aside(" " if number else "=", line)
        for warning in step.warnings:
            place = spoken("line {line}", line=warning.line)
            words = f"{clean(warning.category)}, {place}: {_paragraph(warning.message)}"
            yield self._aside("!", Text(words, self.palette.warning))
        for explanation in self.explanations.get(step.index, ()):
            yield from self._explanation(explanation)

    def _operations(self, step: Step) -> Iterator[Text]:
        rows = rows_of(step)
        if self.say is None or (len(rows) < 2 and all(row.count < 2 for row in rows)):
            return
        drawn = OperationLines(rows, step.snapshot, self.say, self.palette, self.width - self.gutter - 2)
        lines = drawn.lines()
        for line in lines[:OPERATIONS]:
            yield self._aside("·", line.text)
        if len(lines) > OPERATIONS:
            more = spoken("… and {count:,} more lines", count=len(lines) - OPERATIONS)
            yield self._aside("·", Text(more, self.palette.muted))

    def _aside(self, mark: str, text: Text) -> Text:
        return Text.assemble(" " * self.gutter, (f"{mark} ", self.palette.muted), text)

    def _explanation(self, explanation: Explanation) -> Iterator[Text]:
        palette = self.palette
        colours = {"note": palette.primary, "warning": palette.warning, "error": palette.error}
        colour = colours[explanation.kind]
        title = Text(clean(explanation.title), f"bold {colour}")
        if explanation.kind != "note":
            title.append(f"  {explanation.rule}", f"not bold {palette.muted}")
        yield self._aside("▎", title)
        for line in explanation.text.strip().split("\n"):
            yield self._aside("▎", Text(clean(line), palette.foreground))
        if explanation.fix:
            fix = "\n".join(map(clean, explanation.fix.split("\n")))
            for code in highlight(fix, palette):
                yield self._aside("▎", Text("  ").append_text(code))

    def _error(self, error: ErrorFacts) -> Iterator[Text]:
        palette = self.palette
        where = " " + spoken("at line {line}", line=error.line) if error.line > 0 else ""
        yield Text()
        yield Text.assemble((clean(error.type), f"bold {palette.error}"), (where, palette.label))
        message = TerminalText(head=40, tail=40)
        message.feed(error.message)
        yield from message.lines(palette)
        if before := entered_before(error):
            yield Text(clean(before), palette.label)

    def _tensors(self) -> Iterator[Text]:
        rows = tensor_rows(self.final, (), self.palette)
        count = len(rows) + self.final.unshown
        yield self._heading(spoken("tensors"), spoken("{count:,} live", count=count))
        shown = rows[:ROWS]
        titles = [Text(heading, self.palette.muted) for heading in headings()]
        yield from aligned([titles, *(row.cells for row in shown)], self.width)
        if count > len(shown):
            yield Text(spoken("… and {count:,} more", count=count - len(shown)), self.palette.muted)


def _paragraph(text: str) -> str:
    return clean(" ".join(text.split()))
