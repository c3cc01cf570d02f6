"""What the inspector shows: one moment of the namespace, one selected name, what the kernel said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tutor.facts import (
    BackwardFacts,
    Change,
    Explanation,
    GraphHistory,
    GraphOutline,
    Shape,
    Snapshot,
    Step,
    TensorFacts,
)
from tutor.session import Progressed
from tutor.tui.chronicle import Moment
from tutor.view.detail import Known
from tutor.view.places import Focus, has_element, spot
from tutor.view.strips import Ranges


@dataclass(frozen=True)
class Past:
    """An earlier moment that is looked at, and what the rules say of its statement."""

    moment: Moment
    explanations: Sequence[Explanation] = ()
    #: Graphs as they were, put together from the records.
    graphs: GraphHistory = field(default_factory=GraphHistory)


@dataclass(frozen=True)
class Live:
    """How the running statement goes, and for how many seconds the run has gone on."""

    progress: Progressed
    elapsed: float = 0.0


@dataclass(frozen=True)
class Shown:
    """Everything that the panels are drawn from."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    changes: Sequence[Change] = ()
    #: Element ranges that the run wrote, by block.
    written: Mapping[int, Ranges] = field(default_factory=dict)
    #: The statement that has just run at this moment; None before any has.
    step: Step | None = None
    #: The earlier moment that all this is of; None where it is of now.
    past: Past | None = None
    #: The running statement, once it is worth a look.
    live: Live | None = None
    #: Backward passes that can be replayed, and the node at which a replay stands.
    passes: Sequence[BackwardFacts] = ()
    replayed: int | None = None
    #: The statement whose scalars are shown while nothing runs.
    course: Step | None = None
    #: Names that an explanation of the last run is about.
    evidence: tuple[str, ...] = ()
    #: The code is run one statement at a time.
    stepped: bool = False
    #: The name that the learner chose; empty until then.
    chosen: str = ""
    #: The element that the learner chose, and of which name; None until then.
    index: Shape | None = None
    index_of: str = ""
    #: What the kernel said of `name`, while its facts were `known_of`: other facts, other values.
    known: Known = field(default_factory=Known)
    known_of: TensorFacts | None = None
    #: The name in whose graph another was chosen, and the graph that came last.
    graph_of: str = ""
    graph: GraphOutline | None = None

    @property
    def name(self) -> str:
        """The chosen name, else of one statement the one that it touched, else what an explanation is about,
        else the newest that has a grad_fn, else the first; empty where there is none."""
        tensors = self.snapshot.tensors
        if self.chosen in tensors:
            return self.chosen
        if self.touched:
            return self.touched
        if self.lit:
            return self.lit[0]
        made = [name for name in reversed(tensors) if tensors[name].grad_fn]
        return min(made, key=lambda name: not name.isidentifier(), default=next(iter(tensors), ""))

    @property
    def lit(self) -> tuple[str, ...]:
        """The names of the evidence that are there now."""
        there = self.snapshot.tensors if self.past is None else {}
        return tuple(name for name in self.evidence if name in there)

    @property
    def touched(self) -> str:
        """The variable that the statement made or wrote last, where one statement is what is looked at."""
        if self.step is None or not (self.stepped or self.past is not None):
            return ""
        kinds = ("new", "rebound", "written")
        names = (change.name for change in reversed(self.step.changes) if change.kind in kinds)
        return next((name for name in names if name.isidentifier() and name in self.snapshot.tensors), "")

    @property
    def facts(self) -> TensorFacts | None:
        """The facts of `name`."""
        return self.snapshot.tensors.get(self.name)

    @property
    def element(self) -> Shape | None:
        """The chosen element of `name`, if it is there."""
        facts = self.facts
        here = facts is not None and self.index is not None and self.index_of == facts.name
        return self.index if here and facts is not None and has_element(facts, self.index or ()) else None

    @property
    def known_now(self) -> Known:
        """What is known of `name` at this moment: what the kernel said of other facts is not."""
        known = self.known if self.known_of == self.facts else Known()
        return replace(known, index=self.element)

    @property
    def focus(self) -> Focus:
        """What is selected, for drawings of memory."""
        element = self.element
        lit = spot(self.name, element, self.snapshot) if element is not None else None
        return Focus(self.chosen or self.touched, lit, self.known_now.values)

    @property
    def root(self) -> str:
        """The name whose graph is shown: the chosen one, or the one in whose graph it was chosen."""
        return self.graph_of if self.graph_of in self.snapshot.tensors else self.name
