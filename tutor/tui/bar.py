"""The first line: where the learner is, and what the kernel is and does."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tutor.translation import say
from tutor.tui.heading import shorten

#: Sign and colour of each kernel state.
_STATES = {
    "starting": ("○", "$muted"),
    "idle": ("●", "$success"),
    "busy": ("●", "$accent"),
    "paused": ("◆", "$accent"),
    "stopping": ("●", "$accent"),
    "stuck": ("●", "$error"),
    "dead": ("✗", "$error"),
}


@dataclass(frozen=True, slots=True)
class BarFacts:
    """`step` counts from 1; `steps` is 0 where there is no lesson."""

    track: str
    title: str
    step: int = 0
    steps: int = 0
    device: str = ""
    state: str = "starting"


class Bar(Widget):
    """Lesson on the left; device, kernel state and progress on the right."""

    facts: reactive[BarFacts] = reactive(BarFacts("", ""))
    #: The prose under the bar has the focus.
    reading: reactive[bool] = reactive(False)

    def render(self) -> Content:
        """One line; the progress line gives way first, then the track, then the end of the title."""
        room = self.content_size.width
        for segments in (14, 8, 0):
            right = self._right(segments)
            left = self._left(room - cell_len(right.plain) - 2, room - cell_len(self._right(0).plain) - 3)
            if cell_len(left.plain) + cell_len(right.plain) + 2 <= room:
                break
        gap = max(1, room - cell_len(left.plain) - cell_len(right.plain))
        return Content.assemble(left, " " * gap, right)

    def _left(self, room: int, least: int) -> Content:
        """Track and title, or only the title; it is cut where not even `least` cells hold it."""
        f = self.facts
        title = "$accent" if self.reading else "$label"
        whole = Content.assemble(
            ("▍", "$accent"), (f.track, "bold $foreground"), (" › ", "$muted"), (f.title, title)
        )
        if cell_len(whole.plain) <= room or not f.title:
            return whole
        return Content.assemble(("▍", "$accent"), (shorten(f.title, least), f"bold {title}"))

    def _right(self, segments: int) -> Content:
        f = self.facts
        sign, color = _STATES.get(f.state, _STATES["idle"])
        kernel = say("starting torch…") if f.state == "starting" else f.device or say("no kernel")
        parts: list[Content | tuple[str, str]] = [(f"{sign} ", color), (kernel, "$label")]
        if f.steps:
            done = round(segments * f.step / f.steps)
            parts += [("   " if segments else "", ""), ("━" * done, "$accent")]
            parts += [
                ("━" * (segments - done), "$rule"),
                ("  " + say("{n} of {count}", n=f.step, count=f.steps), "$label"),
            ]
        return Content.assemble(*parts)
