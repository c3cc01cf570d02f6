"""Where the learner is in a lesson, and what is kept of each step: code, prediction, answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from tutor.course.schema import Lesson, PredictStep, Step
from tutor.facts import Evaluated


@dataclass
class StepWork:
    """What the learner did with one step."""

    code: str
    #: Index of the predicted choice.
    choice: int | None = None
    #: What running the code gave.
    answer: Evaluated | None = None
    #: The code ran to its end at least once.
    done: bool = False


@dataclass
class Walk:
    """A position in a lesson. Moving never loses code; nothing moves by itself."""

    lesson: Lesson
    index: int = 0
    #: Next was asked for at the last step.
    complete: bool = False
    _work: dict[str, StepWork] = field(default_factory=dict)

    @property
    def step(self) -> Step:
        return self.lesson.steps[self.index]

    @property
    def work(self) -> StepWork:
        """The learner's work on the current step."""
        return self._work.setdefault(self.step.id, StepWork(self.step.code))

    @property
    def at_end(self) -> bool:
        return self.index == len(self.lesson.steps) - 1

    def forward(self) -> bool:
        """Go to the next step; at the last one the lesson is complete and False is returned."""
        if self.at_end:
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
        """Forget the learner's work on the current step."""
        self._work[self.step.id] = StepWork(self.step.code)

    @property
    def must_choose(self) -> bool:
        """The step asks for a prediction that has not been made."""
        return isinstance(self.step, PredictStep) and self.work.choice is None

    def answered(self, answer: Evaluated) -> None:
        """Record what the expression of a predict step came to."""
        self.work.answer = answer

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
