"""How the running statement goes; afterwards, how its scalars went."""

from __future__ import annotations

from tutor.translation import later, say
from tutor.tui import status
from tutor.tui.lines import LinesView
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.shown import Shown
from tutor.view.live import loop_lines, place_word, scalar_lines


class LivePanel(Drawn):
    """Hidden where there is neither a running statement nor a scalar."""

    def __init__(self) -> None:
        self._lines = LinesView(id="live")
        super().__init__(later("live"), self._lines)

    def draw(self, shown: Shown) -> None:
        """Loops and scalars."""
        blocks = self.app.console.encoding.lower().startswith("utf")
        live, step = shown.live, shown.course
        if live is not None and shown.past is None:
            progress = live.progress
            lines = loop_lines(progress.loops, self.palette, self.room, blocks=blocks)
            lines += scalar_lines(progress.scalars, self.palette, self.room, blocks=blocks)
            self.heading.label = say("running")
            self.heading.fact = (
                f"{place_word(progress.line, progress.function)} · {status.duration(live.elapsed)}"
            )
        elif step is not None:
            # Of one sample there is no course to show, and the table has the value.
            courses = [each for each in step.scalars if each.count > 1]
            lines = scalar_lines(courses, self.palette, self.room, blocks=blocks)
            self.heading.label = say("scalars")
            while_it_ran = say("while {place} ran", place=place_word(step.line, ""))
            self.heading.fact = f"{while_it_ran} · {status.duration(step.elapsed)}"
        else:
            lines = []
        self.display = bool(lines) or (live is not None and shown.past is None)
        self._lines.show_lines(lines)
