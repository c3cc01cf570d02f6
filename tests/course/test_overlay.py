"""A lesson in another language: what is translated, what falls back, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tutor.cli import main
from tutor.course import document
from tutor.course.loader import bundled_lessons, load_lesson, overlay_gaps
from tutor.course.overlay import digest, overlay_path, read_entries, skeleton, texts_of, translate
from tutor.course.schema import ExerciseStep, PredictStep, QuizStep
from tutor.language import UnknownLanguageError, choose_language

LESSON = """\
schema: 1
id: made
title: Made
track: T
steps:
- {id: r, kind: read, prompt: "# One\\n\\nTwo # three: `four`"}
- {id: p, kind: predict, prompt: P, code: y = 1, ask: {expr: y, choices: [1, two]}}
- {id: l, kind: predict, prompt: P, code: y = 1, ask: {expr: y, choices: [1, 2], labels: [one, two]}}
- {id: q, kind: quiz, prompt: Q, choices: [{text: a, why: because}, b, 3], expr: "'b'", after: So.}
- id: e
  kind: exercise
  prompt: E
  checks:
  - {var: v, shape: [2], else: short}
  - any: [{var: v, ndim: 1, else: inner}, {not: {var: v, ndim: 2, else: deep}}]
  solution: v = 1
  hints: [h one, h two]
