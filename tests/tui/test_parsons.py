"""Putting lines in order with the keys, and being told what the order does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.conftest import Play, Player
from tutor.course.parsons import fits, taken
from tutor.course.schema import Lesson, ParsonsStep
from tutor.course.store import Store

SOLUTION = "a = torch.ones(2)\nb = a * 2\nc = b.sum()"


@pytest.fixture
def order(one_step: Callable[..., Lesson]) -> Lesson:
    return one_step(
        kind="parsons",
        prompt="Put them in order.",
        solution=SOLUTION,
        distractors=["b = a.cut(2)"],
        checks=[{"var": "c", "equals": "torch.tensor(4.)"}],
        hints=["What is there first?"],
        after="From top to bottom.",
    )


async def sort(p: Player, wanted: list[str]) -> None:
    """Carry each line to its place, and leave out the rest, as somebody at the keyboard would."""
    editor = p.bench.editor
    for target, line in enumerate(wanted):
        at = list(editor.document.lines).index(line)
        await p.press(*["up"] * 9, *["down"] * at, "space", *["up"] * (at - target), "enter")
    for row in range(len(wanted), editor.document.line_count):
        await p.press(*["up"] * 9, *["down"] * row, "x")


def test_lines_are_carried_left_out_and_checked(play: Play, order: Lesson, store: Store) -> None:
    async def story(p: Player) -> None:
        await p.see("space takes a line, x leaves it out")
        step = order.steps[0]
        assert isinstance(step, ParsonsStep)
        before = p.bench.editor.text
        await p.press("space")
        await p.see("↑↓ move the line, space puts it down")
        await p.press("space")
        await p.burst(*"print(1)", "ctrl+k", "ctrl+w", "ctrl+u")
        p.bench.editor.post_message(paste("zzz"))
        await p.pilot.pause()
        assert fits(p.bench.editor.text, step.lines), p.bench.editor.text
        p.bench.editor.text = before
        await p.press("ctrl+t")
        await p.settle()
        assert not store.progress("made")["only"].done
        await sort(p, SOLUTION.split("\n"))
        assert taken(p.bench.editor.text) == SOLUTION.split("\n")
        assert p.bench.editor.document.lines[3] == "# b = a.cut(2)"
        await p.press("ctrl+t")
        await p.settle()
        await p.see("The check holds.", "From top to bottom.")
        assert store.progress("made")["only"].done
        await p.press("ctrl+z")
        assert p.bench.editor.document.lines[3] == "b = a.cut(2)"
        await p.press("ctrl+z")
        assert p.bench.editor.document.lines[3] == "b = a.cut(2)"
        assert taken(p.bench.editor.text) != SOLUTION.split("\n")

    async def later(p: Player) -> None:
        assert "b = a.cut(2)" in p.text
        p.bench.action_solution()
        await p.pilot.pause()
        await p.press("enter")
        await p.until(lambda: taken(p.bench.editor.text) == SOLUTION.split("\n"))
        step = order.steps[0]
        assert isinstance(step, ParsonsStep)
        assert fits(p.bench.editor.text, step.lines)
        await p.press("tab")
        assert p.app.focused is not p.bench.editor

    play(story, (80, 24), lesson=order)
    play(later, (80, 24), lesson=order)


def test_a_draft_of_other_lines_gives_way_to_those_that_the_lesson_has_now(
    play: Play, order: Lesson, store: Store
) -> None:
    store.save_draft("made/only", "old = 1\nolder = 2", (0, 0))

    async def story(p: Player) -> None:
        step = order.steps[0]
        assert p.bench.editor.text == step.code
        await p.press("ctrl+n")
        await p.see("What is there first?")

    play(story, (80, 24), lesson=order)


def paste(text: str):
    from textual.events import Paste

    return Paste(text)
