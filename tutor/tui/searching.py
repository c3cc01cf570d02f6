"""The command palette, Textual's own, in the language that is spoken."""

from __future__ import annotations

from rich.align import Align
from rich.text import Text
from textual.command import CommandList, CommandPalette
from textual.widgets.option_list import Option

from tutor.translation import say


class CommandSearch(CommandPalette):
    """Searches the commands by name."""

    def __init__(self) -> None:
        super().__init__(placeholder=say("Search for commands…"), id="--command-palette")

    def _start_no_matches_countdown(self, search_value: str) -> None:
        """Textual's row for a search without a match speaks English alone; this one is in its place."""
        self._stop_no_matches_countdown()

        def show() -> None:
            if search_value:
                said = Align.center(Text(say("No matches found"), style="not bold"))
                row = Option(said, disabled=True, id=self._NO_MATCHES)
                self.query_one(CommandList).add_option(row)
            self._list_visible = bool(search_value)

        self._no_matches_timer = self.set_timer(self._NO_MATCHES_COUNTDOWN, show)
