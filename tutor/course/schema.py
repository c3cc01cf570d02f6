"""What a lesson is. Every struct is frozen and refuses keys that it does not know."""

from __future__ import annotations

import atexit
import gc
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tutor.course import parsons, predictions
from tutor.course.claims import CheckItem, Raises

SCHEMA = 1

#: Permanent names: ids are what progress is kept under.
Id = Annotated[str, Meta(pattern=r"^[a-z0-9-]+\Z")]
#: Text with something in it.
Text = Annotated[str, Meta(pattern=r"\S")]
#: Text for a single line of the screen.
Line = Annotated[str, Meta(pattern=r"^[^\n]*\S[^\n]*\Z")]
_BOUND = r" *(>=|<=|==|!=|>|<) *\d+(\.\d+)* *"
Version = Annotated[str, Meta(pattern=rf"^{_BOUND}(,{_BOUND})*\Z")]
Choice = bool | int | float | str | list[bool | int | float | str]


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """What the learner predicts: the value of `expr` once the step's code has run.

    The answer is computed by running, never written down, so a lesson cannot state a wrong one.
    """

    expr: Line
    #: What there is to choose from; without choices the learner types an answer of `form`.
    choices: Annotated[tuple[Choice, ...], Meta(max_length=9)] = ()
    #: What the learner reads for each choice, where its value alone says too little.
    labels: tuple[Line, ...] = ()
    form: predictions.Form | None = None

    @property
    def offered(self) -> tuple[Choice, ...]:
        """The choices; of a boolean they need not be written."""
        return self.choices or ((True, False) if self.form == "boolean" else ())

    @property
    def shown(self) -> tuple[str, ...]:
        """The choices as the learner reads them."""
        return self.labels or tuple(map(_written, self.offered))

    def index_of(self, value: Any) -> int | None:
        """Which choice a computed `value` is, or None where it is none of them."""
        return next((i for i, choice in enumerate(self.offered) if same_answer(choice, value)), None)

    def index_of_error(self, name: str, bases: Sequence[str] = ()) -> int | None:
        """Which choice says that an exception of the class `name` is raised; the most particular one."""
        found = [(i, predictions.read_raised(choice)) for i, choice in enumerate(self.offered)]
        fitting = [
            (not each.type, each.type != name, i)
            for i, each in found
            if each and predictions.fits_raised(each, name, bases)
        ]
        return min(fitting)[-1] if fitting else None


def same_answer(one: Any, other: Any) -> bool:
    """Whether two answers are one: as `==`, but True is not 1, nan is nan, and a tuple may be a list."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same_answer, one, other))
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return isinstance(one, int | float | str) and bool(one == other)


class _Step(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every step has."""

    id: Id
    prompt: Text


class ReadStep(_Step, frozen=True, tag="read"):
    """Prose; code, where there is some, is there to be looked at and may be run."""

    code: str = ""
    after: str = ""


class RunStep(_Step, frozen=True, tag="run"):
    """Code to run and watch; `after` is shown once it has run. `raises` says that an error is the point."""

    code: Text
    after: str = ""
    raises: Raises | None = None


class PredictStep(_Step, frozen=True, tag="predict"):
    """A question about code that has not run yet; running it gives the answer."""

    code: Text
    ask: Ask
    after: str = ""
    raises: Raises | None = None

    @property
    def takes_error(self) -> bool:
        """That the code raises can be the answer: what is typed may say so, or a choice that names the class.

        A choice that says `raises` alone speaks of an error only where the step expects one.
        """
        said = [raised for choice in self.ask.offered if (raised := predictions.read_raised(choice))]
        return not self.ask.offered or any(each.type or self.raises is not None for each in said)


class QuizChoice(Struct, frozen=True, forbid_unknown_fields=True):
    """A choice of a quiz; `why` says why it is right or wrong, `value` is what a computed answer must be."""

    text: Line
    why: str = ""
    value: Choice | UnsetType = UNSET


