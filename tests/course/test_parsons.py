"""Lines to put in order: what an arrangement is, and what a lesson may say of one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.course.learner import Class, classroom  # noqa: F401
from tutor.course import parsons
from tutor.course.errors import LessonError
from tutor.course.loader import load_lesson
from tutor.course.schema import ParsonsStep

LESSON = """\
schema: 1
id: made
title: Made
track: T
setup: import torch
steps:
- id: loop
  kind: parsons
  prompt: Order.
  solution: |
    w = torch.tensor(3., requires_grad=True)

    for _ in range(2):
        w.grad = None
        (w ** 2).backward()
        w.data -= 0.1 * w.grad
  distractors: ["    w.backwards()"]
  checks:
  - {var: w, close: 1.92}
  mistakes:
  - fails: close
    code: |
      w = torch.tensor(3., requires_grad=True)
      for _ in range(2):
          (w ** 2).backward()
          w.data -= 0.1 * w.grad
"""

lines = st.lists(st.text("ab =:# ", min_size=1).map(str.rstrip).filter(str.strip), min_size=1, max_size=6)
code = lines.filter(lambda found: not any(map(parsons.is_left_out, found)))


def load(tmp_path: Path, text: str) -> ParsonsStep:
    path = tmp_path / "made.yaml"
    path.write_text(text)
    step = load_lesson(path).steps[0]
    assert isinstance(step, ParsonsStep)
    return step


@given(found=code, order=st.randoms(use_true_random=False), out=st.sets(st.integers(0, 5)))
def test_any_order_with_any_lines_left_out_is_an_arrangement_of_them(found, order, out) -> None:
    rows = [parsons.toggled(line) if n in out else line for n, line in enumerate(found)]
    order.shuffle(rows)
    text = "\n".join(rows)
    assert parsons.fits(text, found)
    assert parsons.taken(text) == [row for row in rows if not parsons.is_left_out(row)]
    assert not parsons.strangers(text, found)
    assert not parsons.fits(f"{text}\nzzz", found)
    assert parsons.fits(parsons.with_rest(text, found), found)


@given(found=code)
def test_leaving_out_twice_changes_nothing(found: list[str]) -> None:
    assert [parsons.toggled(parsons.toggled(line)) for line in found] == found


@given(found=code.filter(lambda rows: len(set(rows)) > 3))
def test_the_first_order_is_always_the_same_and_not_the_right_one(found: list[str]) -> None:
    first = parsons.shuffled(found, "id", [found])
    assert first == parsons.shuffled(found, "id", [found])
    assert first != found
    assert sorted(first) == sorted(found)


@given(found=code, order=st.randoms(use_true_random=False))
def test_an_order_can_be_said_in_numbers(found, order) -> None:
    numbers = list(range(1, len(found) + 1))
    order.shuffle(numbers)
    chosen, left = numbers[: len(numbers) // 2 + 1], numbers[len(numbers) // 2 + 1 :]
    text = parsons.ordered(found, " ".join(map(str, chosen)))
    assert parsons.taken(text) == [found[n - 1] for n in chosen]
    assert parsons.fits(text, found)
    # from there on, lines that were left out have numbers too
    again = parsons.ordered(parsons.rows(text), ", ".join(map(str, range(1, len(found) + 1))))
    assert parsons.taken(again) == [found[n - 1] for n in [*chosen, *sorted(left)]]


@pytest.mark.parametrize("typed", ["", "0", "4", "1 1", "x", "-1", "²", "1.5", "99999999999999999999"])
def test_what_is_no_order_is_one_sentence(typed: str) -> None:
    with pytest.raises(parsons.OrderError) as caught:
        parsons.ordered(["a", "b", "c"], typed)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_every_order_that_does_what_is_asked_is_right(tmp_path: Path, classroom: Class) -> None:  # noqa: F811
    step = load(tmp_path, LESSON)
    lesson = load_lesson(tmp_path / "made.yaml")
    assert parsons.fits(step.code, step.lines)
    assert len(step.lines) == 6
    head, loop, zero, back, move, wrong = step.lines

    def holds(*order: str) -> bool:
        return all(
            each.ok
            for each in classroom.answer(lesson, step, parsons.with_rest("\n".join(order), step.lines))
        )

    assert holds(head, loop, zero, back, move)
    assert holds(head, loop, back, move, zero)
    assert not holds(head, loop, back, zero, move)
    assert not holds(head, loop, back, move)
    assert not holds(head, loop, wrong, zero, back, move)
    assert not holds(loop, head, zero, back, move)
    assert not any(all(e.ok for e in classroom.answer(lesson, step, text)) for text in ("", step.code))


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("w.grad = None", "# zero", 10, "comment"),
        ("    w.backwards()", "# w", 17, "comment"),
        ("          (w ** 2).backward()", "          (w ** 3).backward()", 22, "(w ** 3).backward()"),
        ("      for _", "      for _ in ():\n          pass\n      for _", 22, "not there to be ordered"),
    ],
)
def test_a_lesson_that_cannot_be_is_told_of_with_its_place(
    tmp_path, old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(LessonError) as caught:
        load(tmp_path, LESSON.replace(old, new))
    assert words in caught.value.message
    assert caught.value.line == line


def test_one_line_is_no_order(tmp_path: Path) -> None:
    head, tail = LESSON.index("  solution: |"), LESSON.index("  checks:")
    with pytest.raises(LessonError, match="nothing to order"):
        load(tmp_path, LESSON[:head] + "  solution: w = 1\n" + LESSON[tail : LESSON.index("  mistakes")])
