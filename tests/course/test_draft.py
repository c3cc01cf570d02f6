"""`torchtutor new` writes a lesson that is proven as it stands, and never over another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema

from tutor import proving
from tutor.course import document
from tutor.course.json_schema import FILE
from tutor.course.loader import load_lesson
from tutor.course.schema import STEP_KINDS, Graded, ParsonsStep


def new(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tutor", "new", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_new_lesson_passes_check_and_shows_every_kind_of_step(tmp_path: Path, capsys) -> None:
    done = new("first-steps", "--to", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / "first-steps.yaml"
    assert str(path) in done.stdout
    lesson = load_lesson(path)
    assert (lesson.id, lesson.title) == ("first-steps", "First steps")
    assert {type(step) for step in lesson.steps} == set(STEP_KINDS.values())
    for step in lesson.steps:
        if isinstance(step, Graded):
            assert len(step.accepts) >= (1 if isinstance(step, ParsonsStep) else 2)
            assert len(step.mistakes) >= 2
    schema = json.loads((tmp_path / FILE).read_text())
    jsonschema.validate(document.read(path.read_text()).data, schema)
    assert f"$schema={FILE}" in path.read_text().splitlines()[0]
    assert proving.check([str(path)], memory="off") == 0
    out = capsys.readouterr().out
    assert "no problems." in out
    assert "untested" not in out


def test_what_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("mine")
    (tmp_path / FILE).write_text("{}")
    done = new("mine", "--to", tmp_path)
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    assert new("other", "--to", tmp_path).returncode == 0
    assert (tmp_path / FILE).read_text() == "{}"


def test_an_id_that_is_none_and_a_folder_that_is_none_get_one_sentence(tmp_path: Path) -> None:
    for arguments in (
        ["Über", "--to", tmp_path],
        ["../up", "--to", tmp_path],
        ["a", "--to", tmp_path / "no"],
    ):
        done = new(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
