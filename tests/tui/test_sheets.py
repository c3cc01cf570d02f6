"""What lies over the page closes once, however fast the keys come."""

from __future__ import annotations

import pytest
from textual import events
from textual.screen import Screen

from tests.english import english_in
from tests.tui.conftest import Play, Player
from tutor.course.loader import find_lesson, load_lesson
from tutor.language import use_language
from tutor.tui.exporting import format_chooser
from tutor.tui.trust import TrustScreen
from tutor.tui.welcome import Welcome


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


def test_a_sheet_is_read_with_the_page_behind_it_before_it_is_painted(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.press("f9")
        await p.see("scratch.py")
        await p.press("f12")
        p.app.screen.refresh()
        assert "Commands" in p.screen[-1]

    play(story)


def on_top(p: Player) -> str:
    """What the uppermost screen shows, without what can be seen of the page around it."""
    strips = p.strips
    regions = [child.region for child in p.app.screen.displayed_children]
    rows = [strips[y].crop(each.x, each.right).text for each in regions for y in each.line_range]
    return "\n".join(rows)


def test_every_sheet_is_korean(play: Play, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that lies over the page has an English sentence, nor has the page."""
    monkeypatch.chdir(tmp_path)
    use_language("ko")
    path = find_lesson("view-reshape")
    lesson = load_lesson(path, "ko")

    seen: set[str] = set()

    async def story(p: Player) -> None:
        async def look(name: str) -> None:
            await p.pilot.pause(0.1)
            seen.add(type(p.app.screen).__name__)
            assert english_in(on_top(p)) == [], name

        assert p.bench.walk is not None
        p.bench.walk.go_to(next(step.id for step in lesson.steps if getattr(step, "solution", "")))
        p.bench.load_step()
        await p.enter("print('1\\n' * 100)")
        await p.settle()
        await p.code("x = torch.ones(3)\nx.add(1)\nx\n\n")
        await p.run()
        await look("the page")
        actions = ("help", "lessons", "palette", "go", "theme", "device", "steps", "progress", "solution")
        for action in (*actions, "why", "take_lesson", "docs", "find", "reset_code", "versions"):
            if action == "docs":  # what torch documents is English
                p.bench.editor.move_cursor(p.bench.editor.document.end)
            await p.bench.run_action(action)
            await look(action)
            await p.press("escape")
            await p.until(lambda: p.app.screen is p.bench, action)
        for screen in (format_chooser("y"), TrustScreen(lesson, path), Welcome(p.app.session)):
            await p.app.push_screen(screen)
            await look(type(screen).__name__)
            await p.press("escape")
        p.bench.repl.focus()
        for keys in (("ctrl+f", "q", "q"), ("escape", "ctrl+o", "q", "q")):
            await p.press(*keys)
            await p.pilot.pause(0.5)
            await look(" ".join(keys))
        await p.press("escape", "escape")
        p.bench.out.focus()
        await p.press("a")
        for keys in (("ctrl+f",), ("escape", "s"), ("enter",), ("s", "enter"), ("y",)):
            await p.press(*keys)
            await look("output " + " ".join(keys))

    try:
        play(story, (80, 24), lesson=lesson)
    finally:
        use_language("en")
    assert seen == {
        "BehindScreen", "Chooser", "CommandSearch", "DocumentationScreen", "FileScreen", "GoScreen",
        "HelpScreen", "HistorySearch", "OutputScreen", "ProgressScreen", "SolutionScreen", "TrustScreen",
        "Welcome", "Workbench",
    }  # fmt: skip
