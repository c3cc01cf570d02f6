"""Line notes: what each statement did, in a few words, from the facts of its step alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from tutor.facts import OpFacts, Snapshot, Step, TensorFacts
from tutor.view.claims import claims_of
from tutor.view.context import Births
from tutor.view.palette import Palette, letter
from tutor.view.words import clean, fit

#: A displayed value is worth a note only while it is this short.
SHORT_RESULT = 28


@dataclass(frozen=True)
class Note:
    """What one statement did; shown as the letter of `block`, `text`, then `tail` more quietly."""

    block: int | None
    text: str
    tail: str = ""
    kind: Literal["fact", "error", "warning"] = "fact"
    #: What the note is about, the first of them before all.
    names: tuple[str, ...] = ()


def notes_for(run_steps: Sequence[Step], before: Snapshot) -> dict[int, Note]:
    """Notes keyed by the last line (1-based) of each statement that has something to tell, of a block by the
    line that had the effect, else by its head; an error by its own line."""
    noting = Noting(before)
    return together(noting.add(step) for step in run_steps)


class Noting:
    """Makes the notes of a run, statement by statement."""

    def __init__(self, before: Snapshot) -> None:
        self._births = Births(before)
        self._before = before

    def add(self, step: Step) -> tuple[int, Note] | None:
        """The note of the next statement with its line; None for one that has nothing to tell."""
        self._births.follow(step)
        note = _note(step, self._before, self._births)
        self._before = step.snapshot
        return (_line_of(step, note), note) if note is not None else None


def _line_of(step: Step, note: Note) -> int:
    if step.error is not None:
        return step.error.line or step.end_line
    if step.line == step.end_line or not _is_block(step.source):
        return step.end_line
    facts = step.snapshot.tensors.get(note.names[0]) if note.names else None
    lines = range(step.line, step.end_line + 1)
    own = [each for each in step.operations if each.line in lines and not each.elsewhere]
    had = [each.line for each in own if facts is not None and _had_effect(each, facts)]
    return had[-1] if had else step.line


def _is_block(source: str) -> bool:
    try:
        (statement,) = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return isinstance(getattr(statement, "body", None), list)


def _had_effect(operation: OpFacts, facts: TensorFacts) -> bool:
    """Whether an operation made a tensor, or wrote to its memory."""
    if facts.origin is not None and operation.seq == facts.origin.seq:
        return True
    wrote = (operation.ins[each.argument] for each in operation.wrote)
    return any(
        each.object == facts.object or (each.storage is not None and each.storage == facts.storage)
        for each in wrote
    )


def together(placed: Iterable[tuple[int, Note] | None]) -> dict[int, Note]:
    """Notes by their line: of two statements on one line an error wins, then the later one."""
    notes: dict[int, Note] = {}
    for each in placed:
        if each is None:
            continue
        line, note = each
        if line not in notes or notes[line].kind != "error":
            notes[line] = note
    return notes


def _note(step: Step, before: Snapshot, births: Births) -> Note | None:
    if step.error is not None:
        return Note(None, clean(step.error.type), kind="error")
    claims = claims_of(step, before, births)
    if claims:
        first = claims[0]
        told = set(first.names)
        rest = {name for claim in claims[1:] for name in claim.names} - told
        tail = " ".join(filter(None, (first.tail, f"+{len(rest)}" if rest else "")))
        return Note(first.block, first.text, tail, names=first.names)
    if step.warnings:
        warning = step.warnings[0]
        more = f"+{len(step.warnings) - 1}" if len(step.warnings) > 1 else ""
        return Note(None, clean(warning.category), more, kind="warning")
    if step.result is not None and "\n" not in step.result and 0 < cell_len(step.result) <= SHORT_RESULT:
        return Note(None, f"= {clean(step.result)}")
    return None


def note_text(note: Note, palette: Palette, room: int, *, stale: bool = False, selected: str = "") -> Text:
    """The note in at most `room` cells: the tail goes first, then the text, the letter last.

    A note about the `selected` name is underlined.
    """
    mark = letter(note.block) if note.block is not None else ""
    colour = {"error": palette.error, "warning": palette.warning, "fact": palette.label}[note.kind]
    hue = Style.parse(f"bold {palette.hue(note.block)}") if note.block is not None else Style.null()
    text = Text(end="")
    text.append(fit(mark, room), hue)
    for words, style in ((note.text, colour), (note.tail, f"italic {palette.muted}")):
        gap = " " if text.plain and words else ""
        left = room - text.cell_len - len(gap)
        shown = fit(words, left)
        if cell_len(shown) < min(3, cell_len(words)):
            break
        text.append(gap + shown, style)
    if stale:
        return Text(text.plain, style=Style.parse(f"strike {palette.muted}"), end="")
    if selected and selected in note.names:
        text.stylize(Style(underline=True))
    return text
