"""Explanations as they stand below the lines that they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from tutor.explain.repair import Explained, Repair
from tutor.facts import Explanation
from tutor.translation import say
from tutor.tui.commands import key_for
from tutor.tui.lines import wrap
from tutor.view.palette import Palette
from tutor.view.prose import mark_code
from tutor.view.syntax import highlight
from tutor.view.words import clean

#: Cells of a line of prose, and rows of a fix that are shown.
PROSE, FIX_ROWS = 74, 8
_BAR = "▎ "
_MORE = "… "

#: What a click on a row does: nothing, apply the fix, or show the page behind it.
Deed = Literal["", "fix", "why"]


@dataclass(frozen=True)
class Aside:
    """A row below a line of code."""

    text: Text
    deed: Deed = ""


def asides(
    explained: Sequence[Explained], palette: Palette, width: int, most: int, *, stale: bool = False
) -> list[Aside]:
    """Explanations as at most `most` rows of `width` cells; what does not fit is read on its page.

    Stale ones are about code that has been changed above them: they are told quietly, and repair nothing."""
    rows: list[Aside] = []
    for at, each in enumerate(explained):
        others = len(explained) - at - 1
        rows += _asides(each, palette, width, max(1, most - len(rows) - others), stale)
    return rows


def _asides(each: Explained, palette: Palette, width: int, most: int, stale: bool) -> list[Aside]:
    explanation = each.explanation
    colour = palette.error if explanation.kind == "error" else palette.warning
    bar = Text(_BAR, palette.muted if stale else colour)
    room = max(8, min(PROSE, width - len(_BAR)))
    title = Text(clean(explanation.title), Style.parse(f"bold {palette.foreground}"))
    told = [Aside(row) for row in wrap(mark_code(title, palette), room)]
    body = [
        Aside(row)
        for line in explanation.text.strip().split("\n")
        for row in wrap(mark_code(Text(clean(line), palette.label), palette), room)
    ]
    repair = each.repair if not stale else None
    fix = [Aside(row, "fix") for row in _fix(repair, palette, room)] if repair is not None else []
    foot = Aside(_foot(explanation, repair is not None, palette, room), "why")
    left = most - len(told) - len(fix) - 1
    if left < len(body):
        body = _cut(body, left, palette, room) if left > 0 else []
        fix = fix if left > 0 else []
    shown = [*told, *body, *fix, foot][:most]
    if stale:
        shown = [Aside(Text(aside.text.plain, palette.muted), aside.deed) for aside in shown]
    return [Aside(Text.assemble(bar, aside.text), aside.deed) for aside in shown]


def _cut(body: list[Aside], rows: int, palette: Palette, room: int) -> list[Aside]:
    """The first rows, with a sign that there are more."""
    last = body[rows - 1].text.copy()
    last.truncate(room - len(_MORE))
    last.rstrip()
    return [*body[: rows - 1], Aside(Text.assemble(last, (f" {_MORE.strip()}", palette.muted)), "why")]


def _fix(repair: Repair, palette: Palette, room: int) -> list[Text]:
    lines = highlight("\n".join(map(clean, repair.text.split("\n"))), palette)
    rows = [
        Text(say("Instead:"), palette.label),
        *(Text("  ").append_text(line) for line in lines[:FIX_ROWS]),
    ]
    if len(lines) > FIX_ROWS:
        rows.append(Text("  " + say("… and {count} lines more", count=len(lines) - FIX_ROWS), palette.muted))
    for row in rows:
        row.truncate(room, overflow="ellipsis")
    return rows


def _foot(explanation: Explanation, repairs: bool, palette: Palette, room: int) -> Text:
    """The keys that lead on from here."""
    foot = Text()
    if repairs:
        foot.append(f"{key_for('fix')} ", f"bold {palette.accent}").append(
            say("writes that") + "  ", palette.label
        )
    foot.append(f"{key_for('why')} ", f"bold {palette.accent}").append(say("why"), palette.label)
    if foot.cell_len + 2 + cell_len(explanation.rule) <= room:
        foot.append(f"  {explanation.rule}", palette.muted)
    foot.truncate(room, overflow="ellipsis")
    return foot
