"""The parent's handle of a kernel: start, run, stream of records, interrupt, restart, warm spare, death."""

from tutor.session.events import (
    Died,
    Event,
    InputAsked,
    Output,
    Paused,
    Progressed,
    SessionError,
    State,
    StateChanged,
    StepFinished,
    StepStarted,
)
from tutor.session.process import KernelOptions
from tutor.session.requests import Pace
from tutor.session.session import Session

__all__ = [
    "Died",
    "Event",
    "InputAsked",
    "KernelOptions",
    "Output",
    "Pace",
    "Paused",
    "Progressed",
    "Session",
    "SessionError",
    "State",
    "StateChanged",
    "StepFinished",
    "StepStarted",
]
