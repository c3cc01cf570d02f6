"""Complaints about lesson files, stores and exported files are Korean where Korean is spoken."""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from course.test_loader import MISTAKES

from tests.english import english_in
from tutor.course.errors import LessonError
from tutor.course.loader import load_lesson
from tutor.course.notebook import script
from tutor.course.parsons import OrderError, ordered
from tutor.course.ran import Ran
from tutor.course.sheets import lesson_cells, session_cells
from tutor.course.store.trouble import DamagedError, NewerError, sentence_for, set_aside_sentence
from tutor.language import use_language


@pytest.fixture(autouse=True)
def korean() -> Iterator[None]:
    use_language("ko")
    yield
    use_language("en")


def is_korean(text: str) -> bool:
    """What parsers and the system say stands in brackets, in English."""
    return re.search("[가-힣]", text) is not None and not english_in(re.sub(r"\([^()]*\)", "", text))


def test_what_is_wrong_with_a_lesson_file(tmp_path: Path) -> None:
    path = tmp_path / "lesson.yaml"
    for name, (content, *_) in MISTAKES.items():
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(LessonError) as caught:
            load_lesson(path)
        assert is_korean(caught.value.message), (name, caught.value.message)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EACCES, "Permission denied"),
        sqlite3.OperationalError("unable to open database file"),
        DamagedError("something"),
        NewerError(9, 1),
    ],
)
def test_what_the_disk_refuses(tmp_path: Path, error: Exception) -> None:
    assert is_korean(sentence_for(error, tmp_path / "tutor.db"))


def test_what_was_set_aside(tmp_path: Path) -> None:
    assert is_korean(set_aside_sentence(tmp_path / "tutor.db", tmp_path / "tutor.db.1"))


@pytest.mark.parametrize("typed", ["1 1", "9", "x", ""])
def test_what_is_no_order(typed: str) -> None:
    with pytest.raises(OrderError) as caught:
        ordered(["a", "b"], typed)
    assert is_korean(str(caught.value))


def test_exported_files_have_headings_of_their_own_in_korean(tmp_path: Path) -> None:
    path = tmp_path / "lesson.yaml"
    path.write_text(
        "schema: 1\nid: made\ntitle: 만든 레슨\ntrack: T\ndevice: sim\nrequires: {torch: '>=2.4'}\nsteps:\n"
        "- {id: q, kind: quiz, prompt: 무엇일까요?, choices: [가, 나], answer: 0}\n"
        "- {id: w, kind: exercise, prompt: 적으세요., solution: v = 3, checks: [{var: v, value: 3}]}\n"
    )
    lesson = load_lesson(path)
    runs = [Ran("v = 3", place="made/w"), Ran("def (", "SyntaxError"), Ran("await v", place="made/w")]
    for cells in (lesson_cells(lesson), lesson_cells(lesson, {"w": "v = 1 + 2"}), session_cells(runs, {})):
        written = script(cells)
        comments = [line.lstrip("# ") for line in written.splitlines() if line.startswith("# ")]
        ours = [line for line in comments if line not in ("%%", "%% [markdown]", "```python", "def (")]
        assert not [line for line in ours if english_in(line)], written
        assert sum(is_korean(line) for line in ours) >= 2, written
