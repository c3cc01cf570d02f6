"""The choices of a predict step, in place: chosen before the code runs, judged after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input

from tutor.course.predictions import EXAMPLES, choice_of_key, marks_of
from tutor.translation import say, translated
from tutor.tui.lines import palette_of
from tutor.tui.messages import ChoiceMade, PredictionTyped
from tutor.view.prose import mark_code


@dataclass(frozen=True, slots=True)
class Question:
    """What is shown: `truth` is the index of the right choice; `answer` is its text once known."""

    choices: tuple[str, ...]
    chosen: int | None = None
    truth: int | None = None
    answer: str | None = None
    #: The code has to run before there is an answer; else a choice is judged at once.
    predicts: bool = True
    #: What was typed where there are no choices, and whether it is right.
    typed: str = ""
    right: bool = False

    @property
    def fact(self) -> str:
        """Where the question stands, for the heading."""
        if self.answer is not None:
            chosen = self.truth is not None and self.truth == self.chosen
            return say("right") if chosen or self.right else say("not so")
        if not self.choices:
            return say("chosen, ^r to run") if self.typed else say("type it before you run, enter keeps it")
        if not self.predicts:
            return say("choose") if self.chosen is None else say("not that one, choose again")
        return say("choose before you run") if self.chosen is None else say("chosen, ^r to run")


class Guess(Input):
    """A prediction that is typed, on one line; it stands once the answer is known."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, select_on_focus=False)

    def show(self, form: str, typed: str, *, answered: bool) -> None:
        """Ask for this form, or show what was typed; of an answer, the rows below speak."""
        self.display = bool(form) and not answered
        self.placeholder = (
            say("{example}, or: raises ValueError", example=translated(EXAMPLES[form])) if form else ""
        )
        if form and not self.value:
            self.value = typed
            self.cursor_position = len(typed)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter keeps it."""
        event.stop()
        self.screen.post_message(PredictionTyped(self.value))


class Choices(Widget, can_focus=True):
    """Up, down and enter, or the number or letter of a choice. The choice stands once the answer is known."""

    BINDINGS = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("enter,space", "choose", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.question = Question(())
        self._at = 0

    def show(self, question: Question) -> None:
        """Show this question; the cursor stays where the same choices are shown again."""
        if question.choices != self.question.choices:
            self._at = question.chosen or 0
        self.question = question
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One line a choice, and one for an answer that is none of them."""
        return len(self.rows())

    def rows(self) -> Sequence[tuple[str, str, str]]:
        """Sign, text and fact of each row."""
        q = self.question
        rows = []
        if not q.choices:
            return self._typed_rows(q)
        marks = marks_of(q.choices)
        for index, text in enumerate(q.choices):
            sign, fact = " ", ""
            if index == q.chosen:
                predicted = q.predicts and q.answer is None
                sign, fact = ("▸", say("your prediction")) if predicted else ("✗", say("you said"))
            if q.answer is not None and index == q.truth:
                own = say("it is, as you said") if q.predicts else say("right")
                sign, fact = "✓", own if index == q.chosen else say("it is")
            rows.append((sign, f"{marks[index]}  {text}", fact))
        if q.answer is not None and not self.screen.has_class("-tall"):
            # The room is for what explains the answer.
            rows = [row for row in rows if row[0] != " "]
        if q.answer is not None and q.truth is None:
            rows.append(("·", f"   {q.answer}", say("it is")))
        return rows

    @staticmethod
    def _typed_rows(q: Question) -> Sequence[tuple[str, str, str]]:
        """What was typed beside the answer, once there is one."""
        if q.answer is None:
            return ()
        if not q.right:
            said = [("✗", q.typed, say("you said"))] if q.typed else []
            return [*said, ("✓", q.answer, say("it is"))]
        other = f": {q.typed}" if q.typed != q.answer else ""
        return [("✓", q.answer, say("it is, as you said") + other)]

    def render(self) -> Text:
        """The rows, the cursor's on a ground of its own while focused."""
        palette = palette_of(self.app.theme)
        colors = {"▸": palette.accent, "✗": palette.warning, "✓": palette.success}
        width = self.size.width
        rows = []
        for index, (sign, text, fact) in enumerate(self.rows()):
            color = colors.get(sign, palette.foreground)
            said = Text(text, color if sign != " " else palette.foreground, end="")
            if not self.question.predicts:  # the author's words, not a value
                said = mark_code(said, palette)
            row = Text.assemble((f"{sign} ", color), said)
            if fact:
                row.append(f"   {fact}", palette.muted)
            row.truncate(width, overflow="ellipsis", pad=True)
            if self.has_focus and index == self._at and self.question.answer is None:
                if palette.native:  # reversed, the colour of what fills the row is its ground
                    row.style = palette.foreground
                row.stylize("reverse" if palette.native else f"on {palette.panel}")
            rows.append(row)
        return Text("\n").join(rows)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        if self.question.choices:
            self._at = (self._at + by) % len(self.question.choices)
            self.refresh()

    def action_choose(self) -> None:
        """Choose where the cursor is."""
        self._choose(self._at)

    def on_key(self, event: events.Key) -> None:
        """The number or letter of a choice chooses at once."""
        meant = choice_of_key(event.key, self.question.choices)
        if meant is not None:
            event.stop()
            self._at = meant
            self._choose(meant)

    def on_click(self, event: events.Click) -> None:
        """A click chooses the row under the pointer."""
        if event.y < len(self.question.choices):
            self._at = event.y
            self._choose(self._at)

    def _choose(self, index: int) -> None:
        self.refresh()
        if self.question.answer is None and self.question.choices:
            self.screen.post_message(ChoiceMade(index))
