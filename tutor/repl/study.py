"""A lesson in line mode: where the learner is, and its steps as text."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from tutor.course import parsons
from tutor.course.loader import is_bundled
from tutor.course.looking import counts
from tutor.course.predictions import EXAMPLES
from tutor.course.progress import remember
from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.course.study import Walk
from tutor.course.trust import RISK, trust_key
from tutor.course.walk import prologue
from tutor.facts import Run
from tutor.repl.commands import Refused
from tutor.repl.out import PALETTE
from tutor.repl.pieces import Piece
from tutor.translation import say, translated
from tutor.view.prose import render_prose
from tutor.view.syntax import highlight
from tutor.view.words import clean

if TYPE_CHECKING:
    from tutor.repl.conversation import Conversation


class Study:
    """The lesson's side of a conversation. Its code is the draft that the app shows as well."""

    def __init__(self, lesson: Lesson, store: Store, path: Path | None = None) -> None:
        self.walk = Walk(lesson, store)
        self.store = store
        self.trusted = path is None or is_bundled(path) or store.setting(trust_key(lesson), False)
        remember(store, lesson, path)
        #: What was entered in this step and counts, unless the code was edited later.
        self.entered: list[str] = []

    @property
    def code(self) -> str:
        """The code of the step, as the learner has it."""
        draft = self.store.draft(self.walk.key)
        ours = self.walk.parsons
        if draft is None or (ours is not None and not parsons.fits(draft.text, ours.lines)):
            return self.walk.step.code.rstrip("\n")
        return draft.text.rstrip("\n")

    def keep(self, code: str) -> None:
        """The learner has this code now."""
        self.store.save_draft(self.walk.key, code, (0, 0))
        self.entered.clear()

    def heard(self, piece: Piece, run: Run) -> None:
        """Code was entered, and ran: it is the code of the step now, unless it only looked at something."""
        step = self.walk.graded
        if step is None or self.walk.parsons is not None or not counts(run, step):
            return
        before = "\n".join(self.entered)
        if self.code not in (before, step.code.rstrip("\n")):
            self.store.reset_draft(self.walk.key)  # kept aside: see :versions
        self.entered.append(piece.text.rstrip("\n"))
        self.store.save_draft(self.walk.key, "\n".join(self.entered), (0, 0))

    def meant_to_answer(self, text: str) -> str:
        """How to answer, where a bare choice or value was entered as code and the step waits for one."""
        walk, text = self.walk, text.strip()
        if not walk.asks or walk.is_answered or not (text in walk.marks or _is_literal(text)):
            return ""
        return advice(walk)


async def arrive(talk: Conversation) -> None:
    """Show the step, and make the namespace that it begins with."""
    study = study_of(talk)
    study.entered.clear()
    study.walk.arrive()
    show_step(talk)
    await prepare(talk)


async def prepare(talk: Conversation) -> None:
    """An empty namespace in which the step's setup has run."""
    study = study_of(talk)
    if not study.trusted:
        return
    run = await talk.silently(prologue(study.walk.lesson, study.walk.step))
    if run.error is not None:
        talk.out.fault(
            say(
                "The setup of this lesson failed: {error}",
                error=f"{run.error.type}: {clean(run.error.message)}",
            )
        )


def study_of(talk: Conversation) -> Study:
    """The lesson that the conversation is about."""
    assert talk.study is not None
    return talk.study


def write_prose(talk: Conversation, text: str) -> None:
    """A text of the lesson."""
    talk.out.page(render_prose(text, PALETTE, quoted=not talk.out.colour))


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def show_step(talk: Conversation) -> None:
    """The step's text, its code, and what it asks."""
    study, out = study_of(talk), talk.out
    walk = study.walk
    out.line()
    steps = len(walk.lesson.steps)
    head = say("{title}, step {n} of {count}", title=walk.lesson.title, n=walk.index + 1, count=steps)
    out.line(head + f", {say('done')}" * walk.work.done)
    write_prose(talk, walk.step.prompt)
    if walk.has_code and study.code.strip():
        write_code(talk, study.code, numbered=walk.graded is not None)
    for mark, choice in zip(walk.marks, walk.choices, strict=True):
        out.line(f"  {mark}  {clean(choice)}")
    if not study.trusted:
        out.say(f"{translated(RISK)} {say(':trust runs it from now on, :source shows all of it.')}")
    if walk.asks and walk.is_answered:
        out.say(judged(walk))
        write_after(talk)
        return
    out.say(advice(walk))


def advice(walk: Walk) -> str:
    """What to enter in this step."""
    if walk.choices:
        if walk.marks[0].isdecimal():
            return say("Answer with :answer and a number from 1 to {count}.", count=len(walk.choices))
        return say("Answer with :answer and a letter from a to {last}.", last=walk.marks[-1])
    if walk.form:
        return say(
            "Predict with :answer and {example}, or raises ValueError.",
            example=translated(EXAMPLES[walk.form]),
        )
    if walk.parsons is not None:
        return say(
            "Say the order with :order and the numbers of the lines; those left out stay out. Then :check."
        )
    if walk.graded is not None:
        return say("Type your code, or change a line with :line NUMBER CODE; then :check. :hint helps.")
    return say(":run runs the code, :next goes on.") if walk.has_code else say(":next goes on.")


def judged(walk: Walk) -> str:
    """Whether the answer was right, and what the run told."""
    told = clean(walk.verdict())
    return say("Right: {told}", told=told) if walk.was_right else say("Not so: {told}", told=told)


def write_code(talk: Conversation, code: str, *, numbered: bool) -> None:
    """Code line by line; numbered, where its lines are called by number."""
    lines = highlight("\n".join(map(clean, code.split("\n"))), PALETTE)
    width = len(str(len(lines)))
    for number, line in enumerate(lines, 1):
        talk.out.line(Text.assemble(f"  {number:>{width}}  " if numbered else "    ", line))


def write_after(talk: Conversation) -> None:
    """What follows on a step that is done, or whose solution was shown."""
    walk = study_of(talk).walk
    if (walk.work.done or walk.work.solution_shown) and walk.step.after.strip():
        write_prose(talk, walk.step.after)
    if walk.work.done:
        talk.out.say(say(":next goes on."))


def trusted(talk: Conversation) -> Study:
    """The lesson, if its code may run; else Refused."""
    study = study_of(talk)
    if not study.trusted:
        raise Refused(f"{translated(RISK)} {say(':source shows it, :trust lets it run.')}")
    return study
