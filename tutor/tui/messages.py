"""What widgets and workers tell the screen. Messages carry data, never widgets."""

from __future__ import annotations

import asyncio
from typing import Literal

from textual.message import Message

from tutor.explain import Past
from tutor.facts import Shape, Snapshot
from tutor.session import Event, Paused
from tutor.session.recording import Recording
from tutor.tui.follow import RunKind
from tutor.tui.runner import Outcome

Source = Literal["table", "detail", "operations", "storage", "graph", "replay", "note"]


class KernelEvent(Message):
    """The session saw something while the learner's code ran, or its state changed."""

    def __init__(self, event: Event) -> None:
        self.event = event
        super().__init__()


class RunStarted(Message):
    """The learner's code is about to run on top of `before`, which `past` made; `recording` gets all that
    it writes."""

    def __init__(
        self, kind: RunKind, source: str, before: Snapshot, past: Past, recording: Recording
    ) -> None:
        self.kind = kind
        self.source = source
        self.before = before
        self.past = past
        self.recording = recording
        super().__init__()


class Waits(Message):
    """A run that is taken statement by statement waits for the next step."""

    def __init__(self, paused: Paused) -> None:
        self.paused = paused
        super().__init__()


class Prepared(Message):
    """A step's namespace is ready, or `fault` says what failed."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        super().__init__()


class RunFinished(Message):
    """A step's code or a line of the prompt has run; every event of it came earlier."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__()


class ChoiceMade(Message):
    """The learner predicts the choice at `index`."""

    def __init__(self, index: int) -> None:
        self.index = index
        super().__init__()


class PredictionTyped(Message):
    """The learner typed a prediction."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__()


class LineHeld(Message):
    """A line of those to be ordered was taken, or put down."""

    def __init__(self, held: bool) -> None:
        self.held = held
        super().__init__()


class LineEntered(Message):
    """The learner entered code at the prompt, or the answer to `input()`."""

    def __init__(self, text: str, *, answer: bool) -> None:
        self.text = text
        self.answer = answer
        super().__init__()


class InputEnded(Message):
    """The learner ended the input that the code waits for."""


class NameSelected(Message):
    """The learner chose the tensor `name`, in the table, a strip, the graph, or a note."""

    def __init__(self, name: str, source: Source) -> None:
        self.name = name
        self.source = source
        super().__init__()


class NodesWanted(Message):
    """Nodes of the graph are on the screen of which not all is known; numbers as graphs have them."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self.numbers = numbers
        super().__init__()


class NodePointed(Message):
    """The graph's cursor is at another node, or is no longer seen."""


class ElementSelected(Message):
    """The learner chose one element of the tensor `name`."""

    def __init__(self, name: str, index: Shape) -> None:
        self.name = name
        self.index = index
        super().__init__()


class ReplayMoved(Message):
    """The replay of a backward pass, called `title`, has come to the node of this number."""

    def __init__(self, node: int | None, title: str) -> None:
        self.node = node
        self.title = title
        super().__init__()


class TableListed(Message):
    """The tensor table shows `shown` names by the filter `typed`."""

    def __init__(self, typed: str, shown: int) -> None:
        self.typed = typed
        self.shown = shown
        super().__init__()


class StoreTrouble(Message):
    """What the learner does cannot be kept on disk; the sentence says why and what becomes of it."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__()


class CommandChosen(Message):
    """A command's key was pressed, or its name clicked; `obeyed` is set once it has been."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.obeyed = asyncio.Event()
        super().__init__()
