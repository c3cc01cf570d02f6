"""`torchtutor translate`: write a lesson's overlay, with a place for every text that is not translated."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from tutor.course.errors import LessonError
from tutor.course.loader import bundled_lessons, find_lesson, overlay_gaps, read_lesson, read_overlay
from tutor.course.overlay import overlay_path, skeleton, texts_of
from tutor.translation import say

STATUS_OK, STATUS_WRONG_USE = 0, 2


def translate(names: tuple[str, ...], language: str) -> int:
    """Write or refresh the overlays of the lessons `names`, or of all; the exit status."""
    status = STATUS_OK
    try:
        paths = [find_lesson(name) for name in names] or bundled_lessons()
    except LessonError as error:
        print(error, file=sys.stderr)
        return STATUS_WRONG_USE
    for path in paths:
        try:
            print(_refresh(path, language))
        except LessonError as error:
            print(error, file=sys.stderr)
            status = STATUS_WRONG_USE
    return status


def _refresh(path: Path, language: str) -> str:
    lesson, _ = read_lesson(path)
    entries, errors = read_overlay(path, language)
    if errors:  # what cannot be read would be lost
        raise errors[0]
    target = overlay_path(path, language)
    text = skeleton(lesson, entries, language, _head(target))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(target)
    except OSError as error:
        raise LessonError(
            target,
            0,
            0,
            say("cannot be written ({reason}); check its folder and permissions", reason=error.strerror),
        ) from None
    left = len(overlay_gaps(path, language))
    with contextlib.suppress(ValueError):
        target = target.relative_to(Path.cwd())
    count = len(texts_of(lesson))
    if not left:
        return say("{path}: {count} texts, none left to translate", path=target, count=count)
    return say("{path}: {count} texts, {left} left to translate", path=target, count=count, left=left)


def _head(path: Path) -> str:
    """Comments that stand above everything else."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    head: list[str] = []
    for line in lines:
        if not line.startswith("#"):
            break
        head.append(line)
    return "\n".join(head)