"""
ENGLISH = {"Made", "T", "# One\n\nTwo # three: `four`", "P", "two", "one", "Q", "a", "because", "b", "So."}
ENGLISH |= {"E", "short", "inner", "deep", "h one", "h two"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "made.yaml"
    path.write_text(LESSON)
    return path


def korean(text: str) -> str:
    return "".join(f"가{each}" if each.isalpha() else each for each in text)


def fill(path: Path) -> Path:
    """Translate everything in the overlay that is not."""
    done = CliRunner().invoke(main, ["translate", str(path), "--lang", "ko"])
    assert done.exit_code == 0, done.output
    target = overlay_path(path, "ko")
    texts = {digest(text.english): text.english for text in texts_of(load_lesson(path))}
    data = yaml.safe_load(target.read_text())

    def walk(node: object) -> None:
        if isinstance(node, dict) and "of" in node:
            node["ko"] = node["ko"] or korean(texts[node["of"]])
        for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(each)

    walk(data)
    target.write_text(yaml.safe_dump(data, allow_unicode=True))
    return target


def test_every_text_that_a_learner_reads_has_its_place(path: Path) -> None:
    assert {text.english for text in texts_of(load_lesson(path))} == ENGLISH
    assert len(overlay_gaps(path, "ko")) == len({(t.key, t.english) for t in texts_of(load_lesson(path))})
    assert all(gap.path == path and gap.line > 1 for gap in overlay_gaps(path, "ko"))


def test_a_translated_lesson_reads_in_its_language_and_works_as_before(path: Path) -> None:
    fill(path)
    assert overlay_gaps(path, "ko") == []
    lesson, english = load_lesson(path, "ko"), load_lesson(path)
    assert {text.english for text in texts_of(lesson)} - {"1"} == set(map(korean, ENGLISH))
    predict, quiz, exercise = lesson.steps[1], lesson.steps[3], lesson.steps[4]
    assert isinstance(predict, PredictStep)
    assert isinstance(quiz, QuizStep)
    assert isinstance(exercise, ExerciseStep)
    assert predict.ask.shown == ("1", korean("two"))
    assert predict.ask.index_of("two") == 1
    assert [each.text for each in quiz.options] == [korean("a"), korean("b"), "3"]
    assert [quiz.index_of(value) for value in ("a", "b", 3)] == [0, 1, 2]
    assert [step.code for step in lesson.steps] == [step.code for step in english.steps]


def test_what_changed_in_english_is_english_again_until_it_is_translated_anew(path: Path) -> None:
    target = fill(path)
    path.write_text(LESSON.replace("h one", "h uno").replace("else: short", "else: big"))
    lesson = load_lesson(path, "ko")
    exercise = lesson.steps[4]
    assert isinstance(exercise, ExerciseStep)
    assert exercise.hints == ("h uno", korean("h two"))
    assert exercise.checks[0].otherwise == "big"
    gaps = overlay_gaps(path, "ko")
    assert [gap.path for gap in gaps] == [target, target]
    assert all("stale" in gap.message for gap in gaps)
    old = target.read_text().splitlines()
    assert all("of:" in old[gap.line - 1] or "ko:" in old[gap.line - 1] for gap in gaps)

    CliRunner().invoke(main, ["translate", str(path), "--lang", "ko"])
    text = target.read_text()
    assert text.count("stale: the English is now") == 2
    assert korean("h one") in text  # the old translation is not lost
    assert load_lesson(path, "ko") == lesson
    again = CliRunner().invoke(main, ["translate", str(path), "--lang", "ko"])
    assert again.exit_code == 0
    assert target.read_text() == text


# what is replaced in a good overlay -> words of the complaint
BROKEN = {
    "unknown field": ("prompt:", "promt:", "promt"),
    "unknown step": ("  r:", "  rr:", "rr"),
    "no digest": ("of: ", "on: ", "of: DIGEST"),
    "not YAML": ("steps:", "steps: [", "YAML"),
    "other language": ("ko:", "jp:", "ko: TEXT"),
    "foreign key": ("lesson:", "lessons:", "`lessons`"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_overlay_is_a_sentence_and_the_lesson_stays_readable(path: Path, case: str) -> None:
    target = fill(path)
    old, new, words = BROKEN[case]
    target.write_text(target.read_text().replace(old, new, 1))
    gaps = overlay_gaps(path, "ko")
    assert any(words in str(gap) for gap in gaps), list(map(str, gaps))
    assert [step.id for step in load_lesson(path, "ko").steps] == ["r", "p", "l", "q", "e"]


def test_refreshing_refuses_to_write_over_what_it_cannot_read(path: Path) -> None:
    target = fill(path)
    target.write_text("lesson: made\nsteps: [\n")
    done = CliRunner().invoke(main, ["translate", str(path), "--lang", "ko"])
    assert done.exit_code == 2
    assert target.read_text() == "lesson: made\nsteps: [\n"


PROSE = st.text("ab #:-|>'\"`{}[]*&!%@\\\n가?,").map(str.strip).filter(bool)


@given(texts=st.lists(PROSE, min_size=1, max_size=4))
def test_a_skeleton_keeps_every_translation_as_it_is(texts: list[str]) -> None:
    path = bundled_lessons()[0]
    lesson = load_lesson(path)
    chosen = texts_of(lesson)
    entries = {}
    for text in chosen:
        said = texts[len(text.english) % len(texts)]
        said = "\n".join(row.rstrip() for row in said.splitlines())
        entries.setdefault(text.key, []).append((digest(text.english), said))
    made, errors = read_entries(path, document.read(skeleton(lesson, {}, "ko")), "ko")
    assert not errors
    filled = {
        key: [entry._replace(text=dict(entries[key])[entry.of]) for entry in found]
        for key, found in made.items()
    }
    again, errors = read_entries(path, document.read(skeleton(lesson, filled, "ko")), "ko")
    assert not errors
    read = {key: [(e.of, e.text) for e in found] for key, found in again.items()}
    assert read == {key: [(e.of, e.text) for e in found] for key, found in filled.items()}
    assert texts_of(translate(lesson, again))


@pytest.mark.parametrize(
    ("asked", "environ", "code"),
    [
        ("ko", {"TORCHTUTOR_LANG": "en"}, "ko"),
        (None, {"TORCHTUTOR_LANG": "ko", "LANG": "en_US.UTF-8"}, "ko"),
        (None, {"TORCHTUTOR_LANG": "ko_KR.UTF-8"}, "ko"),
        (None, {"TORCHTUTOR_LANG": "", "LANG": "ko_KR.UTF-8"}, "ko"),
        (None, {"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}, "en"),
        (None, {"LC_ALL": "", "LC_MESSAGES": "ko_KR", "LANG": "de_DE"}, "ko"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        (None, {}, "en"),
    ],
)
def test_the_language_is_asked_for_or_found(asked: str | None, environ: dict[str, str], code: str) -> None:
    assert choose_language(asked, environ) == code


def test_a_language_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(UnknownLanguageError, match="TORCHTUTOR_LANG is `xx`"):
        choose_language(None, {"TORCHTUTOR_LANG": "xx"})
    done = CliRunner().invoke(main, ["lessons", "--lang", "xx"])
    assert done.exit_code == 2
    assert "use en or ko" in done.output


@pytest.mark.parametrize("lesson", [path.stem for path in bundled_lessons()])
def test_every_bundled_lesson_is_in_korean_too_and_up_to_date(lesson: str) -> None:
    path = bundled_lessons()[0].with_name(f"{lesson}.yaml")
    assert not list(map(str, overlay_gaps(path, "ko")))
