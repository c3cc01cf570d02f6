"""Proving a lesson: that its code runs, its answers are right and its checks tell right from wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from tutor.course.check import Kernel, check_step
from tutor.course.checks import fits_error
from tutor.course.claims import Item
from tutor.course.document import Document, Place, Where
from tutor.course.predictions import is_of_form
from tutor.course.schema import (
    FixStep,
    Graded,
    Lesson,
    ParsonsStep,
    PredictStep,
    QuizStep,
    RunStep,
    Step,
)
from tutor.course.sense import place_in
from tutor.course.walk import prologue
from tutor.facts import CheckResult, ErrorFacts, Evaluated, Run
from tutor.translation import say

#: Code that does nothing: what is checked after it is the setup alone.
_EMPTY = "pass\n"


class Lab(Kernel, Protocol):
    """Where code is run; a case that hangs or kills its kernel is an error of its Run."""

    async def run(self, before: str, code: str) -> tuple[ErrorFacts | None, Run]:
        """Run `code` in an empty namespace after `before`, whose own error comes first."""

    async def evaluate(self, expression: str) -> Evaluated:
        """The value of an expression in the namespace as it is."""


class Problem(Exception):
    """Something that is wrong with a lesson, or with `untested` only not shown to be right."""

    def __init__(self, place: Place, sentence: str, *, untested: bool = False) -> None:
        super().__init__(place, sentence)
        self.place = place
        self.sentence = sentence
        self.untested = untested

    @property
    def key(self) -> tuple[Place, str]:
        """What two seeds may find twice."""
        return self.place, self.sentence


class Proof:
    """The proof of one lesson. `told` is called with the number of steps done, and of all."""

    def __init__(self, lab: Lab, lesson: Lesson, doc: Document, told: Callable[[int, int], None]) -> None:
        self._lab = lab
        self._lesson = lesson
        self._doc = doc
        self._told = told
        self._seed = lesson.seed
        self._killed: set[tuple[int, int, str]] = set()
        #: Steps that could not be proven: nothing is known of what their mistakes fail on.
        self._broken: set[int] = set()
        #: Answers that were run: right ones accepted, wrong ones refused.
        self.answers = 0
        self._problems: dict[tuple[Place, str], Problem] = {}

    async def prove(self) -> list[Problem]:
        """All problems, in the order of the file."""
        steps = self._lesson.steps
        seeds = (self._lesson.seed, (self._lesson.seed + 1) % 2**63)
        for turn, self._seed in enumerate(seeds):
            for index, step in enumerate(steps):
                self._told(turn * len(steps) + index, len(seeds) * len(steps))
                try:
                    await self._step(index, step)
                except Problem as problem:
                    self._problems.setdefault(problem.key, problem)
                    self._broken.add(index)
        self._report_untested()
        return sorted(self._problems.values(), key=lambda problem: (problem.untested, problem.place[:2]))

    def _say(self, where: Where, sentence: str, *, untested: bool = False) -> None:
        problem = Problem(self._doc.values[where], sentence, untested=untested)
        self._problems.setdefault(problem.key, problem)

    # ── steps that show ──────────────────────────────────────────────────────

    async def _step(self, index: int, step: Step) -> None:
        where = ("steps", index)
        if isinstance(step, Graded):
            await self._graded(index, step)
            return
        asks = isinstance(step, QuizStep) and step.expr is not None
        if not step.code.strip() and not asks:
            return
        run = await self._run(step, step.code)
        wanted = step.raises if isinstance(step, RunStep | PredictStep) else None
        if wanted is None and run.error is not None:
            place = place_in(self._doc, (*where, "code"), max(run.error.line, 1), 1)
            message = say("this code stops with {error}; correct it or say `raises`", error=_error(run.error))
            raise Problem(place, message)
        if wanted is not None and not fits_error(run.error, wanted):
            said = say("this code should raise {wanted}, but it runs to its end", wanted=wanted.type)
            if run.error is not None:
                said = say(
                    "this code should raise {wanted}, but it stops with {error}",
                    wanted=wanted.type,
                    error=_error(run.error),
                )
            self._say((*where, "raises"), said)
        if isinstance(step, PredictStep):
            await self._predicted((*where, "ask"), step, run.error)
        elif isinstance(step, QuizStep) and step.expr is not None:
            await self._answer(where, step.expr, step.index_of)

    async def _predicted(self, where: Where, step: PredictStep, error: ErrorFacts | None) -> None:
        ask = step.ask
        if error is not None and step.raises is not None and not step.takes_error:
            said = say("this code raises {type}, which no choice says; add `raises {type}`", type=error.type)
            self._say((*where, "choices"), said)
        elif error is not None and step.takes_error:
            if ask.offered and ask.index_of_error(error.type, error.bases) is None:
                said = say("the run raises {type}, which is none of the choices", type=error.type)
                self._say((*where, "choices"), said)
        elif ask.offered:
            await self._answer(where, ask.expr, ask.index_of)
        else:
            found = await self._lab.evaluate(ask.expr)
            if found.error is not None:
                self._say((*where, "expr"), _not_computed(found.error))
            elif not is_of_form(found.value, str(ask.form)):
                said = say(
                    "the run gives {value}, which is no {form}", value=_short(found.text), form=ask.form
                )
                self._say((*where, "expr"), said)

    async def _answer(self, where: Where, expr: str, index_of: Callable[[object], int | None]) -> None:
        found = await self._lab.evaluate(expr)
        if found.error is not None:
            self._say((*where, "expr"), _not_computed(found.error))
        elif index_of(found.value) is None:
            place = (*where, "choices")
            place = place if place in self._doc.values else (*where, "expr")
            said = say("the run gives {value}, which is none of the choices", value=_short(found.text))
            self._say(place, said)

    async def _run(self, step: Step, code: str) -> Run:
        error, run = await self._lab.run(prologue(self._lesson, step, self._seed), code)
        if error is not None:
            if self._lesson.setup.strip():
                line = max(1, error.line - 1)
                rows = self._lesson.setup.rstrip("\n").count("\n") + 1
                where = ("setup",)
                place = place_in(self._doc, where, line, 1) if line <= rows else self._doc.values[where]
            else:
                place = Place(0, 0)
            message = say(
                "the setup, or a solution that a step needs, stops with {error}", error=_error(error)
            )
            raise Problem(place, message)
        return run

    # ── steps that are checked ───────────────────────────────────────────────

    async def _graded(self, index: int, step: Graded) -> None:
        where = ("steps", index)
        rights: list[tuple[Where, str, str]] = [((*where, "solution"), say("the solution"), step.solution)]
        rights += [((*where, "accepts", n), say("this answer"), code) for n, code in enumerate(step.accepts)]
        for place, name, code in rights:
            failed = await self._failed(index, step, code)
            if failed:
                said = say(
                    "{answer} should pass, but fails on `{fact}`: {sentence}",
                    answer=name,
                    fact=failed[0].kind,
                    sentence=failed[0].sentence,
                )
                self._say(place, said)
        if not await self._failed(index, step, _EMPTY):
            said = say("an empty answer passes all of these checks; ask for what it must do")
            self._say((*where, "checks"), said)
        starter = step.code if step.code.strip() else _EMPTY
        if not await self._failed(index, step, starter):
            start: Where = (*where, "code" if isinstance(step, FixStep) else "starter")
            start = start if start in self._doc.values else (*where, "checks")
            said = say("what the learner starts with passes all checks; it should fail")
            if isinstance(step, ParsonsStep):
                order = step.code.replace("\n", "; ")
                said = say(
                    "the order that the learner starts with passes ({order}); put it under `accepts`",
                    order=order,
                )
            self._say(start, said)
        for number, mistake in enumerate(step.mistakes):
            failed = await self._failed(index, step, mistake.code)
            at: Where = (*where, "mistakes", number)
            if not failed:
                self._say(at, say("this mistake passes all checks; it should fail"))
            elif not any(mistake.fails in _names(step, result) for result in failed):
                said = say(
                    "this mistake does not fail on `{wanted}`, but on `{fact}`: {sentence}",
                    wanted=mistake.fails,
                    fact=failed[0].kind,
                    sentence=failed[0].sentence,
                )
                self._say((*at, "fails"), said)

    async def _failed(self, index: int, step: Graded, code: str) -> list[CheckResult]:
        run = await self._run(step, code)
        self.answers += 1
        try:
            results = await check_step(self._lab, step, run, self._lesson.setup)
        except TimeoutError as error:
            results = [CheckResult(False, "raises", sentence=str(error))]
        failed = [result for result in results if not result.ok]
        self._killed |= {(index, item, fact) for item, fact in _killed(step, results)}
        return failed

    def _report_untested(self) -> None:
        for index, step in enumerate(self._lesson.steps):
            if not isinstance(step, Graded) or index in self._broken:
                continue
            for number, item in enumerate(step.checks):
                for fact, _ in item.facts():
                    if (index, number, fact) not in self._killed:
                        where = ("steps", index, "checks", number, fact)
                        said = say(
                            "untested: no mistake of this step fails on `{fact}`; add one that does",
                            fact=fact,
                        )
                        self._say(where, said, untested=True)


def _killed(step: Graded, results: list[CheckResult]) -> Iterator[tuple[int, str]]:
    """The facts that fail by themselves, as (index of the check, fact)."""
    for number, item in enumerate(step.checks):
        facts = [fact for fact, _ in item.facts()]
        mine = [result for result in results if result.item == number]
        if len(mine) == len(facts):
            for fact, result in zip(facts, mine, strict=True):
                if not result.ok and (result.kind != "exists" or fact == "exists"):
                    yield number, fact
    stopped = any(result.item == -1 and result.kind == "raises" for result in results)
    for number, item in enumerate(step.checks):
        if stopped and item.no_error is True:
            yield number, "no_error"


def _names(step: Graded, result: CheckResult) -> set[str]:
    """The facts that a failure is a failure of: as it is called, and as the lesson wrote it."""
    names = {result.kind}
    if result.item < 0:
        return names | ({"no_error"} if result.kind == "raises" else set())
    item = step.checks[result.item]
    written = {fact for fact, _ in item.facts()}
    if result.kind not in written and result.kind != "exists":
        names |= written & {"cases", "equals", "close", "grad", "value", "no_error"}
    if result.kind in ("any", *written):
        names |= _inside(item) if written & {"any", "not"} else set()
    if "not" in written:
        names |= _inside(item)
    return names


def _inside(item: Item) -> set[str]:
    return {fact for part in item.parts() for fact, _ in part.facts()} | {
        fact for part in item.parts() for fact in _inside(part)
    }


def _not_computed(error: ErrorFacts) -> str:
    return say("this cannot be computed after the code: {error}", error=_error(error))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"


def _error(error: ErrorFacts) -> str:
    message = error.message.strip().split("\n", 1)[0][:160].removesuffix(".")
    return f"{error.type}: {message}" if message else error.type
