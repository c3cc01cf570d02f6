"""A new lesson's file: one step of each kind, with comments, proven as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from tutor.course.json_schema import FILE, schema_text
from tutor.translation import say

_TEMPLATE = Path(__file__).with_name("template.yaml")
_ID = re.compile(r"[a-z0-9-]+")


class DraftError(Exception):
    """The file cannot be written; the text is one sentence."""


def new_lesson(name: str, folder: Path) -> list[Path]:
    """Write the lesson `name`, and beside it the schema that its first line names; the files written.

    A file that is there already is left as it is: DraftError for the lesson's."""
    if not _ID.fullmatch(name):
        raise DraftError(
            say(
                "`{name}` is no id: use lower-case letters, digits and hyphens, as in `view-reshape`.",
                name=name,
            )
        )
    lesson, schema = folder / f"{name}.yaml", folder / FILE
    text = _TEMPLATE.read_text(encoding="utf-8").replace("new-lesson", name)
    text = text.replace("title: A new lesson", f"title: {_title(name)}")
    try:
        with lesson.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise DraftError(
            say("{path} is there already: choose another id, or another folder.", path=lesson)
        ) from None
    except OSError as error:
        raise DraftError(
            say("{path} cannot be written ({reason}).", path=lesson, reason=error.strerror)
        ) from None
    try:
        with schema.open("x", encoding="utf-8") as file:
            file.write(schema_text())
    except OSError:  # it is there, or an editor will do without
        return [lesson]
    return [lesson, schema]


def _title(name: str) -> str:
    words = name.replace("-", " ").strip().capitalize() or "A new lesson"
    return f'"{words}"'
