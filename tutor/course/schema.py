"""What a lesson is. Every struct is frozen and refuses keys that it does not know."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

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
    choices: Annotated[tuple[Choice, ...], Meta(min_length=2, max_length=9)]

    def index_of(self, value: Any) -> int | None:
        """Which choice a computed `value` is, or None where it is none of them."""
        return next((i for i, choice in enumerate(self.choices) if same_answer(choice, value)), None)


def same_answer(one: Any, other: Any) -> bool:
    """Whether two answers are one: as `==`, but True is not 1, nan is nan, and a tuple may be a list."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same_answer, one, other))
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return isinstance(one, int | float | str) and bool(one == other)


class ReadStep(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="read"):
    """Prose; code, where there is some, is there to be looked at and may be run."""

    id: Id
    prompt: Text
    code: str = ""


class RunStep(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="run"):
    """Code to run and watch; `after` is shown once it has run."""

    id: Id
    prompt: Text
    code: Text
    after: str = ""


class PredictStep(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="predict"):
    """A question about code that has not run yet; running it gives the answer."""

    id: Id
    prompt: Text
    code: Text
    ask: Ask
    after: str = ""


Step = ReadStep | RunStep | PredictStep

STEP_KINDS: dict[str, type[Struct]] = {"read": ReadStep, "run": RunStep, "predict": PredictStep}


class Lesson(Struct, frozen=True, forbid_unknown_fields=True):
    """One lesson. Each step starts from a fresh namespace in which `setup` has run."""

    schema: Literal[1]
    id: Id
    title: Line
    track: Line
    steps: Annotated[tuple[Step, ...], Meta(min_length=1)]
    requires: dict[str, Version] = field(default_factory=dict)
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    device: Literal["any", "sim", "cuda"] = "any"
    setup: str = ""
