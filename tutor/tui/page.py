"""What the workbench shows: prose, code, output and prompt; beside them the inspector."""

from __future__ import annotations

import time

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static, TextArea
from textual.widgets.text_area import Selection

from tutor.course.judge import GAP
from tutor.course.parsons import fits
from tutor.course.schema import Lesson
from tutor.course.store import SCRATCH, Store
from tutor.course.study import Walk
from tutor.facts import Run
from tutor.session import Event, Session
from tutor.translation import say, translated
from tutor.tui import status
from tutor.tui.bar import Bar, BarFacts
from tutor.tui.command_line import CommandLine
from tutor.tui.commands import Command
from tutor.tui.editor import AnnotatedEditor
from tutor.tui.heading import Panel
from tutor.tui.inspector import Inspector
from tutor.tui.keybar import KeyBar
from tutor.tui.lines import palette_of
from tutor.tui.messages import KernelEvent, LineHeld
from tutor.tui.predict import Choices, Guess, Question
from tutor.tui.prose_box import More, Passage, ProseBox
from tutor.tui.runner import Runner
from tutor.tui.shares import Shares, Wants, share
from tutor.tui.transcript import Transcript
from tutor.view.prose import render_prose, split_question
from tutor.view.words import device_named

#: The smallest usable window.
LEAST_WIDTH, LEAST_HEIGHT = 60, 18

#: Seconds in which the panes find their heights once the text has grown.
NEWS_PAUSE = 1.0

#: What stands at the empty prompt where there is no tensor to speak of.
HINT = "type Python, enter runs it"


