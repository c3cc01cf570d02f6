"""The exported schema is what the loader reads by, and every lesson names it and keeps to it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tutor.course import document
from tutor.course.json_schema import FILE, FIRST_LINE, lesson_schema, schema_text
from tutor.course.loader import LessonError, bundled_lessons, load_lesson

FOLDER = bundled_lessons()[0].parent
VALIDATOR = jsonschema.Draft7Validator(lesson_schema())


def test_the_exported_schema_is_current() -> None:
    kept = (FOLDER / FILE).read_text(encoding="utf-8")
    assert kept == schema_text(), f"write it anew: python -m tutor schema > {FOLDER.name}/{FILE}"
    jsonschema.Draft7Validator.check_schema(json.loads(kept))


@pytest.mark.parametrize("path", bundled_lessons(), ids=lambda path: path.stem)
def test_every_lesson_keeps_to_the_schema_that_its_first_line_names(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"{FIRST_LINE}\n")
    problems = [
        f"{list(each.path)}: {each.message}" for each in VALIDATOR.iter_errors(document.read(text).data)
    ]
    assert not problems


GOOD = """\
schema: 1
id: made
title: Made
track: T
requires: {torch: '>=2.4'}
steps:
- {id: a, kind: predict, prompt: P, code: x = 1, ask: {expr: x, choices: [1, 2]}}
- id: b
  kind: exercise
  prompt: Make it.
  checks:
  - {var: v, shape: [2, n], dtype: torch.float32}
  - any: [{var: v, shares_memory: x}, {not: {var: v, equals: x + 1}}]
  - {var: v, close: {to: [1.0, 2.0], atol: 0.1}}
  solution: v = x.view(2, 3)
  mistakes: [{code: v = x, fails: shape}]
"""

#: What is replaced in GOOD, and by what: each is a mistake of form.
BAD = {
    "another schema": ("schema: 1", "schema: 2"),
    "no title": ("title: Made\n", ""),
    "an id with capitals": ("id: made", "id: Made"),
    "an id of two lines": ("id: made", 'id: "made\\nmade"'),
    "an empty title": ("title: Made", 'title: " "'),
    "an unknown kind": ("kind: predict", "kind: guess"),
    "an unknown key of a step": ("prompt: P", "prompt: P, hint: h"),
    "an unknown key of a check": ("shape: [2, n]", "shap: [2, n]"),
    "an unknown key inside any": ("{var: v, shares_memory: x}", "{var: v, shares: x}"),
    "ten choices": ("choices: [1, 2]", "choices: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"),
    "a form that is none": ("choices: [1, 2]", "form: shapes"),
    "a dtype that is none": ("torch.float32", "float33"),
    "a fact that is none": ("fails: shape", "fails: shap"),
    "a number for text": ("solution: v = x.view(2, 3)", "solution: 3"),
    "no checks": ("code: v = x, ", ""),
    "a version of something else": ("{torch: '>=2.4'}", "{torch: '>=2.4', numpy: '>=1'}"),
    "a version that is none": (">=2.4", "new"),
}


def test_what_the_loader_reads_is_valid(tmp_path: Any) -> None:
    path = tmp_path / "made.yaml"
    path.write_text(GOOD)
    load_lesson(path)
    assert VALIDATOR.is_valid(document.read(GOOD).data)


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_of_form_is_one_to_the_loader_and_to_editors(tmp_path: Any, name: str) -> None:
    text = GOOD.replace(*BAD[name])
    assert text != GOOD
    path = tmp_path / "made.yaml"
    path.write_text(text)
    with pytest.raises(LessonError):
        load_lesson(path)
    assert not VALIDATOR.is_valid(document.read(text).data)


def test_patterns_are_such_as_javascript_reads() -> None:
    assert r"\Z" not in schema_text()
