"""From a file to a Lesson, or to a LessonError that says where the mistake is."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import msgspec

import tutor
from tutor.course import document, overlay
from tutor.course.document import Document, DocumentError, Place
from tutor.course.errors import LessonError
from tutor.course.schema import SCHEMA, Lesson, Version
from tutor.course.sense import Sense
from tutor.course.wording import sentence_for
from tutor.translation import say

__all__ = [
    "LessonError", "bundled_lessons", "by_track", "find_lesson", "load_lesson", "overlay_gaps",
    "read_lesson", "read_overlay", "readable_lessons",
]  # fmt: skip

MAX_BYTES = 256 * 1024

_COMPLAINT = re.compile(r"(?P<complaint>.*?)(?: - at `\$(?P<where>[^`]*)`)?\Z", re.DOTALL)
_PATH_PART = re.compile(r"\.(?P<key>\w+)|\[(?P<index>\d+)\]|(?P<some>\[\.\.\.\])")


def load_lesson(path: Path, language: str = "en") -> Lesson:
    """The lesson in the file at `path`; raises LessonError for whatever is wrong with it.

    In another language as far as it is translated: what is missing or stale there is English."""
    lesson = read_lesson(path)[0]
    if language == "en":
        return lesson
    return overlay.translate(lesson, read_overlay(path, language)[0])


def read_overlay(lesson: Path, language: str) -> tuple[overlay.Entries, list[LessonError]]:
    """The translations that belong to a lesson's file, and what is wrong with their own file."""
    path = overlay.overlay_path(lesson, language)
    if not path.exists():
        return {}, []
    try:
        return overlay.read_entries(path, _read_document(path), language)
    except LessonError as error:
        return {}, [error]


def overlay_gaps(path: Path, language: str) -> list[LessonError]:
    """Whatever of the lesson at `path` is not rightly translated."""
    lesson, doc = read_lesson(path)
    target = overlay.overlay_path(path, language)
    entries, errors = read_overlay(path, language)
    if errors and not entries:
        return errors  # nothing can be said of what it has
    return [*errors, *overlay.gaps(lesson, doc, path, entries, target, language)]


def read_lesson(path: Path) -> tuple[Lesson, Document]:
    """The lesson, and where everything of it stands in the file."""
    doc = _read_document(path)
    lesson = _convert(path, doc)
    Sense(doc, lesson, lambda place, message: _fail(path, place, message)).look()
    return lesson, doc


def bundled_lessons() -> list[Path]:
    """The lessons that came with torchtutor, in the order in which they are taught (`index.txt`)."""
    package = Path(tutor.__file__).parent
    installed = package / "_lessons"
    folder = installed if installed.is_dir() else package.parent / "lessons"
    try:
        order = {name: place for place, name in enumerate((folder / "index.txt").read_text().split())}
    except OSError:
        order = {}
    return sorted(folder.glob("*.yaml"), key=lambda path: (order.get(path.stem, len(order)), path.stem))


def is_bundled(path: Path) -> bool:
    """Whether the file at `path` is one of the lessons that came with torchtutor."""
    return path.resolve() in {each.resolve() for each in bundled_lessons()}


def by_track(language: str = "en") -> list[tuple[str, list[Lesson]]]:
    """The bundled lessons under their tracks, in the order in which they are taught."""
    tracks: dict[str, list[Lesson]] = {}
    for path in bundled_lessons():
        lesson = load_lesson(path, language)
        tracks.setdefault(lesson.track, []).append(lesson)
    return list(tracks.items())


def readable_lessons(language: str = "en") -> list[Lesson]:
    """The lessons that came with torchtutor, without those that cannot be read."""
    found: list[Lesson] = []
    for path in bundled_lessons():
        with suppress(LessonError):
            found.append(load_lesson(path, language))
    return found


def find_lesson(name_or_path: str) -> Path:
    """The file of a lesson given by its id, or by a path; raises LessonError where there is neither."""
    bundled = {path.stem: path for path in bundled_lessons()}
    if name_or_path in bundled:
        return bundled[name_or_path]
    path = Path(name_or_path)
    try:
        found = path.exists()
    except (OSError, ValueError):
        found = False
    if found:
        return path
    known = ", ".join(bundled) or say("none")
    raise LessonError(
        path, 0, 0, say("no lesson or file has this name; the lessons here are: {known}", known=known)
    )


def _fail(path: Path, place: Place, message: str) -> NoReturn:
    raise LessonError(path, place.line + 1, place.column + 1, message) from None


def _read_document(path: Path) -> Document:
    text = _read_text(path)
    try:
        return document.read(text)
    except DocumentError as error:
        _fail(path, error.place, error.message)


def _read_text(path: Path) -> str:
    start = Place(0, 0)
    try:
        if path.exists() and not path.is_file():
            _fail(path, start, say("this is not a file; give the path of a lesson's .yaml file"))
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = say("the file cannot be read ({reason}); check its path and permissions", reason=reason)
        _fail(path, start, message)
    if len(content) > MAX_BYTES:
        message = say("the file is larger than {size} KiB; a lesson is much smaller", size=MAX_BYTES // 1024)
        _fail(path, start, message)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        place = document.place_of(content[: error.start].decode(), error.start)
        message = say("byte 0x{byte:02x} is not UTF-8; save the file as UTF-8", byte=content[error.start])
        _fail(path, place, message)


def _convert(path: Path, doc: Document) -> Lesson:
    if isinstance(doc.data, dict):
        # Before all else: another schema may mean that every other complaint is beside the point.
        schema = doc.data.get("schema", SCHEMA)
        if type(schema) is int and schema != SCHEMA:
            message = say(
                "this version of torchtutor reads schema {known}, not {found}; use one that reads it",
                known=SCHEMA,
                found=schema,
            )
            _fail(path, doc.values[("schema",)], message)
    try:
        return msgspec.convert(doc.data, Lesson, strict=True)
    except msgspec.ValidationError as error:
        found = _COMPLAINT.match(str(error))
        assert found is not None
        where = _path(found["where"] or "", doc)
        sentence, key = sentence_for(found["complaint"], where, doc.data)
        place = doc.values[where] if key is None else doc.keys[(*where, key)]
        _fail(path, place, sentence)


def _path(where: str, doc: Document) -> document.Where:
    """msgspec's `.steps[0].kind` as a path; it ends early where the document has no such value."""
    path: document.Where = ()
    for part in _PATH_PART.finditer(where):
        key = part["key"] or (_bad_version(doc, path) if part["some"] else int(part["index"]))
        further = (*path, key)
        if further not in doc.values:
            break
        path = further
    return path


def _bad_version(doc: Document, path: document.Where) -> str:
    """msgspec writes `[...]` for "some key" of a dict, and `requires` is the one dict of a lesson."""
    for key, version in doc.data[path[0]].items():
        try:
            msgspec.convert(version, Version)
        except msgspec.ValidationError:
            return str(key)
    return ""
