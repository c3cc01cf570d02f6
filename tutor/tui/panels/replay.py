"""The statement's backward passes, node by node in the order in which they ran."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.binding import Binding

from tutor.facts import BackwardFacts
from tutor.translation import later, say
from tutor.tui.messages import NameSelected, ReplayMoved
from tutor.tui.names_view import NamesView
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.shown import Shown
from tutor.view.replay import count, name_at, node_at, replay_lines, title_of

KEYS = (("← →", later("node")), ("p n", later("pass")))


class ReplayView(NamesView):
    """Left and right go from node to node, n and p from pass to pass; the name there is selected."""

    BINDINGS = [
        Binding("right", "step(1)", show=False),
        Binding("left", "step(-1)", show=False),
        Binding("home", "step(-1000000)", show=False),
        Binding("end", "step(1000000)", show=False),
        Binding("n", "other(1)", show=False),
        Binding("p", "other(-1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("replay", id="replay")
        self.shown = Shown()
        self._passes: Sequence[BackwardFacts] = ()
        self._which = 0
        self._node = 0

    @property
    def backward(self) -> BackwardFacts | None:
        """The pass that is shown."""
        return self._passes[self._which] if self._passes else None

    @property
    def several(self) -> bool:
        """There are passes to choose among."""
        return len(self._passes) > 1

    @property
    def title(self) -> str:
        """Which pass it is."""
        backward = self.backward
        return "" if backward is None else title_of(backward)

    def show_passes(self, shown: Shown) -> None:
        """Replace all; the place is kept while the passes are the same ones."""
        self.shown = shown
        if [one.seq for one in shown.passes] != [one.seq for one in self._passes]:
            # The last one went through the graph that is still there to be shown.
            self._node, self._which = 0, max(0, len(shown.passes) - 1)
        self._passes = shown.passes
        self.draw()

    def draw(self) -> None:
        """The node where the replay stands."""
        backward = self.backward
        if backward is None:
            self.show_lines([])
            return
        lines = replay_lines(backward, self._node, self.shown.snapshot, self.palette, self.room)
        keys = Text()
        for key, word in KEYS[: 1 + self.several]:
            keys.append(f"{key} ", f"bold {self.palette.accent}").append(f"{say(word)}  ", self.palette.label)
        self.show_lines([*lines, keys] if count(backward) > 1 or self.several else lines)

    def action_step(self, by: int) -> None:
        """To another node of the pass."""
        backward = self.backward
        if backward is not None:
            self._node = max(0, min(self._node + by, count(backward) - 1))
            self._tell(backward)

    def action_other(self, by: int) -> None:
        """To another pass."""
        if self._passes:
            self._which = max(0, min(self._which + by, len(self._passes) - 1))
            backward = self._passes[self._which]
            self._node = max(0, min(self._node, count(backward) - 1))
            self._tell(backward)

    def _tell(self, backward: BackwardFacts) -> None:
        self.draw()
        self.post_message(ReplayMoved(node_at(backward, self._node), title_of(backward)))
        name = name_at(backward, self._node)
        if name in self.shown.snapshot.tensors:
            self.post_message(NameSelected(name, "replay"))


class ReplayPanel(Drawn):
    """Hidden where no pass was recorded."""

    def __init__(self) -> None:
        self._lines = ReplayView()
        super().__init__(later("replay"), self._lines)

    def draw(self, shown: Shown) -> None:
        """The pass that was looked at, or the last."""
        self.display = bool(shown.passes)
        self._lines.show_passes(shown)
        backward = self._lines.backward
        if backward is not None:
            self.heading.fact = self._lines.title
