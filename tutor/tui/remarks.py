"""What came of a run, as rows: results, warnings, errors, explanations, and sentences of the app itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from tutor.facts import ErrorFacts, Explanation, Run
from tutor.translation import say
from tutor.tui.lines import fold, wrap
from tutor.view.palette import Palette
from tutor.view.prose import mark_code
from tutor.view.terminal import TerminalText
from tutor.view.words import entered_before

RemarkKind = Literal["result", "warning", "error", "explanation", "right", "wrong", "notice"]
#: What enter or a click on a row does: show all of the entry, or open the traceback.
Spot = Literal["", "all", "traceback"]

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
#: Lines of a result or an output that are shown whole, and those at both ends of a longer one.
WHOLE, HEAD, TAIL = 24, 8, 8
#: What is read together, from its beginning.
TOLD: frozenset[RemarkKind] = frozenset(("error", "warning", "explanation", "wrong"))
#: Where in torch's own sources a warning was raised, which is no place of the learner's.
_INSIDE = re.compile(r"\s*\(Triggered internally at [^()]*\)")
#: Rows of an error's message that are shown above its explanation.
EXPLAINED = 2
#: Cells of a line of prose.
PROSE = 74


#: What we say ourselves, with code between backticks.
_SPOKEN: tuple[RemarkKind, ...] = ("explanation", "right", "wrong", "notice")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the transcript."""

    text: Text
    spot: Spot = ""
    #: It goes on with the line of the row before.
    joined: bool = False
    #: An error or a warning begins here, or what explains the run.
    tells: bool = False
    #: Which lines of output it shows, or stands for.
    lines: range = range(0)


@dataclass(frozen=True, slots=True)
class Remark:
    """What the run came to, in the order in which it is told."""

    kind: RemarkKind
    text: str
    #: The line of code that an error is about, and the way to it.
    line: int = 0
    code: str = ""
    traceback: str = ""
    #: An explanation follows, so that a long message may wait until it is asked for.
    explained: bool = False
    #: It stands below its line of code, and is not told here as well.
    elsewhere: bool = False


def as_kind(word: str) -> RemarkKind:
    """The kind of this name; one that is not known is a notice."""
    return next((kind for kind in _SIGNS if kind == word), "notice")


def remarks_of(
    run: Run, explanations: Sequence[Explanation] = (), *, elsewhere: bool = False
) -> list[Remark]:
    """Results, warnings, the error with its line, what explains them, unless that is told `elsewhere`. A
    death is told by the session's own sentence."""
    remarks = [Remark("result", step.result) for step in run.steps if step.result is not None]
    for step in run.steps:
        for w in step.warnings:
            message = _INSIDE.sub("", w.message)
            where = say("{type} at line {line}", type=w.category, line=w.line)
            text = f"{where}: {message}"
            remarks.append(Remark("warning", text, explained=bool(explanations)))
    told = [Remark("explanation", _explanation_text(e), elsewhere=elsewhere) for e in explanations]
    error = run.error
    if error is None or error.type == "KernelDied":
        return [*remarks, *told]
    if error.type == "KeyboardInterrupt":
        return [*remarks, Remark("notice", say("stopped at line {line}", line=error.line)), *told]
    return [*remarks, _error(error, run.source, bool(told)), *told]


def _error(error: ErrorFacts, source: str, explained: bool) -> Remark:
    message = f": {error.message}" if error.message else ""
    lines = source.rstrip().split("\n")
    # A single line stands right above, at the prompt's sign.
    code = lines[error.line - 1].strip() if len(lines) > 1 and 0 < error.line <= len(lines) else ""
    text = say("{type} at line {line}", type=error.type, line=error.line) + message
    before = entered_before(error)
    text = f"{text}\n{before}" if before else text
    return Remark("error", text, error.line, code, error.traceback.rstrip("\n"), explained)


def _explanation_text(explanation: Explanation) -> str:
    fix = f"\n{say('Instead:')}\n{indent(explanation.fix, '  ')}" if explanation.fix else ""
    return f"{explanation.text}{fix}"


def plain_lines(text: str, palette: Palette) -> list[Text]:
    """Text from the learner's program as lines that can do nothing to the screen."""
    output = TerminalText()
    output.feed(text)
    return output.lines(palette)


