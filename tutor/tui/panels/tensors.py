"""The table of all tensors."""

from __future__ import annotations

from textual import on

from tutor.facts import Snapshot
from tutor.translation import later, say
from tutor.tui.messages import TableListed
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.shown import Shown
from tutor.tui.tensor_table import TensorTable
from tutor.view.words import clean


class TensorsPanel(Drawn):
    """A row a name."""

    def __init__(self) -> None:
        self.table = TensorTable(id="tensors")
        self._snapshot = Snapshot()
        super().__init__(later("tensors"), self.table)

    def draw(self, shown: Shown) -> None:
        """All rows anew; the selected one is marked."""
        self._snapshot = shown.snapshot
        self.table.show(shown.snapshot, shown.changes)
        self.table.select(shown.name)
        self.table.light_names(shown.lit)

    @on(TableListed)
    def count_names(self, message: TableListed) -> None:
        """The heading counts names, or says what is looked for."""
        count, omitted = len(self._snapshot.tensors), self._snapshot.unshown
        if message.typed:
            fact = say(
                "filter: {typed} · {shown:,} of {count:,}",
                typed=clean(message.typed),
                shown=message.shown,
                count=count,
            )
        else:
            more = ", " + say("{count:,} more not shown", count=omitted) if omitted else ""
            fact = say("{count:,} live", count=count) + more if count else say("none yet")
        self.heading.fact = fact
