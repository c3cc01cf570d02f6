"""How a running statement goes: its loops as bars, its scalars as lines of bars."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from tutor.facts import LoopFacts, Number, ScalarFacts
from tutor.translation import say
from tutor.view.palette import Palette
from tutor.view.sparkline import sparkline
from tutor.view.words import clean, fit, pad

#: Cells of a loop's bar, of a name, and of a number.
BAR, NAME, NUMBER = 16, 12, 9
#: Scalars that are drawn.
MOST = 8


def number_word(value: Number) -> str:
    """A number in few cells: `0.0071`, `37`, `1.25e+06`, `nan`."""
    return f"{value:.0f}" if isinstance(value, int) and abs(value) < 10**8 else f"{value:.4g}"


def place_word(line: int, function: str) -> str:
    """Where code runs: `line 12 in train`."""
    if function and not line:  # code that was entered before: its lines are not those of what runs
        return say("in {function}", function=clean(function))
    if function:
        return say("line {line} in {function}", line=line, function=clean(function))
    return say("line {line}", line=line)


def loop_lines(loops: Sequence[LoopFacts], palette: Palette, room: int, *, blocks: bool = True) -> list[Text]:
    """A line a loop: variable and value, how far it is, and of how many, where that is known."""
    width = _name_width([loop.name for loop in loops], room)
    return [_loop(loop, palette, room, width, blocks) for loop in loops]


def _loop(loop: LoopFacts, palette: Palette, room: int, width: int, blocks: bool) -> Text:
    line = Text(pad(fit(clean(loop.name), width), width + 1), palette.label)
    line.append(f"= {loop.value}", palette.foreground)
    if loop.number is None:
        return _cut(line, room)
    told = say(
        "{number:,} of {total:,}" if loop.total is not None else "iteration {number:,}",
        number=loop.number,
        total=loop.total,
    )
    bar = min(BAR, room - line.cell_len - cell_len(told) - 4) if loop.total else 0
    line.append("  ")
    if bar >= 4 and loop.total:
        done = round(bar * loop.number / loop.total)
        full, empty = ("━", "─") if blocks else ("#", "-")
        line.append(full * done, palette.accent).append(empty * (bar - done), palette.rule).append("  ")
    line.append(told, palette.label)
    return _cut(line, room)


def scalar_lines(
    scalars: Sequence[ScalarFacts], palette: Palette, room: int, *, blocks: bool = True
) -> list[Text]:
    """Two lines a scalar: its name, its course and its last value; then where it began and its extremes."""
    chosen = sorted(scalars, key=_interest)[:MOST]
    width = _name_width([each.name for each in chosen], room)
    lines: list[Text] = []
    for each in chosen:
        lines += _scalar(each, palette, room, width, blocks)
    if len(scalars) > MOST:
        lines.append(Text(fit(say("… and {count:,} more", count=len(scalars) - MOST), room), palette.muted))
    return lines


def _interest(facts: ScalarFacts) -> tuple[bool, bool, bool]:
    """Losses first, then what changes, then whole numbers and what stays."""
    still = facts.low == facts.high and not facts.broken
    whole = isinstance(facts.first, int) and isinstance(facts.last, int)
    return "loss" not in facts.name.lower(), still, whole


def _scalar(facts: ScalarFacts, palette: Palette, room: int, width: int, blocks: bool) -> list[Text]:
    last = number_word(facts.last)
    course = room - width - 2 - max(NUMBER, cell_len(last))
    spark = sparkline(facts.values, max(0, course), blocks=blocks)
    line = Text(pad(fit(clean(facts.name), width), width + 1), f"bold {palette.foreground}")
    begin = len(line)
    line.append(spark.text, palette.primary)
    for at in spark.broken:
        line.stylize(Style.parse(f"bold {palette.error}"), begin + at, begin + at + 1)
    odd = f"bold {palette.error}" if last in ("nan", "inf", "-inf") else f"bold {palette.foreground}"
    line.append(" " * max(1, room - line.cell_len - cell_len(last))).append(last, odd)
    under = Text(" " * (width + 1), palette.muted)
    under.append(say("from {first}", first=number_word(facts.first)))
    if facts.broken:
        under.append("  " + say("{count:,} nan/inf", count=facts.broken), palette.error)
    if facts.low is not None and facts.high is not None:
        low, high = number_word(facts.low), number_word(facts.high)
        under.append(f"  {say('min {low}', low=low)}  {say('max {high}', high=high)}")
    if facts.function:
        under.append("  " + say("in {function}", function=clean(facts.function)))
    return [_cut(line, room), _cut(under, room)]


def _name_width(names: Sequence[str], room: int) -> int:
    return min(max((cell_len(clean(name)) for name in names), default=0), NAME, max(3, room // 3))


def _cut(line: Text, room: int) -> Text:
    line.truncate(max(0, room), overflow="ellipsis")
    return line
