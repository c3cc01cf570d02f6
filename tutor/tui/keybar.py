"""The last line: the commands that can be used now, with their keys."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widget import Widget

from tutor.tui.commands import COMMANDS, Command
from tutor.tui.messages import CommandChosen

GAP = 2


def plain_label(command: Command) -> str:
    """A command's own label."""
    return command.label


def fitting(
    commands: list[Command], width: int, label: Callable[[Command], str] = plain_label
) -> list[Command]:
    """As many commands as fit whole into `width` cells, the lowest ranks first, in their own order."""
    chosen: list[Command] = []
    used = 0
    for command in sorted(commands, key=lambda c: c.rank or 0):
        cells = _cells(command, label)
        if used + cells <= width:
            chosen.append(command)
            used += cells + GAP
    return [command for command in commands if command in chosen]


def _cells(command: Command, label: Callable[[Command], str]) -> int:
    return cell_len(f"{command.key_text} {label(command)}")


class KeyBar(Widget):
    """Key and name of each command that `offers` names; a click does what the key does."""

    def __init__(self, offers: Callable[[str], bool], label: Callable[[Command], str] = plain_label) -> None:
        super().__init__()
        self._offers = offers
        self._label = label
        #: The commands that were drawn last, as they are called.
        self._said: list[tuple[str, str]] = []

    def _offered(self) -> list[Command]:
        return [c for c in COMMANDS if c.rank is not None and self._offers(c.action)]

    def on_mount(self) -> None:
        """Follow what can be used."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._look())

    def _look(self) -> None:
        """Draw other commands, or other names of them; with every key of the code they might be others."""
        said = [(command.action, self._label(command)) for command in self._offered()]
        if said != self._said:
            self._said = said
            self.refresh()

    def _places(self) -> list[tuple[int, Command]]:
        """Each command with its column; the palette, which finds all others, stands at the right."""
        places, x, width = [], 0, self.content_size.width
        for command in fitting(self._offered(), width, self._label):
            cells = _cells(command, self._label)
            places.append((width - cells if command.action == "palette" else x, command))
            x += cells + GAP
        return places

    def render(self) -> Content:
        """The commands that fit."""
        line = Content("")
        for x, command in self._places():
            line += " " * (x - line.cell_length)
            label = f" {self._label(command)}"
            line += Content.assemble((command.key_text, "$accent bold"), (label, "$label"))
        return line

    def on_click(self, event: events.Click) -> None:
        """Find the command under the pointer."""
        x = event.x - self.gutter.left
        for start, command in self._places():
            if start <= x < start + _cells(command, self._label):
                self.post_message(CommandChosen(command.action))
