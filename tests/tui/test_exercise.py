"""Exercises and quizzes: checks, hints, the solution, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.conftest import Play, Player
from tutor.course.schema import Lesson

CHECKS = [
    {"var": "v", "shape": [2, 3]},
    {"var": "v", "shares_memory": "x", "else": "`v` holds its own copy."},
]


@pytest.fixture
def exercise(one_step: Callable[..., Lesson]) -> Lesson:
    return one_step(
        kind="exercise",
        starter="x = torch.arange(6.)\nv = ____",
        checks=CHECKS,
        hints=["Same memory, new shape.", "See `Tensor.view`."],
        solution="x = torch.arange(6.)\nv = x.view(2, 3)",
        after="A view copies nothing.",
    )


def test_failed_check_says_what_and_where_and_lights_the_cell(play: Play, exercise: Lesson) -> None:
    async def story(p: Player) -> None:
        await p.code("x = torch.arange(6.)\nv = x.view(3, 2)")
        await p.press("ctrl+t")
        await p.settle()
        await p.see("1 of 2 checks hold.")
        told = p.text[p.text.index("✗") :]
        assert "2, 3" in told
        assert "3, 2" in told
        assert "x.view(3, 2)" in told
        assert "A view copies nothing." not in p.text
        lit = [
            text
            for strip in p.strips
            for text, style, _ in strip
            if style is not None and style.reverse and "[3, 2]" in text
        ]
        assert lit, "the cell of the shape is not lit"
        await p.run()
        assert not p.bench.store.progress("made")["only"].done, "running is not checking"

    play(story, lesson=exercise)


def test_a_failed_check_is_read_from_its_beginning(play: Play, one_step: Callable[..., Lesson]) -> None:
    told = " ".join(f"word{n:02}" for n in range(40))
    long = one_step(
        kind="exercise",
        prompt="# Make it\n\n" + "A long text. \n\n" * 9,
        starter="x = torch.arange(6.)\nv = ____",
        checks=[{"var": "v", "shape": [2, 3], "else": told}],
        hints=["One.\n\nAnd\n\nmore."],
        solution="x = torch.arange(6.)\nv = x.view(2, 3)",
    )

    async def story(p: Player) -> None:
        await p.press("ctrl+n")
        await p.code("x = torch.arange(6.)\nv = x\n" + "a = 1\n" * 8)
        await p.press("ctrl+t")
        await p.settle()
        await p.see("word00", "word39")

    play(story, (80, 24), lesson=long)


def test_code_with_a_gap_is_not_run_by_a_check_but_shown_where_it_is(play: Play, exercise: Lesson) -> None:
    async def story(p: Player) -> None:
        p.bench.editor.move_cursor((0, 0))
        await p.press("ctrl+t")
        await p.see("There is a gap left in line 2: write your code for ____.")
        assert p.bench.last_run is None
        assert p.bench.editor.selected_text == "____"
        await p.press(*"x.view(2, 3)", "ctrl+t")
        await p.settle()
        await p.see("All 2 checks hold.")

    play(story, lesson=exercise)


def test_lessons_own_sentence_is_told_and_the_right_answer_passes(play: Play, exercise: Lesson) -> None:
    async def story(p: Player) -> None:
        await p.code("x = torch.arange(6.)\nv = x.view(2, 3).clone()")
        await p.press("ctrl+t")
        await p.settle()
        await p.see("v holds its own copy.")
        await p.code("x = torch.arange(6.)\nanother = x.reshape(3, 2)\nv = another.view(2, 3)")
        await p.press("ctrl+t")
        await p.settle()
        await p.see("✓ All 2 checks hold.", "A view copies nothing.")
        assert p.bench.store.progress("made")["only"].done

    play(story, lesson=exercise)


def test_the_verdict_is_in_sight_when_an_error_before_it_had_made_the_output_tall(
    play: Play, exercise: Lesson
) -> None:
    async def story(p: Player) -> None:
        for _ in range(2):
            await p.code("x = torch.arange(6.)\nv = x.view(4)")
            await p.press("ctrl+t")
            await p.settle()
            await p.see("RuntimeError")
        await p.code("x = torch.arange(6.)\nv = x.view(2, 3)")
        await p.press("ctrl+t")
        await p.settle()
        await p.see("✓ All 2 checks hold.")

    play(story, lesson=exercise)


def test_the_line_whose_effect_is_wrong_is_marked_until_it_is_edited(play: Play, exercise: Lesson) -> None:
    async def story(p: Player) -> None:
        await p.code("x = torch.arange(6.)\nv = x.view(2, 3)\nv = v.clone()\nprint(v.sum())")
        await p.press("ctrl+t")
        await p.settle()
        await p.see("Line 3 gave v another value: v = v.clone()")
        marked = [row for row in p.screen if "✗" in row and "v.clone()" in row and "Line 3" not in row]
        assert len(marked) == 1
        assert sum("✗" in row for row in p.screen) == 2, "only that line, and the verdict"
        p.bench.editor.replace("v = v * 1", (2, 0), (2, 13))
        await p.still()
        assert sum("✗" in row for row in p.screen) == 1
        await p.run()
        assert "✗" not in p.row("v = v * 1")

    play(story, lesson=exercise)


def test_the_error_of_checked_code_is_told_once(play: Play, exercise: Lesson) -> None:
    async def story(p: Player) -> None:
        await p.code("x = torch.arange(6.)\nv = x.gone()")
        await p.press("ctrl+t")
        await p.settle()
        await p.see("✗ The code did not come to its end, so nothing is checked yet.")
        assert p.text.count("object has no attribute") == 1
        assert "checks hold" not in p.text
        assert "check does not hold" not in p.text

    play(story, lesson=exercise)


def test_unfinished_and_raising_code_is_no_answer(play: Play, exercise: Lesson) -> None:
    async def story(p: Player) -> None:
        await p.code("v = nothing")
        await p.press("ctrl+t")
        await p.settle()
        await p.see("NameError")
        assert "All 2" not in p.text
        await p.code("")
        await p.press("ctrl+t")
        await p.settle()
        assert not p.bench.store.progress("made")["only"].done

    play(story, lesson=exercise)


def test_what_is_new_in_the_text_is_scrolled_to(play: Play, one_step: Callable[..., Lesson]) -> None:
    prompt = "\n\n".join(f"Paragraph {n} of the text." for n in range(8))
    hints = [f"The advice that comes at place {n}, on lines of its own." for n in range(1, 5)]
    choices = [{"text": "one", "why": "It is."}, {"text": "two", "why": "No."}]
    quiz = one_step(kind="quiz", prompt=prompt, choices=choices, answer=0, after="Said afterwards.")
    exercise = one_step(
        kind="exercise", prompt=prompt, starter="____", checks=CHECKS, hints=hints, solution="v = 1"
    )

    async def answer(p: Player) -> None:
        assert "Said afterwards." not in p.text
        await p.press("1")
        await p.see("Said afterwards.")

    async def ask(p: Player) -> None:
        for n in range(1, 5):
            await p.press("ctrl+n")
            await p.see(f"place {n}, on lines of its own.")

    play(answer, (80, 24), lesson=quiz)
    play(ask, (80, 24), lesson=exercise)


def test_hints_come_one_by_one_and_stay(play: Play, exercise: Lesson) -> None:
    async def story(p: Player) -> None:
        assert "Hint 1" not in p.text
        await p.press("ctrl+n")
        await p.see("Hint 1 of 2. Same memory, new shape.")
        assert "Hint 2" not in p.text
        await p.press("ctrl+n")
        await p.see("Hint 2 of 2. See Tensor.view.")
        await p.press("ctrl+n")
        await p.see("There are no more hints.")
        assert p.bench.store.progress("made")["only"].hints == 2

    async def later(p: Player) -> None:
        await p.see("Hint 1 of 2", "Hint 2 of 2")

    play(story, lesson=exercise)
    play(later, lesson=exercise)


def test_solution_is_confirmed_shown_and_taken_without_losing_what_was_there(
    play: Play, exercise: Lesson
) -> None:
    async def story(p: Player) -> None:
        await p.code("mine = 1")
        p.bench.action_solution()
        await p.see("You have not taken a hint yet.")
        assert "x.view(2, 3)" not in p.text
        await p.press("escape")
        assert not p.bench.store.progress("made")["only"].solution_shown
        p.bench.action_solution()
        await p.pilot.pause()
        await p.press("enter")
        await p.see("v = x.view(2, 3)", "enter inserts it")
        await p.press("enter")
        await p.until(lambda: "x.view(2, 3)" in p.bench.editor.text)
        assert p.bench.store.progress("made")["only"].solution_shown
        assert p.bench.store.backups("made/only")[0].text == "mine = 1"
        await p.press("ctrl+z")
        assert p.bench.editor.text == "mine = 1"

    play(story, lesson=exercise)


def test_check_and_hint_are_offered_only_where_there_is_something_to_check(play: Play) -> None:
    async def story(p: Player) -> None:
        assert "Check" not in p.screen[-1]
        await p.press("ctrl+t", "ctrl+n")
        await p.pilot.pause(0.2)
        assert not p.bench.runner.busy
        assert p.bench.last_run is None

    play(story)


def test_quiz_is_judged_at_once_and_can_be_tried_again(play: Play, one_step: Callable[..., Lesson]) -> None:
    lesson = one_step(
        kind="quiz",
        choices=[{"text": "view", "why": "It never copies."}, {"text": "clone", "why": "It always copies."}],
        answer=1,
        after="So much for copies.",
    )

    async def story(p: Player) -> None:
        await p.press("1")
        await p.see("✗ view: It never copies.", "choose again")
        assert "So much for copies." not in p.text
        await p.press("2")
        await p.see("✓ clone: It always copies.", "So much for copies.")
        known = p.bench.store.progress("made")["only"]
        assert known.done
        assert known.right

    play(story, lesson=lesson)


def test_quiz_whose_answer_is_computed(play: Play, one_step: Callable[..., Lesson]) -> None:
    lesson = one_step(kind="quiz", choices=[1, 2, 3], expr="torch.zeros(2, 3).ndim")

    async def story(p: Player) -> None:
        await p.press("1")
        await p.settle()
        await p.see("you said 1, it is 2")

    play(story, lesson=lesson)


def test_step_that_is_to_raise_is_done_when_it_has(play: Play, one_step: Callable[..., Lesson]) -> None:
    lesson = one_step(
        kind="run", code="torch.arange(3).view(2)", raises={"type": "RuntimeError"}, after="It refuses."
    )

    async def story(p: Player) -> None:
        await p.run()
        await p.see("It refuses.")
        assert p.bench.store.progress("made")["only"].done

    play(story, lesson=lesson)


def test_kernel_that_dies_in_a_check_is_told_once(play: Play, one_step: Callable[..., Lesson]) -> None:
    checks = [{"var": "f", "cases": {"inputs": ["torch.rand(3)"], "reference": "lambda x: x + 1"}}]
    starter = "import os\n\ndef f(x):\n    os._exit(5)"
    lesson = one_step(
        kind="exercise", starter=starter, checks=checks, hints=["-"], solution="f = lambda x: x + 1"
    )

    async def story(p: Player) -> None:
        await p.press("ctrl+t")
        await p.see("exit status 5", "restarts it; your code stays.")
        await p.pilot.pause(0.3)
        assert p.text.count("exit status 5") == 1
        await p.press("ctrl+t")
        await p.see("There is no kernel to run this; ^\\ starts one.")
        assert not p.bench.store.progress("made")["only"].done
        await p.press("ctrl+backslash")
        await p.see("The kernel was restarted")

    play(story, lesson=lesson)


def test_prompt_says_that_it_wants_an_answer_and_then_code_again(
    play: Play, one_step: Callable[..., Lesson]
) -> None:
    lesson = one_step(kind="run", code="x = torch.zeros(2)\nn = input('how many? ')\nprint('got', n)")

    async def story(p: Player) -> None:
        await p.press("ctrl+r")
        await p.see("how many? an answer for your code")
        await p.pilot.pause(0.3)
        assert "try something" not in p.text
        await p.press("4", "2", "enter")
        await p.see("got 42", "› try something: x")

    play(story, lesson=lesson)


def test_the_solution_is_compared_with_what_was_written(play: Play, exercise: Lesson) -> None:
    async def story(p: Player) -> None:
        await p.code("x = torch.arange(6.)\n\nv = x.view(3, 2)")
        p.bench.action_solution()
        await p.pilot.pause()
        await p.press("d")
        assert "x.view(2, 3)" not in p.text, "it is not shown before the question is answered"
        await p.press("enter", "d")
        await p.see("- v = x.view(3, 2)", "+ v = x.view(2, 3)", "  x = torch.arange(6.)")
        await p.press("d")
        assert "- v" not in p.text
        await p.press("escape")
        await p.code("x = torch.arange(6.)  \nv = x.view(2, 3)\n")
        p.bench.action_solution()
        await p.pilot.pause()
        await p.press("d")
        await p.see("Your code is the solution, line by line.")

    play(story, (80, 24), lesson=exercise)


def test_what_is_typed_first_fills_the_gap_also_after_a_reset(play: Play, exercise: Lesson) -> None:
    async def story(p: Player) -> None:
        for _ in range(2):
            await p.press("7")
            assert p.bench.editor.text == "x = torch.arange(6.)\nv = 7"
            p.bench.action_reset_code()
            await p.pilot.pause()
            assert p.bench.editor.text == "x = torch.arange(6.)\nv = ____"

    play(story, lesson=exercise)


def test_after_the_answer_a_short_screen_shows_the_choices_that_matter(
    play: Play, one_step: Callable[..., Lesson]
) -> None:
    ask = {"expr": "a", "choices": [1, 2, 3]}
    lesson = one_step(kind="predict", code="a = 2", ask=ask, after="It is two.")

    async def story(p: Player) -> None:
        await p.see("1  1", "2  2", "3  3")
        await p.press("1", "ctrl+r")
        await p.settle()
        await p.see("✗ 1  1", "✓ 2  2", "It is two.")
        assert "3  3" not in p.text

    play(story, lesson=lesson, size=(80, 24))


def test_the_mark_of_a_long_text_names_the_key_that_turns_it_now(
    play: Play, one_step: Callable[..., Lesson]
) -> None:
    prompt = "\n\n".join(f"Paragraph {n}." for n in range(20))
    lesson = one_step(kind="run", prompt=prompt, code="\n".join(f"a = {n}" for n in range(30)))

    async def story(p: Player) -> None:
        await p.see("more: ⇧f6 ↓", "Paragraph 0.")
        while "Paragraph 19." not in p.text:
            before = p.text
            await p.press("f18")
            await p.until(lambda before=before: p.text != before, "the next page")
        await p.until(lambda: "more:" not in p.text)
        await p.press("f18")
        await p.see("Paragraph 0.")
        assert p.bench.focused is p.bench.editor
        assert p.bench.editor.cursor_location == (0, 0), "the code stays where it is"
        await p.press("f6", "1")
        await p.see("more: pgdn ↓")
        for _ in range(8):
            await p.press("pagedown")
        await p.see("Paragraph 19.")

    play(story, lesson=lesson, size=(80, 24))
