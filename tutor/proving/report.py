"""What `torchtutor check` says: a line a problem, a bar while it works, a table and a sentence at the end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tutor.course.prove import Problem
from tutor.course.schema import Graded
from tutor.proving.files import Candidate
from tutor.translation import later, say


@dataclass
class Outcome:
    """What came of one file."""

    candidate: Candidate
    problems: Sequence[Problem] = ()
    #: Answers that were run: right ones accepted, wrong ones refused.
    answers: int = 0
    seconds: float = 0.0

    @property
    def wrong(self) -> int:
        """How many problems are more than something untested."""
        return sum(not problem.untested for problem in self.problems) + len(self.candidate.gaps)

    @property
    def untested(self) -> int:
        """How many facts no mistake fails on."""
        return sum(problem.untested for problem in self.problems)

    def lines(self) -> list[str]:
        """`file:line:column: sentence` of everything that is to be told."""
        if self.candidate.trouble:
            return [self.candidate.trouble]
        return [
            f"{self.candidate.path}:{problem.place.line + 1}:{problem.place.column + 1}: {problem.sentence}"
            for problem in self.problems
        ] + [str(gap) for gap in self.candidate.gaps]


@dataclass
class Report:
    """Tells outcomes in the order of the files, in whatever order they come."""

    candidates: Sequence[Candidate]
    _outcomes: dict[int, Outcome] = field(default_factory=dict)
    _told: int = 0

    def __post_init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn(say("steps")),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            # What is printed goes above the bar, unless it goes elsewhere.
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=False,
            disable=sys.stderr is None or not sys.stderr.isatty(),
        )
        steps = sum(2 * len(each.lesson.steps) for each in self.candidates if each.lesson is not None)
        self._task = self._bar.add_task(say("starting torch"), total=steps)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def stepped(self, lesson: str) -> None:
        """One step of a lesson is through with one seed."""
        self._bar.update(self._task, description=f"{lesson:<20}", advance=1)

    def add(self, index: int, outcome: Outcome) -> None:
        """One file is through; it is told as soon as those before it are."""
        self._outcomes[index] = outcome
        while (ready := self._outcomes.get(self._told)) is not None:
            for line in ready.lines():
                print(line, flush=True)
            self._told += 1

    @property
    def outcomes(self) -> list[Outcome]:
        """What is known, in the order of the files."""
        return [self._outcomes[index] for index in sorted(self._outcomes)]

    def summary(self) -> None:
        """The table, where there is more than one lesson, and the last line."""
        proven = [each for each in self.outcomes if each.candidate.lesson is not None]
        if not proven:
            return
        if len(self.outcomes) > 1:
            Console(highlight=False, markup=False, emoji=False).print(_table(self.outcomes))
        untested = sum(each.untested for each in proven)
        told = say(
            "{lessons} checked with two seeds and {answers}: {problems}",
            lessons=_count(len(proven), "lesson"),
            answers=_count(sum(each.answers for each in proven), "answer"),
            problems=_count(sum(each.wrong for each in proven), "problem"),
        )
        more = ", " + _untested(untested) if untested else ""
        print(f"{told}{more}.", flush=True)


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(say("lesson"), no_wrap=True)
    for heading in (say("steps"), say("exercises"), say("answers"), say("seconds")):
        table.add_column(heading, justify="right")
    table.add_column(say("result"))
    for outcome in outcomes:
        lesson = outcome.candidate.lesson
        if lesson is None:
            table.add_row(outcome.candidate.path.name, "", "", "", "", say("cannot be read"))
            continue
        exercises = sum(isinstance(step, Graded) for step in lesson.steps)
        numbers = map(str, (len(lesson.steps), exercises, outcome.answers))
        table.add_row(lesson.id, *numbers, f"{outcome.seconds:.1f}", _result(outcome))
    return table


def _result(outcome: Outcome) -> str:
    parts = [_count(outcome.wrong, "problem")] if outcome.wrong else []
    if outcome.untested:
        parts.append(_untested(outcome.untested))
    return ", ".join(parts) or say("ok")


#: How many there are of something: none, one, several.
_COUNTS = {
    "lesson": (later("no lessons"), later("1 lesson"), later("{count} lessons")),
    "answer": (later("no answers"), later("1 answer"), later("{count} answers")),
    "problem": (later("no problems"), later("1 problem"), later("{count} problems")),
    "fact": (later("no facts"), later("1 fact"), later("{count} facts")),
}


def _count(number: int, noun: str) -> str:
    return say(_COUNTS[noun][min(number, 2)], count=number)


def _untested(number: int) -> str:
    return say("{facts} untested", facts=_count(number, "fact"))
