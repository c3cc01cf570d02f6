"""Line mode in Korean says nothing in English, save what torch and Python say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from repl.test_lesson import LESSON

from tests.english import english_in
from tests.repl_environment import environment

#: What the lesson itself says, in English.
PROSE = ("The sizes change places", "Look at view", "And then again", "It is not", "It is a copy")
#: Right and wrong answers, what helps, what cannot be, and every command that tells something.
TYPED = """\
:run
:trust
:check
:hint
:order 1
:line 9 x
:steps 99
:back
:nothing
:answer
:run
:next
:answer nonsense
:answer (2, 3)
:answer 1
:next
:answer 2
:answer 1
:next
:order 1 1
:order 9
:order 2 1
:check
:next
:check
:hint
:hint
:hint
w = base.reshape(3, 2)
:code
:check
:line 1 v = base.clone()
:check
:solution
:solution no
:solution yes
:next
:check
:table
:storage
:operations
w = torch.ones(3, requires_grad=True)
loss = (w * 2).sum()
loss.backward()
:replay
:replay off
:replay on
:replay perhaps
:graph loss
:graph w
:graph nothing
:why
:device
:device mars
:explain nothing
:export mine.py
:export mine.py
:export mine.txt
:steps
:progress
:next
:source
:reset
:restart
:help
:quit
"""


def test_all_that_a_lesson_says_is_korean(tmp_path: Path) -> None:
    (tmp_path / "made.yaml").write_text(LESSON)
    done = subprocess.run(
        [sys.executable, "-m", "tutor", "lesson", "made.yaml", "--plain", "--device", "cpu"],
        input=TYPED,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
        cwd=tmp_path,
        env=environment(tmp_path, TORCHTUTOR_HOME=str(tmp_path / "home"), TORCHTUTOR_LANG="ko", TERM="dumb"),
    )
    assert not done.stderr
    found = [line for line in done.stdout.splitlines() if english_in(line)]
    theirs = ("Error", "shape  dtype", *PROSE)
    assert not [line for line in found if not any(each in line for each in theirs)]
    for words in ("맞았습니다.", "아닙니다.", "아직 아닙니다.", "힌트 2/2.", ":nothing 명령은 없습니다."):
        assert words in done.stdout
