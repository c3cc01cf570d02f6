"""Where the learner is in a lesson, and what is kept of each step: code, prediction, answer."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass
from typing import Any, Unpack

from tutor.course import outcomes
from tutor.course.parsons import with_rest
from tutor.course.predictions import (
    PredictionError,
    Raised,
    fits_raised,
    fits_value,
    index_meant,
    marks_of,
    read_prediction,
    value_text,
)
from tutor.course.schema import Graded, Lesson, ParsonsStep, PredictStep, QuizStep, ReadStep, Step
from tutor.course.store import StepFacts, StepProgress, Store, draft_key
from tutor.facts import Evaluated, Run
from tutor.translation import say


@dataclass
class StepWork:
    """What the learner did with one step."""

    #: Index of the predicted choice.
    choice: int | None = None
    #: The prediction as it was typed, where there are no choices.
    typed: str = ""
    #: What running the code gave.
    answer: Evaluated | None = None
    #: What the step asks for was done at least once.
    done: bool = False
    #: Hints that were asked for.
    hints: int = 0
    solution_shown: bool = False


class Walk:
    """A position in a lesson. Moving never loses code; nothing moves by itself; all of it is in the store."""

    def __init__(self, lesson: Lesson, store: Store) -> None:
        self.lesson = lesson
        #: Next was asked for at the last step.
        self.complete = False
        self._store = store
        self._work: dict[str, StepWork] = {}
        self._place = f"step/{lesson.id}"
        ids = [step.id for step in lesson.steps]
        last = store.setting(self._place, "")
        self.index = ids.index(last) if last in ids else 0

    @staticmethod
    def leave_at(lesson: Lesson, store: Store, index: int) -> None:
        """Have the next walk through a lesson begin near a position: its step may be there no more."""
        step = lesson.steps[min(index, len(lesson.steps) - 1)]
        store.set_setting(f"step/{lesson.id}", step.id)

    @property
    def step(self) -> Step:
        return self.lesson.steps[self.index]

    @property
    def key(self) -> str:
        """The key of the step's draft, and of its runs in the transcript."""
        return draft_key(self.lesson.id, self.step.id)

    @property
    def work(self) -> StepWork:
        """The learner's work on the current step."""
        if self.step.id not in self._work:
            self._work[self.step.id] = self._remembered()
        return self._work[self.step.id]

    def _remembered(self) -> StepWork:
        known = self._store.progress(self.lesson.id).get(self.step.id, StepProgress())
        choice, typed = None, ""
        if self.form and isinstance(known.prediction, str):
            typed = known.prediction
        elif isinstance(self.step, PredictStep):
            choice = self.step.ask.index_of(known.prediction)
        elif isinstance(self.step, QuizStep) and known.prediction is not None:
            choice = self.step.index_of(known.prediction)
        answer = None
        if self.expression and (typed or choice is not None):
            answer = outcomes.read(known.outcome, self._question)
        return StepWork(choice, typed, answer, known.done, known.hints, known.solution_shown)

    @property
    def _question(self) -> str:
        """What an outcome answers: another question once the lesson's code has changed."""
        return f"{self.lesson.setup}\n{self.step.code}\n{self.expression}"

    def arrive(self) -> None:
        """The current step is being shown: remember that the learner got here."""
        self._store.set_setting("lesson", self.lesson.id)
        self._store.set_setting(self._place, self.step.id)
        self._store.record(self.lesson.id, self.step.id, visited=True, at=int(time.time()))

    def forward(self) -> bool:
        """Go to the next step; at the last one the lesson is complete and False is returned.

        A step that is there to be read is done when the learner goes on from it."""
        if not self.asks and (not self.has_code or isinstance(self.step, ReadStep)):
            self.finish()
        if self.index == len(self.lesson.steps) - 1:
            self.complete = True
            return False
        self.index += 1
        return True

    @property
    def ending(self) -> str:
        """What is said after the last step: that the lesson is complete, or which steps are open."""
        known = self._store.progress(self.lesson.id)
        left = [
            str(number)
            for number, step in enumerate(self.lesson.steps, 1)
            if step.id not in known or not known[step.id].done
        ]
        title = self.lesson.title
        if not left:
            return say("That was the last step: “{title}” is complete.", title=title)
        if len(left) == 1:
            return say(
                "That was the last step of “{title}”; step {n} is not done yet.", title=title, n=left[0]
            )
        return say(
            "That was the last step of “{title}”; steps {some} and {last} are not done yet.",
            title=title,
            some=", ".join(left[:-1]),
            last=left[-1],
        )

    def back(self) -> bool:
        """Go to the previous step; False at the first."""
        self.complete = False
        if self.index == 0:
            return False
        self.index -= 1
        return True

    def go_to(self, step: str) -> None:
        """Go to the step of this id."""
        self.complete = False
        self.index = [each.id for each in self.lesson.steps].index(step)

    def reset(self) -> None:
        """Forget the learner's answers to the current step; what was done, or seen, once stays known."""
        known = self.work
        self._work[self.step.id] = StepWork(
            done=known.done, hints=known.hints, solution_shown=known.solution_shown
        )
        if self.expression:
            self._record(outcome=None)

    def choose(self, index: int) -> None:
        """Keep what the learner chose; in a quiz whose answer is known it is judged at once."""
        self.work.choice = index
        step = self.step
        if isinstance(step, PredictStep | QuizStep):
            chosen: Any = step.ask.offered[index] if isinstance(step, PredictStep) else step.value_of(index)
            self._record(prediction=chosen, outcome=None)
        if not self.expression:
            self._record(right=self.was_right)
            if self.was_right:
                self.finish()

    def choice_meant(self, text: str) -> int | None:
        """Index of the choice that `text` says, by its mark or by what it is; None where it says none."""
        text = " ".join(unicodedata.normalize("NFKC", text).split())
        mark = text.lower().rstrip(".)")
        if mark in self.marks:
            return self.marks.index(mark)
        match self.step:
            case PredictStep(ask=ask):
                return index_meant(text, ask.offered, ask.shown)
            case QuizStep(options=options):
                return index_meant(text, [option.text for option in options], ())
        return None

    def predict(self, text: str) -> None:
        """Keep what the learner typed; raises PredictionError where it is no prediction of the form."""
        read_prediction(text, self.form)
        self.work.typed = text.strip()
        self._record(prediction=self.work.typed, outcome=None)

    def _record(self, **facts: Unpack[StepFacts]) -> None:
        self._store.record(self.lesson.id, self.step.id, **facts)

    @property
    def choices(self) -> tuple[str, ...]:
        """What a predict or quiz step offers; nothing in other steps."""
        match self.step:
            case PredictStep(ask=ask):
                return ask.shown
            case QuizStep(options=options):
                return tuple(option.text for option in options)
        return ()

    @property
    def marks(self) -> tuple[str, ...]:
        """What stands before each choice."""
        return marks_of(self.choices)

    @property
    def form(self) -> str:
        """What the learner is to type, where a prediction offers no choices; empty elsewhere."""
        step = self.step
        return str(step.ask.form) if isinstance(step, PredictStep) and not step.ask.offered else ""

    @property
    def asks(self) -> bool:
        """The step asks for a choice, or for something to be typed."""
        return bool(self.choices) or bool(self.form)

    @property
    def expression(self) -> str:
        """What is evaluated once the code has run, to know which choice is right; empty where nothing is."""
        match self.step:
            case PredictStep(ask=ask):
                return ask.expr
            case QuizStep(expr=str(expr)):
                return expr
        return ""

    @property
    def must_choose(self) -> bool:
        """The step asks for a choice that has not been made, and only then is its code run."""
        return self.asks and bool(self.expression) and self.work.choice is None and not self.work.typed

    @property
    def is_answered(self) -> bool:
        """What is right is known, and is shown."""
        if self.expression:
            return self.work.answer is not None
        return self.was_right

    def outcome(self, run: Run, answer: Evaluated | None) -> Evaluated | None:
        """What the run says to the question: the value, or the exception where that can be the answer."""
        if run.error is None or run.cut_short or not self._may_raise:
            return answer
        return Evaluated(0, "", None, run.error)

    def answered(self, answer: Evaluated) -> None:
        """Record what the expression of the step came to."""
        self.work.answer = answer
        self._record(right=self.was_right, outcome=outcomes.kept(answer, self._question))
        known = self._store.progress(self.lesson.id).get(self.step.id, StepProgress())
        if isinstance(self.step, PredictStep) and known.first_right is None:
            self._record(first_right=self.was_right)

    @property
    def truth(self) -> int | None:
        """Index of the choice that is right, or None: not run, failed, or none of the choices."""
        step, answer = self.step, self.work.answer
        if isinstance(step, QuizStep) and step.answer is not None:
            return step.answer
        if answer is None or not isinstance(step, PredictStep | QuizStep):
            return None
        if answer.error is not None:
            error = answer.error
            return step.ask.index_of_error(error.type, error.bases) if isinstance(step, PredictStep) else None
        return (
            step.ask.index_of(answer.value) if isinstance(step, PredictStep) else step.index_of(answer.value)
        )

    @property
    def was_right(self) -> bool:
        """What was chosen, or typed, is right."""
        answer, typed = self.work.answer, self.work.typed
        if not self.form:
            return self.truth is not None and self.truth == self.work.choice
        if answer is None or not typed:
            return False
        try:
            predicted = read_prediction(typed, self.form)
        except PredictionError:  # the lesson asks for something else now
            return False
        if answer.error is not None:
            return isinstance(predicted, Raised) and fits_raised(
                predicted, answer.error.type, answer.error.bases
            )
        return fits_value(predicted, typed, answer.value)

    @property
    def why(self) -> str:
        """What the lesson says about the choice that was made in a quiz."""
        step, choice = self.step, self.work.choice
        return step.options[choice].why if isinstance(step, QuizStep) and choice is not None else ""

    def verdict(self) -> str:
        """The choice beside the answer in one sentence; empty where there is none yet."""
        said, answer = self.said, self.work.answer
        if not said or (answer is None and self.expression):
            return ""
        if not self.expression:
            own = say("that is right") if self.was_right else say("that is not it")
            return f"{said}: {self.why or own}"
        why = f". {self.why}" if self.why else ""
        if answer is not None and answer.error is not None and not self._may_raise:
            return say(
                "you said {said}; {expression} raised {type}: {message}",
                said=said,
                expression=self.expression,
                type=answer.error.type,
                message=answer.error.message,
            )
        told = self.answer_text()
        if answer is None or answer.error is None or self.truth is not None:
            is_verb = told.startswith("raises")  # how a choice says it
            told = say("it {raises}", raises=told) if is_verb else say("it is {answer}", answer=told)
        elif answer.error is not None:
            told = say("it {raises}", raises=told)
        if self.was_right:
            return say("you said {said}, and {told}", said=said, told=told) + why
        return say("you said {said}, {told}", said=said, told=told) + why

    @property
    def _may_raise(self) -> bool:
        return isinstance(self.step, PredictStep) and self.step.takes_error

    @property
    def said(self) -> str:
        """The learner's prediction or choice as it is read; empty before there is one."""
        choice = self.work.choice
        return self.work.typed if choice is None else self.choices[choice]

    def answer_text(self) -> str:
        """The answer as the choices are written."""
        if self.truth is not None:
            return self.choices[self.truth]
        answer = self.work.answer
        if answer is None:
            return ""
        if answer.error is not None:
            return say("raises {type}", type=answer.error.type) if self._may_raise else answer.error.type
        return value_text(answer.value, answer.text, self.form)

    # ── exercises ────────────────────────────────────────────────────────────

    @property
    def has_code(self) -> bool:
        """There is code to read, to run or to write."""
        return bool(self.step.code.strip()) or self.graded is not None

    @property
    def graded(self) -> Graded | None:
        """The step, where its code is the learner's to write and is checked."""
        return self.step if isinstance(self.step, Graded) else None

    @property
    def parsons(self) -> ParsonsStep | None:
        """The step, where its code is lines to put in order."""
        return self.step if isinstance(self.step, ParsonsStep) else None

    @property
    def solution(self) -> str:
        """The solution as it may stand in the editor."""
        step = self.graded
        if isinstance(step, ParsonsStep):
            return with_rest(step.solution, step.lines)
        return step.solution.rstrip("\n") if step is not None else ""

    @property
    def hints(self) -> tuple[str, ...]:
        """The hints that the learner has asked for."""
        return self.graded.hints[: self.work.hints] if self.graded is not None else ()

    def take_hint(self) -> bool:
        """One hint more; False where there are no more."""
        if self.graded is None or self.work.hints >= len(self.graded.hints):
            return False
        self.work.hints += 1
        self._record(hints=self.work.hints)
        return True

    def show_solution(self) -> None:
        """The learner has seen the solution."""
        self.work.solution_shown = True
        self._record(solution_shown=True)

    def ran(self, run: Run) -> None:
        """The step's code has run; that does for a step which asks for no more."""
        expected = getattr(self.step, "raises", None)
        as_expected = expected is not None and run.error is not None and not run.cut_short
        asks_no_more = self.graded is None and (not self.asks or self.is_answered)
        answer = self.work.answer
        is_answer = self._may_raise and answer is not None and answer.error is not None
        if asks_no_more and (run.ok or as_expected or is_answer):
            self.finish()

    def finish(self) -> None:
        """The step is done."""
        if not self.work.done:
            self.work.done = True
            self._record(done=True)
