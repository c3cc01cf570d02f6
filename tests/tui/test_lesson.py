"""A lesson from its first step to its last, by keyboard alone."""

from __future__ import annotations

from tests.tui.conftest import Play, Player
from tutor.course.schema import Graded, Lesson, PredictStep, QuizStep


def test_lesson_runs_to_its_end_by_keyboard_alone(play: Play, lesson: Lesson) -> None:
    async def story(p: Player) -> None:
        for number, step in enumerate(lesson.steps, 1):
            await p.see(f"{number} of {len(lesson.steps)}")
            if isinstance(step, PredictStep):
                await p.press("1")
            await p.run()
            assert p.bench.last_run is not None
            assert p.bench.last_run.ok, p.text
            await p.press("f8")
            await p.settle()
        await p.see("That was the last step")
        asked = [n for n, step in enumerate(lesson.steps, 1) if isinstance(step, QuizStep | Graded)]
        told = " ".join(p.text[p.text.index("That was") :].split())
        assert f"steps {asked[0]}, " in told, "running is not answering"
        assert f"and {asked[-1]} are not done yet" in told

    play(story)


def test_next_never_happens_by_itself_and_back_returns(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.run()
        await p.see("1 of ")
        await p.press("f7")
        await p.see("This is the first step.")
        await p.press("f8")
        await p.see("2 of ")
        await p.press("f7")
        await p.see("1 of ")

    play(story)


def test_edited_code_is_kept_when_moving_and_can_be_reset(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        p.bench.editor.focus()
        await p.press(*"# mine", "enter")
        await p.press("f8")
        await p.settle()
        assert "# mine" not in p.text
        await p.press("f7")
        await p.settle()
        await p.see("# mine")
        p.bench.action_reset_code()
        await p.pilot.pause()
        assert "# mine" not in p.text
        await p.press("ctrl+z")
        await p.see("# mine")

    play(story)


def test_wrong_prediction_stands_beside_the_answer(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("reshape-of-transpose")
        await p.press("down", "enter")
        await p.see("your prediction")
        await p.run()
        await p.see("you said 9.0, it is 0.0", "A new letter")
        assert p.row("1  0.0").startswith(" ✓")
        assert p.row("2  9.0").startswith(" ✗")
        assert "not so" in p.row("predict")

    play(story)


def test_right_prediction(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("reshape-of-transpose")
        await p.press("1")
        await p.run()
        await p.see("you said 0.0, and it is 0.0")
        assert "it is, as you said" in p.row("✓ 1  0.0")
        assert "right" in p.row("predict")

    play(story)


def test_running_waits_for_the_prediction(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("view-of-transpose")
        assert "predict first" in p.row("view-of-transpose.py")
        await p.press("ctrl+r")
        await p.see("Choose your prediction first, then ^r runs the code.")
        assert p.bench.last_run is None

    play(story)


def test_prediction_cannot_be_changed_once_answered(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("reshape-of-transpose")
        await p.press("2")
        await p.run()
        p.bench.choices.focus()
        await p.press("1")
        assert p.bench.walk is not None
        assert p.bench.walk.work.choice == 1

    play(story)


def test_no_answer_where_the_code_fails(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("view-of-transpose")
        await p.press("1")
        await p.code("m = torch.arange(6.).view(2, 3)\nm.t().view(6)\noutcome = 1")
        await p.run()
        await p.see("RuntimeError at line 2")
        p.bench.out.focus()
        await p.press("end")
        await p.see("m.t().reshape(6)", "No answer yet")
        assert p.bench.walk is not None
        assert p.bench.walk.work.answer is None

    play(story)


def test_each_step_starts_from_a_fresh_namespace(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.run()
        await p.enter("left_over = 1")
        await p.settle()
        await p.press("f8")
        await p.settle()
        await p.enter("'left_over' in globals(), 'torch' in globals()")
        await p.see("(False, True)")

    play(story)


def test_failing_setup_is_told_in_a_sentence(play: Play, one_step) -> None:
    from msgspec.structs import replace

    broken = replace(one_step(kind="run", code="x = 1"), setup="import torch\nraise OSError('no disk')\n")

    async def story(p: Player) -> None:
        await p.run()
        await p.see("The setup of made failed: OSError: no disk")

    play(story, lesson=broken)


def test_step_without_code_shows_prose_and_prompt(play: Play, one_step) -> None:
    async def story(p: Player) -> None:
        assert "only.py" not in p.text
        await p.enter("torch.ones(2).sum()")
        await p.see("tensor(2.)")

    play(story, lesson=one_step(kind="read"))


def test_any_step_can_be_gone_to_and_says_whether_it_is_done(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.run()
        p.bench.action_steps()
        await p.see("A tensor is a row of numbers", "✓ done", "predict")
        await p.press("down", "down", "enter")
        await p.settle()
        assert p.bench.walk is not None
        assert p.bench.walk.step.id == "view-of-transpose"
        p.bench.action_steps()
        await p.see("▸  3")
        await p.press("up", "up", "enter")
        await p.settle()
        assert p.bench.walk.step.id == "two-parts"
        for keys, number in ("4", 4), ("10", 10), ("1↓", 2), ("792", 2), ("0", 2):
            p.bench.action_steps()
            await p.see("▸ ")
            await p.press(*("down" if key == "↓" else key for key in keys), "enter")
            await p.settle()
            assert p.bench.walk.index == number - 1, keys

    play(story, (80, 24))
