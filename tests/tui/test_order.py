"""Keys take effect in the order in which they were pressed, however fast they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.terminal import Terminal
from tutor.course.store import SCRATCH, Store, draft_key


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """The app on a real terminal: Pilot waits after every key, a slow connection does not."""
    with Terminal("repl", "--no-spare") as terminal:
        terminal.wait_for("›")
        yield terminal


def test_editing_keys_in_a_burst(terminal: Terminal) -> None:
    terminal.send("\x1b")
    terminal.drain(0.3)
    terminal.send("# abc\x7fd ef\x1b[D\x1b[Dgh\x1b[F!;")
    terminal.wait_for("abd ghef!;")


def test_code_and_the_key_that_runs_it_in_one_burst(terminal: Terminal) -> None:
    terminal.send("\x1b")
    terminal.drain(0.3)
    terminal.send("print('si' + 'x' * 6)\x12")
    terminal.wait_for("sixxxxxx")


def test_choice_and_the_key_that_runs_the_code_in_one_burst() -> None:
    with Terminal("lesson", "graph-leaves", "--no-spare") as terminal:
        terminal.wait_for("1 of ")
        terminal.send("\x1b[19~")
        terminal.wait_for("choose before you run")
        terminal.send("2\x12")
        terminal.wait_for("you said")


def test_step_is_left_between_the_keys_before_and_those_after(tmp_path: Path) -> None:
    with Terminal("lesson", "view-reshape", "--no-spare", home=tmp_path) as terminal:
        terminal.wait_for("1 of ")
        terminal.drain(0.5)
        terminal.send("# first \x1b[19~# second \x1b[18~1 \x1b[19~2 ")
        terminal.wait_for("# second 2 ")
    with Store.open(tmp_path / "tutor.db", patience=5) as store:
        for step, typed in (("two-parts", "# first 1 "), ("same-input", "# second 2 ")):
            draft = store.draft(draft_key("view-reshape", step))
            assert draft is not None
            assert draft.text.startswith(typed)


def test_lines_of_the_prompt_in_one_burst(terminal: Terminal) -> None:
    terminal.send("v = 20\rw = v + 1\rprint(f'{w}{w}')\r")
    terminal.wait_for("2121")


def test_what_follows_a_key_that_moves_the_focus_goes_to_the_new_place(tmp_path: Path) -> None:
    with Terminal("repl", "--no-spare", home=tmp_path) as terminal:
        terminal.wait_for("›")
        terminal.drain(0.5)
        # An Escape that End follows is one at once, not the beginning of what is typed next.
        leave = "\x1b\x1b[F"
        terminal.send(f"one {leave}# two {leave}three {leave}four ")
        terminal.wait_for("four ")
    with Store.open(tmp_path / "tutor.db", patience=5) as store:
        editor, prompt = store.draft(SCRATCH), store.draft(f"{SCRATCH}/prompt")
    assert (editor and editor.text, prompt and prompt.text) == ("# two four ", "one three ")
