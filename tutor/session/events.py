"""What a session tells its listener."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tutor.facts import LoopFacts, ScalarFacts, Step

State = Literal["starting", "idle", "busy", "paused", "stopping", "stuck", "dead"]


class SessionError(Exception):
    """The kernel cannot do what was asked; the text is one sentence for people."""


class StateChanged(Struct, frozen=True):
    """The session is now in `state`; `stuck` means that a stop has had no effect for 2 s.

    `paused`: a stepwise run waits between two statements, and questions are answered."""

    state: State


class Output(Struct, frozen=True):
    """Learner output, both streams in order; `skipped` bytes before this text were left out."""

    text: str
    skipped: int = 0


class StepStarted(Struct, frozen=True):
    """A statement begins; lines are 1-based and inclusive."""

    line: int
    end_line: int


class Paused(Struct, frozen=True):
    """A stepwise run waits before its statement `index`, counted from 0, of `total`."""

    line: int
    end_line: int
    index: int
    total: int


class Progressed(Struct, frozen=True):
    """How the running statement goes: its innermost line and function, loops, and scalars so far."""

    line: int
    function: str
    loops: tuple[LoopFacts, ...]
    scalars: tuple[ScalarFacts, ...]


class StepFinished(Struct, frozen=True):
    """A statement ended; all of its output came before."""

    step: Step


class InputAsked(Struct, frozen=True):
    """The learner's code waits in `input()`, or in `getpass()`, whose answer nobody is to see."""

    prompt: str
    hidden: bool = False


class Died(Struct, frozen=True):
    """The kernel is gone; `sentence` says how and the likely cause."""

    sentence: str


Event = StateChanged | Output | StepStarted | Paused | Progressed | StepFinished | InputAsked | Died
