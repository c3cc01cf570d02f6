"""A lesson as lines of text: every kind of step can be done, with piped input and no terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.repl_environment import environment

LESSON = """\
schema: 1
id: made
title: Made
track: T
setup: |
  import torch
  base = torch.arange(6.)
steps:
- {id: read, kind: read, prompt: "# Read `this`", code: print('shown')}
- id: shape
  kind: predict
  prompt: Which shape?
  code: y = base.view(2, 3).t()
  ask: {expr: y.shape, form: shape}
  after: The sizes change places.
- id: quiz
  kind: quiz
  prompt: Which one?
  choices: [{text: this, why: It is.}, {text: that, why: It is not.}]
  answer: 0
- id: order
  kind: parsons
  prompt: In order.
  solution: |
    a = base + 1
    b = a * 2
    total = b.sum()
  distractors: [b = base.lost()]
  checks: [{var: total, equals: torch.tensor(42.)}]
- id: write
  kind: exercise
  prompt: Make `v`.
  starter: v = ____
  checks: [{var: v, shape: [2, 3]}, {var: v, shares_memory: base, else: It is a copy.}]
  hints: [Look at view., And then again.]
  solution: v = base.view(2, 3)
  after: A view.
- id: repair
  kind: fix
  prompt: Repair it.
  code: |
    w = base.view(3, 3)
    w[0] = 7
  checks: [{var: w, shape: [2, 3]}]
  solution: w = base.view(2, 3)
"""


@pytest.fixture
def talk(tmp_path: Path):
    (tmp_path / "made.yaml").write_text(LESSON)

    def talk(*lines: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "tutor", "lesson", "made.yaml", "--plain", "--device", "cpu"]
        home = {"TORCHTUTOR_HOME": str(tmp_path / "home")}
        done = subprocess.run(
            command,
            input="\n".join(lines) + "\n",
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            cwd=tmp_path,
            env=environment(tmp_path, **home),
        )
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout

    return talk


def order(text: str, *lines: str) -> str:
    """The numbers under which the screen shows these lines."""
    rows = dict(reversed(row.split(None, 1)) for row in text.splitlines() if row[:4].strip().isdecimal())
    return " ".join(rows[line] for line in lines)


def test_a_whole_lesson_is_done_in_lines_and_gone_on_with(talk) -> None:
    status, text = talk(":run", ":steps", ":quit")
    assert status == 1, "a command was refused"
    assert "It did not come with torchtutor" in text
    assert "\nshown" not in text

    status, text = talk(
        ":trust", ":run", ":next", "base + 1", "(2, 3)", ":answer (2, 3)", "(2, 3)", ":answer 1"
    )
    assert text.count("Predict with") == 2, "by the step, and where a value was entered as if it were code"
    assert "\nshown\n" in text
    assert "Not so: you said (2, 3), it is (3, 2)" in text
    assert "The sizes change places." in text
    assert "The answer is known already" in text
    assert status == 1

    status, text = talk(":next", ":answer 2", ":answer 1", ":next")
    assert "Which shape?" in text, "it goes on where it was left"
    assert "Not so: you said (2, 3), it is (3, 2)" in text, "what came of it is shown again"
    assert "Predict with" not in text
    assert "Not so: that: It is not." in text
    assert "Right: this: It is." in text
    assert status == 0

    numbers = order(text, "a = base + 1", "b = a * 2", "total = b.sum()")
    wrong = order(text, "b = a * 2", "a = base + 1", "total = b.sum()")
    status, text = talk(
        f":order {wrong}", ":check", ":order 1 1", ":reset", f":order {numbers}", ":check", ":next"
    )
    assert "Not yet: The code did not come to its end" in text
    assert text.count("name 'a' is not defined") == 1
    assert "Line 1 can be used only once." in text
    assert "# b = base.lost()" in text
    assert text.index("Not yet: ") < text.index("Right: The check holds.")

    status, text = talk(
        ":check", ":hint", ":hint", ":hint", "w = base.reshape(3, 2)", "v = w.clone().view(2, 3)", ":check",
        ":line 2 v = w.view(2, 3)", ":check", ":solution", ":next",
    )  # fmt: skip
    assert "There is a gap left in line 1: write your code for `____`." in text
    assert "name '____' is not defined" not in text
    assert "Hint 2 of 2." in text
    assert "There are no more hints." in text
    assert "Not yet: It is a copy. Line 2 is `v = w.clone().view(2, 3)`." in " ".join(text.split())
    assert "Right: All 2 checks hold." in text
    assert "- v = w.view(2, 3)" in text
    assert "+ v = base.view(2, 3)" in text

    status, text = talk(
        ":solution", ":check", ":line 1 w = base.view(2, 3)", ":check", ":next", ":steps", ":progress"
    )
    assert status == 0
    assert ":solution yes shows it" in " ".join(text.split())
    assert text.index("Not yet: ") < text.index("Right: The check holds.")
    assert "“Made” is complete" in text
    assert text.count(", done") >= 6


def test_what_is_entered_is_kept_and_what_only_looks_takes_the_place_of_nothing(talk) -> None:
    looking = ["base.shape", "print(v)", "base.stride(), v.is_contiguous()", "v"]
    back = [":versions", ":versions 2", ":versions 1"]
    status, text = talk(
        *(":trust", ":next", ":answer 3x2", ":step 3", ":answer THIS", ":steps 5"),
        *(":line 1 v = base.view(2, 3)", "v = 1", "base.shape", *back, *looking, ":check"),
    )
    assert "Right: this: It is." in text
    assert "v = base.view(2, 3)  " in text, "listed"
    assert "from 1 to 1" in text
    assert "Right: All 2 checks hold." in text
    assert status == 1

    _, text = talk(":code", ":reset", ":hint", "w = base.reshape(6)", ":next", ":steps")
    assert "  1  v = base.view(2, 3)" in text, "looking at it did not change it"
    assert text.count("Made, step 5 of 6, done") == 2, "before and after it was reset"
    assert "1  Read this, done" in text
    _, text = talk(":back", ":hint")
    assert "  1  w = base.reshape(6)" in text, "entered, and never checked"
    assert "Hint 2 of 2." in text


def test_bad_wishes_are_one_sentence_each(talk) -> None:
    wishes = [
        ":trust",
        ":check",
        ":answer 1",
        ":order 1",
        ":line 9 x",
        ":steps 99",
        ":back",
        ":solution",
        ":hint",
    ]
    status, text = talk(*wishes, ":answer", ":steps 2", ":run", ":answer so?", ":quit")
    assert status == 1
    parts = [
        "nothing to check",
        "asks nothing",
        "no lines to put in order",
        "a number from 1 to",
        "from 1 to 6",
    ]
    parts += ["This is the first step.", "no solution to show", "There are no hints."]
    parts += [
        "Write it so: :answer ANSWER",
        "Predict with :answer and a shape",
        "Write a shape such as (2, 3)",
    ]
    for part in parts:
        assert part in " ".join(text.split()), part
    assert "Traceback" not in text


def test_what_ran_in_a_lesson_is_written_with_the_setup_that_it_needs(talk, tmp_path: Path) -> None:
    status, _ = talk(":trust", ":run", "mine = base + 1", "missing", ":export mine.py")
    assert status == 0
    names: dict[str, object] = {}
    exec((tmp_path / "mine.py").read_text(), names)  # what raised does not stop it
    assert torch.equal(names["mine"], names["base"] + 1)