def folded_rows(line: Text, width: int) -> list[Row]:
    """A line of data as rows."""
    first, *rest = fold(line, width)
    return [Row(first), *(Row(piece, joined=True) for piece in rest)]


def rows_of_part(rows: Sequence[Row], lines: range) -> list[int]:
    """Which of an entry's rows show something of these lines of its output; of no lines, its head."""
    if not lines:
        return [0] if rows else []
    return [
        at for at, row in enumerate(rows) if row.lines.start < lines.stop and lines.start < row.lines.stop
    ]


def remark_rows(remark: Remark, palette: Palette, width: int, opened: bool) -> list[Row]:
    """A remark as rows of at most `width` cells; with `opened`, an error's traceback too."""
    if remark.kind == "result":
        return _result_rows(remark.text, palette, width)
    sign, name = _SIGNS[remark.kind]
    color = getattr(palette, name)
    rows: list[Row] = []
    for line in plain_lines(remark.text, palette):
        told = mark_code(line, palette) if remark.kind in _SPOKEN else line
        for piece in wrap(told, min(width, PROSE) - len(sign)):
            lead = sign if remark.kind == "explanation" or not rows else " " * len(sign)
            rows.append(Row(Text.assemble((lead, color), piece)))
    if remark.explained and not opened and len(rows) > EXPLAINED:
        last = rows[EXPLAINED - 1].text
        last.truncate(min(width, PROSE) - 2)
        rows = [*rows[: EXPLAINED - 1], Row(Text.assemble(last, (" …", palette.muted)))]
        if not remark.traceback:
            rows = [Row(row.text, "all") for row in rows]
    if remark.code:
        number = f"{remark.line:>4}  "
        code = next(iter(plain_lines(remark.code, palette)), Text())
        code.truncate(max(1, width - len(number)), overflow="ellipsis")
        rows.append(Row(Text.assemble((number, palette.muted), (code.plain, palette.label))))
    return rows + _traceback_rows(remark, rows, palette, width, opened) if remark.traceback else rows


def _traceback_rows(
    remark: Remark, above: list[Row], palette: Palette, width: int, opened: bool
) -> list[Row]:
    """The traceback, or a sign at the end of the last row `above` that there is one."""
    sign = f"{'▾' if opened else '▸'} {say('traceback')}"
    above[:] = [Row(row.text, "traceback", row.joined) for row in above]
    last = above[-1].text
    if last.cell_len + 3 + cell_len(sign) <= width:
        above[-1] = Row(Text.assemble(last, (f"   {sign}", palette.muted)), "traceback")
        rows = []
    else:
        rows = [Row(Text(f"  {sign}"[:width], palette.muted), "traceback")]
    if opened:
        for line in _way_to(remark, palette):
            room = max(8, width - 4)
            first, *more = fold(Text(line.plain, palette.label), room)
            rows += [Row(Text.assemble("  ", first)), *(Row(Text.assemble("    ", each)) for each in more)]
    return rows


def _way_to(remark: Remark, palette: Palette) -> list[Text]:
    """The traceback without its end where that is what the rows above it say."""
    message = remark.text.partition(": ")[2]
    head, _, _ = remark.traceback.rpartition(message) if message else (remark.traceback, "", "")
    whole = head.rpartition("\n")[0] if message and remark.traceback.endswith(message) else remark.traceback
    return plain_lines(whole, palette)


def _result_rows(text: str, palette: Palette, width: int) -> list[Row]:
    lines = plain_lines(text, palette)
    if len(lines) <= WHOLE:
        return [row for line in lines for row in folded_rows(line, width)]
    more = fold_row(say("{count:,} lines more", count=len(lines) - HEAD - TAIL), palette, width)
    head = [row for line in lines[:HEAD] for row in folded_rows(line, width)]
    tail = [row for line in lines[-TAIL:] for row in folded_rows(line, width)]
    return [*head, more, *tail]


def fold_row(what: str, palette: Palette, width: int, *, kept: bool = True) -> Row:
    """A row in the place of what is not shown."""
    text = say("… {what}, enter shows all", what=what) if kept else say("… {what}, no longer kept", what=what)
    return Row(
        Text(_cut(text, max(1, width)), palette.accent if kept else palette.muted), "all" if kept else ""
    )


def _cut(text: str, width: int) -> str:
    """What fits of it."""
    return text if cell_len(text) <= width else set_cell_size(text, width)
