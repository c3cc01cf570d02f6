"""The map of tracks and lessons: how far the learner is, when they were there, and a way to go there."""

from __future__ import annotations

import time

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static

from tutor.course.loader import bundled_lessons, readable_lessons
from tutor.course.progress import CourseProgress, course_progress, since, state_words, total_words
from tutor.course.store import Store
from tutor.language import current_language
from tutor.translation import say
from tutor.tui.chooser import Chooser, Item
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of

#: Columns of the sheet and of its sides, of a lesson's state, and of how long ago it was.
SHEET, SIDES, STATE, SINCE = 84, 11, 9, 13


class ProgressScreen(Chooser):
    """Answers the file of a lesson to go to, or None."""

    def __init__(self, store: Store, current: str) -> None:
        super().__init__(say("progress"), (), current)
        self._course = course_progress(store, readable_lessons(current_language()))

    def compose(self) -> ComposeResult:
        """The map, and below it what it comes to."""
        room = min(SHEET, int(self.app.size.width * 0.92)) - SIDES - STATE - SINCE
        self._items = _items(self._course, max(room, 10))
        with Vertical(id="sheet"):
            yield Heading(say("progress"), say("enter goes there · esc closes"))
            yield OptionList(*map(self._option, self._items), id="items", markup=False)
            words = Text(total_words(self._course), palette_of(self.app.theme).muted)
            yield Static(words, id="said", markup=False)


def _items(course: CourseProgress, room: int) -> list[Item]:
    files = {**course.files, **{path.stem: str(path) for path in bundled_lessons()}}
    now = time.time()
    width = min(max((cell_len(each.title) for each in course.lessons), default=0), room)
    items: list[Item] = []
    for track, lessons in course.tracks().items():
        items.append(Item(f"track/{track}", track, heading=True))
        for each in lessons:
            title = set_cell_size(each.title, width)
            if cell_len(each.title) > width:
                title = set_cell_size(each.title, width - 1) + "…"
            fact = f"{set_cell_size(state_words(each), STATE)}  {since(each.last, now)}".rstrip()
            items.append(Item(files[each.id], title, fact, current_for=each.id))
    return items
