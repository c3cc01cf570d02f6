"""The operations of a statement as lines: the learner's own words, what came out, what it was made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len
from rich.text import Text

from tutor.facts import Operand, OpFacts, Snapshot, Step
from tutor.translation import say as spoken
from tutor.view.marks import name_style
from tutor.view.palette import Palette, letter
from tutor.view.words import TIMES, clean, dtype_word, fit, pad, shape_word, stride_word

#: Rows of one statement; the rest is counted.
ROWS = 500


@dataclass(frozen=True)
class Row:
    """One operation at one place of the code; `hits` are its recorded calls, `count` all of them."""

    hits: tuple[OpFacts, ...]
    count: int
    #: Counted at least so often: not all was watched.
    at_least: bool = False

    @property
    def op(self) -> OpFacts:
        """The call that is shown: the last recorded one, which is what the namespace still knows."""
        return self.hits[-1]

    @property
    def key(self) -> tuple[object, ...]:
        """The same place in the code, however often it runs."""
        return _place(self.op)


def _place(op: OpFacts) -> tuple[object, ...]:
    # Inside of torch's own code the parameters tell one layer from the next.
    parts = tuple(one.name for one in op.ins) if op.within else ()
    return op.filename, op.span or op.line, op.name, op.within, op.part, parts


def _counted(op: OpFacts) -> tuple[int, str, str, str]:
    return op.line, op.part, op.name, op.within


def rows_of(step: Step) -> list[Row]:
    """The operations of a statement in order, calls at one place together where the first of them stood."""
    hits: dict[tuple[object, ...], list[OpFacts]] = {}
    for op in step.operations:
        hits.setdefault(_place(op), []).append(op)
    counts = {(one.line, one.part, one.name, one.within): one.count for one in step.counts}
    rows, recorded = [], Counter(_counted(op) for op in step.operations)
    for ops in hits.values():
        key = _counted(ops[0])
        counted = max(counts.get(key, 0), recorded[key])
        if recorded[key] == len(ops):
            rows.append(Row(tuple(ops), max(counted, ops[-1].hit), step.unwatched))
        else:  # calls of the same kind at one place, some of them with other parameters
            rows.append(Row(tuple(ops), len(ops), step.unwatched or counted > recorded[key]))
    return rows


#: The modules in front of a function that is called: `torch.nn.functional.`
_MODULES = re.compile(r"^(?:\w+\.)+(\w+\()")

#: What is said of an operation (`view of x`) and why.
Say = Callable[[OpFacts], tuple[str, str]]


@dataclass(frozen=True)
class Line:
    """A drawn line, and the index of the row it belongs to."""

    text: Text
    row: int


class OperationLines:
    """Draws rows in lines of at most `room` cells; `opened` rows show every argument and result."""

    def __init__(
        self, rows: Sequence[Row], snapshot: Snapshot, say: Say, palette: Palette, room: int
    ) -> None:
        self._rows = rows[:ROWS]
        self._more = len(rows) - len(self._rows)
        self._say = say
        self._palette = palette
        self._room = room
        self._blocks = {number: s.block for s in snapshot.storages.values() for number in s.storages}
        self._names = {facts.object: name for name, facts in reversed(snapshot.tensors.items())}
        lines = {_line(row.op) for row in self._rows}
        self._gutter = max(map(len, lines)) + 1 if len(lines) > 1 else 0
        widest = max((cell_len(self._code(row)) for row in self._rows), default=0)
        self._left = min(widest, max(8, (room - self._gutter) // 2 - 2))

    def lines(self, opened: frozenset[tuple[object, ...]] = frozenset()) -> list[Line]:
        """All rows, in order."""
        found: list[Line] = []
        for index, row in enumerate(self._rows):
            before = self._rows[index - 1].op if index else None
            found += [Line(text, index) for text in self._row(row, before, row.key in opened)]
        if self._more:
            found.append(
                Line(
                    Text(spoken("… and {count:,} more", count=self._more), self._palette.muted),
                    len(self._rows) - 1,
                )
            )
        return found

    # ── one row ──────────────────────────────────────────────────────────────

    def _row(self, row: Row, before: OpFacts | None, opened: bool) -> Iterator[Text]:
        op = row.op
        said, why = map(clean, self._say(op))
        line = self._margin(op, before)
        line.append(self._shortened(self._code(row)), self._palette.foreground)
        line.append(" ")
        for out in op.outs[:1]:
            line.append_text(self._fact(out, self._room - line.cell_len))
        more = f" +{len(op.outs) - 1}" if len(op.outs) > 1 else ""
        if line.cell_len + cell_len(more) <= self._room:
            line.append(more, self._palette.muted)
        style = self._verdict_style(op)
        below = []
        for words, colour in ((said, style), (_times(row), self._palette.muted)):
            if words and line.cell_len + 1 + cell_len(words) <= self._room:
                line.append(f" {words}", colour)
            elif words:
                below.append((words, colour))
        yield line
        if why and (opened or op.verdict == "copy" or op.error is not None):
            below.append((why, f"italic {self._palette.muted}"))
        indent = self._gutter + 2
        for words, colour in below:
            yield from self._wrapped(words, colour, indent)
        if opened:
            yield from self._arguments(op, indent)
            if len(row.hits) > 1:
                yield from self._hits(row, indent)

    def _margin(self, op: OpFacts, before: OpFacts | None) -> Text:
        if not self._gutter:
            return Text()
        same = before is not None and _line(before) == _line(op)
        number = "" if same else _line(op)
        return Text(number.rjust(self._gutter - 1) + " ", self._palette.muted)

    def _code(self, row: Row) -> str:
        op = row.op
        code = clean(" ".join((op.part or op.expression or op.name).split()))
        code = f"{clean(op.within)} › {clean(op.name)}" if op.within else code
        return f"{clean(op.function)}: {code}" if op.elsewhere else code

    def _shortened(self, code: str) -> str:
        if cell_len(code) > self._left:
            code = _MODULES.sub(r"…\1", code)
        return pad(fit(code, self._left), self._left)

    def _fact(self, out: Operand, room: int) -> Text:
        """`A [3, 2] f32 (1, 3)`, as far as there is room."""
        text = Text()
        block = self._blocks.get(out.storage) if out.storage is not None else None
        if block is not None:
            name = self._names.get(out.object, "")
            style = name_style(name, block, self._palette) if name else f"bold {self._palette.hue(block)}"
            text.append(letter(block), style)
        for word, style in (
            (shape_word(out.shape) if out.shape is not None else clean(out.kind), self._palette.foreground),
            (dtype_word(out.dtype) if out.dtype is not None else "", self._palette.label),
            (stride_word(out.stride, out.offset) if _tells(out) and out.stride else "", self._palette.label),
        ):
            gap = " " if text.plain and word else ""
            if text.cell_len + len(gap) + cell_len(word) <= room:
                text.append(gap + word, style)
        return text

    def _verdict_style(self, op: OpFacts) -> str:
        palette = self._palette
        if op.error is not None:
            return palette.error
        loud = {"copy": palette.warning, "in place": palette.accent}
        return f"italic {loud.get(op.verdict, palette.muted)}"

    def _arguments(self, op: OpFacts, indent: int) -> Iterator[Text]:
        written = {write.argument: write for write in op.wrote}
        named = [(operand.name or operand.place, operand) for operand in op.ins]
        width = min(12, self._room // 3, max((cell_len(clean(name)) for name, _ in named), default=0))
        into, out = spoken("in"), spoken("out")
        side = max(cell_len(into), cell_len(out))
        into, out = pad(into, side), pad(out, side)
        for at, (name, operand) in enumerate(named):
            line = self._operand(into, name, operand, indent, width)
            if at in written and line.cell_len < self._room - 8:
                line.append(f" v{written[at].before}→{written[at].after}", self._palette.accent)
            yield line
        for at, operand in enumerate(op.outs):
            yield self._operand(out, str(at) if len(op.outs) > 1 else "", operand, indent, width)

    def _operand(self, side: str, name: str, operand: Operand, indent: int, width: int) -> Text:
        line = Text(" " * indent)
        line.append(side + " ", self._palette.muted)
        line.append(pad(fit(clean(name), width), width) + " ", self._palette.label)
        line.append_text(self._full(operand, self._room - line.cell_len))
        return line

    def _full(self, operand: Operand, room: int) -> Text:
        text = self._fact(operand, room)
        words = (
            "" if _tells(operand) or operand.stride is None else stride_word(operand.stride, operand.offset),
            clean(operand.device or ""),
            clean(operand.grad_fn or (spoken("leaf") if operand.requires_grad and operand.is_leaf else "")),
        )
        for word in filter(None, words):
            if text.cell_len + 1 + cell_len(word) <= room:
                text.append(f" {word}", self._palette.muted)
        return text

    def _hits(self, row: Row, indent: int) -> Iterator[Text]:
        """Each recorded call, those with like results together."""
        for _, group in groupby(row.hits, key=lambda op: [_likeness(out) for out in op.outs]):
            calls = list(group)
            first, last = calls[0].hit, calls[-1].hit
            word = spoken(
                "call {first:,}" if first == last else "calls {first:,} to {last:,}", first=first, last=last
            )
            line = Text(" " * indent)
            line.append(fit(word + " ", self._room - indent), self._palette.muted)
            for out in calls[-1].outs[:1]:
                line.append_text(self._fact(out, self._room - line.cell_len))
            yield line
        if row.count > len(row.hits):
            words = spoken("… and {count:,} more calls, counted only", count=row.count - len(row.hits))
            yield Text(" " * indent + fit(words, self._room - indent), self._palette.muted)

    def _wrapped(self, words: str, style: str, indent: int) -> Iterable[Text]:
        room = max(10, self._room - indent)
        line = ""
        for word in words.split():
            if line and cell_len(line) + 1 + cell_len(word) > room:
                yield Text(" " * indent).append(line, style)
                line = ""
            line = f"{line} {word}" if line else fit(word, room)
        if line:
            yield Text(" " * indent).append(line, style)


def _line(op: OpFacts) -> str:
    """Its line; a dot for one of code that was entered before, whose lines are not those of the statement."""
    return "·" if op.elsewhere else str(op.line)


def _tells(operand: Operand) -> bool:
    """Whether the stride says something: not that of a tensor with its elements in order from the first."""
    if operand.stride is None or operand.shape is None:
        return False
    step = 1
    for size, stride in zip(reversed(operand.shape), reversed(operand.stride), strict=True):
        if size > 1 and stride != step:
            return True
        step *= max(1, size)
    return bool(operand.offset)


def _likeness(operand: Operand) -> tuple[object, ...]:
    return operand.shape, operand.stride, operand.dtype, operand.device, operand.offset


def _times(row: Row) -> str:
    if row.count <= 1:
        return ""
    return f"{'≥ ' if row.at_least else ''}{row.count:,}{TIMES}"
