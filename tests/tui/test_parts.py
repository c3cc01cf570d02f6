"""The parts that know no screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from tutor.facts import ErrorFacts, Run
from tutor.tui import status
from tutor.tui.command_line import incomplete
from tutor.tui.commands import COMMANDS
from tutor.tui.keybar import fitting
from tutor.tui.lines import fold, wrap
from tutor.tui.placement import place_notes
from tutor.tui.themes import choices, suitable
from tutor.view.notes import Note

LINES = st.lists(st.sampled_from(["a = 1", "b = 2", "", "c = a + b", "print(c)"]), max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60)


@given(LINES, LINES)
def test_note_stays_on_a_line_that_exists_and_is_fresh_only_above_the_first_edit(ran, now) -> None:
    notes = {line: Note(1, f"note {line}") for line in range(len(ran))}
    first_edit = next(
        (i for i, (a, b) in enumerate(zip(ran, now, strict=False)) if a != b), min(len(ran), len(now))
    )
    for line, placed in place_notes(ran, now, notes).items():
        assert 0 <= line < len(now)
        fresh = ran == now or line < first_edit
        assert placed.stale is not fresh
        if fresh:
            assert placed.note == notes[line]


@given(LINES)
def test_notes_of_unchanged_code_stay_where_they_are(ran) -> None:
    notes = {line: Note(1, str(line)) for line in range(len(ran))}
    placed = place_notes(ran, ran, notes)
    assert {line: p.note for line, p in placed.items()} == notes


def test_note_moves_with_its_line() -> None:
    placed = place_notes(["a", "b", "c"], ["a", "new", "b", "c"], {0: Note(1, "a"), 2: Note(2, "c")})
    assert [(line, p.note.text, p.stale) for line, p in placed.items()] == [(0, "a", False), (3, "c", True)]


def test_notes_between_two_edits_stay_with_their_lines() -> None:
    ran = ["a = 1", "b = 2", "c = 3", "d = 4", "e = 5"]
    notes = {line: Note(1, text[0]) for line, text in enumerate(ran)}
    for now, rows in (
        (["a = 1", "new", "b = 2", "c = 3", "d = 4", "e = 50"], {0: "a", 2: "b", 3: "c", 4: "d", 5: "e"}),
        (["a = 10", "c = 3", "d = 4", "e = 50"], {0: "a", 1: "c", 2: "d", 3: "e"}),
        (["x", "a = 1", "b = 2", "c = 3", "d = 4", "e = 50", "y"], {1: "a", 2: "b", 3: "c", 4: "d", 5: "e"}),
    ):
        assert {line: placed.note.text for line, placed in place_notes(ran, now, notes).items()} == rows


@given(TEXTS, st.integers(2, 30))
def test_folding_loses_nothing_and_fits(text: str, width: int) -> None:
    rows = fold(Text(text), width)
    assert "".join(row.plain for row in rows) == text
    assert all(cell_len(row.plain) <= width for row in rows)


@given(TEXTS, st.integers(2, 30))
def test_wrapping_loses_only_spaces_and_fits(text: str, width: int) -> None:
    rows = wrap(Text(text), width)
    assert "".join(row.plain for row in rows).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(row.plain) <= width for row in rows)


def test_wrapping_breaks_between_words() -> None:
    assert [row.plain for row in wrap(Text("one two three"), 8)] == ["one two", "three"]


@pytest.mark.parametrize(
    ("source", "more"),
    [
        ("1 + 1", False),
        ("for i in x:", True),
        ("for i in x:\n    pass", True),
        ("for i in x:\n    pass\n", False),
        ("for i in x:\n    pass\n    ", False),
        ("for i in x:\n    ", True),
        ("f(", True),
        ("x = (1,\n2)", False),
        ("await f()", False),
        ("1 +", False),
        ("a = 1\nb = 2", False),
        ("'''", True),
        ("\0", False),
    ],
)
def test_whether_python_wants_another_line(source: str, more: bool) -> None:
    assert incomplete(source) is more


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (3.24, "3.2 s"),
        (59.96, "1 m 00 s"),
        (125, "2 m 05 s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert status.duration(seconds) == text


def test_heading_says_what_the_run_came_to() -> None:
    ran = Run("x", "f.py", (), None, 0.012)
    failed = Run("x", "f.py", (), ErrorFacts("ValueError", "no", 3), 0.012)
    stopped = Run("x", "f.py", (), ErrorFacts("KeyboardInterrupt", "", 2), 3.2)
    assert status.idle_fact("idle", None, edited=False, empty=False) == "^r to run"
    assert status.idle_fact("idle", ran, edited=False, empty=False) == "ran in 12 ms"
    assert status.idle_fact("idle", ran, edited=True, empty=False) == "edited, ^r to run"
    assert status.idle_fact("idle", failed, edited=False, empty=False) == "ValueError at line 3"
    assert status.idle_fact("idle", stopped, edited=False, empty=False) == "stopped at line 2 after 3.2 s"
    assert status.idle_fact("dead", ran, edited=False, empty=False) == "no kernel · ^\\ restarts it"
    assert status.running_fact("busy", 3.2) == "running 3.2 s · f4 stop"
    assert status.running_fact("stuck", 9) == "does not stop · ^\\ restarts the kernel"


def test_no_key_is_used_twice_or_taken_by_terminals() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    shared = {key for key in keys if keys.count(key) > 1}
    assert shared == {"escape"}, "at an earlier moment it goes back to now, else to the prompt and back"
    taken = "ctrl+b ctrl+e ctrl+g ctrl+k ctrl+p ctrl+s ctrl+enter f1 f3 f5 f10 f11"
    assert not set(taken.split()) & set(keys)
    assert all(command.help.endswith(".") for command in COMMANDS)


@given(st.integers(10, 200))
def test_key_bar_shows_whole_commands_and_drops_the_least_needed(width: int) -> None:
    ranked = [command for command in COMMANDS if command.rank is not None]
    shown = fitting(ranked, width)
    cells = sum(len(c.key_text) + 1 + len(c.label) + 2 for c in shown) - 2
    assert cells <= max(width, 0) or not shown
    assert [c for c in ranked if c in shown] == shown
    if width >= 10:
        assert shown[0].action == "run"


def test_sixteen_colours_or_none_get_the_terminals_own() -> None:
    assert suitable("standard", False, "") == "ansi"
    assert suitable("standard", True, "") == "ansi"
    assert suitable("truecolor", False, "") == "ink"
    assert suitable("truecolor", False, "paper") == "paper"
    assert suitable("truecolor", True, "paper") == "ansi"
    assert suitable("truecolor", False, "no such theme") == "ink"
    assert [name for name, _ in choices(no_color=False)] == ["ink", "paper", "ansi"]
    assert [name for name, _ in choices(no_color=True)] == ["ansi"]
