"""What lies over the page closes once, however fast the keys come."""

from __future__ import annotations

import pytest
from textual import events
from textual.screen import Screen

from tests.tui.conftest import Play, Player


def send(p: Player, *keys: str) -> None:
    """Keys as a terminal sends them: nobody waits between them."""
    for key in keys:
        p.app.post_message(events.Key(key, None))


@pytest.mark.parametrize(
    ("opens", "closes"),
    [("ctrl+o", "escape"), ("ctrl+l", "escape"), ("f6", "x"), ("f6", "1"), ("f12", "q")],
)
def test_closing_twice_in_one_burst_takes_nothing_else_away(play: Play, opens: str, closes: str) -> None:
    async def story(p: Player) -> None:
        await p.press("f9")
        await p.see("scratch.py")
        scratch: Screen[object] = p.app.screen
        for _ in range(5):
            await p.press(opens)
            assert p.app.screen is not scratch
            send(p, closes, closes, closes)
            await p.until(lambda: p.app.screen is scratch, "the scratch page")
            await p.pilot.pause(0.1)
            assert p.app.screen is scratch

    play(story)


def test_commands_and_sheets_in_one_burst_leave_a_page_that_works(play: Play) -> None:
    async def story(p: Player) -> None:
        keys = ("ctrl+o", "escape", "f9", "f6", "x", "x", "f9", "ctrl+l", "escape", "f12", "f9", "escape")
        for _ in range(5):
            send(p, *keys)
            await p.pilot.pause(0.2)
        await p.press("escape")
        await p.until(lambda: p.app.screen is p.bench, "a page")
        await p.settle()
        await p.enter("print('si' + 'x' * 6)")
        await p.see("sixxxxxx")

    play(story)