class Page(Screen[None]):
    """The widgets, and the state of the step drawn on them."""

    CSS_PATH = ["workbench.tcss", "editing/editing.tcss"]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (150, "-broad")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-short"), (30, "-tall")]
    AUTO_FOCUS = ""

    def __init__(self, session: Session, store: Store, lesson: Lesson | None) -> None:
        super().__init__()
        self.store = store
        self.walk = Walk(lesson, store) if lesson is not None else None
        #: Key of the draft that the editor shows.
        self._place = SCRATCH
        self._loaded = ""
        self._has_draft = False
        self.runner = Runner(session, self._hand_on)
        self.last_run: Run | None = None
        #: A part of the text that has just come, and whether its end is what is new.
        self._news: tuple[Static, bool] | None = None
        self.began = 0.0
        #: The other page that is open: the lesson's beside the scratch page, or the reverse.
        self.beside: Page | None = None
        self._prose_width, self._wanted = LEAST_WIDTH, 0
        self._prompt_rows = 1
        self.bar = Bar()
        self.prompt = Passage(id="prompt")
        self.after = Passage(id="after")
        self.hints = Passage(id="hints")
        self.prose = ProseBox(self.prompt, self.hints, self.after, share=self._prose_rows, id="prose-box")
        self.more = More(self.prose, turns=lambda: self.turns_prose or self.focused is self.prose)
        self.choices = Choices(id="choices")
        self.guess = Guess(id="guess")
        self.question = Passage(id="question")
        self.predict_panel = Panel(
            say("predict"), self.question, self.guess, self.choices, id="predict-panel"
        )
        self.editor = AnnotatedEditor(id="code")
        self.code_panel = Panel(self.filename, self.editor, id="code-panel")
        self.out = Transcript(
            id="out", rows=lambda: self._shares(self._wanted).output, answered=self.share_anew
        )
        self.sign = Static("› ", id="sign", markup=False)
        self.repl = CommandLine(translated(HINT), id="repl", entered=store)
        self.inspector = Inspector(id="inspector")
        self.small = Static(id="small")

    def _hand_on(self, event: Event) -> None:
        self.post_message(KernelEvent(event))

    def compose(self) -> ComposeResult:
        """The bar, the page beside the inspector, the key bar."""
        yield self.bar
        with Horizontal(id="panes"):
            with Vertical(id="page"):
                yield self.prose
                yield self.predict_panel
                yield self.code_panel
                yield Panel(say("output"), self.out, id="out-panel")
                yield Horizontal(self.sign, self.repl, id="repl-line")
                yield self.more
            yield self.inspector
        yield self.small
        yield KeyBar(self.offers, self.label)

    def on_resize(self, event: events.Resize) -> None:
        """Below the smallest usable size one sentence says so."""
        width, height = event.size
        self.set_class(width < LEAST_WIDTH or height < LEAST_HEIGHT, "-tiny")
        self.small.update(
            say(
                "This window is {width}×{height}; torchtutor needs {least_width}×{least_height}.",
                width=width,
                height=height,
                least_width=LEAST_WIDTH,
                least_height=LEAST_HEIGHT,
            )
        )
        self.call_after_refresh(self._mind_focus)
        self.more.look_soon()

    def _prose_rows(self, wanted: int, width: int) -> int:
        self._prose_width, self._wanted = width, wanted
        return self._shares(wanted).prose

    def _shares(self, prose: int) -> Shares:
        """How many rows prose and output get of this page, as it is now."""
        tall, low = self.has_class("-tall"), self.has_class("-low")
        rows = self.app.size.height - 2
        prompt = min(self.repl.wrapped_document.height, 2 if low else 5)
        asks = (
            1 + self._question_rows() + len(self.choices.rows()) + self.guess.display + tall
            if self.has_class("-asks")
            else 0
        )
        gaps = 2 + (3 if self.walk is not None else 1) * tall
        free = self.has_class("-code-free")
        code = 0 if free else self.editor.wrapped_document.height
        return share(
            Wants(
                rows - prompt - asks - gaps,
                rows if free else prose,
                code,
                self.out.answer_rows,
                choosing=self.has_class("-open"),
                reading=self.out.has_focus,
            )
        )

    def share_anew(self) -> None:
        """Text, code, prompt or what is to be read in the output has changed: each gets its rows again."""
        self.prose.refresh(layout=True)
        self.out.refresh(layout=True)

    def _question_rows(self) -> int:
        if not self.question.display:
            return 0
        return self.question.get_content_height(self.size, self.size, min(72, self._prose_width))

    def offers(self, action: str) -> bool:
        """Whether the key bar names a command: it can be used, and this is a time to think of it."""
        if action in ("earlier", "later", "step") and not self.looks_back:
            return False  # they have room only where they are thought of
        if action == "restart":
            return self.runner.session.state in ("stuck", "dead")
        if action == "scratch" and self.walk is None and self.beside is None:
            return False  # it would list the lessons, which has a key of its own
        return bool(self.check_action(action, ()))

    @property
    def looks_back(self) -> bool:
        """An earlier moment is shown, or code waits between two statements."""
        return False

    def label(self, command: Command) -> str:
        """What a command is called now."""
        if command.action == "scratch" and self.walk is None:
            return say("Lesson")
        if command.action == "replay":
            return say("Replay off") if self.store.setting("replay", True) else say("Replay on")
        return command.label

    @property
    def turns_prose(self) -> bool:
        """The focused pane has no use of its own for Page Up and Page Down."""
        pane = self.focused
        return self.prose.is_on_screen and (pane is None or pane is self.repl or pane.max_scroll_y == 0)

    def action_scroll_prose(self, pages: int) -> None:
        """Turn the lesson's page from wherever the keys are not needed."""
        self._news = None
        self.prose.scroll_relative(y=pages * max(1, self.prose.size.height - 1), animate=False)

    def offers_turning(self, action: str) -> bool:
        """Whether a key turns the text now: Page Down, or the one that does so from every pane."""
        if action == "scroll_prose":
            return self.turns_prose
        return self.prose.is_on_screen and self.prose.max_scroll_y > 0

    def action_read_on(self) -> None:
        """To what follows in the text, or to its beginning; the focus stays where it is."""
        if self.prose.scroll_offset.y < self.prose.max_scroll_y:
            self.action_scroll_prose(1)
        else:
            self._news = None
            self.prose.scroll_home(animate=False)

    def _mind_focus(self) -> None:
        """Prose is a stop for Tab only where it scrolls."""
        self.prose.can_focus = self.prose.max_scroll_y > 0

    def on_descendant_focus(self) -> None:
        """The prose has no heading of its own: the bar above it shows its focus."""
        self.bar.reading = self.focused is self.prose
        self.more.look_soon()
        self.refresh_bindings()

    @property
    def filename(self) -> str:
        """What the code is called in headings and tracebacks."""
        return f"{self.walk.step.id}.py" if self.walk is not None else "scratch.py"

    def write_prose(self) -> None:
        """What the lesson says: the prompt, the hints that were asked for, and what comes after."""
        if self.walk is None:
            return
        palette = palette_of(self.app.theme)
        work, step = self.walk.work, self.walk.step
        after = step.after if work.done or work.solution_shown else ""
        prompt, question = split_question(step.prompt) if self.walk.asks else (step.prompt, "")
        self.prompt.show(render_prose(prompt, palette))
        self.question.show(render_prose(question, palette) if question else Text())
        self.question.display = bool(question)
        for part, text in ((self.hints, _hint_text(self.walk)), (self.after, after)):
            part.show(render_prose(text, palette) if text else Text())
            part.display = bool(text)
        self.share_anew()

    def show_news(self, part: Static, *, end: bool = False) -> None:
        """Write the prose again, and scroll to what is new: a part of it, or the end of one that grew."""
        old = part.visual
        was_shown = part.display
        self.write_prose()
        self.call_after_refresh(self._mind_focus)
        if part.display and (not was_shown or part.visual is not old):
            self._news = (part, end)
            part.call_after_refresh(self._scroll_to_news)
            self.set_timer(NEWS_PAUSE, self._forget_news)

    def on_mount(self) -> None:
        """What is new in the text stays in sight while the panes around it settle."""
        self.screen_layout_refresh_signal.subscribe(self, lambda _: self._scroll_to_news())

    def _scroll_to_news(self) -> None:
        if self._news is not None:
            part, end = self._news
            region = part.virtual_region
            y = region.bottom - self.prose.scrollable_content_region.height if end else region.y
            self.prose.scroll_to(y=y, animate=False)

    def _forget_news(self) -> None:
        self._news = None

    @property
    def question_pane(self) -> Choices | Guess:
        """Where the question of the step is answered."""
        return self.guess if self.guess.display else self.choices

    def show_question(self) -> None:
        """The choices of the step, as far as they have been made and answered."""
        walk = self.walk
        self.set_class(walk is not None and walk.asks, "-asks")
        # Until the prediction is made the question needs the room more than the code.
        self.set_class(walk is not None and walk.must_choose, "-open")
        self.share_anew()
        self.call_after_refresh(self._mind_focus)
        if walk is None or not walk.asks:
            return
        answer = walk.answer_text() if walk.is_answered else None
        work = walk.work
        question = Question(
            walk.choices, work.choice, walk.truth, answer, bool(walk.expression), work.typed, walk.was_right
        )
        self.choices.show(question)
        if answer is not None and self.focused in (self.guess, self.choices):  # nothing is to be chosen
            (self.editor if walk.has_code else self.repl).focus()
        self.guess.show(walk.form, work.typed, answered=answer is not None)
        self.predict_panel.heading.label = say("predict") if walk.expression else say("quiz")
        self.predict_panel.heading.fact = self.choices.question.fact

    def show_state(self) -> None:
        """Bar, code heading and key bar say how things stand."""
        session = self.runner.session
        device = device_named(session.info.device) if session.info is not None else ""
        if self.walk is None:
            self.bar.facts = BarFacts("torchtutor", say("scratch"), device=device, state=session.state)
        else:
            lesson = self.walk.lesson
            here = (self.walk.index + 1, len(lesson.steps))
            self.bar.facts = BarFacts(lesson.track, lesson.title, *here, device, session.state)
        self.code_panel.heading.fact = self._fact()
        self.refresh_bindings()

    def _fact(self) -> str:
        state = self.runner.session.state
        if self.runner.busy and state == "starting":
            return say("starting torch…, then it runs")
        if self.runner.busy:
            return status.running_fact(state, time.monotonic() - self.began)
        if self.walk is not None and self.walk.must_choose and state == "idle":
            return say("predict first")
        empty = not self.editor.text.strip()
        walk = self.walk
        parsons = walk.parsons if walk is not None else None
        fresh = self.last_run is None and self.editor.text.rstrip("\n") == self.own_code
        if parsons is not None and state == "idle" and (self.editor.holds or fresh):
            return status.sorting_fact(held=self.editor.holds, rest=bool(parsons.distractors))
        to_check = walk is not None and walk.graded is not None and not walk.work.done
        return status.idle_fact(
            state, self.last_run, edited=self.editor.edited, empty=empty, to_check=to_check
        )

    @property
    def own_code(self) -> str:
        """The step's code as its author wrote it; empty on a scratch page."""
        return self.walk.step.code.rstrip("\n") if self.walk is not None else ""

    @on(TextArea.Changed, "#code")
    def code_changed(self) -> None:
        """Every edit is kept at once."""
        self.keep_code()
        self.show_state()

    def keep_code(self) -> None:
        """Bring what the editor shows to the store; code that the learner never touched is no draft."""
        text = self.editor.text
        if self._has_draft or text != self._loaded:
            self._has_draft = True
            self.store.save_draft(self._place, text, self.editor.cursor_location)

    @on(LineHeld)
    def line_held(self) -> None:
        """The heading says what the keys do now."""
        self.show_state()

    @on(TextArea.Changed, "#repl")
    def prompt_changed(self) -> None:
        """What is typed at the prompt is kept too, save answers to the learner's program."""
        if self._prompt_rows != self.repl.wrapped_document.height:
            self._prompt_rows = self.repl.wrapped_document.height
            self.share_anew()
        if not self.repl.asking:
            self.store.save_draft(f"{self._place}/prompt", self.repl.text, self.repl.cursor_location)

    def go_to_gap(self) -> None:
        """Select what is to be filled in, so that the first key takes its place."""
        gap = _place_of_gap(self.editor.text)
        if gap is not None:
            self.editor.selection = gap

    def show_code(self) -> None:
        """The learner's own code of this step, where there is some, with the cursor where it was."""
        self._place = self.walk.key if self.walk is not None else SCRATCH
        draft = self.store.draft(self._place)
        parsons = self.walk.parsons if self.walk is not None else None
        self.editor.sort(parsons is not None)
        if parsons is not None and draft is not None and not fits(draft.text, parsons.lines):
            draft = None  # the lesson has other lines now
        self._has_draft = draft is not None
        self._loaded = draft.text if draft is not None else self.own_code
        self.editor.load_text(self._loaded)
        if draft is not None:
            self.editor.move_cursor(draft.cursor)
        else:
            self.go_to_gap()
        typed = self.store.draft(f"{self._place}/prompt")
        self.repl.load_text(typed.text if typed is not None else "")
        self.repl.move_cursor(self.repl.document.end)


def _place_of_gap(source: str) -> Selection | None:
    """The first gap of an exercise, selected."""
    for row, line in enumerate(source.split("\n")):
        if (column := line.find(GAP)) >= 0:
            return Selection((row, column), (row, column + len(GAP)))
    return None


def _hint_text(walk: Walk) -> str:
    total = len(walk.graded.hints) if walk.graded is not None else 0
    return "\n\n".join(
        f"*{say('Hint {n} of {total}.', n=n, total=total)}* {hint}" for n, hint in enumerate(walk.hints, 1)
    )
