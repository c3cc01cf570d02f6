"""Where the learner is in a lesson, and what is kept of each step: code, prediction, answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

from tutor.course.schema import Lesson, PredictStep, Step
from tutor.course.store import StepFacts, StepProgress, Store, draft_key
from tutor.course.walk import step_code
from tutor.facts import Evaluated


@dataclass
class StepWork:
    """What the learner did with one step."""

    #: Index of the predicted choice.
    choice: int | None = None
    #: What running the code gave.
    answer: Evaluated | None = None
    #: The code ran to its end at least once.
    done: bool = False


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
        ask = self.step.ask if isinstance(self.step, PredictStep) else None
        choice = ask.index_of(known.prediction) if ask is not None else None
        return StepWork(choice=choice, done=known.done)

    def arrive(self) -> None:
        """The current step is being shown: remember that the learner got here."""
        self._store.set_setting("lesson", self.lesson.id)
        self._store.set_setting(self._place, self.step.id)
        self._store.record(self.lesson.id, self.step.id, visited=True)

    def forward(self) -> bool:
        """Go to the next step; at the last one the lesson is complete and False is returned.

        A step that has nothing to run is done when the learner goes on from it."""
        if not step_code(self.step):
            self.ran(ok=True)
        if self.index == len(self.lesson.steps) - 1:
            self.complete = True
            return False
        self.index += 1
        return True

    def back(self) -> bool:
        """Go to the previous step; False at the first."""
        self.complete = False
        if self.index == 0:
            return False
        self.index -= 1
        return True

    def reset(self) -> None:
        """Forget the learner's answers to the current step; that it was done once stays known."""
        self._work[self.step.id] = StepWork()

    def choose(self, index: int) -> None:
        """Keep the learner's prediction."""
        if isinstance(self.step, PredictStep):
            self.work.choice = index
            choice: Any = self.step.ask.choices[index]
            self._record(prediction=choice)

    def ran(self, *, ok: bool) -> None:
        """The step's code ran, to its end or not."""
        if ok and not self.work.done:
            self.work.done = True
            self._record(done=True)

    def _record(self, **facts: Unpack[StepFacts]) -> None:
        self._store.record(self.lesson.id, self.step.id, **facts)

    @property
    def must_choose(self) -> bool:
        """The step asks for a prediction that has not been made."""
        return isinstance(self.step, PredictStep) and self.work.choice is None

    def answered(self, answer: Evaluated) -> None:
        """Record what the expression of a predict step came to."""
        self.work.answer = answer
        self._record(right=self.was_right)

    @property
    def truth(self) -> int | None:
        """Index of the choice that the answer is, or None: not run, failed, or none of the choices."""
        step, answer = self.step, self.work.answer
        if not isinstance(step, PredictStep) or answer is None or answer.error is not None:
            return None
        return step.ask.index_of(answer.value)

    @property
    def was_right(self) -> bool:
        """The prediction and the answer are one."""
        return self.truth is not None and self.truth == self.work.choice

    def verdict(self) -> str:
        """The prediction beside the answer in one sentence; empty where there is none yet."""
        step, work = self.step, self.work
        if not isinstance(step, PredictStep) or work.choice is None or work.answer is None:
            return ""
        said = choice_text(step.ask.choices[work.choice])
        if work.answer.error is not None:
            error = work.answer.error
            return f"you said {said}; {step.ask.expr} raised {error.type}: {error.message}"
        if self.was_right:
            return f"you said {said}, and it is {said}"
        return f"you said {said}, it is {self.answer_text()}"

    def answer_text(self) -> str:
        """The answer as the choices are written."""
        if self.truth is not None and isinstance(self.step, PredictStep):
            return choice_text(self.step.ask.choices[self.truth])
        answer = self.work.answer
        if answer is None:
            return ""
        return answer.text if answer.error is None else answer.error.type


def choice_text(choice: object) -> str:
    """A choice for people: text as it is, everything else as Python writes it."""
    return choice if isinstance(choice, str) else repr(choice)
