"""A lesson in line mode: its steps as text, what is asked, and the commands to work on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from tutor.course import parsons
from tutor.course.check import check_step
from tutor.course.judge import gap_left
from tutor.course.loader import is_bundled
from tutor.course.looking import counts
from tutor.course.predictions import EXAMPLES, PredictionError
from tutor.course.progress import remember
from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.course.study import Walk
from tutor.course.trust import RISK, lesson_code, trust_key
from tutor.course.versions import first_line, version_fact
from tutor.course.walk import prologue, step_title
from tutor.facts import Run
from tutor.repl.commands import Command, Refused
from tutor.repl.out import PALETTE
from tutor.repl.pieces import Piece
from tutor.translation import say, translated
from tutor.view.difference import difference_lines
from tutor.view.prose import render_prose
from tutor.view.syntax import highlight
from tutor.view.verdict import first_failure, verdict_line, was_stopped
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


async def arrive(talk: Conversation) -> None:
    """Show the step, and make the namespace that it begins with."""
    study = _study(talk)
    study.entered.clear()
    study.walk.arrive()
    _show(talk)
    await prepare(talk)


async def prepare(talk: Conversation) -> None:
    """An empty namespace in which the step's setup has run."""
    study = _study(talk)
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


def _study(talk: Conversation) -> Study:
    assert talk.study is not None
    return talk.study


def _prose(talk: Conversation, text: str) -> None:
    text = text.rstrip()
    talk.out.page(render_prose(text, PALETTE) if talk.out.colour else Text(text))


def _show(talk: Conversation) -> None:
    study, out = _study(talk), talk.out
    walk = study.walk
    out.line()
    steps = len(walk.lesson.steps)
    head = say("{title}, step {n} of {count}", title=walk.lesson.title, n=walk.index + 1, count=steps)
    out.line(head + f", {say('done')}" * walk.work.done)
    _prose(talk, walk.step.prompt)
    if walk.has_code and study.code.strip():
        _code(talk, study.code, numbered=walk.graded is not None)
    for number, choice in enumerate(walk.choices, 1):
        out.line(f"  {number}  {clean(choice)}")
    if not study.trusted:
        out.say(f"{translated(RISK)} {say(':trust runs it from now on, :source shows all of it.')}")
    if walk.asks and walk.is_answered:
        out.say(_judged(walk))
        _after(talk)
        return
    out.say(_advice(walk))


def _advice(walk: Walk) -> str:
    if walk.choices:
        return say("Answer with :answer and a number from 1 to {count}.", count=len(walk.choices))
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


def _judged(walk: Walk) -> str:
    told = clean(walk.verdict())
    return say("Right: {told}", told=told) if walk.was_right else say("Not so: {told}", told=told)


def _code(talk: Conversation, code: str, *, numbered: bool) -> None:
    lines = highlight("\n".join(map(clean, code.split("\n"))), PALETTE)
    width = len(str(len(lines)))
    for number, line in enumerate(lines, 1):
        talk.out.line(Text.assemble(f"  {number:>{width}}  " if numbered else "    ", line))


def _after(talk: Conversation) -> None:
    walk = _study(talk).walk
    if (walk.work.done or walk.work.solution_shown) and walk.step.after.strip():
        _prose(talk, walk.step.after)
    if walk.work.done:
        talk.out.say(say(":next goes on."))


def _trusted(talk: Conversation) -> Study:
    study = _study(talk)
    if not study.trusted:
        raise Refused(f"{translated(RISK)} {say(':source shows it, :trust lets it run.')}")
    return study


# ── commands ─────────────────────────────────────────────────────────────────


async def _step(talk: Conversation, _: str) -> None:
    _show(talk)


async def _run(talk: Conversation, _: str) -> None:
    study = _trusted(talk)
    walk = study.walk
    if walk.must_choose:
        raise Refused(_advice(walk))
    await prepare(talk)
    source = study.code
    run = await talk.run_whole(source or "pass", f"{walk.step.id}.py")
    if run is None or run.cut_short:
        return
    answer = await talk.session.evaluate(walk.expression) if walk.expression else None
    said = walk.outcome(run, answer)
    if said is not None and (said is not answer or run.ok or said.error is None):
        walk.answered(said)
        talk.out.say(_judged(walk))
    elif walk.expression:
        talk.out.say(say("No answer yet: the code did not come to its end."))
    walk.ran(run)
    _after(talk)


