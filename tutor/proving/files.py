"""What there is to prove: the lessons at some paths, read, or the sentence that says why they cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tutor.course.document import Document
from tutor.course.errors import LessonError
from tutor.course.loader import bundled_lessons, overlay_gaps, read_lesson
from tutor.course.schema import Lesson
from tutor.translation import say

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Candidate:
    """A file with its lesson, or with what is wrong with it as a whole."""

    path: Path
    lesson: Lesson | None = None
    doc: Document | None = None
    trouble: str = ""
    #: Texts that are not, or not rightly, translated, and an id that another file has too.
    gaps: tuple[LessonError, ...] = ()


def files_at(paths: Sequence[str]) -> list[Path]:
    """The files of all lessons at `paths`; those that came with torchtutor where there are none.

    A folder without lessons stands for itself, so that it can be told of."""
    if not paths:
        return bundled_lessons()
    files: list[Path] = []
    for text in paths:
        path = Path(text)
        inside = sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES) if path.is_dir() else []
        files += inside or [path]
    return files


def read(path: Path, language: str | None = None) -> Candidate:
    """The lesson in a file, and what its translation into `language` lacks."""
    if path.is_dir() and path.suffix not in _SUFFIXES:
        sentence = say("there is no .yaml file in this folder; give a lesson's path")
        return Candidate(path, trouble=f"{path}:1:1: {sentence}")
    try:
        lesson, doc = read_lesson(path)
    except LessonError as error:
        return Candidate(path, trouble=str(error))
    gaps = overlay_gaps(path, language) if language is not None else ()
    return Candidate(path, lesson, doc, gaps=tuple(gaps))


def told_apart(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The same, where an id that an earlier file has is among the gaps: progress is kept under it."""
    first: dict[str, Path] = {}
    apart: list[Candidate] = []
    for candidate in candidates:
        gaps = candidate.gaps
        if candidate.lesson is not None and candidate.doc is not None:
            name = candidate.lesson.id
            other = first.setdefault(name, candidate.path)
            if other.resolve() != candidate.path.resolve():
                place = candidate.doc.values[("id",)]
                message = say(
                    "the lesson in {path} has the id `{id}` too; progress is kept by id: give each its own",
                    path=other,
                    id=name,
                )
                gaps = (LessonError(candidate.path, place.line + 1, place.column + 1, message), *gaps)
        apart.append(replace(candidate, gaps=gaps))
    return apart