class QuizStep(_Step, frozen=True, tag="quiz"):
    """A question. The right choice is `answer`, counted from 0, or the one that `expr` computes.

    `expr` is evaluated once the code, if any, has run in the step's namespace.
    """

    choices: Annotated[tuple[QuizChoice | bool | int | float | Line, ...], Meta(min_length=2, max_length=9)]
    code: str = ""
    answer: Annotated[int, Meta(ge=0)] | None = None
    expr: Line | None = None
    after: str = ""

    @property
    def options(self) -> tuple[QuizChoice, ...]:
        """The choices, those written as a bare value among them."""
        return tuple(
            each if isinstance(each, QuizChoice) else QuizChoice(_written(each), value=each)
            for each in self.choices
        )

    def value_of(self, index: int) -> Choice:
        """What a choice stands for, in whatever language it is read."""
        option = self.options[index]
        return option.text if option.value is UNSET else option.value

    def index_of(self, value: Any) -> int | None:
        """Which choice a computed `value` is, or None where it is none of them."""
        return next((n for n in range(len(self.choices)) if same_answer(self.value_of(n), value)), None)


def _written(value: Choice) -> str:
    return value if isinstance(value, str) else repr(value)


class Mistake(Struct, frozen=True, forbid_unknown_fields=True):
    """A wrong answer that learners give, and the fact that it fails on."""

    code: Text
    fails: Line


Hints = Annotated[tuple[Text, ...], Meta(max_length=9)]


class ExerciseStep(_Step, frozen=True, tag="exercise"):
    """Code for the learner to write, and how to tell that it is right."""

    checks: Annotated[tuple[CheckItem, ...], Meta(min_length=1)]
    solution: Text
    starter: str = ""
    #: Earlier steps whose reference solution this one builds on.
    needs: tuple[Id, ...] = ()
    hints: Hints = ()
    accepts: tuple[Text, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    after: str = ""

    @property
    def code(self) -> str:
        """What the editor starts with."""
        return self.starter


class FixStep(_Step, frozen=True, tag="fix"):
    """Faulty code for the learner to put right."""

    checks: Annotated[tuple[CheckItem, ...], Meta(min_length=1)]
    code: Text
    solution: Text
    needs: tuple[Id, ...] = ()
    hints: Hints = ()
    accepts: tuple[Text, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    after: str = ""

    @property
    def starter(self) -> str:
        """What the editor starts with."""
        return self.code


class ParsonsStep(_Step, frozen=True, tag="parsons"):
    """Lines to put in order. They are those of the solution, shuffled, and `distractors` among them.

    Running decides what is right, so that every order that does what the checks ask is accepted.
    """

    solution: Text
    checks: Annotated[tuple[CheckItem, ...], Meta(min_length=1)]
    distractors: Annotated[tuple[Line, ...], Meta(max_length=9)] = ()
    needs: tuple[Id, ...] = ()
    hints: Hints = ()
    accepts: tuple[Text, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    after: str = ""

    @property
    def lines(self) -> list[str]:
        """The lines that there are."""
        return parsons.pool(self.solution, self.distractors)

    @property
    def code(self) -> str:
        """What the editor starts with: all lines, in an order that is not known to be right."""
        rights = [parsons.taken(answer) for answer in (self.solution, *self.accepts)]
        return "\n".join(parsons.shuffled(self.lines, self.id, rights))

    @property
    def starter(self) -> str:
        """What the editor starts with."""
        return self.code


Step = ReadStep | RunStep | PredictStep | QuizStep | ExerciseStep | FixStep | ParsonsStep
#: Steps whose code is the learner's to write, or to order, and is checked.
Graded = ExerciseStep | FixStep | ParsonsStep

STEP_KINDS: dict[str, type[_Step]] = {
    "read": ReadStep,
    "run": RunStep,
    "predict": PredictStep,
    "quiz": QuizStep,
    "exercise": ExerciseStep,
    "fix": FixStep,
    "parsons": ParsonsStep,
}


class Lesson(Struct, frozen=True, forbid_unknown_fields=True):
    """One lesson. Each step starts from a fresh namespace in which `setup` has run."""

    schema: Literal[1]
    id: Id
    title: Line
    track: Line
    steps: Annotated[tuple[Step, ...], Meta(min_length=1)]
    requires: dict[str, Version] = field(default_factory=dict)
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    device: Literal["any", "cpu", "sim", "cuda"] = "any"
    setup: str = ""


# msgspec 0.22 can crash when an ending interpreter collects structs with constraints (its issue 717).
# What is frozen is not collected then; the process ends either way.
atexit.register(gc.freeze)