async def _answer(talk: Conversation, text: str) -> None:
    study = _study(talk)
    walk = study.walk
    if not walk.asks:
        raise Refused(say("This step asks nothing."))
    if walk.expression and walk.is_answered:
        raise Refused(say("The answer is known already; :reset lets you answer anew."))
    if walk.form:
        try:
            walk.predict(text)
        except PredictionError as error:
            raise Refused(str(error)) from None
    else:
        chosen = walk.choice_meant(text)
        if chosen is None:
            raise Refused(_advice(walk))
        walk.choose(chosen)
    if walk.expression:
        await _run(talk, "")
        return
    talk.out.say(_judged(walk))
    _after(talk)


async def _check(talk: Conversation, _: str) -> None:
    study = _trusted(talk)
    walk = study.walk
    step = walk.graded
    if step is None:
        raise Refused(say("There is nothing to check in this step."))
    answer = study.code
    if gap := gap_left(answer):
        raise Refused(gap)
    count = len(study.entered)
    if count:
        talk.out.say(say("What you entered in this step is checked, all of it together:"))
    await prepare(talk)
    run = await talk.run_whole(answer or "pass", f"{step.id}.py")
    if run is None or run.cut_short:
        return
    results = await check_step(talk.session, step, run, walk.lesson.setup)
    failure = first_failure(results)
    if failure is None:
        walk.finish()
        talk.out.say(say("Right: {told}", told=verdict_line(results)))
        _after(talk)
        return
    if was_stopped(results):
        told = say("The code did not come to its end, so nothing is checked yet.")
        talk.out.fault(say("Not yet: {told}", told=f"{told} {say(':hint helps.')}"))
    else:
        talk.out.fault(say("Not yet: {told}", told=clean(failure.sentence)))
        talk.out.say(f"{verdict_line(results)} {say(':hint helps.')}")
    if count:
        study.entered.clear()
        talk.out.say(
            say("Type it anew, or change it: :code shows it with its numbers, :line changes a line.")
        )


async def _show_code(talk: Conversation, _: str) -> None:
    study = _study(talk)
    if study.entered:
        talk.out.say(say("What you entered in this step, which :check checks:"))
    _code(talk, study.code, numbered=True)


async def _line(talk: Conversation, text: str) -> None:
    study = _study(talk)
    if study.walk.parsons is not None:
        raise Refused(say("These lines only change places: use :order."))
    number, _, code = text.partition(" ")
    lines = study.code.split("\n")
    if not (number.isascii() and number.isdecimal() and 0 < int(number[:9]) <= len(lines) + 1):
        raise Refused(
            say("Write it so: :line NUMBER CODE, with a number from 1 to {count}.", count=len(lines) + 1)
        )
    at = int(number) - 1
    lines[at : at + 1] = [code] if code.strip() else []
    study.keep("\n".join(lines))
    _code(talk, study.code, numbered=True)


async def _order(talk: Conversation, text: str) -> None:
    study = _study(talk)
    if study.walk.parsons is None:
        raise Refused(say("There are no lines to put in order in this step."))
    try:
        study.keep(parsons.ordered(study.code.split("\n"), text))
    except parsons.OrderError as error:
        raise Refused(str(error)) from None
    _code(talk, study.code, numbered=True)
    talk.out.say(say("Lines that begin with # are left out. :check tells whether it is right."))


async def _hint(talk: Conversation, _: str) -> None:
    walk = _study(talk).walk
    if walk.take_hint():
        total = len(walk.graded.hints) if walk.graded is not None else 0
        head = say("Hint {n} of {total}.", n=len(walk.hints), total=total)
        _prose(talk, f"{f'*{head}*' if talk.out.colour else head} {walk.hints[-1]}")
        return
    more = say("There are no more hints.") if walk.hints else say("There are no hints.")
    raise Refused(more + (f" {say(':solution shows the solution.')}" if walk.graded else ""))


