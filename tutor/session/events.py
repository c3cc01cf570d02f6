"""What a session tells its listener."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tutor.facts import Step

State = Literal["starting", "idle", "busy", "stopping", "stuck", "dead"]


class SessionError(Exception):
    """The kernel cannot do what was asked; the text is one sentence for people."""


class StateChanged(Struct, frozen=True):
    """The session is now in `state`; `stuck` means that a stop has had no effect for 2 s."""

    state: State


class Output(Struct, frozen=True):
    """Learner output, both streams in order; `skipped` bytes before this text were left out."""

    text: str
    skipped: int = 0


class StepStarted(Struct, frozen=True):
    """A statement begins; lines are 1-based and inclusive."""

    line: int
    end_line: int


class StepFinished(Struct, frozen=True):
    """A statement ended; all of its output came before."""

    step: Step


class InputAsked(Struct, frozen=True):
    """The learner's code waits in `input()`."""

    prompt: str


class Died(Struct, frozen=True):
    """The kernel is gone; `sentence` says how and the likely cause."""

    sentence: str


Event = StateChanged | Output | StepStarted | StepFinished | InputAsked | Died
