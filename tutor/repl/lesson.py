"""The commands of line mode to work on a lesson."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tutor.course import parsons
from tutor.course.check import check_step
from tutor.course.judge import gap_left
from tutor.course.predictions import PredictionError
from tutor.course.trust import lesson_code, trust_key
from tutor.course.versions import first_line, version_fact
from tutor.course.walk import step_title
from tutor.repl.commands import Command, Refused
from tutor.repl.out import PALETTE
from tutor.repl.study import (
    advice,
    arrive,
    judged,
    prepare,
    show_step,
    study_of,
    trusted,
    write_after,
    write_code,
    write_prose,
)
from tutor.translation import say
from tutor.view.difference import difference_lines
from tutor.view.verdict import first_failure, verdict_line, was_stopped
from tutor.view.words import clean

if TYPE_CHECKING:
    from tutor.repl.conversation import Conversation


def _number(text: str, count: int) -> int | None:
    """A number from 1 to `count`, if it is one."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if is_number and 0 < int(text) <= count else None


async def _step(talk: Conversation, number: str) -> None:
    if number:
        await _steps(talk, number)
    else:
        show_step(talk)


async def _run(talk: Conversation, _: str) -> None:
    study = trusted(talk)
    walk = study.walk
    if walk.must_choose:
        raise Refused(advice(walk))
    await prepare(talk)
    source = study.code
    run = await talk.run_whole(source or "pass", f"{walk.step.id}.py")
    if run is None or run.cut_short:
        return
    answer = await talk.session.evaluate(walk.expression) if walk.expression else None
    said = walk.outcome(run, answer)
    if said is not None and (said is not answer or run.ok or said.error is None):
        walk.answered(said)
        talk.out.say(judged(walk))
    elif walk.expression:
        talk.out.say(say("No answer yet: the code did not come to its end."))
    walk.ran(run)
    write_after(talk)


async def _answer(talk: Conversation, text: str) -> None:
    study = study_of(talk)
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
            raise Refused(advice(walk))
        walk.choose(chosen)
    if walk.expression:
        await _run(talk, "")
        return
    talk.out.say(judged(walk))
    write_after(talk)


async def _check(talk: Conversation, _: str) -> None:
    study = trusted(talk)
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
        write_after(talk)
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
    study = study_of(talk)
    if study.entered:
        talk.out.say(say("What you entered in this step, which :check checks:"))
    write_code(talk, study.code, numbered=True)


async def _line(talk: Conversation, text: str) -> None:
    study = study_of(talk)
    if study.walk.parsons is not None:
        raise Refused(say("These lines only change places: use :order."))
    number, _, code = text.partition(" ")
    lines = study.code.split("\n")
    place = _number(number, len(lines) + 1)
    if place is None:
        raise Refused(
            say("Write it so: :line NUMBER CODE, with a number from 1 to {count}.", count=len(lines) + 1)
        )
    lines[place - 1 : place] = [code] if code.strip() else []
    study.keep("\n".join(lines))
    write_code(talk, study.code, numbered=True)


async def _order(talk: Conversation, text: str) -> None:
    study = study_of(talk)
    if study.walk.parsons is None:
        raise Refused(say("There are no lines to put in order in this step."))
    try:
        study.keep(parsons.ordered(study.code.split("\n"), text))
    except parsons.OrderError as error:
        raise Refused(str(error)) from None
    write_code(talk, study.code, numbered=True)
    talk.out.say(say("Lines that begin with # are left out. :check tells whether it is right."))


async def _hint(talk: Conversation, _: str) -> None:
    walk = study_of(talk).walk
    if walk.take_hint():
        total = len(walk.graded.hints) if walk.graded is not None else 0
        head = say("Hint {n} of {total}.", n=len(walk.hints), total=total)
        write_prose(talk, f"*{head}* {walk.hints[-1]}")
        return
    more = say("There are no more hints.") if walk.hints else say("There are no hints.")
    raise Refused(more + (f" {say(':solution shows the solution.')}" if walk.graded else ""))


async def _solution(talk: Conversation, text: str) -> None:
    study = study_of(talk)
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
    write_code(talk, walk.solution, numbered=False)
    talk.out.say(say("Beside your code:"))
    for line in difference_lines(study.code, walk.solution, PALETTE):
        talk.out.line(line)
    if is_news:
        write_after(talk)


async def _next(talk: Conversation, _: str) -> None:
    walk = study_of(talk).walk
    if walk.forward():
        await arrive(talk)
        return
    talk.out.say(f"{clean(walk.ending)} {say(':quit ends.')}")


async def _back(talk: Conversation, _: str) -> None:
    if not study_of(talk).walk.back():
        raise Refused(say("This is the first step."))
    await arrive(talk)


async def _steps(talk: Conversation, number: str) -> None:
    study = study_of(talk)
    walk, steps = study.walk, study.walk.lesson.steps
    if number:
        place = _number(number, len(steps))
        if place is None:
            raise Refused(say("Write it so: :steps, or :steps NUMBER, from 1 to {count}.", count=len(steps)))
        walk.go_to(steps[place - 1].id)
        await arrive(talk)
        return
    known = study.store.progress(walk.lesson.id)
    for at, step in enumerate(steps):
        done = step.id in known and known[step.id].done
        here = f", {say('you are here')}" if at == walk.index else ""
        talk.out.line(f"  {at + 1:>2}  {clean(step_title(step))}{', ' + say('done') if done else ''}{here}")


async def _reset(talk: Conversation, _: str) -> None:
    study = study_of(talk)
    study.walk.reset()
    study.store.reset_draft(study.walk.key)
    await arrive(talk)


async def _versions(talk: Conversation, number: str) -> None:
    """Code that made way: listed, or put back in place of what is there, which is kept aside for it."""
    study = study_of(talk)
    backups = study.store.backups(study.walk.key)
    if not backups:
        raise Refused(say("There are no earlier versions of your code in this step."))
    if not number:
        for at, backup in enumerate(backups, 1):
            talk.out.line(f"  {at:>2}  {clean(first_line(backup.text))}  {version_fact(backup)}")
        return
    place = _number(number, len(backups))
    if place is None:
        raise Refused(
            say("Write it so: :versions, or :versions NUMBER, from 1 to {count}.", count=len(backups))
        )
    study.store.reset_draft(study.walk.key)
    study.keep(backups[place - 1].text)
    write_code(talk, study.code, numbered=True)


async def _trust(talk: Conversation, _: str) -> None:
    study = study_of(talk)
    study.trusted = True
    study.store.set_setting(trust_key(study.walk.lesson), True)
    await prepare(talk)
    talk.out.say(say("Its code may run from now on."))


async def _source(talk: Conversation, _: str) -> None:
    write_code(talk, lesson_code(study_of(talk).walk.lesson), numbered=False)


COMMANDS: tuple[Command, ...] = (
    Command("step", "[NUMBER]", "Show the step: its text, its code, what it asks; or go to another.", _step),
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