async def _solution(talk: Conversation, text: str) -> None:
    study = _study(talk)
    walk = study.walk
    if walk.graded is None:
        raise Refused(say("This step has no solution to show."))
    if text not in ("", "yes"):
        raise Refused(say("Write it so: :solution, or :solution yes"))
    if not (walk.work.done or walk.work.solution_shown or text == "yes"):
        talk.out.say(
            say("Show the solution of this step? Your own code stays as it is. :solution yes shows it.")
        )
        return
    is_news = not (walk.work.done or walk.work.solution_shown)
    walk.show_solution()
    _code(talk, walk.solution, numbered=False)
    talk.out.say(say("Beside your code:"))
    for line in difference_lines(study.code, walk.solution, PALETTE):
        talk.out.line(line)
    if is_news:
        _after(talk)


async def _next(talk: Conversation, _: str) -> None:
    walk = _study(talk).walk
    if walk.forward():
        await arrive(talk)
        return
    talk.out.say(f"{clean(walk.ending)} {say(':quit ends.')}")


async def _back(talk: Conversation, _: str) -> None:
    if not _study(talk).walk.back():
        raise Refused(say("This is the first step."))
    await arrive(talk)


async def _steps(talk: Conversation, number: str) -> None:
    study = _study(talk)
    walk, steps = study.walk, study.walk.lesson.steps
    if number:
        if not (number.isascii() and number.isdecimal() and 0 < int(number[:9]) <= len(steps)):
            raise Refused(say("Write it so: :steps, or :steps NUMBER, from 1 to {count}.", count=len(steps)))
        walk.go_to(steps[int(number) - 1].id)
        await arrive(talk)
        return
    known = study.store.progress(walk.lesson.id)
    for at, step in enumerate(steps):
        done = step.id in known and known[step.id].done
        here = f", {say('you are here')}" if at == walk.index else ""
        talk.out.line(f"  {at + 1:>2}  {clean(step_title(step))}{', ' + say('done') if done else ''}{here}")


async def _reset(talk: Conversation, _: str) -> None:
    study = _study(talk)
    study.walk.reset()
    study.store.reset_draft(study.walk.key)
    await arrive(talk)


async def _versions(talk: Conversation, number: str) -> None:
    """Code that made way: listed, or put back in place of what is there, which is kept aside for it."""
    study = _study(talk)
    backups = study.store.backups(study.walk.key)
    if not backups:
        raise Refused(say("There are no earlier versions of your code in this step."))
    if not number:
        for at, backup in enumerate(backups, 1):
            talk.out.line(f"  {at:>2}  {clean(first_line(backup.text))}  {version_fact(backup)}")
        return
    if not (number.isascii() and number.isdecimal() and 0 < int(number[:9]) <= len(backups)):
        raise Refused(
            say("Write it so: :versions, or :versions NUMBER, from 1 to {count}.", count=len(backups))
        )
    study.store.reset_draft(study.walk.key)
    study.keep(backups[int(number) - 1].text)
    _code(talk, study.code, numbered=True)


async def _trust(talk: Conversation, _: str) -> None:
    study = _study(talk)
    study.trusted = True
    study.store.set_setting(trust_key(study.walk.lesson), True)
    await prepare(talk)
    talk.out.say(say("Its code may run from now on."))


async def _source(talk: Conversation, _: str) -> None:
    _code(talk, lesson_code(_study(talk).walk.lesson), numbered=False)


COMMANDS: tuple[Command, ...] = (
    Command("step", "", "Show the step again: its text, its code, what it asks.", _step),
    Command("run", "", "Run the step's code, in a namespace as the step begins with.", _run),
    Command("answer", "ANSWER", "Choose by number, or predict; then the code runs and decides.", _answer),
    Command("check", "", "Run what you entered in this step, or its code, and check it.", _check),
    Command("code", "", "Show your code with the numbers of its lines.", _show_code),
    Command("line", "NUMBER [CODE]", "Put CODE in place of a line; without CODE the line goes.", _line),
    Command("order", "NUMBERS", "Put the lines in this order.", _order),
    Command("hint", "", "One hint more.", _hint),
    Command("solution", "[yes]", "The solution, and how your code differs from it.", _solution),
    Command("next", "", "Go to the next step.", _next),
    Command("back", "", "Go to the previous step.", _back),
    Command("steps", "[NUMBER]", "List the steps, or go to one.", _steps),
    Command("reset", "", "Put the step's own code and namespace back; yours is kept aside.", _reset),
    Command("versions", "[NUMBER]", "List earlier versions of your code, or put one back.", _versions),
    Command("trust", "", "Let the code of a lesson from elsewhere run.", _trust),
    Command("source", "", "Show all code of the lesson.", _source),
)
