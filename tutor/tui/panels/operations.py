"""What the statement at this moment did, operation by operation."""

from __future__ import annotations

from collections.abc import Sequence

from tutor.explain.verdicts import say
from tutor.translation import later
from tutor.translation import say as spoken
from tutor.tui.names_view import NamesView
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.shown import Shown
from tutor.view.devices import transfer_word
from tutor.view.operations import Line, OperationLines, Row, rows_of


class OperationsView(NamesView):
    """Enter opens an operation: all arguments and results; and closes it again."""

    def __init__(self) -> None:
        super().__init__("operations", every_line=True, id="operations")
        self._drawn: Sequence[Line] = ()
        self._rows: Sequence[Row] = ()
        self._maker: OperationLines | None = None
        self._opened: frozenset[tuple[object, ...]] = frozenset()

    def show_operations(self, rows: Sequence[Row], maker: OperationLines) -> None:
        """Replace all; what is open stays open where it is there again."""
        self._rows, self._maker = rows, maker
        self._opened &= frozenset(row.key for row in rows)
        self._draw()

    def _draw(self) -> None:
        if self._maker is not None:
            self._drawn = self._maker.lines(self._opened)
            self.show_lines([line.text for line in self._drawn])

    def action_choose(self) -> None:
        """Open or close the operation under the cursor, and select the name that it made."""
        if self._at is None or self._at >= len(self._drawn):
            return
        row = self._rows[self._drawn[self._at].row]
        self._opened ^= {row.key}
        super().action_choose()
        self._draw()


class OperationsPanel(Drawn):
    """Hidden while the statement had no operation."""

    def __init__(self) -> None:
        self._list = OperationsView()
        super().__init__(later("operations"), self._list)

    def draw(self, shown: Shown) -> None:
        """All operations of the statement."""
        step = shown.step
        rows = rows_of(step) if step is not None else []
        self.display = bool(rows)
        if step is None or not rows:
            return
        self._list.show_operations(rows, OperationLines(rows, shown.snapshot, say, self.palette, self.room))
        calls = sum(row.count for row in rows)
        one = later("at least {count:,} call") if step.unwatched else later("{count:,} call")
        many = later("at least {count:,} calls") if step.unwatched else later("{count:,} calls")
        facts = (
            spoken("line {line}", line=step.line),
            spoken(one if calls == 1 else many, count=calls),
            *map(transfer_word, step.transfers),
        )
        self.heading.fact = " · ".join(facts)
